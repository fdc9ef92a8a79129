package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// help takes the page's place until a key puts it away.
type help struct {
	page Page
	top  int
}

func newHelp(p Page) *help { return &help{page: p} }

// key scrolls in an area, or reports that help is to go.
func (h *help) key(m tea.KeyMsg, t *Theme, area tea.WindowSizeMsg) (away bool) {
	switch {
	case KeyDown.Is(m), KeyPgDown.Is(m), KeySpace.Is(m):
		h.top = max(min(h.top+1, len(h.rows(t, area.Width))-area.Height), 0)
	case KeyUp.Is(m), KeyPgUp.Is(m):
		h.top = max(h.top-1, 0)
	case KeyEsc.Is(m), KeyEnter.Is(m), KeyLeave.Is(m), keyHelp.Is(m):
		return true
	}
	return false
}

func (h *help) view(t *Theme, width, height int) string {
	rows := h.rows(t, width)
	top := max(min(h.top, len(rows)-height), 0)
	return Lines(rows[top:], height)
}

func (h *help) rows(t *Theme, width int) []string {
	rows := []string{" " + t.Bold.Render(h.page.Name())}
	for para := range strings.SplitSeq(strings.TrimSpace(h.page.Help()), "\n") {
		for _, line := range Wrap(para, width-2) {
			rows = append(rows, " "+line)
		}
	}
	rows = append(rows, "")
	for _, k := range append(h.page.Keys(), keyTurn, keyCtrlC) {
		name := k.Show
		if name == "" {
			name = strings.Join(k.Keys, " ")
		}
		rows = append(rows, t.Row(false, t.Bold.Render(pad(name, 9))+" "+t.Dim.Render(k.Does), width))
	}
	return rows
}
