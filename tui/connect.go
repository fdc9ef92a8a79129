package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// ConnectOptions say what is to be typed into the client, and where its coming is heard.
type ConnectOptions struct {
	// Values is what to type, Where says where to click, Page is the address that o opens: "" for none. They are called in
	// a goroutine when the page comes on.
	Values func() []Value
	Where  func() string
	Page   func() string
	// Watch tells of the clients that come: of all that the witness remembers, then as they come. Nil hears nobody.
	Watch func(context.Context) <-chan probe.Event
	// Carrier tells how a tunnel beside the server stands, then every change, until the context ends; of none it tells nothing. Nil
	// is as none.
	Carrier func(context.Context) <-chan Carrier
	// Since is from when on what is heard belongs here: the live probe is a client too, and was heard before. Nil is when
	// the page came on for the first time.
	Since func() time.Time
	Open  func(url string) error
	// Copy sends to the clipboard, through the program's own writer (see Terminal.Copy).
	Copy func(string) error
	// Clock is time.Now where it is nil; times are told in its zone.
	Clock func() time.Time
}

// A ConnectPage shows what to type into the client, and then the client as it comes, exchange by exchange, judged as it
// goes. It waits without a spinner: somebody may take a day to come.
type ConnectPage struct {
	o     ConnectOptions
	t     *Theme
	ctx   context.Context
	id    int
	ch    <-chan probe.Event
	begun time.Time
	ended bool

	values  values
	carrier *Carrier
	carries <-chan Carrier
	where   string
	page    string
	openErr error

	line *timeline
	// cursor is a value, else a row of the timeline behind them. top is the first row of the timeline in sight.
	cursor, top   int
	opened        *arrival
	doc           []string
	docTop        int
	width, height int
}

// Messages of what was asked for outside.
type (
	typedMsg struct {
		id          int
		values      []Value
		where, page string
	}
	watchedMsg struct {
		id int
		ch <-chan probe.Event
	}
	copiedMsg struct {
		id, value int
		err       error
	}
	browsedMsg struct {
		id  int
		err error
	}
)

var _ Page = (*ConnectPage)(nil)

// NewConnect returns the page.
func NewConnect(o ConnectOptions) *ConnectPage {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	p := &ConnectPage{o: o, t: NewTheme(Look{}), ctx: context.Background(), line: newTimeline(time.Time{})}
	p.values.sent = -1
	return p
}

func (p *ConnectPage) Name() string { return "connect" }
func (p *ConnectPage) Typing() bool { return false }

// Connected are the names of the clients that came as far as the tools.
func (p *ConnectPage) Connected() []string { return p.line.connected() }

// Enter hears again all that the witness remembers.
func (p *ConnectPage) Enter(ctx context.Context, t *Theme) tea.Cmd {
	p.ctx, p.t, p.id, p.ch, p.ended = ctx, t, NewID(), nil, false
	p.values = values{all: p.values.all, sent: -1}
	p.opened, p.openErr, p.cursor, p.top = nil, nil, 0, 0
	p.carrier, p.carries = nil, nil
	if p.begun.IsZero() {
		p.begun = p.o.Clock()
	}
	since := p.begun
	if p.o.Since != nil {
		since = p.o.Since()
	}
	p.line = newTimeline(since)
	return tea.Batch(p.ask(), p.watch(), p.watchCarrier())
}

// ask brings what is to be typed.
func (p *ConnectPage) ask() tea.Cmd {
	id, o := p.id, p.o
	return func() tea.Msg {
		m := typedMsg{id: id, values: o.Values()}
		if o.Where != nil {
			m.where = o.Where()
		}
		if o.Page != nil {
			m.page = o.Page()
		}
		return m
	}
}

func (p *ConnectPage) watch() tea.Cmd {
	if p.o.Watch == nil {
		return nil
	}
	id, ctx, watch := p.id, p.ctx, p.o.Watch
	return func() tea.Msg { return watchedMsg{id, watch(ctx)} }
}

// Update takes events in and moves about.
func (p *ConnectPage) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height, p.doc = m.Width, m.Height, nil
		p.reveal()
	case Restyled:
		p.doc = nil
	case typedMsg:
		if m.id == p.id {
			p.values.all, p.where, p.page = m.values, Plain(m.where), m.page
			p.reveal()
		}
	case watchedMsg:
		if m.id == p.id {
			p.ch = m.ch
			return NextEvents(p.id, p.ch)
		}
	case EventsMsg:
		if m.ID == p.id && p.ch != nil {
			p.take(m.Events)
			return NextEvents(p.id, p.ch)
		}
	case EventsEnd:
		p.ended = p.ended || m.ID == p.id
	case carrierFound:
		if m.id == p.id {
			p.carries = m.ch
			return nextCarrier(p.id, p.carries)
		}
	case carrierMsg:
		if m.id == p.id && p.carries != nil {
			p.carrier = &m.now
			p.reveal()
			return nextCarrier(p.id, p.carries)
		}
	case copiedMsg:
		if m.id == p.id {
			p.values.sent, p.values.failed = m.value, m.err != nil
		}
	case browsedMsg:
		if m.id == p.id {
			p.openErr = m.err
		}
	case tea.KeyMsg:
		return p.key(m)
	}
	return nil
}

// take takes a batch in. Who looks at the newest goes on doing so; who looks at a row stays there.
func (p *ConnectPage) take(batch Events) {
	gone := p.line.take(batch)
	if p.inTimeline() {
		p.cursor = max(p.cursor-gone, len(p.values.all))
		p.top = max(p.top-gone, 0)
	}
	if p.opened != nil {
		p.doc = nil
	}
	p.reveal()
}

func (p *ConnectPage) inTimeline() bool { return p.cursor >= len(p.values.all) && len(p.line.rows) > 0 }
