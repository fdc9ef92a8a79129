package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

var typed = []Value{{Label: "URL", Text: "https://mcp.example.com/mcp"}, {Label: "client id", Text: "claude"},
	{Label: "secret", Text: "s3cr3tS3cr3ts3cr3tS3cr3ts3cr3tS3cr3ts3cr3t0", Secret: true}}

// waits is the connect page with what is to be typed, and what was heard.
func waits(l Look, width, height int, o ConnectOptions, heard ...probe.Event) (*App, *ConnectPage) {
	o.Clock = func() time.Time { return noon }
	if o.Since == nil {
		o.Since = func() time.Time { return time.Time{} }
	}
	if o.Values == nil {
		o.Values = func() []Value { return typed }
	}
	if o.Copy == nil {
		o.Copy = func(string) error { return nil }
	}
	if o.Open == nil {
		o.Open = func(string) error { return nil }
	}
	o.Watch = func(context.Context) <-chan probe.Event { return make(chan probe.Event) }
	p := NewConnect(o)
	a := among(l, p, width, height)
	a.Update(typedMsg{p.id, o.Values(), "Claude: Settings, Connectors, Add custom connector. Type:", "https://claude.ai/customize/connectors"})
	a.Update(watchedMsg{p.id, make(chan probe.Event)})
	a.Update(EventsMsg{p.id, heard})
	return a, p
}

// as is a story of another handshake, heard by the same tap.
func as(t testing.TB, name, handshake string) []probe.Event {
	all := story(t, name)
	shift := int64(0)
	for _, r := range handshake {
		shift = 1000 * (shift + int64(r))
	}
	for i, e := range all {
		switch e := e.(type) {
		case probe.Started:
			e.Handshake = handshake
			all[i] = e
		case probe.Seen:
			e.Handshake = handshake
			e.Exchange.ID = shift + int64(e.Exchange.N)
			all[i] = e
		case probe.Noted:
			e.Handshake = handshake
			all[i] = e
		case probe.Found:
			e.Handshake = handshake
			all[i] = e
		case probe.Finished:
			e.Handshake = handshake
			all[i] = e
		}
	}
	return all
}

func connectStates(t *testing.T) map[string]func(l Look, width, height int) *App {
	return map[string]func(l Look, width, height int) *App{
		"waiting": func(l Look, width, height int) *App {
			a, _ := waits(l, width, height, ConnectOptions{})
			return a
		},
		"connected": func(l Look, width, height int) *App {
			a, p := waits(l, width, height, ConnectOptions{}, story(t, "healthy")...)
			a.Update(copiedMsg{p.id, 0, nil})
			return a
		},
		"secret": func(l Look, width, height int) *App {
			a, p := waits(l, width, height, ConnectOptions{})
			press(a, "s", "down", "down")
			a.Update(copiedMsg{p.id, 2, nil})
			return a
		},
		"failed": func(l Look, width, height int) *App {
			a, _ := waits(l, width, height, ConnectOptions{}, story(t, "operators-story")...)
			press(a, "down", "down", "down", "down", "down")
			return a
		},
		"opened": func(l Look, width, height int) *App {
			a, _ := waits(l, width, height, ConnectOptions{}, story(t, "operators-story")...)
			press(a, "down", "down", "down", "down", "down", "enter")
			return a
		},
		"tunnel": func(l Look, width, height int) *App {
			a, p := waits(l, width, height, ConnectOptions{})
			p.carriedAs(Carrier{Outcome: probe.Passed, Text: "the tunnel carries, by 4 connections"})
			return a
		},
		"no-tunnel": func(l Look, width, height int) *App {
			a, p := waits(l, width, height, ConnectOptions{})
			p.carriedAs(Carrier{Text: "the tunnel connects"}, Carrier{Outcome: probe.Failed, Text: "the tunnel does not come up: no answer from Cloudflare's edge",
				Mend: "open port 7844 to the outside, for UDP and TCP"})
			return a
		},
		"several": func(l Look, width, height int) *App {
			a, _ := waits(l, width, height, ConnectOptions{}, append(story(t, "healthy"), as(t, "operators-story", "h2")...)...)
			return a
		},
	}
}

