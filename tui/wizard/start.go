package wizard

import (
	"context"
	"path/filepath"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/tui"
)

// beginning is what is told before the first question: a label and a sentence each.
func (o Options) beginning() [][2]string {
	rows := [][2]string{
		{"asks", "where your server is, where Keycloak is, who connects"},
		{"shows", "the diff, before anything is touched in Keycloak"},
		{"does", "makes and proves it; serves; connects as a client does"},
		{"needs", "Keycloak, an admin login; a public https URL, or loopback for a trial"},
		{"writes", filepath.Clean(o.Path) + "; secrets apart (0600), and a journal"},
	}
	if o.DryRun {
		rows = slices.Delete(rows, 2, 3)
		rows[3][1] = "nothing: this is a dry run, it ends after the plan"
	}
	return rows
}

// A startPage says what will happen.
type startPage struct {
	o             Options
	t             *tui.Theme
	top           int
	width, height int
}

var _ tui.Page = (*startPage)(nil)

func (p *startPage) Name() string { return "start" }
func (p *startPage) Typing() bool { return false }

func (p *startPage) Enter(_ context.Context, t *tui.Theme) tea.Cmd {
	p.t = t
	return nil
}

func (p *startPage) Help() string {
	return "Every answer has a flag and a key of mcpwiz.yaml, which f1 names on each page. What was answered here does, written down:\n" +
		"mcpwiz setup -f " + p.o.Path + "\nmcpwiz serve -f " + p.o.Path + "\nmcpwiz doctor -f " + p.o.Path
}

func (p *startPage) Keys() []tui.Key {
	keys := []tui.Key{tui.KeyEnter.Doing("begin"), tui.KeyLeave}
	if len(p.rows(p.width)) > p.height {
		keys = append(keys, tui.Key{Keys: []string{"up", "down"}, Show: "↑↓", Does: "scroll"})
	}
	return keys
}

func (p *startPage) Update(msg tea.Msg) tea.Cmd {
	switch {
	case tui.KeyEnter.Is(msg):
		return tui.Go(tui.Next{})
	case tui.KeyLeave.Is(msg):
		return tui.Go(tui.Leave{})
	case tui.KeyDown.Is(msg):
		p.top = max(min(p.top+1, len(p.rows(p.width))-p.height), 0)
	case tui.KeyUp.Is(msg):
		p.top = max(p.top-1, 0)
	}
	if m, ok := msg.(tea.WindowSizeMsg); ok {
		p.width, p.height, p.top = m.Width, m.Height, 0
	}
	return nil
}

func (p *startPage) View(width, height int) string {
	rows := p.rows(width)
	return tui.Lines(rows[min(p.top, len(rows)):], height)
}

// rows are the beginning: one page of 80x24, and of 40x15.
func (p *startPage) rows(width int) []string {
	t := p.t
	rows := []string{t.Row(false, t.Bold.Render("Claude, through Keycloak, to your MCP"), width)}
	if width >= 72 {
		rows = []string{"", " " + t.Bold.Render("Bring Claude and other clients through Keycloak to your MCP server"), ""}
	}
	for _, row := range p.o.beginning() {
		for i, line := range tui.Wrap(row[1], width-10) {
			label := ""
			if i == 0 {
				label = row[0]
			}
			rows = append(rows, " "+t.Dim.Render(t.Fit(label, 8))+line)
		}
		if width >= 72 {
			rows = append(rows, "")
		}
	}
	return rows
}
