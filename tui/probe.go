package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// ProbeOptions say what the live probe shows.
type ProbeOptions struct {
	Target string
	// Clients is what a goes through; the first is taken first.
	Clients []ProbeClient
	// SignIns is in which ways the user may sign in, in a word or two ("test user", "browser"): b goes through them. With
	// fewer than two b does nothing.
	SignIns []string
	// Run makes one handshake, in a goroutine and on a channel of the page's. When ctx ends it cleans up and returns.
	Run func(ctx context.Context, as ProbeRun, sink probe.Sink) (probe.Summary, error)
	// Checks is the catalogue, for the order of pips.
	Checks []*probe.Check
	// Clock is time.Now where it is nil.
	Clock func() time.Time
	// Next is what c leads to, the page after this: "what to type"; "" where nothing follows.
	Next string
	// Mend is where f leads when a resource of ours would mend a finding, that names it; nil where nothing can be mended.
	Mend func(probe.Finding) tea.Msg
}

// A ProbeClient is one as which a handshake can be made.
type ProbeClient struct {
	Profile, Title string
	// Machine: it signs in by itself, without a user.
	Machine bool
}

// A ProbeRun is one handshake to be made.
type ProbeRun struct {
	// Client is a Profile of Clients, SignIn one of SignIns; "" where there is none, and for a machine.
	Client, SignIn string
	// Told takes talk for the user, a line each, while it runs: nothing else may write to the terminal. Any goroutine may
	// call it.
	Told func(line string)
	// Paste waits for what the user pastes into the terminal.
	Paste func(ctx context.Context) (string, error)
}

// A Probe is the live probe: a rail with a panel for each stage, lanes with the exchange that tells, and the card of what
// is to be mended first. Enter opens a stage: its findings, and its exchanges as sent and received.
type Probe struct {
	o      ProbeOptions
	t      *Theme
	ctx    context.Context
	run    *run
	all    []*run
	client int
	signIn int
	spin   int
	now    time.Time
	cursor int // a stage, -1 for none
	chosen bool
	opened bool
	top    int
	width  int
	height int
	known  *catalogue
	seen   *seen
	rows   []cachedRow
	doc    document
	// proves is what the handshake is to prove; nil for nothing in particular. unsure: what it was made with has changed since.
	proves *proof
	unsure bool
}

var _ FullScreen = (*Probe)(nil)

// NewProbe returns the page. It runs a handshake when it comes on for the first time.
func NewProbe(o ProbeOptions) *Probe {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	known := newCatalogue(o.Checks)
	return &Probe{
		o: o, t: NewTheme(Look{}), ctx: context.Background(), cursor: -1, known: known, seen: newSeen(known),
		rows: make([]cachedRow, len(probe.Stages)),
	}
}

func (p *Probe) Name() string     { return "probe" }
func (p *Probe) FullScreen() bool { return true }
func (p *Probe) Typing() bool     { return false }

// Enter runs a handshake, unless one was made to its end before and holds still.
func (p *Probe) Enter(ctx context.Context, t *Theme) tea.Cmd {
	p.ctx, p.t = ctx, t
	p.redraw()
	if p.run != nil && p.seen.over && !p.unsure {
		return nil
	}
	return p.start()
}

// Result is what the last handshake came to and all that was told of it. It waits until every handshake of the page has
// cleaned up: those that have not ended must have been left.
func (p *Probe) Result() (probe.Summary, []probe.Event) {
	for _, r := range p.all {
		<-r.done
	}
	if p.run == nil {
		return probe.Summary{}, nil
	}
	for e := range p.run.ch {
		p.seen.take(e)
	}
	for _, e := range p.run.late {
		p.seen.take(e)
	}
	p.run.late = nil
	return p.run.sum, p.seen.events
}

// Err is why the last handshake could not begin or was broken off, nil where it was not.
func (p *Probe) Err() error {
	if p.run == nil {
		return nil
	}
	<-p.run.done
	return p.run.err
}