func (p *ConnectPage) carriedAs(all ...Carrier) {
	p.Update(carrierFound{p.id, make(chan Carrier)})
	for _, c := range all {
		p.Update(carrierMsg{p.id, c})
	}
}

// How the tunnel stands is told from its first word on; a tunnel of a visit before is not heard.
func TestCarrier(t *testing.T) {
	t.Parallel()
	told := make(chan Carrier, 3)
	p := NewConnect(ConnectOptions{Values: func() []Value { return typed }, Carrier: func(context.Context) <-chan Carrier { return told }})
	a := among(looks["dark"], p, 80, 24)
	heard := func(want string) {
		t.Helper()
		a.Update(nextCarrier(p.id, told)())
		if got := plainText(a.View()); !strings.Contains(got, want) {
			t.Errorf("%q is not to be seen:\n%s", want, got)
		}
	}
	a.Update(carrierFound{p.id, told})
	told <- Carrier{Text: "the tunnel connects"}
	heard("· the tunnel connects")
	told <- Carrier{Outcome: probe.Passed, Text: "the tunnel carries"}
	heard("✓ the tunnel carries")
	told <- Carrier{Outcome: probe.Failed, Text: "nothing\x1b[2J now", Mend: "open port 7844"}
	heard("✗ nothing\\x1b[2J now\n   open port 7844")
	a.Update(carrierMsg{p.id - 1, Carrier{Text: "of another visit"}})
	if got := plainText(a.View()); strings.Contains(got, "another visit") {
		t.Errorf("heard:\n%s", got)
	}
	close(told)
	if nextCarrier(p.id, told)() != nil {
		t.Error("the end is told")
	}
}

func TestConnectLooks(t *testing.T) { looksOf(t, "connect", connectStates(t)) }

