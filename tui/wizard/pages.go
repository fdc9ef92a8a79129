package wizard

import (
	"context"
	"reflect"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/tui"
)

// Pages are the walk: start, server, keycloak, clients, plan, apply, probe, connect; a dry run ends with the plan.
func (w *Walk) Pages() []tui.Page {
	all := []tui.Page{&startPage{o: w.o, t: tui.NewTheme(tui.Look{})}}
	for _, t := range w.topics() {
		all = append(all, w.page(t))
	}
	all = append(all, w.planPage())
	if w.o.DryRun {
		return all
	}
	return append(all, w.applyPage(), &late{name: "probe", w: w, make: w.probePage}, w.connectPage())
}

func (w *Walk) planPage() tui.Page {
	o := tui.PlanOptions{Look: w.look, Title: w.where, Save: w.save, Rename: w.rename, Last: w.o.DryRun}
	if w.o.DryRun {
		o.Save = nil
	}
	return tui.NewPlan(o)
}

func (w *Walk) applyPage() tui.Page {
	w.applies = tui.NewApply(tui.ApplyOptions{
		Plan: w.planned, Apply: w.apply, Later: func() string { return "mcpwiz setup -f " + w.o.Path },
		Save: func() error { _, err := w.save(); return err },
	})
	return w.applies
}

func (w *Walk) connectPage() tui.Page {
	d := w.o.Desk
	return tui.NewConnect(tui.ConnectOptions{
		Values: func() []tui.Value { return d.Values(w.Answers()) },
		Where:  func() string { return d.Where(w.Answers()) },
		Page:   func() string { return d.Page(w.Answers()) },
		Watch:  d.Watch, Since: w.heardSince, Open: d.Open, Copy: d.Copy,
	})
}

// where is what is looked at.
func (w *Walk) where() string {
	return "Keycloak at " + w.Answers().Connection.Defaults().Keycloak.AdminURL
}

func (w *Walk) probePage(a Answers) tui.Page {
	p := tui.NewProbe(tui.ProbeOptions{
		Target: a.Connection.Servers[0].URL, Clients: w.probeClients(), SignIns: w.signIns(), Run: w.handshake, Checks: w.o.Desk.Checks,
		Next: "what to type", Mend: "plan",
	})
	w.probes = append(w.probes, p)
	return p
}

// Applying reports whether a change is still under way. It is for when the pages have ended.
func (w *Walk) Applying() bool { return w.applies != nil && w.applies.Working() }

// Applied waits until a change under way is finished, and says why not all of the plan is in place; nil where it is, and
// where nothing was applied. It is for when the pages have ended.
func (w *Walk) Applied() error {
	if w.applies == nil {
		return nil
	}
	return w.applies.Result()
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
}

var _ tui.FullScreen = (*late)(nil)

// Enter makes the page anew where the answers are others.
func (l *late) Enter(ctx context.Context, t *tui.Theme) tea.Cmd {
	if a := l.w.Answers(); l.page == nil || !reflect.DeepEqual(l.of, a) {
		l.of, l.page = a, l.make(a)
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
