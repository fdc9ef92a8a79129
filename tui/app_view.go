package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// The smallest terminal that is drawn on; below narrow columns the row of pages is one name, below low lines it goes.
const (
	minWidth, minHeight = 30, 8
	narrow              = 72
	low                 = 15
)

// View draws the page at hand with what surrounds it.
func (a *App) View() string {
	if a.t.ASCII {
		return strings.Map(onlyASCII, a.view())
	}
	return a.view()
}

// onlyASCII: what a page tells may have been said in any characters.
func onlyASCII(r rune) rune {
	if r >= 0x80 {
		return '?'
	}
	return r
}

func (a *App) view() string {
	w, h := a.width, a.height
	switch {
	case w == 0 || h == 0 || a.done:
		return ""
	case w < minWidth || h < minHeight:
		return a.t.Cut(fmt.Sprintf("needs %dx%d", minWidth, minHeight), w)
	}
	rows := a.head()
	area := a.area()
	body := ""
	if a.help != nil {
		body = a.help.view(a.t, area.Width, area.Height)
	} else {
		body = a.At().View(area.Width, area.Height)
	}
	lines := strings.Split(body, "\n")
	for i := range area.Height {
		line := ""
		if i < len(lines) {
			line = a.t.Cut(lines[i], w)
		}
		rows = append(rows, line)
	}
	return strings.Join(append(rows, a.footer()), "\n")
}

// area is what is left for the page.
func (a *App) area() tea.WindowSizeMsg {
	return tea.WindowSizeMsg{Width: a.width, Height: max(a.height-1-a.headHeight(), 0)}
}

func (a *App) headHeight() int {
	if f, ok := a.At().(FullScreen); ok && f.FullScreen() || a.height < low {
		return 0
	}
	return 2
}

// head is the row of pages, or the name and number of this one, and a rule.
func (a *App) head() []string {
	if a.headHeight() == 0 {
		return nil
	}
	row := a.t.Row(false, a.names(), a.width)
	if a.width < narrow || cells(a.names()) > a.width-2 {
		row = " " + a.t.Spread(a.t.Bold.Render(a.At().Name()), a.t.Dim.Render(fmt.Sprintf("%d of %d", a.at+1, len(a.pages))), a.width-2)
	}
	return []string{row, a.t.Rule("", a.width)}
}

func (a *App) names() string {
	var all []string
	for i, p := range a.pages {
		switch {
		case i < a.at:
			all = append(all, a.t.Pass.Render(a.t.signs.marks["pass"])+" "+p.Name())
		case i == a.at:
			all = append(all, a.t.Cursor()+a.t.Bold.Render(p.Name()))
		default:
			all = append(all, a.t.Dim.Render(p.Name()))
		}
	}
	return strings.Join(all, "  ")
}

func (a *App) footer() string {
	switch {
	case a.asking:
		text := a.t.Warn.Render("!") + " Leave? " + a.leave()
		keys := a.t.Bold.Render("y") + a.t.Dim.Render(" leave "+a.t.signs.dot+" any other key stays")
		if cells(text)+2+cells(keys) > a.width-2 {
			text = a.t.Warn.Render("!") + " Leave?"
		}
		return a.t.Row(false, text+" "+keys, a.width)
	case a.help != nil:
		return a.t.footer([]Key{{Show: "↑↓", Does: "scroll"}}, KeyEsc.Doing("back"), a.width)
	case a.At().Typing():
		return a.t.footer(a.At().Keys(), keyHelpF1, a.width)
	}
	return a.t.footer(a.At().Keys(), keyHelp, a.width)
}
