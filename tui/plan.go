package tui

import (
	"context"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// PlanOptions say what the page of the plan shows.
type PlanOptions struct {
	// Look makes the plan and touches nothing. It is called in a goroutine, each time the page comes on.
	Look func(context.Context) (plan.Plan, error)
	// May asks what the account may do of a plan, in a sentence; nil asks nothing. A plan of which it may not do all is not gone
	// on with. It is called after Look, in the same goroutine.
	May func(context.Context, plan.Plan) (Permission, error)
	// Title is what is looked at: "Keycloak at https://id.example.com". It is called when Look is.
	Title func() string
	// Save writes the answers as a file and says where; nil where nothing is to be written.
	Save func() (path string, err error)
	// Rename gives a resource another name in the answers; nil where no name can be changed.
	Rename func(resource, name string)
	// Last: nothing is applied after this page, and Enter leaves.
	Last bool
	// Does is what Enter does: "undo"; "apply" where it is empty. Nothing is what is said of a plan without a change, and
	// Without where Enter leads then; nil is the next page.
	Does, Nothing string
	Without       tea.Msg
	// Back is where esc leads; nil is the page before.
	Back tea.Msg
}

// A Permission is what an account may do of a plan: "admin may do all 8 steps". "" is nothing to say.
type Permission struct {
	Text string
	// Short: it may not do all of it.
	Short bool
}

// A PlanPage shows what would change as a diff by resource, before anything is touched. A plan with a refused resource
// cannot be applied: Enter does not go on.
type PlanPage struct {
	o     PlanOptions
	t     *Theme
	ctx   context.Context
	id    int
	state planState
	title string
	spin  int
	plan  plan.Plan
	may   Permission
	err   error

	cursor, top int
	open        map[string]bool
	wrapped     bool
	lines       []planLine // of the plan as it is opened; nil when it is to be drawn again

	saving        bool
	saved         string
	saveErr       error
	width, height int
}

type planState int

const (
	planLooking planState = iota
	planLooked
	planFailed
)

// Messages of a look, and of a file that was written.
type (
	plannedMsg struct {
		id   int
		plan plan.Plan
		may  Permission
		err  error
	}
	savedMsg struct {
		id   int
		path string
		err  error
	}
)

var _ Page = (*PlanPage)(nil)

// NewPlan returns the page.
func NewPlan(o PlanOptions) *PlanPage {
	return &PlanPage{o: o, t: NewTheme(Look{}), ctx: context.Background(), open: map[string]bool{}}
}

func (p *PlanPage) Name() string { return "plan" }
func (p *PlanPage) Typing() bool { return false }

// Enter looks anew: the answers may be others than before.
func (p *PlanPage) Enter(ctx context.Context, t *Theme) tea.Cmd {
	p.ctx, p.t = ctx, t
	p.saving, p.saved, p.saveErr = false, "", nil
	return p.look()
}

func (p *PlanPage) look() tea.Cmd {
	id, ctx, look, ask := NewID(), p.ctx, p.o.Look, p.o.May
	p.id, p.state, p.err, p.lines = id, planLooking, nil, nil
	p.title = "what is there"
	if p.o.Title != nil {
		p.title = Plain(p.o.Title())
	}
	return tea.Batch(tick(id), func() tea.Msg {
		made, err := look(ctx)
		var may Permission
		if err == nil && ask != nil {
			may, err = ask(ctx, made)
		}
		return plannedMsg{id, made, may, err}
	})
}

// looked takes the plan in. What would change something that is there, and what is refused, is open from the beginning;
// the cursor is where it was, but on what is refused first.
func (p *PlanPage) looked(m plannedMsg) {
	at := ""
	if p.cursor < len(p.plan.Changes) {
		at = p.plan.Changes[p.cursor].Resource
	}
	p.plan, p.may, p.err, p.state, p.lines = m.plan, m.may, m.err, planLooked, nil
	if m.err != nil {
		p.state = planFailed
		return
	}
	for _, c := range m.plan.Changes {
		if _, known := p.open[c.Resource]; !known {
			p.open[c.Resource] = c.Action == plan.Update || c.Action == plan.Delete || c.Action == plan.Refuse
		}
	}
	p.cursor = max(slices.IndexFunc(m.plan.Changes, func(c plan.Change) bool { return c.Resource == at }), 0)
	if i := slices.IndexFunc(m.plan.Changes, func(c plan.Change) bool { return c.Action == plan.Refuse }); i >= 0 {
		p.cursor = i
	}
	p.reveal()
}

func (p *PlanPage) refused() int { return len(p.plan.Stopped()) }

// Update moves about, and takes in what was looked at and written.
func (p *PlanPage) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height, p.lines = m.Width, m.Height, nil
		p.reveal()
	case Restyled:
		p.lines = nil
	case tickMsg:
		if m.id == p.id && p.state == planLooking {
			p.spin++
			return tick(m.id)
		}
	case plannedMsg:
		if m.id == p.id {
			p.looked(m)
		}
	case savedMsg:
		if m.id == p.id {
			p.saving, p.saved, p.saveErr = false, m.path, m.err
			p.reveal()
		}
	case tea.KeyMsg:
		return p.key(m)
	}
	return nil
}

var (
	keyAll  = Key{[]string{"e"}, "e", "all"}
	keyWrap = Key{[]string{"w"}, "w", "wrap"}
	keySave = Key{[]string{"s"}, "s", "save as file"}
	keyName = Key{[]string{"n"}, "n", "take the free name"}
)

func (p *PlanPage) key(m tea.KeyMsg) tea.Cmd {
	switch {
	case KeyEsc.Is(m) && p.o.Back != nil:
		return Go(p.o.Back)
	case KeyEsc.Is(m):
		return Go(Back{})
	case KeyLeave.Is(m):
		return Go(Leave{})
	case keyAgain.Is(m) && p.state != planLooking:
		return p.look()
	case p.state != planLooked:
		return nil
	case KeyEnter.Is(m):
		return p.goOn()
	case keyName.Is(m) && p.nameless() != nil && !p.saving:
		return p.rename(*p.nameless())
	case keySave.Is(m) && p.o.Save != nil && !p.saving:
		return p.save()
	}
	p.move(m)
	return nil
}

// stops: a plan that is refused is not gone on with, nor one of which the account may not do all.
func (p *PlanPage) stops() bool { return p.refused() > 0 || p.may.Short && !p.o.Last }

// goOn goes on where the plan allows it.
func (p *PlanPage) goOn() tea.Cmd {
	switch {
	case p.stops():
		return nil
	case p.o.Last:
		return Go(Leave{})
	case p.plan.Empty() && p.o.Without != nil:
		return Go(p.o.Without)
	}
	return Go(Next{})
}

// nameless is the first change that is refused for its name and that another name would let pass; nil where there is none.
func (p *PlanPage) nameless() *plan.Change {
	i := slices.IndexFunc(p.plan.Changes, func(c plan.Change) bool { return c.Action == plan.Refuse && c.FreeName != "" })
	if i < 0 || p.o.Rename == nil {
		return nil
	}
	return &p.plan.Changes[i]
}

// rename takes the free name and looks again. What was saved has the old name.
func (p *PlanPage) rename(c plan.Change) tea.Cmd {
	p.o.Rename(c.Resource, c.FreeName)
	p.saved, p.saveErr = "", nil
	return p.look()
}

func (p *PlanPage) save() tea.Cmd {
	p.saving = true
	id, save := p.id, p.o.Save
	return func() tea.Msg {
		path, err := save()
		return savedMsg{id, path, err}
	}
}
