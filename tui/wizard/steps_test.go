package wizard

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/mcpwiz/mcpwiz/tui"
)

// Every step in every look and at either size.
func TestSteps(t *testing.T) {
	for look, l := range looks {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 21}, {Width: 40, Height: 12}} {
			t.Run(fmt.Sprintf("%s/%dx%d", look, size.Width, size.Height+3), func(t *testing.T) {
				wk := walk(newWorld(), filled())
				var plainAll, colored strings.Builder
				for _, tp := range wk.topics() {
					p := wk.page(tp)
					p.Enter(t.Context(), tui.NewTheme(l))
					p.Update(size)
					for i := range tp.steps() {
						p.show(i, 0)
						view := p.View(size.Width, size.Height)
						fits(t, view, size.Width, size.Height)
						fmt.Fprintf(&plainAll, "== %s %d\n%s\n", tp.name, i, bare(view))
						if i == 0 {
							fmt.Fprintf(&colored, "== %s\n%s\n", tp.name, view)
						}
					}
				}
				name := fmt.Sprintf("steps-%dx%d", size.Width, size.Height+3)
				if look == "ascii" {
					if strings.ContainsFunc(plainAll.String(), func(r rune) bool { return r > '~' }) {
						t.Error("not ASCII")
					}
					name += "-ascii"
				}
				golden(t, name+".txt", plainAll.String())
				golden(t, fmt.Sprintf("steps-%dx%d-%s.ansi", size.Width, size.Height+3, look), colored.String())
			})
		}
	}
}

func fits(t *testing.T, s string, width, height int) {
	t.Helper()
	lines := strings.Split(s, "\n")
	if len(lines) > height {
		t.Errorf("%d lines, want %d at most", len(lines), height)
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n > width {
			t.Errorf("line %d is %d cells wide: %q", i, n, line)
		}
	}
}

func TestStepsFitEverySize(t *testing.T) {
	t.Parallel()
	wk := walk(newWorld(), filled())
	for _, tp := range wk.topics() {
		p := wk.page(tp)
		p.Enter(t.Context(), tui.NewTheme(looks["dark"]))
		for i := range tp.steps() {
			for _, size := range []tea.WindowSizeMsg{{Width: 30, Height: 7}, {Width: 33, Height: 9}, {Width: 120, Height: 37}, {Width: 30, Height: 1}} {
				p.Update(size)
				p.show(i, 0)
				for q := range p.step.questions {
					p.form.focus(q)
					view := p.View(size.Width, size.Height)
					fits(t, view, size.Width, size.Height)
					if title := p.step.questions[q].title; size.Height > 5 && !strings.Contains(bare(view), title[:min(8, len(title))]) {
						t.Errorf("%q has the focus at %v, and is not to be seen:\n%s", title, size, view)
					}
				}
			}
		}
	}
}

func TestWhatAnswersCannotActOnTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.server = func(context.Context, string) Verdict {
		return Verdict{Note: "\x1b]52;c;AAAA\x07 answered\r\n" + strings.Repeat("long ", 60)}
	}
	s := serverPage(t, w, filled())
	s.keys("enter", "enter")
	s.shows(`✗ \x1b]52;c;AAAA\x07 answered\x0d long`)
	fits(t, s.page.View(80, 21), 80, 21)
}
