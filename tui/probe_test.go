package tui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// Every stage has its row before anything is known of it, and keeps it whatever is told.
func TestNoRowMoves(t *testing.T) {
	t.Parallel()
	all := story(t, "operators-story")
	a, p := fed(t, looks["dark"], 80, 24, all[:1])
	for i := 1; i < len(all); i++ {
		feed(a, p, all[i:i+1])
		lines := strings.Split(plainText(a.View()), "\n")
		for j, stage := range probe.Stages {
			if !strings.Contains(lines[2+j], " "+string(stage)+" ") {
				t.Fatalf("after event %d, %T: row %d is %q", i, all[i], 2+j, lines[2+j])
			}
		}
	}
}

func TestNothingIsSelectedWhileItRuns(t *testing.T) {
	t.Parallel()
	all := story(t, "operators-story")
	a, p := fed(t, looks["dark"], 80, 24, nil)
	for _, e := range all {
		feed(a, p, []probe.Event{e})
		if p.cursor >= 0 || strings.Contains(a.View(), "▌") {
			t.Fatalf("after %T stage %d is selected", e, p.cursor)
		}
	}
	if text := plainText(a.View()); !strings.Contains(text, "First to mend: server-metadata") {
		t.Errorf("the card does not take the failure:\n%s", text)
	}
	end(a, p)
	if p.cursor != 4 {
		t.Errorf("stage %d is selected in the end, want that of the first to mend", p.cursor)
	}
}

// A user who looks at a stage while it runs stays there.
func TestTheUsersChoiceStays(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 80, 24, underWay(t))
	press(a, "down", "down")
	end(a, p)
	if p.cursor != 1 {
		t.Errorf("stage %d is selected, want 1", p.cursor)
	}
}

// A check told again replaces its pip and never adds one.
func TestToldAgain(t *testing.T) {
	t.Parallel()
	all := story(t, "operators-story")
	a, p := fed(t, looks["dark"], 80, 24, all)
	pips := func() string { return p.seenPips(4) }
	before, counts := pips(), p.seen.counts
	feed(a, p, all[1:])
	if pips() != before || p.seen.counts != counts {
		t.Errorf("told twice: %q %+v, want %q %+v", pips(), p.seen.counts, before, counts)
	}
	f := probe.Finding{
		Check: "server-metadata.authorization-endpoint", Stage: probe.StageServerMetadata, Outcome: probe.Passed, Title: "x",
	}
	feed(a, p, []probe.Event{probe.Found{Finding: f}})
	if strings.Count(pips(), "✗") != 0 || len([]rune(pips())) != len([]rune(before)) {
		t.Errorf("mended: %q", pips())
	}
	if p.seen.counts.Fail != counts.Fail-1 || p.seen.counts.Pass != counts.Pass+1 {
		t.Errorf("mended: %+v", p.seen.counts)
	}
}

func (p *Probe) seenPips(stage int) string { return plainText(p.pips(stage, 30)) }

// The numbers are those of the session's own summary.
func TestCountsAreTheSessions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"operators-story", "healthy", "edge-challenges", "other-make-oidc-alone"} {
		all := story(t, name)
		a, p := fed(t, looks["dark"], 80, 24, all)
		end(a, p)
		if want := p.seen.finished.Summary; p.seen.counts != want.Counts {
			t.Errorf("%s: %+v, want %+v", name, p.seen.counts, want.Counts)
		} else if f := p.seen.first(); f != nil && f.Check != *want.First || f == nil && want.First != nil {
			t.Errorf("%s: first is %v, want %v", name, f, want.First)
		}
	}
}

// When all is over nothing is waited for, and nothing drawn again.
func TestIdleWritesNothing(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 80, 24, story(t, "healthy"))
	if _, cmd := a.Update(tickMsg{p.run.id}); cmd == nil {
		t.Error("the spinner stands still while it runs")
	}
	end(a, p)
	before := a.View()
	if _, cmd := a.Update(tickMsg{p.run.id}); cmd != nil {
		t.Error("the spinner turns when all is over")
	}
	if a.View() != before {
		t.Error("the page changes by itself")
	}
}

// View depends on what is known and on the size alone.
func TestResize(t *testing.T) {
	t.Parallel()
	for state, page := range pages {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			a := page(t, looks["dark"], 80, 24)
			before := a.View()
			for _, size := range [][2]int{{40, 15}, {120, 40}, {30, 8}, {20, 5}, {1, 1}, {0, 0}, {80, 24}} {
				a.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				fits(t, a.View(), size[0], max(size[1], 1))
			}
			if after := a.View(); after != before {
				t.Errorf("after a walk through sizes:\n%s\nwant:\n%s", plainText(after), plainText(before))
			}
		})
	}
}

