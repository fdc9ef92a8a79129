package wizard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

func TestStart(t *testing.T) {
	for look, l := range looks {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 21}, {Width: 40, Height: 12}, {Width: 30, Height: 7}} {
			t.Run(fmt.Sprintf("%s/%dx%d", look, size.Width, size.Height+3), func(t *testing.T) {
				var all strings.Builder
				for _, o := range []Options{{}, {DryRun: true}, {Unfinished: brokenOff}} {
					o.Desk, o.Path = newWorld().desk(), "mcpwiz.yaml"
					p := New(o).Pages()[0]
					p.Enter(t.Context(), tui.NewTheme(l))
					p.Update(size)
					for range 40 {
						p.Update(pressed("down"))
					}
					bottom := p.View(size.Width, size.Height)
					for range 40 {
						p.Update(pressed("up"))
					}
					view := p.View(size.Width, size.Height)
					fits(t, view, size.Width, size.Height)
					if size.Height > 7 && bottom != view && o.Unfinished == nil {
						t.Error("it does not fit")
					}
					if lines := strings.Split(bottom, "\n"); size.Height == 7 && (len(lines) != 7 || lines[6] == "") {
						t.Errorf("its end is not reached:\n%s", bottom)
					}
					all.WriteString(view + "\n")
				}
				golden(t, fmt.Sprintf("start-%dx%d-%s.ansi", size.Width, size.Height+3, look), all.String())
			})
		}
	}
}

// brokenOff is a run that was killed.
var brokenOff = []plan.Past{
	{Record: plan.Record{Run: "0", Time: time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local), Place: "http://127.0.0.1:8180/realms/mcp",
		Change: plan.Change{Resource: "keycloak/realm/mcp", Action: plan.Create}}, State: plan.Applied},
	{Record: plan.Record{Run: "0", Change: plan.Change{Resource: "keycloak/scope/mcp:tools", Action: plan.Update}}, State: plan.Failed},
	{Record: plan.Record{Run: "0", Change: plan.Change{Resource: "keycloak/client/claude", Action: plan.Create}}, State: plan.Intended},
}

func TestStartGoesOnOrLeaves(t *testing.T) {
	t.Parallel()
	s := show(t, New(Options{Desk: newWorld().desk()}).Pages()[0], tui.NewTheme(looks["dark"]), 80, 21)
	s.keys("enter")
	s.goes(tui.Next{})
	s.keys("q")
	s.goes(tui.Leave{})
}

func BenchmarkPage(b *testing.B) {
	w := New(Options{Desk: newWorld().desk(), Start: filled()})
	p := w.page(w.clientsTopic())
	p.Enter(b.Context(), tui.NewTheme(looks["dark"]))
	p.Update(tea.WindowSizeMsg{Width: 80, Height: 21})
	down := []tea.KeyMsg{pressed("down"), pressed("up")}
	for i := 0; b.Loop(); i++ {
		p.Update(down[i%2])
		p.View(80, 21)
	}
}