// words are the rows of the timeline as they are read.
func words(p *ConnectPage) string {
	var all []string
	for _, r := range p.line.rows {
		all = append(all, p.t.Sign(r.outcome)+" "+r.words(p.t))
	}
	return strings.Join(all, "\n")
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"healthy": `✓ POST /mcp 401, sent to the metadata
✓ read the resource metadata
✓ read the server metadata
✓ read the signing keys
✓ its user signed in and came back
✓ token for https://mcp.example.com/mcp
✓ initialize, 2025-11-25
✓ tools/list: 2 tools
✓ tools/call whoami: the first green call`,
		"operators-story": `✓ POST /mcp 401, sent to the metadata
✓ read the resource metadata
✗ read the server metadata
– read the server metadata: 404
✗ sent its user to sign in: 404`,
	} {
		_, p := waits(looks["dark"], 80, 24, ConnectOptions{}, story(t, name)...)
		if got := words(p); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// However events come, in whatever pieces, the rows are the same in the end, and none moves.
func TestTimelineOnlyGrows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"healthy", "operators-story", "edge-challenges", "other-make-oidc-alone", "other-make-separate-host"} {
		all := story(t, name)
		_, whole := waits(looks["dark"], 80, 24, ConnectOptions{}, all...)
		a, p := waits(looks["dark"], 80, 24, ConnectOptions{})
		var rows []*arrival
		for _, e := range all {
			a.Update(EventsMsg{p.id, Events{e}})
			if !slices.Equal(rows, p.line.rows[:len(rows)]) {
				t.Fatalf("%s: a row moved", name)
			}
			rows = slices.Clone(p.line.rows)
		}
		if got, want := words(p), words(whole); got != want {
			t.Errorf("%s, one by one:\n%s\nat once:\n%s", name, got, want)
		}
		a.Update(EventsMsg{p.id, all[1:]})
		if got, want := words(p), words(whole); got != want {
			t.Errorf("%s, told again:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

// The live probe is a client too; what it did before the page came on is not told as somebody's coming.
func TestOnlyWhatCameSince(t *testing.T) {
	t.Parallel()
	all := story(t, "healthy")
	since := ConnectOptions{Since: func() time.Time { return time.Date(2026, 11, 1, 13, 0, 0, 0, time.UTC) }}
	_, p := waits(looks["dark"], 80, 24, since, all...)
	if len(p.line.rows) > 0 || len(p.Connected()) > 0 {
		t.Errorf("told:\n%s", words(p))
	}
	since.Since = func() time.Time { return time.Date(2026, 11, 1, 12, 0, 1, 300e6, time.UTC) }
	_, p = waits(looks["dark"], 80, 24, since, all...)
	want := "✓ token for https://mcp.example.com/mcp\n✓ initialize, 2025-11-25\n✓ tools/list: 2 tools\n✓ tools/call whoami: the first green call"
	if got := words(p); got != want || strings.Join(p.Connected(), ",") != "Claude" {
		t.Errorf("connected %v, told:\n%s\nwant:\n%s", p.Connected(), got, want)
	}
}

// What the server itself asked is lent to every handshake; no client did it. That it failed is told all the same.
func TestLent(t *testing.T) {
	t.Parallel()
	all := story(t, "operators-story")
	for i, e := range all {
		if s, ok := e.(probe.Seen); ok && s.Exchange.N >= 3 {
			s.Exchange.ID = -1
			all[i] = s
		}
	}
	_, p := waits(looks["dark"], 80, 24, ConnectOptions{}, all...)
	got := words(p)
	if strings.Contains(got, "read the server metadata") || !strings.Contains(got, "✗ the metadata name the authorization endpoint") {
		t.Errorf("told:\n%s", got)
	}
}

// What is lent from one handshake to another is told once.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	var all []probe.Event
	for _, h := range []string{"h1", "h2"} {
		for _, e := range as(t, "healthy", h) {
			if s, ok := e.(probe.Seen); ok {
				if s.Exchange.ID = int64(s.Exchange.N); s.Exchange.N > 2 && h == "h2" {
					s.Exchange.ID += 100
				}
				e = s
			}
			all = append(all, e)
		}
	}
	_, p := waits(looks["dark"], 80, 24, ConnectOptions{}, all...)
	if got := words(p); strings.Count(got, "POST /mcp 401") != 1 || strings.Count(got, "tools/list") != 2 {
		t.Errorf("told:\n%s", got)
	}
}

func TestSameRowsAreCounted(t *testing.T) {
	t.Parallel()
	x := probe.Exchange{N: 1, Start: noon, Request: probe.Message{Method: "POST", URL: "https://mcp.example.com/mcp"}, Response: &probe.Response{Status: 401}}
	events := []probe.Event{probe.Started{Handshake: "a", Target: "https://mcp.example.com/mcp"}}
	for n := 1; n <= 3; n++ {
		x.N = n
		events = append(events, probe.Seen{Handshake: "a", Exchange: x})
	}
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{}, events[:3]...)
	a.Update(EventsMsg{p.id, events[3:]})
	if got := words(p); got != "· POST /mcp 401  ×3" {
		t.Errorf("told:\n%s", got)
	}
}

// A client that goes on for days does not fill the memory.
func TestOldHandshakesGo(t *testing.T) {
	t.Parallel()
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{})
	for i := range shakesMost + 5 {
		a.Update(EventsMsg{p.id, as(t, "operators-story", string(rune('A'+i)))})
	}
	if len(p.line.all) != shakesMost || len(p.line.shakes) != shakesMost || len(p.line.rows) != 5*shakesMost {
		t.Errorf("%d handshakes, %d rows", len(p.line.all), len(p.line.rows))
	}
}