func TestTooSmall(t *testing.T) {
	t.Parallel()
	a, _ := fed(t, looks["dark"], 29, 8, nil)
	if got := a.View(); got != "needs 30x8" {
		t.Errorf("%q", got)
	}
}

var ourStyles = regexp.MustCompile("\x1b\\[[0-9;]*m")

// What came from the network is shown, never obeyed.
func TestHostileStrings(t *testing.T) {
	t.Parallel()
	const evil = "\x1b]52;c;aGk=\x07\x1b[2J\x1b[31mred\u202egnp.exe\r\b\x9b1m\ttab\nline ✓️\x7f"
	x := probe.Exchange{
		N: 1, Probe: evil, Request: probe.Message{Method: evil, URL: "https://mcp.example.com/mcp" + evil, Header: map[string][]string{evil: {evil}}},
		Response: &probe.Response{Status: 401, Header: map[string][]string{"X": {evil}}, Body: probe.Body{JSON: map[string]any{evil: evil}, Problem: evil, Hex: evil}},
		Error:    &probe.WireError{Kind: evil, Text: evil}, Peer: &probe.Peer{Addr: evil, TLS: &probe.TLS{Version: evil}},
		Notes: []probe.Fact{{Kind: evil, Source: evil, Data: map[string]any{evil: evil}}},
	}
	y := x
	y.N, y.Response = 2, &probe.Response{Status: 200, Body: probe.Body{Page: &probe.Page{Title: evil, Text: evil}, Events: []probe.SSEEvent{{Event: evil, ID: evil, Data: evil}}}}
	var events []probe.Event
	events = append(events, probe.Started{
		Target: evil, Profile: &probe.Profile{ID: evil, Title: evil}, Checks: map[probe.Stage]int{probe.StageEdge: 2, probe.StageNetwork: 1},
	}, probe.Seen{Exchange: x}, probe.Seen{Exchange: y}, said{line: evil}, probe.Noted{Fact: x.Notes[0]},
		probe.Excused{Evidence: evil, Reason: evil})
	underway := len(events)
	for i, o := range []probe.Outcome{probe.Failed, probe.Unclear, probe.Skipped, probe.Warned} {
		events = append(events, probe.Found{Finding: probe.Finding{
			Check: fmt.Sprint(evil, i), Stage: probe.StageEdge, Outcome: o, Title: evil, Detail: evil, Effect: evil, Owner: evil, Because: "",
			Remedy: evil, Missing: []probe.Evidence{evil}, By: evil, Doc: evil, Exchanges: []int{1, 2},
		}})
	}
	for _, size := range [][2]int{{80, 24}, {40, 15}, {120, 60}} {
		a, p := fed(t, looks["dark"], size[0], size[1], events[:underway])
		p.o.Target = evil
		harmless(t, a.View(), size)
		feed(a, p, events[underway:])
		p.seen.err = errors.New(evil)
		harmless(t, a.View(), size)
		end(a, p)
		for range probe.Stages {
			press(a, "down", "enter")
			for range 12 {
				harmless(t, a.View(), size)
				press(a, "pgdown")
			}
			press(a, "esc")
		}
	}
}

func harmless(t *testing.T, view string, size [2]int) {
	t.Helper()
	fits(t, view, size[0], size[1])
	bare := ourStyles.ReplaceAllString(view, "")
	if i := strings.IndexFunc(bare, func(r rune) bool { return r != '\n' && acts(r) }); i >= 0 {
		t.Fatalf("%q is written to the terminal", bare[max(0, i-20):min(len(bare), i+20)])
	}
	for _, style := range ourStyles.FindAllString(view, -1) {
		if style == "\x1b[31m" {
			t.Fatal("a style that is not ours is written")
		}
	}
}

func TestStageDocument(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 80, 24, story(t, "operators-story"))
	end(a, p)
	press(a, "enter")
	if text := plainText(a.View()); !strings.Contains(text, "✗ server-metadata") || !strings.Contains(text, "seen https://mcp.example.com") {
		t.Errorf("enter opens:\n%s", text)
	}
	press(a, "down", "down")
	if p.top != 2 {
		t.Errorf("scrolled to %d", p.top)
	}
	press(a, "end")
	last := p.top
	press(a, "down", "pgdown")
	if p.top != last || last == 0 {
		t.Errorf("scrolled past the end: %d, %d", p.top, last)
	}
	press(a, "right")
	if text := plainText(a.View()); !strings.Contains(text, "– registration") || p.top != 0 {
		t.Errorf("→ opens:\n%s", text)
	}
	press(a, "left", "left")
	if text := plainText(a.View()); !strings.Contains(text, "✓ resource-metadata") {
		t.Errorf("← opens:\n%s", text)
	}
	if cmd := press(a, "esc"); cmd != nil || p.opened {
		t.Error("esc does not go back to the rail")
	}
	if cmd := press(a, "esc"); cmd == nil {
		t.Error("esc on the rail does not go back a page")
	}
}

