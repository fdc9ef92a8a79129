package tui

import (
	"context"
	"reflect"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// ApplyOptions say what is applied.
type ApplyOptions struct {
	// Plan is the plan that was shown. It is called when the page comes on.
	Plan func() plan.Plan
	// Apply makes the changes as plan.Apply does: what is in place already it passes over, so that called again it goes on
	// where it stopped. It is called in a goroutine of the page's. The end of its ctx stops it between two changes; only a
	// change that hangs is broken off. Nil: the page undoes when it comes on.
	Apply func(ctx context.Context, told func(plan.Progress)) error
	// Past is what Undo puts back, from the journal: it is asked in the same goroutine when an application or an undo has
	// ended. Nil where nothing can be undone.
	Past func() ([]plan.Past, error)
	// Undo puts all of that back as plan.Undo does, the last first. Its ctx is as that of Apply.
	Undo func(ctx context.Context, all []plan.Past, told func(plan.Undoing)) error
	// Save writes the answers as a file before anything is touched, so that there is one to go on with wherever it stops;
	// nil where nothing is to be written.
	Save func() error
	// Later is the command that goes on where this stopped: "mcpwiz setup -f mcpwiz.yaml", or where it stopped undoing. Nil
	// where there is none.
	Later func(undoing bool) string
	// Next is what Enter leads to when all is in place: "prove it"; "next" where it is empty.
	Next string
	// Back is where esc leads; nil is the page before.
	Back tea.Msg
}

// An ApplyPage applies a plan when it comes on: a row for each resource, that changes its mark and word alone. "proved" is
// what was read again and compared. What it has made it undoes when told to, upwards through the same rows.
type ApplyPage struct {
	o    ApplyOptions
	t    *Theme
	ctx  context.Context
	plan plan.Plan
	rows []applyRow
	run  *applying
	over bool
	err  error
	spin int
	// past is what can be undone; asking: somebody is asked whether it shall be.
	past   []plan.Past
	asking bool
	// hand is the row that was told of last.
	hand int
	// top is the first line in sight of what stopped it.
	top           int
	width, height int
}

// An applyRow is how far a resource is.
type applyRow struct {
	change plan.Change
	state  applyState
	// touched: this page has begun the change. gone: there was nothing left to undo.
	touched, gone bool
	err           error
}

type applyState int

const (
	applyWaiting applyState = iota
	applyDone
	applyFailed
	applyUndone
	applyLeft // undoing it failed
)

var _ Page = (*ApplyPage)(nil)

// NewApply returns the page.
func NewApply(o ApplyOptions) *ApplyPage {
	return &ApplyPage{o: o, t: NewTheme(Look{}), ctx: context.Background()}
}

func (p *ApplyPage) Name() string { return "apply" }
func (p *ApplyPage) Typing() bool { return false }

// Enter applies the plan, unless just this one was applied to its end before.
func (p *ApplyPage) Enter(ctx context.Context, t *Theme) tea.Cmd {
	p.ctx, p.t, p.asking = ctx, t, false
	planned := p.o.Plan()
	switch {
	case p.Working():
		return nil
	case p.over && p.err == nil && !p.run.undoes && reflect.DeepEqual(planned, p.plan):
		return nil
	}
	p.plan, p.rows = planned, nil
	for _, c := range planned.Changes {
		p.rows = append(p.rows, applyRow{change: c})
	}
	if p.o.Apply == nil {
		return p.undo()
	}
	return p.apply()
}

// Working reports whether changes are being made or undone. It is for the goroutine of the pages, and for after they ended.
func (p *ApplyPage) Working() bool { return p.run != nil && !p.over }

// Result waits until a change that is under way is finished, and says why not all of the plan is in place, or not all undone
// that was to be: nil where it is, and where nothing was applied. It is for after the pages ended.
func (p *ApplyPage) Result() error {
	if p.run == nil {
		return nil
	}
	<-p.run.done
	return p.run.err
}

// Undoes reports whether what it did last was to undo.
func (p *ApplyPage) Undoes() bool { return p.run != nil && p.run.undoes }

// Update takes in what is told of the changes.
func (p *ApplyPage) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height = m.Width, m.Height
		p.scroll(0)
	case tickMsg:
		if p.Working() && m.id == p.run.id {
			p.spin++
			return tick(m.id)
		}
	case appliedMsg:
		if p.run == nil || m.id != p.run.id {
			return nil
		}
		for _, at := range m.steps {
			p.take(at)
		}
		return p.run.next()
	case applyEndMsg:
		if p.run != nil && m.id == p.run.id {
			return p.ended()
		}
	case tea.KeyMsg:
		return p.key(m)
	}
	return nil
}

// take notes how far one change is. What is in place without having been touched here was so before.
func (p *ApplyPage) take(at applyStep) {
	if at.row < 0 || at.row >= len(p.rows) {
		return
	}
	r := &p.rows[at.row]
	p.hand = at.row
	switch {
	case !at.done && !p.run.undoes:
		r.touched = true
	case !at.done:
	case at.err != nil && p.run.undoes:
		r.state, r.err = applyLeft, at.err
	case at.err != nil:
		r.state, r.err = applyFailed, at.err
	case p.run.undoes:
		r.state, r.err, r.gone = applyUndone, nil, at.gone
	default:
		r.state, r.err = applyDone, nil
	}
}

// at is the row at hand: the first that is not in place, and the number of rows when all are; of an undo the one told of last.
func (p *ApplyPage) at() int {
	if p.Undoes() {
		return p.hand
	}
	for i := range p.rows {
		if p.rows[i].state != applyDone {
			return i
		}
	}
	return len(p.rows)
}

func (p *ApplyPage) count(s applyState) int {
	n := 0
	for i := range p.rows {
		if p.rows[i].state == s {
			n++
		}
	}
	return n
}
