package tui

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares with testdata/<name>, with every escape shown.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	got = strings.ReplaceAll(got, "\x1b", "␛") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", name, got, want)
	}
}

// looks are those in which every page is to be seen.
var looks = map[string]Look{
	"dark":    {Dark: true, Profile: termenv.TrueColor},
	"light":   {Profile: termenv.TrueColor},
	"nocolor": {Dark: true, NoColor: true, Profile: termenv.ANSI},
	"16":      {Dark: true, Profile: termenv.ANSI},
	"ascii":   {Dark: true, ASCII: true, Profile: termenv.Ascii},
}

// plainText is a page without styles.
func plainText(s string) string {
	lines := strings.Split(ansi.Strip(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// fits reports what is wrong with the size of a page.
func fits(t *testing.T, s string, width, height int) {
	t.Helper()
	lines := strings.Split(s, "\n")
	if len(lines) > height {
		t.Errorf("%d lines, want %d at most", len(lines), height)
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n > width {
			t.Errorf("line %d is %d cells wide, want %d at most: %q", i, n, width, line)
		}
	}
}

// story is what a session tells of a capture of probe/checks.
func story(t testing.TB, name string) []probe.Event {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "probe", "checks", "testdata", "whole", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []probe.Event
	if _, err := report.Read(f, report.ReadOptions{Checks: checks.All}, func(e probe.Event) { all = append(all, e) }); err != nil {
		t.Fatal(err)
	}
	return all
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// fed is the page in an app, with a run under way of which it has been told these events.
func fed(t testing.TB, l Look, width, height int, events []probe.Event) (*App, *Probe) {
	t.Helper()
	p := NewProbe(ProbeOptions{
		Target: "https://mcp.example.com/mcp", Clients: []ProbeClient{{Profile: "claude-ai", Title: "Claude"}, {Profile: "claude-code", Title: "Claude Code"}},
		Checks: checks.All, Clock: func() time.Time { return noon },
		Run: func(ctx context.Context, _ ProbeRun, _ probe.Sink) (probe.Summary, error) {
			<-ctx.Done()
			return probe.Summary{}, nil
		},
	})
	a := NewApp(NewTheme(l), []Page{p}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	a.Under(ctx)
	t.Cleanup(func() { cancel(); p.Result() })
	a.Init()
	a.Update(tea.WindowSizeMsg{Width: width, Height: height})
	feed(a, p, events)
	return a, p
}

func feed(a *App, p *Probe, events []probe.Event) {
	a.Update(EventsMsg{p.run.id, events})
}

// end is the end of the run that was fed.
func end(a *App, p *Probe) {
	p.run.cancel()
	<-p.run.done
	a.Update(EventsEnd{p.run.id})
}

func press(a *App, keys ...string) tea.Cmd {
	var last tea.Cmd
	for _, k := range keys {
		_, last = a.Update(keyMsg(k))
	}
	return last
}

func keyMsg(k string) tea.KeyMsg {
	for typ, name := range map[tea.KeyType]string{
		tea.KeyUp: "up", tea.KeyDown: "down", tea.KeyLeft: "left", tea.KeyRight: "right", tea.KeyEnter: "enter", tea.KeyEsc: "esc",
		tea.KeyCtrlC: "ctrl+c", tea.KeyF1: "f1", tea.KeyEnd: "end", tea.KeyHome: "home", tea.KeyPgDown: "pgdown", tea.KeyPgUp: "pgup",
		tea.KeyCtrlG: "ctrl+g",
	} {
		if name == k {
			return tea.KeyMsg{Type: typ}
		}
	}
	if k == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(k)}
	}
	rest, alt := strings.CutPrefix(k, "alt+")
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(rest), Alt: alt}
}