// All that was redacted stays so, and nothing else is left out: the document has every exchange of its stage.
func TestStageDocumentHasEveryExchange(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 120, 40, story(t, "healthy"))
	end(a, p)
	told := map[int]bool{}
	for i := range probe.Stages {
		text := plainText(strings.Join(p.drawStage(i, 120), "\n"))
		for _, x := range p.seen.exchanges {
			if strings.Contains(text, fmt.Sprintf("\n exchange %d ", x.N)) || strings.HasPrefix(text, fmt.Sprintf(" exchange %d ", x.N)) {
				told[x.N] = true
			}
		}
	}
	if len(told) != len(p.seen.exchanges) {
		t.Errorf("%d of %d exchanges are in a document", len(told), len(p.seen.exchanges))
	}
}

// made runs a page's Cmds as bubbletea does, until the run has ended or a message is one that ends the test.
func made(t *testing.T, a *App, cmd tea.Cmd) {
	t.Helper()
	msgs := make(chan tea.Msg, 64)
	var do func(tea.Cmd)
	do = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		go func() {
			switch msg := cmd().(type) {
			case tea.BatchMsg:
				for _, c := range msg {
					do(c)
				}
			default:
				msgs <- msg
			}
		}()
	}
	do(cmd)
	for deadline := time.After(time.Minute); ; {
		select {
		case msg := <-msgs:
			_, next := a.Update(msg)
			do(next)
			if _, ok := msg.(EventsEnd); ok || a.done {
				return
			}
		case <-deadline:
			t.Fatal("the run does not end")
		}
	}
}

// ran is a page whose handshake is as given, at its end.
func ran(t *testing.T, o ProbeOptions) (*App, *Probe) {
	t.Helper()
	o.Checks = checks.All
	p := NewProbe(o)
	a := NewApp(NewTheme(looks["dark"]), []Page{p}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	a.Under(ctx)
	t.Cleanup(func() { cancel(); p.Result() })
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	made(t, a, a.Init())
	return a, p
}

func TestRunIsThePages(t *testing.T) {
	t.Parallel()
	events := story(t, "operators-story")
	var runs []ProbeRun
	a, p := ran(t, ProbeOptions{
		Target: "https://mcp.example.com/mcp", Clients: []ProbeClient{{Profile: "claude-ai", Title: "Claude"}, {Profile: "claude-code", Title: "Claude Code"}},
		SignIns: []string{"test user", "browser"},
		Run: func(_ context.Context, as ProbeRun, sink probe.Sink) (probe.Summary, error) {
			runs = append(runs, as)
			as.Told("open a browser")
			for _, e := range events {
				sink(e)
			}
			return probe.Summary{Status: probe.Unhealthy}, nil
		},
	})
	sum, told := p.Result()
	if sum.Status != probe.Unhealthy || len(told) != len(events) {
		t.Errorf("%+v and %d events, want %d", sum, len(told), len(events))
	}
	made(t, a, press(a, "r"))
	made(t, a, press(a, "a"))
	made(t, a, press(a, "b"))
	var as []string
	for _, r := range runs {
		as = append(as, r.Client+" "+r.SignIn)
	}
	want := "claude-ai test user, claude-ai test user, claude-code test user, claude-code browser"
	if got := strings.Join(as, ", "); got != want {
		t.Errorf("runs as %s, want %s", got, want)
	}
	if _, told := p.Result(); len(told) != len(events) {
		t.Errorf("%d events of the last run, want %d", len(told), len(events))
	}
}

// A machine has no user: there is no way to sign in to choose, and none is told.
func TestAMachineHasNoSignIn(t *testing.T) {
	t.Parallel()
	var runs []ProbeRun
	a, p := ran(t, ProbeOptions{
		Clients: []ProbeClient{{Profile: "claude-ai", Title: "Claude"}, {Profile: "m2m", Title: "Machine", Machine: true}},
		SignIns: []string{"test user", "browser"},
		Run: func(_ context.Context, as ProbeRun, _ probe.Sink) (probe.Summary, error) {
			runs = append(runs, as)
			return probe.Summary{}, nil
		},
	})
	made(t, a, press(a, "b"))
	made(t, a, press(a, "a"))
	if text := plainText(a.View()); strings.Contains(text, "browser") || strings.Contains(text, "sign-in") {
		t.Errorf("a machine is asked how to sign in:\n%s", text)
	}
	if press(a, "b") != nil {
		t.Error("b changed how a machine signs in")
	}
	made(t, a, press(a, "a"))
	p.Result()
	var as []string
	for _, r := range runs {
		as = append(as, r.Client+" "+r.SignIn)
	}
	want := "claude-ai test user, claude-ai browser, m2m , claude-ai browser"
	if got := strings.Join(as, ", "); got != want {
		t.Errorf("runs as %q, want %q", got, want)
	}
}

// What a run says when it is broken off is not lost, and it may take its time to clean up.
func TestLeftWhileItRuns(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	p := NewProbe(ProbeOptions{Checks: checks.All, Run: func(ctx context.Context, _ ProbeRun, sink probe.Sink) (probe.Summary, error) {
		sink(probe.Started{Handshake: "h1"})
		close(started)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		for range 2 * room {
			sink(probe.StageStarted{Handshake: "h1", Stage: probe.StageEdge})
		}
		sink(probe.Finished{Handshake: "h1"})
		return probe.Summary{Status: probe.Incomplete}, ctx.Err()
	}})
	a := NewApp(NewTheme(looks["dark"]), []Page{p}, nil)
	a.Init()
	<-started
	a.Close()
	sum, told := p.Result()
	if _, ok := told[len(told)-1].(probe.Finished); !ok || sum.Status != probe.Incomplete || len(told) != 2*room+2 {
		t.Errorf("%+v and %d events that end with %T", sum, len(told), told[len(told)-1])
	}
	if !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("ended with %v", p.Err())
	}
}

