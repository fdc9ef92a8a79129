package wizard

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// beginning is what is told before the first question: a label and a sentence each.
func (o Options) beginning() [][2]string {
	rows := [][2]string{
		{"asks", "where your server is, where Keycloak is, who connects"},
		{"shows", "the diff, before anything is touched"},
		{"does", "makes and proves it; serves; connects as a client does"},
		{"needs", "Keycloak, an admin login; an https URL, Cloudflare, or loopback"},
		{"writes", filepath.Clean(o.Path) + "; secrets apart (0600), and a journal"},
	}
	if o.DryRun {
		rows = slices.Delete(rows, 2, 3)
		rows[3][1] = "nothing: this is a dry run, it ends after the plan"
	}
	return rows
}

// A startPage says what will happen; where the run before did not come to its end, what of it may be in place.
type startPage struct {
	w             *Walk
	t             *tui.Theme
	top           int
	width, height int
}

var _ tui.Page = (*startPage)(nil)

func (p *startPage) Name() string { return "start" }
func (p *startPage) Typing() bool { return false }

func (p *startPage) Enter(_ context.Context, t *tui.Theme) tea.Cmd {
	p.t, p.top = t, 0
	p.w.job, p.w.ahead = job{}, nil
	return nil
}

func (p *startPage) Help() string {
	path := p.w.o.Path
	return "Every answer has a flag and a key of mcpwiz.yaml, which f1 names on each page. What was answered here does, written down:\n" +
		"mcpwiz setup -f " + path + "\nmcpwiz serve -f " + path + "\nmcpwiz doctor -f " + path +
		"\nA run that was broken off is gone on with by mcpwiz setup, and put back by mcpwiz undo -f " + path + "; --list shows what it has changed."
}

var (
	keyUndo = tui.Key{Keys: []string{"u"}, Show: "u", Does: "undo it"}
	keyAnew = tui.Key{Keys: []string{"a"}, Show: "a", Does: "all questions"}
)

func (p *startPage) Keys() []tui.Key {
	keys := []tui.Key{tui.KeyEnter.Doing("begin"), tui.KeyLeave}
	if p.unfinished() {
		keys = []tui.Key{tui.KeyEnter.Doing("go on"), keyUndo, keyAnew, tui.KeyLeave}
		if p.w.o.DryRun {
			keys = slices.Delete(keys, 1, 2)
		}
	}
	if len(p.rows(p.width)) > p.height {
		keys = append(keys, tui.Key{Keys: []string{"up", "down"}, Show: "↑↓", Does: "scroll"})
	}
	return keys
}

func (p *startPage) unfinished() bool { return len(p.w.left()) > 0 }

func (p *startPage) Update(msg tea.Msg) tea.Cmd {
	switch {
	case tui.KeyEnter.Is(msg) && p.unfinished():
		return tui.Go(p.w.ask(job{}))
	case keyUndo.Is(msg) && p.unfinished() && !p.w.o.DryRun:
		return tui.Go(p.w.ask(job{undo: true}))
	case tui.KeyEnter.Is(msg), keyAnew.Is(msg) && p.unfinished():
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
	if p.unfinished() {
		return p.brokenOff(width)
	}
	rows := []string{t.Row(false, t.Bold.Render("Claude, through Keycloak, to your MCP"), width)}
	if width >= 72 {
		rows = []string{"", " " + t.Bold.Render("Bring Claude and other clients through Keycloak to your MCP server"), ""}
	}
	for _, row := range p.w.o.beginning() {
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

// brokenOff tells of the run before, what of it the journal knows.
func (p *startPage) brokenOff(width int) []string {
	t, all := p.t, p.w.left()
	card := tui.Card{Outcome: probe.Warned, Title: "The run before was broken off"}
	add := func(label, text string, s tui.Style) {
		card.Rows = append(card.Rows, tui.CardRow{Label: label, Text: tui.Plain(text), Style: s})
	}
	add("when", all[0].Time.Local().Format(time.DateTime), t.Text)
	label := "seen"
	for _, one := range all {
		add(label, one.Change.Resource+" "+stateOf(one), t.Text)
		label = ""
	}
	add("mend", "enter goes on where it stopped, with the plan first; u puts back what was before, and shows that first", t.Accent)
	if all[0].Place != "" {
		add("at", all[0].Place, t.Text)
	}
	add("more", "mcpwiz undo -f "+filepath.Clean(p.w.o.Path)+" --list", t.Code)
	return t.CardLines(card, width, -1)
}

// stateOf says what the journal knows of a change.
func stateOf(one plan.Past) string {
	done := past[one.Change.Action]
	switch one.State {
	case plan.Intended:
		return "was being " + done + ": it may be or not"
	case plan.Failed:
		return "was not " + done + ": some of it may be"
	}
	return done
}
