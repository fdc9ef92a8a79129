package wizard

import (
	"context"
	"strings"

	"github.com/charmbracelet/bubbles/cursor"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/tui"
)

// A page asks the questions of a topic, a form for each step, with a note below that never moves.
type page struct {
	w     *Walk
	topic topic
	t     *tui.Theme
	ctx   context.Context

	at   int
	step step
	form *form
	live live
	// wrong is what was wrong with an answer when Enter was pressed, until a key is pressed again.
	wrong         string
	width, height int
}

var _ tui.Page = (*page)(nil)

func (w *Walk) page(t topic) *page {
	return &page{w: w, topic: t, t: tui.NewTheme(tui.Look{}), ctx: context.Background()}
}

func (p *page) Name() string { return p.topic.name }
func (p *page) Help() string { return p.topic.helpText() }
func (p *page) Typing() bool { return p.form != nil && p.form.text() }

// Enter asks where the page was left; what was looked up then is looked up again.
func (p *page) Enter(ctx context.Context, t *tui.Theme) tea.Cmd {
	p.ctx, p.t = ctx, t
	p.w.job = job{}
	p.forget()
	return p.show(min(p.at, len(p.topic.steps())-1), 0)
}

// show shows a step, with the focus on one of its questions.
func (p *page) show(at, question int) tea.Cmd {
	p.at, p.wrong = at, ""
	p.step = p.topic.steps()[at]
	p.build(question)
	return p.look()
}

// build draws the form anew; what is in its fields is the draft's.
func (p *page) build(question int) {
	if p.width > 0 {
		p.form = newForm(p.t, p.step, question, p.width, p.formRows())
	}
}

// look looks up the answers, once all are well formed.
func (p *page) look() tea.Cmd {
	var l *lookup
	if at, _ := p.w.firstProblem(p.step); at < 0 && p.step.live != nil {
		l = p.step.live()
	}
	return p.about(l)
}

func (p *page) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height = m.Width, m.Height
		p.build(p.focused())
	case tui.Restyled:
		p.build(p.focused())
	case pausedMsg:
		if m.of == p && m.gen == p.live.gen && p.live.state == waiting {
			return p.ask()
		}
	case spinMsg:
		if m.of == p && m.gen == p.live.gen && p.live.state == asking {
			p.live.spin++
			return p.turn()
		}
	case verdictMsg:
		if m.of == p {
			return p.answered(m)
		}
	case cursor.BlinkMsg: // nothing blinks
	case tea.KeyMsg:
		return p.key(m)
	default:
		if p.form != nil {
			return p.form.update(msg)
		}
	}
	return nil
}

func (p *page) focused() int {
	if p.form == nil {
		return 0
	}
	return p.form.at
}

var (
	keyNext = tui.Key{Keys: []string{"enter", "tab"}, Show: "enter", Does: "next"}
	keyPrev = tui.Key{Keys: []string{"shift+tab"}, Show: "shift+tab", Does: "up"}
)

func (p *page) key(m tea.KeyMsg) tea.Cmd {
	if p.form == nil {
		return nil
	}
	if m.Type == tea.KeyRunes && len(m.Runes) > 1 {
		m.Paste = true // letters that came at once may spell a key's name: "right"
	}
	p.wrong = ""
	if !keyNext.Is(m) {
		p.live.wish = false
	}
	switch {
	case keyNext.Is(m) && !p.form.last():
		return p.next()
	case keyNext.Is(m):
		return p.enter()
	case keyPrev.Is(m) && p.form.at > 0:
		p.form.focus(p.form.at - 1)
		return nil
	case keyPrev.Is(m), tui.KeyEsc.Is(m):
		return p.back()
	}
	p.form.afresh(p.step.questions[p.form.at], m)
	cmd := p.form.update(m)
	return tea.Batch(cmd, p.look())
}

// next goes to the next question, if this one is answered well. What was refused is looked up again.
func (p *page) next() tea.Cmd {
	q := p.step.questions[p.form.at]
	if p.wrong = p.w.problem(q); p.wrong != "" {
		return nil
	}
	if p.form.at == 0 && p.live.refusesFirst() {
		return p.ask()
	}
	if q.follows == nil {
		p.form.focus(p.form.at + 1)
		return nil
	}
	q.follows()
	p.build(p.form.at + 1)
	return p.look()
}

