package wizard

import (
	"context"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// A job is what the pages of plan and apply are about: all of it; one resource, that a finding names; or to undo what was
// changed.
type job struct {
	resource string
	undo     bool
}

func (j job) mends() bool { return j.resource != "" }

// look plans and keeps the plan for its application.
func (w *Walk) look(ctx context.Context, j job) (plan.Plan, error) {
	if j.undo {
		return w.reversal(ctx, j)
	}
	p, err := w.o.Desk.Plan(ctx, w.Answers(), j.resource)
	w.keep(j, p)
	return p, err
}

// reversal keeps what was changed, each resource once.
func (w *Walk) reversal(ctx context.Context, j job) (plan.Plan, error) {
	all, err := w.past(j)
	if err != nil {
		return plan.Plan{}, err
	}
	var changed plan.Plan
	for _, one := range all {
		if !slices.ContainsFunc(changed.Changes, func(c plan.Change) bool { return c.Resource == one.Change.Resource }) {
			changed.Changes = append(changed.Changes, one.Change)
		}
	}
	w.keep(j, changed)
	return w.o.Desk.Reversal(ctx, w.Answers(), all)
}

func (w *Walk) keep(j job, p plan.Plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans[j] = p
}

func (w *Walk) planned(j job) plan.Plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plans[j]
}

func (w *Walk) past(j job) ([]plan.Past, error) { return w.o.Desk.Past(w.Answers(), j.resource) }

// apply makes the changes. When all of it is in place the run before is settled.
func (w *Walk) apply(ctx context.Context, j job, told func(plan.Progress)) error {
	err := w.o.Desk.Apply(ctx, w.Answers(), j.resource, w.planned(j), func(at plan.Progress) {
		if at.Done && !at.Change.Empty() {
			w.changes(j)
		}
		told(at)
	})
	if err == nil && j == (job{}) {
		w.settleRun()
	}
	return err
}

// undo puts back what was, and with that the run before is settled.
func (w *Walk) undo(ctx context.Context, j job, all []plan.Past, told func(plan.Undoing)) error {
	err := w.o.Desk.Undo(ctx, w.Answers(), all, func(u plan.Undoing) {
		if u.Done && u.Err == nil {
			w.changes(job{undo: true})
		}
		told(u)
	})
	if err == nil && !j.mends() {
		w.settleRun()
	}
	return err
}

func (w *Walk) settleRun() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unfinished = nil
}

// left is the run before, as far as it is not settled.
func (w *Walk) left() []plan.Past {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unfinished
}

// changes notes that the world is another than the last handshake saw.
func (w *Walk) changes(j job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = append(slices.DeleteFunc(w.changed, func(of job) bool { return of == j }), j)
}

// Undone reports whether the last that was done was to undo. It is for when the pages have ended.
func (w *Walk) Undone() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.changed) > 0 && w.changed[len(w.changed)-1].undo
}

// Unproved reports whether something was put in place after the last handshake. It is for when the pages have ended.
func (w *Walk) Unproved() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.changed) > 0 && !w.changed[len(w.changed)-1].undo
}

// takeChanges returns what was noted, and forgets it.
func (w *Walk) takeChanges() []job {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.changed
	w.changed = nil
	return all
}

// ask leads to the plan of a job; first to where what nobody knows is asked for.
func (w *Walk) ask(j job) tea.Msg {
	if p, at := w.unknown(); p != nil {
		w.ahead, p.at = &j, at
		return tui.Goto{Name: p.Name()}
	}
	w.job, w.ahead = j, nil
	return tui.Goto{Name: "plan"}
}

// unknown is where what nobody knows is asked for: Cloudflare's token, the quick tunnel's name, which is another each time, and the
// administrator's secret; nil for nothing.
func (w *Walk) unknown() (p *page, at int) {
	switch w.lacks() {
	case lackSecret:
		return w.signIn, loginAt
	case "":
		return nil, 0
	}
	return w.address, tokenAt
}

// What the answers lack that no file keeps.
const (
	lackToken  = "token"
	lackTunnel = "tunnel"
	lackSecret = "secret"
)

func (w *Walk) lacks() string {
	switch a := w.Answers(); {
	case a.Connection.Expose.ByAPI() && a.EdgeToken == "":
		return lackToken
	case a.Connection.Expose.Way == plan.WayQuickTunnel && w.quickOrigin() == "":
		return lackTunnel
	case a.AdminSecret == "":
		return lackSecret
	}
	return ""
}

// answered returns where to go on from a page, when what a job waits for was answered on it; nil where none waits, or for more on
// the same page.
func (w *Walk) answered(on *page) tea.Msg {
	if w.ahead == nil {
		return nil
	}
	if p, _ := w.unknown(); p == on {
		return nil
	}
	return w.ask(*w.ahead)
}

// A byJob is the page of the job at hand: each has its own.
type byJob struct {
	name  string
	w     *Walk
	make  func(job) tui.Page
	pages map[job]tui.Page
	tui.Page
}

func (w *Walk) byJob(name string, of func(job) tui.Page) *byJob {
	b := &byJob{name: name, w: w, make: of, pages: map[job]tui.Page{}}
	b.pick()
	return b
}

func (b *byJob) pick() {
	if b.pages[b.w.job] == nil {
		b.pages[b.w.job] = b.make(b.w.job)
	}
	b.Page = b.pages[b.w.job]
}

func (b *byJob) Name() string { return b.name }

// Enter takes the page of the job at hand.
func (b *byJob) Enter(ctx context.Context, t *tui.Theme) tea.Cmd {
	b.pick()
	return b.Page.Enter(ctx, t)
}
