package wizard

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

var update = flag.Bool("update", false, "write golden files anew")

var looks = map[string]tui.Look{
	"dark":    {Dark: true, Profile: termenv.TrueColor},
	"light":   {Profile: termenv.TrueColor},
	"nocolor": {Dark: true, NoColor: true, Profile: termenv.ANSI},
	"16":      {Dark: true, Profile: termenv.ANSI},
	"ascii":   {Dark: true, ASCII: true, Profile: termenv.Ascii},
}

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

func bare(s string) string {
	lines := strings.Split(ansi.Strip(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// A world is a small one, to which a Desk leads. Its fields may be set before a test begins.
type world struct {
	mu sync.Mutex
	// did is what was asked of it, in order; no secret.
	did      []string
	password string
	server   func(ctx context.Context, url string) Verdict
	planned  plan.Plan
	away     string // in the URL of a Keycloak that does not answer
	fails    int
	unseen   int // how often looking fails
	saved    Answers
	applied  plan.Plan
	events   chan probe.Event
	lacks    string // what the administrator may not do
	// standing is what can be undone; broken, once, what a handshake finds that a resource would mend.
	standing []plan.Past
	broken   *probe.Finding
	// seen is what the API token sees at Cloudflare; carrier how the tunnel stands.
	seen    Cloudflare
	carrier chan tui.Carrier
}

func newWorld() *world {
	return &world{password: "right", events: make(chan probe.Event, 8), carrier: make(chan tui.Carrier, 8), seen: Cloudflare{
		Zones: []Zone{{"example.com", "a"}, {"example.net", "b"}, {"example.org", "a"}}, May: "the token may edit Tunnel, DNS; not WAF, Access, Bots, Settings",
		Tunnels: []Tunnel{{"house", "a", "healthy, rules at Cloudflare"}, {"shop", "b", "down, rules in a file"}},
	}, planned: plan.Plan{Changes: []plan.Change{
		{Resource: "keycloak/realm/mcp", Action: plan.Create, Fields: []plan.Field{{Path: "enabled", After: true}}},
		{Resource: "keycloak/client/claude", Action: plan.Create, Fields: []plan.Field{{Path: "secret", Secret: true}}},
	}}}
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did = append(w.did, what)
}

func (w *world) done() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.did, "\n")
}

func (w *world) desk() Desk {
	return Desk{
		Profiles:      profiles.All,
		CheckServer:   w.checkServer,
		CheckKeycloak: w.checkKeycloak,
		CheckCloudflare: func(_ context.Context, token plan.Secret) (Cloudflare, Verdict) {
			w.note("cloudflare")
			if token.Reveal() != w.password {
				return Cloudflare{}, Verdict{Note: "Invalid API Token"}
			}
			return w.seen, Verdict{OK: true, Note: "the token is good"}
		},
		QuickTunnel: func(_ context.Context, listen string) (string, Verdict) {
			w.note("quick " + listen)
			return "https://some-words.trycloudflare.com", Verdict{OK: true, Warn: true, Note: "https://some-words.trycloudflare.com while this runs"}
		},
		Carrier: func(context.Context) <-chan tui.Carrier { return w.carrier },
		Lifetimes: func(k plan.Keycloak) Lifetimes {
			if !k.CreateRealm {
				return Lifetimes{}
			}
			return Lifetimes{Idle: 8 * time.Hour, Max: 7 * 24 * time.Hour, OfflineIdle: 30 * 24 * time.Hour, OfflineMax: 180 * 24 * time.Hour}
		},
		Plan: func(_ context.Context, a Answers, only string) (plan.Plan, error) {
			w.note(strings.TrimSpace("plan " + only))
			if only != "" {
				return plan.Plan{Changes: []plan.Change{{Resource: only, Action: plan.Update, Fields: []plan.Field{{Path: "redirectUris", After: "https://claude.ai"}}}}}, nil
			}
			if w.unseen > 0 {
				w.unseen--
				return plan.Plan{}, context.DeadlineExceeded
			}
			return w.planned, nil
		},
		Apply: w.apply,
		May: func(_ context.Context, _ Answers, _ string, p plan.Plan) (tui.Permission, error) {
			if w.lacks != "" {
				return tui.Permission{Text: w.lacks, Short: true}, nil
			}
			return tui.Permission{Text: fmt.Sprintf("admin may do all %d steps", len(p.Changes))}, nil
		},
		Proof: func(string) []string { return []string{"authorization.redirect-accepted"} },
		Past:  w.past,
		Reversal: func(_ context.Context, _ Answers, all []plan.Past) (plan.Plan, error) {
			w.note("reversal")
			return plan.Reversal(all), nil
		},
		Undo: w.undo,
		Save: func(a Answers) (string, error) {
			w.note("save")
			w.saved = a
			return "mcpwiz.yaml", nil
		},
		Serve:     func(context.Context, Answers, func(string)) error { w.note("serve"); return nil },
		Watch:     func(context.Context) <-chan probe.Event { return w.events },
		Handshake: w.handshake,
		Values: func(a Answers) []tui.Value {
			return []tui.Value{{Label: "URL", Text: a.Connection.Servers[0].URL}, {Label: "secret", Text: "s3cr3t", Secret: true}}
		},
		Where:   func(Answers) string { return "Claude: Settings, Connectors, Add custom connector. Type:" },
		Page:    func(Answers) string { return "https://claude.ai/settings/connectors" },
		Open:    func(string) error { return nil },
		Copy:    func(string) error { return nil },
		Report:  func(to io.Writer) probe.Sink { return func(e probe.Event) { tell(to, e) } },
		Written: func() []string { return []string{"written: mcpwiz.yaml", "again: mcpwiz serve -f mcpwiz.yaml"} },
	}
}

func tell(to io.Writer, e probe.Event) {
	switch e := e.(type) {
	case probe.Started:
		_, _ = io.WriteString(to, "started "+e.Handshake+"\n")
	case probe.Finished:
		_, _ = io.WriteString(to, "finished "+e.Handshake+"\n")
	}
}

func (w *world) checkServer(ctx context.Context, way, listen, url string) Verdict {
	if way == plan.WayOwn {
		way = "server"
	}
	w.note(way + " " + listen + " " + url)
	if w.server != nil {
		return w.server(ctx, url)
	}
	return Verdict{OK: true, Note: "nobody answers there yet: your server will"}
}

func (w *world) checkKeycloak(_ context.Context, k plan.Keycloak, secret plan.Secret) Verdict {
	switch {
	case w.away != "" && strings.Contains(k.Issuer, w.away):
		return Verdict{Note: "no answer at " + k.Issuer}
	case secret == "":
		w.note("reach " + k.Issuer)
		return Verdict{OK: true, Note: "a Keycloak answers"}
	case secret.Reveal() != w.password:
		w.note("refuse " + k.Issuer)
		return Verdict{Note: "Keycloak refuses the password of " + k.Admin.User}
	}
	w.note("sign in " + k.Issuer)
	return Verdict{OK: true, Note: "Keycloak 26.7.0; realm is not there yet: it will be made"}
}

func (w *world) past(_ Answers, only string) ([]plan.Past, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.standing), func(p plan.Past) bool { return only != "" && p.Change.Resource != only }), nil
}