func TestRunBreaks(t *testing.T) {
	t.Parallel()
	a, p := ran(t, ProbeOptions{Run: func(context.Context, ProbeRun, probe.Sink) (probe.Summary, error) { panic("a mistake") }})
	var broken *Broken
	if !errors.As(p.Err(), &broken) || !strings.Contains(string(broken.Stack), "TestRunBreaks") {
		t.Fatalf("ended with %v", p.Err())
	}
	_, cmd := a.Update(EventsEnd{p.run.id})
	a.Update(cmd())
	if !a.done || !errors.As(a.Err(), &broken) {
		t.Errorf("the app goes on, with %v", a.Err())
	}
}

func TestRunCannotBegin(t *testing.T) {
	t.Parallel()
	a, _ := ran(t, ProbeOptions{Run: func(context.Context, ProbeRun, probe.Sink) (probe.Summary, error) {
		return probe.Summary{}, errors.New("no such profile")
	}})
	if text := plainText(a.View()); !strings.Contains(text, "seen no such profile") {
		t.Errorf("the page says:\n%s", text)
	}
}

func TestPasteReachesTheRun(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	p := NewProbe(ProbeOptions{Run: func(ctx context.Context, as ProbeRun, _ probe.Sink) (probe.Summary, error) {
		s, err := as.Paste(ctx)
		got <- s
		return probe.Summary{}, err
	}})
	a := NewApp(NewTheme(looks["dark"]), []Page{p}, nil)
	a.Init()
	defer a.Close()
	a.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("https://claude.ai/cb?code=q"), Paste: true})
	if s := <-got; s != "https://claude.ai/cb?code=q" || a.done {
		t.Errorf("pasted %q", s)
	}
}

// The address to open is in reach in every size: the card begins with it, and Enter shows it from edge to edge.
func TestTheAddressToOpenIsShownWhole(t *testing.T) {
	t.Parallel()
	address := "https://id.example.com/realms/mcp/protocol/openid-connect/auth?client_id=claude&state=" + strings.Repeat("s", 300) + "&end=1"
	talk := []probe.Event{
		said{line: "Your browser opens at the login. If it does not, open this address:"}, said{line: address},
		said{line: "Waiting for the answer at http://127.0.0.1:40000/callback"},
	}
	for _, size := range [][2]int{{80, 24}, {40, 15}, {30, 8}} {
		a, p := fed(t, looks["dark"], size[0], size[1], talk)
		view := a.View()
		fits(t, view, size[0], size[1])
		text := plainText(view)
		if !strings.Contains(text, "https://id.exam") || !strings.Contains(text, "enter show") {
			t.Errorf("%v: the card says:\n%s", size, text)
		}
		if size[0] == 80 && !strings.Contains(text, "Your browser opens") {
			t.Errorf("the first line is not told:\n%s", text)
		}
		press(a, "enter")
		fits(t, a.View(), size[0], size[1])
		if whole := strings.Join(p.document(size[0]), "\n"); !strings.Contains(strings.ReplaceAll(whole, "\n", ""), address) {
			t.Errorf("%v: the address is not whole:\n%s", size, whole)
		}
		press(a, "end", "esc", "down", "up", "enter")
		if text := plainText(a.View()); !strings.Contains(text, "for you") || a.done {
			t.Errorf("%v: not the talk again:\n%s", size, text)
		}
		end(a, p)
		if text := plainText(a.View()); strings.Contains(text, "for you") {
			t.Errorf("%v: still the talk of a handshake that is over:\n%s", size, text)
		}
	}
}