// enter goes on when every answer is well formed and what is looked up allows it; it waits for that. What was refused is
// looked up again: it may have been put right.
func (p *page) enter() tea.Cmd {
	at, text := p.w.firstProblem(p.step)
	if at >= 0 {
		p.form.focus(at)
		p.wrong = text
		return nil
	}
	c := &p.live
	switch {
	case c.lookup == nil, c.state == told && (c.verdict.OK || c.verdict.Warn):
		return p.complete()
	case c.state == asking:
		c.wish = true
		return nil
	}
	c.wish = true
	return p.ask()
}

// complete settles the step and goes on.
func (p *page) complete() tea.Cmd {
	if p.step.done != nil {
		p.step.done()
	}
	p.w.settle()
	p.forget()
	if to := p.w.answered(p); to != nil {
		return tui.Go(to)
	}
	if at := p.at + 1; at < len(p.topic.steps()) {
		return p.show(at, 0)
	}
	return tui.Go(tui.Next{})
}

func (p *page) back() tea.Cmd {
	p.forget()
	if p.at > 0 {
		return p.show(p.at-1, 0)
	}
	return tui.Go(tui.Back{})
}

func (p *page) Keys() []tui.Key {
	keys := []tui.Key{keyNext, keyPrev, tui.KeyEsc, {Keys: []string{"ctrl+c"}, Show: "ctrl+c", Does: "leave"}}
	if p.form == nil || p.form.text() {
		return keys
	}
	choose := tui.Key{Keys: []string{"up", "down"}, Show: "↑↓", Does: "choose"}
	if p.step.questions[p.form.at].many != nil {
		return append([]tui.Key{keyNext, tui.KeySpace.Doing("choose"), {Keys: choose.Keys, Show: choose.Show, Does: "move"}}, keys[1:]...)
	}
	return append([]tui.Key{keyNext, choose}, keys[1:]...)
}

// noteRows is how high the note is; in a low window one line has to do.
func (p *page) noteRows() int {
	if p.height < 10 {
		return 1
	}
	return 2
}

// headRows is a blank line above the questions, where there is room for it.
func (p *page) headRows() int {
	if p.height < 16 {
		return 0
	}
	return 1
}

func (p *page) formRows() int { return max(p.height-p.headRows()-p.noteRows()-1, 1) }

func (p *page) View(width, height int) string {
	rows := make([]string, p.headRows(), height)
	body := ""
	if p.form != nil {
		body = p.form.view()
	}
	lines := strings.Split(body, "\n")
	for i := range p.formRows() {
		line := ""
		if i < len(lines) {
			line = p.t.Cut(strings.TrimRight(lines[i], " "), width-1)
		}
		rows = append(rows, line)
	}
	rows = append(rows, p.note(width)...)
	return tui.Lines(append(rows, p.t.Rule("", width)), height)
}

// note says what is wrong, else what is being looked up or what came of it, else what is good to know.
func (p *page) note(width int) []string {
	mark, text := "", ""
	switch c := &p.live; {
	case p.wrong != "":
		mark, text = p.t.Mark(probe.Failed), p.wrong
	case c.state == asking:
		mark, text = p.t.Spinner(c.spin), c.lookup.asking
	case c.state == told:
		mark, text = p.t.Mark(c.verdict.outcome()), c.verdict.Note
	case c.state == idle && p.step.info != nil:
		text = p.step.info()
	}
	rows := make([]string, p.noteRows())
	indent := "   "
	if mark == "" {
		indent = " "
	}
	for i, line := range tui.Wrap(tui.Plain(text), width-1-len(indent)) {
		if i == len(rows) {
			rows[i-1] = p.t.Cut(rows[i-1]+" "+line, width-1)
			break
		}
		if mark == "" {
			line = p.t.Dim.Render(line)
		}
		rows[i] = indent + line
		if mark != "" && i == 0 {
			rows[i] = " " + mark + " " + line
		}
	}
	return rows
}