func (w *world) undo(_ context.Context, _ Answers, all []plan.Past, told func(plan.Undoing)) error {
	for _, one := range slices.Backward(all) {
		w.note("undo " + one.Change.Resource)
		told(plan.Undoing{Past: one})
		w.mu.Lock()
		w.standing = slices.DeleteFunc(w.standing, func(p plan.Past) bool { return p.Change.Resource == one.Change.Resource })
		w.mu.Unlock()
		told(plan.Undoing{Past: one, Done: true})
	}
	return nil
}

func (w *world) apply(_ context.Context, _ Answers, only string, p plan.Plan, told func(plan.Progress)) error {
	w.note(strings.TrimSpace("apply " + only))
	for i, c := range p.Changes {
		at := plan.Progress{Index: i, Total: len(p.Changes), Change: c}
		told(at)
		at.Done = true
		if i == 1 && w.fails > 0 {
			w.fails--
			at.Err = context.DeadlineExceeded
			told(at)
			return at.Err
		}
		w.mu.Lock()
		w.standing = append(w.standing, plan.Past{Record: plan.Record{Run: "1", Change: c}, State: plan.Applied})
		w.mu.Unlock()
		told(at)
	}
	w.applied = p
	return nil
}

func (w *world) handshake(_ context.Context, _ Answers, as tui.ProbeRun, sink probe.Sink) (probe.Summary, error) {
	w.note("handshake " + as.Client + " " + as.SignIn)
	sink(probe.Started{Handshake: "h1"})
	sum := probe.Summary{Status: probe.Healthy}
	if f := w.broken; f != nil {
		w.broken = nil
		sink(probe.Found{Handshake: "h1", Finding: *f})
		sum = probe.Summary{Status: probe.Unhealthy, First: &f.Check}
	}
	sink(probe.Finished{Handshake: "h1", Summary: sum})
	return sum, nil
}