// A double click must get a value whole: nothing else touches it on its line, however narrow the page is.
func TestValuesAreWhole(t *testing.T) {
	t.Parallel()
	long := []Value{{Label: "URL", Text: "https://a-rather-long-name.of-a-server.example.com:8443/a/path/of/mcp"}, {Label: "secret", Text: typed[2].Text, Secret: true}}
	for _, width := range []int{30, 40, 60, 80, 120} {
		a, _ := waits(looks["ascii"], width, 30, ConnectOptions{Values: func() []Value { return long }})
		press(a, "s")
		text := plainText(a.View())
		joined := strings.ReplaceAll(text, "\n", "")
		for _, v := range long {
			if !strings.Contains(joined, v.Text) {
				t.Errorf("%d columns: %s is not whole:\n%s", width, v.Label, text)
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			if strings.Contains(line, "https://a") && !strings.HasSuffix(line, "mcp") && cells(line) < width-1 {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
}

func TestCopyAndOpen(t *testing.T) {
	t.Parallel()
	var copied, opened []string
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{
		Copy: func(s string) error { copied = append(copied, s); return nil },
		Open: func(s string) error { opened = append(opened, s); return errors.New("no browser") },
	})
	for _, keys := range [][]string{{"enter"}, {"down", "down", "enter"}, {"o"}} {
		a.Update(press(a, keys...)())
	}
	text := plainText(a.View())
	if strings.Join(copied, " ") != typed[0].Text+" "+typed[2].Text || strings.Contains(text, typed[2].Text) {
		t.Errorf("copied %v:\n%s", copied, text)
	}
	if len(opened) != 1 || !strings.Contains(text, "✗ no browser was opened; go to https://claude.ai/customize/connectors") ||
		!strings.Contains(text, "************") || !strings.Contains(text, "✓ sent to the clipboard") {
		t.Errorf("opened %v:\n%s", opened, text)
	}
	a.Update(copiedMsg{p.id, 1, errors.New("closed")})
	if text := plainText(a.View()); !strings.Contains(text, "✗ not sent to the clipboard") {
		t.Errorf("a failure is not told:\n%s", text)
	}
}

// A hidden secret is hidden again when the page comes on anew.
func TestSecretIsHiddenAgain(t *testing.T) {
	t.Parallel()
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{})
	press(a, "s")
	if !strings.Contains(plainText(a.View()), typed[2].Text) {
		t.Error("s does not show the secret")
	}
	a.enter(a.at)
	a.Update(typedMsg{id: p.id, values: typed})
	if strings.Contains(plainText(a.View()), typed[2].Text) {
		t.Error("the secret is still shown")
	}
}

// A red row opens its finding, and the exchange as it was.
func TestRedRowOpens(t *testing.T) {
	t.Parallel()
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{}, story(t, "operators-story")...)
	press(a, "down", "down", "down", "down", "down", "enter")
	text := plainText(a.View())
	for _, want := range []string{"✗ read the server metadata", "✗ the metadata name the authorization endpoint", "mend put authorization_endpoint back"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not told:\n%s", want, text)
		}
	}
	press(a, "end")
	if text := plainText(a.View()); !strings.Contains(text, "<") {
		t.Errorf("the exchange is not told:\n%s", text)
	}
	press(a, "esc")
	if p.opened != nil || p.cursor != 5 {
		t.Errorf("back at row %d", p.cursor)
	}
	if got := went(press(a, "esc")); got != (Back{}) {
		t.Errorf("esc leads to %#v", got)
	}
}

// The newest is in sight, but for who looks at an older one.
func TestNewestInSight(t *testing.T) {
	t.Parallel()
	all := story(t, "healthy")
	a, p := waits(looks["dark"], 40, 15, ConnectOptions{})
	for _, e := range all {
		a.Update(EventsMsg{p.id, Events{e}})
		if n := len(p.line.rows); n > 0 && !strings.Contains(plainText(a.View()), p.line.rows[n-1].text[:12]) {
			t.Fatalf("the newest is not in sight:\n%s", plainText(a.View()))
		}
	}
	press(a, "down", "down", "down", "home", "down", "down", "down", "up", "down")
	at := p.cursor
	a.Update(EventsMsg{p.id, as(t, "operators-story", "h2")})
	if p.cursor != at || !strings.Contains(a.View(), "▌") {
		t.Errorf("the cursor went from %d to %d:\n%s", at, p.cursor, plainText(a.View()))
	}
}

func TestIdleConnectWritesNothing(t *testing.T) {
	t.Parallel()
	for _, heard := range [][]probe.Event{nil, story(t, "healthy")} {
		a, p := waits(looks["dark"], 80, 24, ConnectOptions{}, heard...)
		before := a.View()
		if _, cmd := a.Update(tickMsg{p.id}); cmd != nil || a.View() != before {
			t.Error("something turns while nothing comes")
		}
	}
}

