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
	// change that hangs is broken off.
	Apply func(ctx context.Context, told func(plan.Progress)) error
	// Save writes the answers as a file before anything is touched, so that there is one to go on with wherever it stops;
	// nil where nothing is to be written.
	Save func() error
	// Later is the command that goes on where this stopped: "mcpwiz setup -f mcpwiz.yaml". Nil where there is none.
	Later func() string
}

// An ApplyPage applies a plan when it comes on: a row for each resource, that changes its mark and word alone. "proved" is
// what was read again and compared.
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
	// top is the first line in sight of what stopped it.
	top           int
	width, height int
}

// An applyRow is how far a resource is.
type applyRow struct {
	state applyState
	// touched: this page has begun the change.
	touched bool
	err     error
}

type applyState int

const (
	applyWaiting applyState = iota
	applyDone
	applyFailed
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
	p.ctx, p.t = ctx, t
	planned := p.o.Plan()
	switch {
	case p.Working():
		return nil
	case p.over && p.err == nil && reflect.DeepEqual(planned, p.plan):
		return nil
	}
	p.plan, p.rows = planned, make([]applyRow, len(planned.Changes))
	return p.start()
}

// Working reports whether changes are being made. It is for the goroutine of the pages, and for after they ended.
func (p *ApplyPage) Working() bool { return p.run != nil && !p.over }

// Result waits until a change that is under way is finished, and says why not all of the plan is in place: nil where it is,
// and where nothing was applied. It is for after the pages ended.
func (p *ApplyPage) Result() error {
	if p.run == nil {
		return nil
	}
	<-p.run.done
	return p.run.err
}

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
		for _, at := range m.progress {
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
func (p *ApplyPage) take(at plan.Progress) {
	if at.Index < 0 || at.Index >= len(p.rows) {
		return
	}
	r := &p.rows[at.Index]
	switch {
	case !at.Done:
		r.touched = true
	case at.Err != nil:
		r.state, r.err = applyFailed, at.Err
	default:
		r.state, r.err = applyDone, nil
	}
}

// at is the first resource that is not in place; the number of rows when all are.
func (p *ApplyPage) at() int {
	for i := range p.rows {
		if p.rows[i].state != applyDone {
			return i
		}
	}
	return len(p.rows)
}

func (p *ApplyPage) inPlace() int {
	n := 0
	for i := range p.rows {
		if p.rows[i].state == applyDone {
			n++
		}
	}
	return n
}

// key: while changes are made the only key is the app's own ctrl+c.
func (p *ApplyPage) key(m tea.KeyMsg) tea.Cmd {
	switch {
	case p.Working():
	case KeyEnter.Is(m) && p.err == nil:
		return Go(Next{})
	case keyAgain.Is(m) && p.err != nil:
		return p.start()
	case KeyDown.Is(m):
		p.scroll(1)
	case KeyUp.Is(m):
		p.scroll(-1)
	case KeyEsc.Is(m):
		return Go(Back{})
	case KeyLeave.Is(m):
		return Go(Leave{p.err})
	}
	return nil
}

// Keys are for the footer.
func (p *ApplyPage) Keys() []Key {
	switch {
	case p.Working():
		return []Key{keyCtrlC.Doing("stops after this one")}
	case p.err != nil:
		keys := []Key{keyAgain.Doing("retry"), KeyEsc.Doing("plan"), KeyLeave}
		if len(p.card(p.width)) > cardRoom(len(p.rows), p.height) {
			keys = append(keys, keyScroll)
		}
		return keys
	}
	return []Key{KeyEnter.Doing("next"), KeyEsc.Doing("back"), KeyLeave}
}

const applyHelp = `The plan is applied, one resource after the other. Each is looked at once more right before, written to the journal before it is touched, and read again and compared afterwards: then it is proved.
Where one is refused all stops. What is in place stays; r goes on where it stopped, also after you put right what was wrong. If the world is no longer what the plan saw, go back and look at a new one.
ctrl+c stops after the change that is under way: it is finished first.
mcpwiz.yaml is written before anything is touched, secrets are kept in mcpwiz.secrets.yaml, and what was changed is in .mcpwiz/journal.jsonl beside it.
The same without pages: mcpwiz setup -f mcpwiz.yaml
`

// Help tells of the page and its files.
func (p *ApplyPage) Help() string { return applyHelp }
