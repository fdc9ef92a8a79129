package tui

import (
	"context"
	"errors"
	"reflect"

	tea "github.com/charmbracelet/bubbletea"
)

// ErrLeft says that the user left with ctrl+c, or a signal asked the program to end.
var ErrLeft = errors.New("left before the end")

// An App leads through pages: it draws the row of pages, help and the footer, asks once before it leaves, and hands
// everything else to the page at hand.
type App struct {
	t     *Theme
	pages []Page
	leave func() string

	at     int
	visit  int
	cancel context.CancelFunc
	ctx    context.Context

	width, height int
	asking        bool
	help          *help
	err           error
	done          bool
}

var _ tea.Model = (*App)(nil)

// NewApp returns an app that begins with the first page. leave tells in a sentence what becomes of what was done, when the
// user wants to leave: "Answers are kept."; nil leaves without asking.
func NewApp(t *Theme, pages []Page, leave func() string) *App {
	return &App{t: t, pages: pages, leave: leave, ctx: context.Background(), cancel: func() {}}
}

// Under is the context that those of the pages are made from; Run calls it.
func (a *App) Under(ctx context.Context) { a.ctx = ctx }

// Err is why the app ended: nil when a page left well, ErrLeft for ctrl+c, else what the page said.
func (a *App) Err() error { return a.err }

// At is the page at hand.
func (a *App) At() Page { return a.pages[a.at] }

// Init enters the first page.
func (a *App) Init() tea.Cmd { return a.enter(0) }

// Close ends what the page at hand has under way.
func (a *App) Close() { a.cancel() }

// Update hands messages to the page at hand, after those that are the app's own.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		a.width, a.height = m.Width, m.Height
		return a, a.toPage(a.area())
	case going:
		if m.visit != a.visit || a.done {
			return a, nil
		}
		return a, a.goes(m.to)
	case tea.KeyMsg:
		if cmd, taken := a.key(m); taken {
			return a, cmd
		}
	}
	return a, a.toPage(msg)
}

// key takes the keys that are the same on every page.
func (a *App) key(m tea.KeyMsg) (tea.Cmd, bool) {
	page := a.At()
	switch {
	case a.done:
		return nil, true
	case keyCtrlC.Is(m) && (a.asking || a.leave == nil), a.asking && !m.Paste && m.String() == "y":
		return a.end(ErrLeft), true
	case keyCtrlC.Is(m):
		a.asking = true
		return nil, true
	case a.asking:
		a.asking = false
		return nil, true
	case a.help != nil:
		if a.help.key(m, a.t, a.area()) {
			a.help = nil
		}
		return nil, true
	case keyHelpF1.Is(m), keyHelp.Is(m) && !page.Typing():
		a.help = newHelp(page)
		return nil, true
	case keyTurn.Is(m) && !page.Typing():
		*a.t = *a.t.turned()
		return a.toPage(Restyled{}), true
	}
	return nil, false
}

func (a *App) toPage(msg tea.Msg) tea.Cmd { return a.mine(a.At().Update(msg)) }

// goes does what a page asked for.
func (a *App) goes(to tea.Msg) tea.Cmd {
	switch to := to.(type) {
	case Next:
		if a.at+1 < len(a.pages) {
			return a.enter(a.at + 1)
		}
	case Back:
		if a.at > 0 {
			return a.enter(a.at - 1)
		}
	case Goto:
		for i, p := range a.pages {
			if p.Name() == to.Name {
				return a.enter(i)
			}
		}
	case Leave:
		return a.end(to.Err)
	}
	return nil
}

func (a *App) enter(i int) tea.Cmd {
	a.cancel()
	a.at, a.help, a.asking = i, nil, false
	a.visit++
	ctx, cancel := context.WithCancel(a.ctx)
	a.cancel = cancel
	cmd := a.mine(a.At().Enter(ctx, a.t))
	if a.width == 0 {
		return cmd
	}
	return tea.Batch(cmd, a.toPage(a.area()))
}

func (a *App) end(err error) tea.Cmd {
	a.done, a.err = true, err
	a.cancel()
	return tea.Quit
}

// going is a message of a page to go on, with the visit that it was meant for.
type going struct {
	visit int
	to    tea.Msg
}

// mine marks what a page's Cmd says about going on with the visit.
func (a *App) mine(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	visit := a.visit
	return func() tea.Msg { return marked(cmd(), visit) }
}

func marked(msg tea.Msg, visit int) tea.Msg {
	switch msg := msg.(type) {
	case Next, Back, Leave, Goto:
		return going{visit, msg}
	case tea.BatchMsg:
		return tea.BatchMsg(markedAll(msg, visit))
	}
	if cmds, ok := cmdsOf(msg); ok {
		return tea.Sequence(markedAll(cmds, visit)...)()
	}
	return msg
}

// cmdsOf takes a batch or a sequence apart. What tea.Sequence makes has no name outside bubbletea.
func cmdsOf(msg tea.Msg) ([]tea.Cmd, bool) {
	v := reflect.ValueOf(msg)
	if !v.IsValid() || v.Kind() != reflect.Slice || !v.CanConvert(reflect.TypeFor[[]tea.Cmd]()) {
		return nil, false
	}
	cmds, ok := v.Convert(reflect.TypeFor[[]tea.Cmd]()).Interface().([]tea.Cmd)
	return cmds, ok
}

func markedAll(cmds []tea.Cmd, visit int) []tea.Cmd {
	all := make([]tea.Cmd, 0, len(cmds))
	for _, cmd := range cmds {
		if cmd != nil {
			all = append(all, func() tea.Msg { return marked(cmd(), visit) })
		}
	}
	return all
}
