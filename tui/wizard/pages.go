package wizard

import (
	"context"
	"reflect"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// Pages are the walk: start, address, keycloak, clients, plan, apply, probe, connect; a dry run ends with the plan.
func (w *Walk) Pages() []tui.Page {
	all := []tui.Page{&startPage{w: w, t: tui.NewTheme(tui.Look{})}}
	for _, t := range w.topics() {
		p := w.page(t)
		switch t.name {
		case signInPage:
			w.signIn = p
		case addressPage:
			w.address = p
		}
		all = append(all, p)
	}
	all = append(all, w.byJob("plan", w.planPage))
	if w.o.DryRun {
		return all
	}
	return append(all, w.byJob("apply", w.applyPage), &late{name: "probe", w: w, make: w.probePage, before: w.onProbe}, w.connectPage())
}

func (w *Walk) planPage(j job) tui.Page {
	o := tui.PlanOptions{
		Look: func(ctx context.Context) (plan.Plan, error) { return w.look(ctx, j) },
		May: func(ctx context.Context, p plan.Plan) (tui.Permission, error) {
			return w.o.Desk.May(ctx, w.Answers(), j.resource, p)
		},
		Title: w.where, Save: w.save, Rename: w.rename, Last: w.o.DryRun,
	}
	switch {
	case j.undo:
		o.Title = func() string { return "what is to be undone: " + w.where() }
		o.May, o.Save, o.Rename, o.Does, o.Nothing, o.Back = nil, nil, nil, "undo", "There is nothing to undo.", tui.Goto{Name: "start"}
		o.Without = o.Back
	case j.mends():
		o.Title = func() string { return j.resource + ": " + w.where() }
		o.Save, o.Rename, o.Nothing, o.Back = nil, nil, "It is as planned: this does not mend it.", tui.Goto{Name: "probe"}
		o.Without = o.Back
	case w.o.DryRun:
		o.Save = nil
	}
	return tui.NewPlan(o)
}

func (w *Walk) applyPage(j job) tui.Page {
	o := tui.ApplyOptions{
		Plan:  func() plan.Plan { return w.planned(j) },
		Apply: func(ctx context.Context, told func(plan.Progress)) error { return w.apply(ctx, j, told) },
		Past:  func() ([]plan.Past, error) { return w.past(j) },
		Undo: func(ctx context.Context, all []plan.Past, told func(plan.Undoing)) error {
			return w.undo(ctx, j, all, told)
		},
		Later: w.later,
		Save:  func() error { _, err := w.save(); return err },
	}
	switch {
	case j.undo:
		o.Apply, o.Back = nil, tui.Goto{Name: "start"}
	case j.mends():
		o.Next = "prove it"
	}
	p := tui.NewApply(o)
	w.applies = append(w.applies, p)
	return p
}

// later is the command that goes on where this stopped.
func (w *Walk) later(undoing bool) string {
	if undoing {
		return "mcpwiz undo -f " + w.o.Path
	}
	return "mcpwiz setup -f " + w.o.Path
}

func (w *Walk) connectPage() tui.Page {
	d := w.o.Desk
	return tui.NewConnect(tui.ConnectOptions{
		Values: func() []tui.Value { return d.Values(w.Answers()) },
		Where:  func() string { return d.Where(w.Answers()) },
		Page:   func() string { return d.Page(w.Answers()) },
		Watch:  d.Watch, Carrier: d.Carrier, Since: w.heardSince, Open: d.Open, Copy: d.Copy,
	})
}

// where is what is looked at.
func (w *Walk) where() string {
	c := w.Answers().Connection
	at := "Keycloak at " + c.Defaults().Keycloak.AdminURL
	if c.Expose.ByAPI() {
		at += ", and Cloudflare"
	}
	return at
}

func (w *Walk) probePage(a Answers) tui.Page {
	p := tui.NewProbe(tui.ProbeOptions{
		Target: a.Connection.Servers[0].URL, Clients: w.probeClients(), SignIns: w.signIns(), Run: w.handshake, Checks: w.o.Desk.Checks,
		Next: "what to type", Mend: w.mend,
	})
	w.probes = append(w.probes, p)
	return p
}

// mend leads to the plan of the resource that a finding names, alone.
func (w *Walk) mend(f probe.Finding) tea.Msg {
	w.job = job{resource: f.By}
	return tui.Goto{Name: "plan"}
}

// onProbe has the handshake made again where something was changed since, so that what was mended is proved.
func (w *Walk) onProbe(p tui.Page) {
	w.job = job{}
	shown, isProbe := p.(*tui.Probe)
	for _, j := range w.takeChanges() {
		switch {
		case !isProbe:
		case j.mends():
			shown.Prove(j.resource, w.o.Desk.Proof(j.resource))
		default:
			shown.Again()
		}
	}
}

// Applying reports whether a change is still under way. It is for when the pages have ended.
func (w *Walk) Applying() bool {
	return slices.ContainsFunc(w.applies, (*tui.ApplyPage).Working)
}

// Applied waits until a change under way is finished, and says why not all of the plan is in place, or with undoing why not all
// is undone; nil where it is, and where nothing was applied. It is for when the pages have ended.
func (w *Walk) Applied() (why error, undoing bool) {
	for _, p := range w.applies {
		if err := p.Result(); err != nil {
			why, undoing = err, p.Undoes()
		}
	}
	return why, undoing
}

// Result is what the last handshake of the live probe came to, and all that was told of it; nothing when none was made. It
// is for when the pages have ended: it waits for every handshake to have cleaned up.
func (w *Walk) Result() (probe.Summary, []probe.Event) {
	var sum probe.Summary
	var events []probe.Event
	for _, p := range w.probes {
		sum, events = p.Result()
	}
	return sum, events
}

// A late page is made when it comes on, since what it shows follows from the answers; it stays the same while they do.
type late struct {
	name string
	w    *Walk
	of   Answers
	make func(Answers) tui.Page
	page tui.Page
	// before is called with the page before it comes on.
	before func(tui.Page)
}

var _ tui.FullScreen = (*late)(nil)

// Enter makes the page anew where the answers are others.
func (l *late) Enter(ctx context.Context, t *tui.Theme) tea.Cmd {
	if a := l.w.Answers(); l.page == nil || !reflect.DeepEqual(l.of, a) {
		l.of, l.page = a, l.make(a)
	}
	if l.before != nil {
		l.before(l.page)
	}
	return l.page.Enter(ctx, t)
}

// FullScreen is as the page itself has it.
func (l *late) FullScreen() bool {
	f, ok := l.page.(tui.FullScreen)
	return ok && f.FullScreen()
}

func (l *late) Name() string                  { return l.name }
func (l *late) Update(msg tea.Msg) tea.Cmd    { return l.page.Update(msg) }
func (l *late) View(width, height int) string { return l.page.View(width, height) }
func (l *late) Keys() []tui.Key               { return l.page.Keys() }
func (l *late) Help() string                  { return l.page.Help() }
func (l *late) Typing() bool                  { return l.page.Typing() }