// What a client calls itself, its tools and its paths is shown, and not obeyed.
func TestHostileClient(t *testing.T) {
	t.Parallel()
	const evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\r"
	body := func(method string, params map[string]any) probe.Body {
		return probe.Body{JSON: map[string]any{"jsonrpc": "2.0", "method": method, "params": params}}
	}
	header := map[string][]string{"Authorization": {"Bearer x"}, evil: {evil}}
	target := "https://mcp.example.com/mcp"
	token := []probe.Token{{Where: "request.authorization", Fingerprint: evil, Claims: map[string]any{"aud": evil}}}
	heard := []probe.Event{
		probe.Started{Handshake: evil, Target: target, Profile: &probe.Profile{Title: evil}},
		probe.Seen{Handshake: evil, Exchange: probe.Exchange{N: 1, Start: noon, Tokens: token, Response: &probe.Response{Status: 200},
			Request: probe.Message{Method: "POST", URL: target, Header: header, Body: body("tools/call", map[string]any{"name": evil})}}},
		probe.Seen{Handshake: evil, Exchange: probe.Exchange{N: 2, Start: noon, Tokens: token,
			Response: &probe.Response{Status: 200, Body: probe.Body{JSON: map[string]any{"result": map[string]any{"protocolVersion": evil}}}},
			Request:  probe.Message{Method: "POST", URL: target, Header: header, Body: body("initialize", nil)}}},
		probe.Seen{Handshake: evil, Exchange: probe.Exchange{N: 3, Start: noon, Response: &probe.Response{Status: 404},
			Request: probe.Message{Method: evil, URL: "https://mcp.example.com/" + evil}}},
		probe.Found{Handshake: evil, Finding: probe.Finding{Check: evil, Stage: probe.StageTools, Outcome: probe.Failed, Title: evil, Detail: evil,
			Effect: evil, Remedy: evil, Doc: evil, Exchanges: []int{1}}},
		probe.Found{Handshake: evil, Finding: probe.Finding{Check: "b", Stage: probe.StageTools, Outcome: probe.Failed, Title: evil}},
		probe.Started{Handshake: "h2", Target: target},
		probe.Seen{Handshake: "h2", Exchange: probe.Exchange{N: 1, Start: noon, Request: probe.Message{Method: "POST", URL: target,
			Body: body("initialize", map[string]any{"clientInfo": map[string]any{"name": evil}})}, Response: &probe.Response{Status: 401}}},
	}
	for _, width := range []int{40, 80} {
		a, p := waits(looks["ascii"], width, 24, ConnectOptions{Values: func() []Value { return []Value{{evil, evil, false}} }}, heard...)
		a.Update(typedMsg{p.id, []Value{{evil, evil, false}}, evil, "https://" + evil})
		a.Update(browsedMsg{p.id, errors.New(evil)})
		for range 8 {
			if view := a.View(); strings.ContainsFunc(view, func(r rune) bool { return r != '\n' && acts(r) }) {
				t.Fatalf("a terminal would act on it: %q", view)
			}
			press(a, "down", "enter", "down")
			if view := a.View(); strings.ContainsFunc(view, func(r rune) bool { return r != '\n' && acts(r) }) {
				t.Fatalf("a terminal would act on it: %q", view)
			}
			press(a, "esc")
		}
		if len(p.line.rows) != 6 {
			t.Errorf("rows:\n%s", words(p))
		}
	}
}

// The page hears through its own Cmds, and no more once it is left.
func TestConnectHears(t *testing.T) {
	t.Parallel()
	all := story(t, "healthy")
	ch := make(chan probe.Event, len(all))
	for _, e := range all {
		ch <- e
	}
	close(ch)
	p := NewConnect(ConnectOptions{Values: func() []Value { return typed }, Since: func() time.Time { return time.Time{} },
		Watch: func(context.Context) <-chan probe.Event { return ch }})
	a := NewApp(NewTheme(looks["dark"]), []Page{p}, nil)
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	runs(a, a.Init())
	if text := plainText(a.View()); !strings.Contains(text, "Claude is connected.") || !p.ended {
		t.Errorf("heard:\n%s", text)
	}
}

// runs runs Cmds one after the other until there are none.
func runs(a *App, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			runs(a, c)
		}
	case nil:
	default:
		_, next := a.Update(msg)
		runs(a, next)
	}
}

func BenchmarkConnect(b *testing.B) {
	all := story(b, "healthy")
	a, p := waits(looks["dark"], 80, 24, ConnectOptions{}, all...)
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			_ = a.View()
		}
	})
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			a.Update(EventsMsg{p.id, all[1:min(len(all), maxBatch)]})
		}
	})
}
