package wizard

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/tui"
)

// pause is how long nobody must type before an answer is looked up.
const pause = 350 * time.Millisecond

// A live check looks up what stands in the fields. Every change begins a new generation: the lookup under way is cancelled,
// and what it says is not heard.
type live struct {
	gen     int
	state   liveState
	cancel  context.CancelFunc
	lookup  *lookup
	verdict Verdict
	spin    int
	// wish: Enter came before the answer, and goes on when it is good.
	wish bool
}

type liveState int

const (
	idle    liveState = iota // nothing to look up, or not before Enter
	waiting                  // somebody types
	asking
	told
)

// Messages of a live check, of one generation on one page.
type (
	pausedMsg struct {
		of  *page
		gen int
	}
	spinMsg struct {
		of  *page
		gen int
	}
	verdictMsg struct {
		of      *page
		gen     int
		verdict Verdict
	}
)

// about takes note of what is to be looked up now; nil for nothing.
func (p *page) about(l *lookup) tea.Cmd {
	c := &p.live
	if l == nil && c.lookup == nil || l != nil && c.lookup != nil && l.of == c.lookup.of {
		return nil
	}
	p.forget()
	c.lookup = l
	if l == nil || l.atEnter {
		return nil
	}
	c.state = waiting
	gen := c.gen
	return tea.Tick(pause, func(time.Time) tea.Msg { return pausedMsg{p, gen} })
}

// forget drops what was looked up, and what is being.
func (p *page) forget() {
	c := &p.live
	if c.cancel != nil {
		c.cancel()
	}
	*c = live{gen: c.gen + 1}
}

// ask begins the lookup.
func (p *page) ask() tea.Cmd {
	c := &p.live
	l, wish := c.lookup, c.wish
	p.forget()
	ctx, cancel := context.WithCancel(p.ctx)
	c.lookup, c.wish, c.state, c.cancel = l, wish, asking, cancel
	gen := c.gen
	return tea.Batch(p.turn(), func() tea.Msg {
		defer cancel()
		return verdictMsg{p, gen, l.run(ctx)}
	})
}

func (p *page) turn() tea.Cmd {
	gen := p.live.gen
	return tea.Tick(tui.SpinnerEvery, func(time.Time) tea.Msg { return spinMsg{p, gen} })
}

// answered hears a verdict. A warning is to be read first: it takes back an Enter that came before it.
func (p *page) answered(m verdictMsg) tea.Cmd {
	c := &p.live
	if m.gen != c.gen || c.state != asking {
		return nil
	}
	c.state, c.verdict = told, m.verdict
	if p.form != nil {
		p.form.whole = true
	}
	goOn := c.wish && c.verdict.OK && !c.verdict.Warn
	c.wish = false
	if goOn {
		return p.complete()
	}
	if c.refusesFirst() && p.form != nil {
		p.form.focus(0)
	}
	return nil
}

// refusesFirst reports whether the first answer was refused: letters that correct it belong there.
func (c *live) refusesFirst() bool {
	return c.state == told && c.lookup.first && c.verdict.outcome() == probe.Failed
}