// filled are answers with which Enter is enough.
func filled() Answers {
	return Answers{
		Connection: plan.Connection{
			Servers:  []plan.Server{{URL: "http://127.0.0.1:8080/mcp", Listen: "127.0.0.1:8080"}},
			Keycloak: plan.Keycloak{Issuer: "http://127.0.0.1:8180/realms/mcp", CreateRealm: true, Admin: plan.Admin{User: "admin"}},
			Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}},
			Users:    []plan.User{{Name: "alice"}},
		},
		AdminSecret: "right",
	}
}

// A screen is a page with a terminal's size, fed by hand.
type screen struct {
	t    *testing.T
	page tui.Page
	msgs chan tea.Msg
	// went is where the page went: Next, Back or Leave.
	went []tea.Msg
}

func show(t *testing.T, p tui.Page, theme *tui.Theme, width, height int) *screen {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	s := &screen{t: t, page: p, msgs: make(chan tea.Msg, 256)}
	s.run(p.Enter(ctx, theme))
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// run runs a Cmd beside; what it says comes in with settle.
func (s *screen) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, c := range batch {
				s.run(c)
			}
			return
		}
		s.msgs <- msg
	}()
}

func (s *screen) send(msgs ...tea.Msg) {
	for _, m := range msgs {
		s.run(s.page.Update(m))
	}
}

// until feeds what Cmds say until it is so.
func (s *screen) until(what string, so func() bool) {
	s.t.Helper()
	late := time.After(time.Minute)
	for !so() {
		select {
		case m := <-s.msgs:
			switch m.(type) {
			case tui.Next, tui.Back, tui.Leave:
				s.went = append(s.went, m)
			default:
				s.send(m)
			}
		case <-late:
			s.t.Fatalf("never: %s; the page is\n%s", what, s.view())
		}
	}
}

func (s *screen) shows(text string) {
	s.t.Helper()
	s.until("shows "+text, func() bool { return strings.Contains(s.view(), text) })
}

func (s *screen) goes(to tea.Msg) {
	s.t.Helper()
	s.until("goes on", func() bool { return len(s.went) > 0 })
	if s.went[0] != to {
		s.t.Errorf("went %T, want %T", s.went[0], to)
	}
	s.went = nil
}

func (s *screen) view() string {
	p, ok := s.page.(*page)
	if !ok {
		return bare(s.page.View(78, 20))
	}
	return bare(p.View(p.width, p.height))
}

func (s *screen) type_(text string) {
	for _, r := range text {
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
}

func (s *screen) keys(names ...string) {
	for _, name := range names {
		s.send(pressed(name))
	}
}

func pressed(name string) tea.KeyMsg {
	types := map[string]tea.KeyType{
		"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"backspace": tea.KeyBackspace, "ctrl+u": tea.KeyCtrlU,
	}
	if t, ok := types[name]; ok {
		return tea.KeyMsg{Type: t}
	}
	if name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(name)}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}
