package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// samplePlan is a plan of every kind but a refused one.
var samplePlan = plan.Plan{Changes: []plan.Change{
	{Resource: "keycloak/realm/mcp", Action: plan.Create, Fields: []plan.Field{
		{Path: "sslRequired", After: "external"}, {Path: "accessTokenLifespan", After: 300}, {Path: "ssoSessionIdleTimeout", After: 2592000},
	}},
	{Resource: "keycloak/scope/mcp:tools", Action: plan.Create, Fields: []plan.Field{{Path: "description", After: "the tools of https://mcp.example.com/mcp"}}},
	{Resource: "keycloak/client/claude", Action: plan.Create, Fields: []plan.Field{
		{Path: "redirectUris", After: []any{"https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"}},
		{Path: "attributes.pkce.code.challenge.method", After: "S256"}, {Path: "secret", Secret: true},
	}},
	{Resource: "keycloak/client/introspect", Action: plan.Update, Fields: []plan.Field{
		{Path: "serviceAccountsEnabled", Before: false, After: true}, {Path: "fullScopeAllowed", Before: true, After: false},
	}, Note: "the old secret stays"},
	{Resource: "keycloak/user/alice", Action: plan.None},
	{Resource: "cloudflare/dns/mcp.example.com", Action: plan.Create, Fields: []plan.Field{{Path: "type", After: "CNAME"}}},
}}

var refusedPlan = plan.Plan{Changes: []plan.Change{
	{Resource: "keycloak/realm/mcp", Action: plan.Create, Fields: []plan.Field{{Path: "sslRequired", After: "external"}}},
	{Resource: "keycloak/client/claude", Action: plan.Refuse, Fields: []plan.Field{{Path: "publicClient", Before: true, After: false}},
		Stop:    "a client of that id is there that mcpwiz did not make, and it would have to change",
		Propose: "adopt: true for this client in mcpwiz.yaml lets mcpwiz change it; or give it another id"},
}}

var emptyPlan = plan.Plan{Changes: []plan.Change{{Resource: "keycloak/realm/mcp", Action: plan.None}, {Resource: "keycloak/client/claude", Action: plan.None}}}

var errPassword = errors.New("sign in to Keycloak at https://id.example.com, realm master, as user admin: 401 Unauthorized: invalid_grant: " +
	"Invalid user credentials: check user and password (MCPWIZ_KEYCLOAK_PASSWORD)")

// neighbours stand for the pages beside the one that is tested.
type neighbour struct{ name string }

func (n neighbour) Name() string                          { return n.name }
func (n neighbour) Enter(context.Context, *Theme) tea.Cmd { return nil }
func (n neighbour) Update(tea.Msg) tea.Cmd                { return nil }
func (n neighbour) View(int, int) string                  { return "" }
func (n neighbour) Keys() []Key                           { return nil }
func (n neighbour) Help() string                          { return "" }
func (n neighbour) Typing() bool                          { return false }

// among is an app at a page between those that stand beside it in the wizard.
func among(l Look, page Page, width, height int) *App {
	var pages []Page
	at := 0
	for i, name := range []string{"server", "keycloak", "clients", "plan", "apply", "probe", "connect"} {
		if name == page.Name() {
			pages, at = append(pages, page), i
		} else {
			pages = append(pages, neighbour{name})
		}
	}
	a := NewApp(NewTheme(l), pages, func() string { return "Answers are kept." })
	a.enter(at)
	a.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return a
}

// shows is the plan's page with this plan or error.
func shows(l Look, width, height int, o PlanOptions, made plan.Plan, err error) (*App, *PlanPage) {
	o.Title = func() string { return "Keycloak at https://id.example.com" }
	o.Look = func(context.Context) (plan.Plan, error) { return made, err }
	p := NewPlan(o)
	a := among(l, p, width, height)
	a.Update(plannedMsg{p.id, made, Permission{}, err})
	return a, p
}

// went is where a key leads.
func went(cmd tea.Cmd) tea.Msg {
	if cmd == nil {
		return nil
	}
	if g, ok := cmd().(going); ok {
		return g.to
	}
	return nil
}

var planStates = map[string]func(l Look, width, height int) *App{
	"looking": func(l Look, width, height int) *App {
		return among(l, NewPlan(PlanOptions{Title: func() string { return "Keycloak at https://id.example.com" }}), width, height)
	},
	"plan": func(l Look, width, height int) *App {
		a, _ := shows(l, width, height, PlanOptions{Save: func() (string, error) { return "", nil }}, samplePlan, nil)
		press(a, " ", "down", "down", "down")
		return a
	},
	"wrapped": func(l Look, width, height int) *App {
		a, _ := shows(l, width, height, PlanOptions{}, samplePlan, nil)
		press(a, "down", "down", " ", "w")
		return a
	},
	"refused": func(l Look, width, height int) *App {
		a, _ := shows(l, width, height, PlanOptions{}, refusedPlan, nil)
		return a
	},
	"empty": func(l Look, width, height int) *App {
		a, _ := shows(l, width, height, PlanOptions{}, emptyPlan, nil)
		return a
	},
	"failed": func(l Look, width, height int) *App {
		a, _ := shows(l, width, height, PlanOptions{}, plan.Plan{}, errPassword)
		return a
	},
	"saved": func(l Look, width, height int) *App {
		a, p := shows(l, width, height, PlanOptions{}, samplePlan, nil)
		a.Update(savedMsg{id: p.id, path: "/home/op/mcp/mcpwiz.yaml"})
		return a
	},
}

// looksOf holds the states of a page to their golden files, in every look and both sizes.
func looksOf(t *testing.T, room string, states map[string]func(l Look, width, height int) *App) {
	t.Helper()
	for state, page := range states {
		for look, l := range looks {
			for _, size := range [][2]int{{80, 24}, {40, 15}} {
				name := fmt.Sprintf("%s/%s-%dx%d-%s.txt", room, state, size[0], size[1], look)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					view := page(l, size[0], size[1]).View()
					fits(t, view, size[0], size[1])
					golden(t, name, view)
				})
			}
		}
		t.Run(room+"/"+state+"/sizes", func(t *testing.T) {
			t.Parallel()
			a := page(looks["dark"], 80, 24)
			before := a.View()
			for _, size := range [][2]int{{40, 15}, {120, 40}, {30, 8}, {72, 16}, {20, 5}, {1, 1}, {80, 24}} {
				a.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				fits(t, a.View(), size[0], size[1])
			}
			if after := a.View(); after != before {
				t.Errorf("after a walk through sizes:\n%s\nwant:\n%s", plainText(after), plainText(before))
			}
		})
	}
}

func TestPlanLooks(t *testing.T) {
	t.Parallel()
	looksOf(t, "plan", planStates)
}

func TestEnterGoesOnOnlyWithAPlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan plan.Plan
		err  error
		last bool
		want tea.Msg
	}{
		"a plan":   {samplePlan, nil, false, Next{}},
		"empty":    {emptyPlan, nil, false, Next{}},
		"last":     {samplePlan, nil, true, Leave{}},
		"refused":  {refusedPlan, nil, false, nil},
		"no plan":  {plan.Plan{}, errPassword, false, nil},
		"refused2": {refusedPlan, nil, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := shows(looks["dark"], 80, 24, PlanOptions{Last: c.last}, c.plan, c.err)
			if got := went(press(a, "enter")); got != c.want {
				t.Errorf("Enter leads to %#v, want %#v", got, c.want)
			}
		})
	}
	a := among(looks["dark"], NewPlan(PlanOptions{}), 80, 24)
	if got := went(press(a, "enter")); got != nil {
		t.Errorf("Enter before there is a plan leads to %#v", got)
	}
}

// What a look of before says is not heard.
func TestLookAgain(t *testing.T) {
	t.Parallel()
	a, p := shows(looks["dark"], 80, 24, PlanOptions{}, plan.Plan{}, errPassword)
	old := p.id
	press(a, "r")
	a.Update(plannedMsg{old, samplePlan, Permission{}, nil})
	if text := plainText(a.View()); !strings.Contains(text, "looking at Keycloak at https://id.example.com") {
		t.Errorf("an old look is heard:\n%s", text)
	}
	a.Update(plannedMsg{p.id, samplePlan, Permission{}, nil})
	if text := plainText(a.View()); !strings.Contains(text, "4 new, 1 changed, 1 as it should be. Nothing is touched yet.") {
		t.Errorf("the plan:\n%s", text)
	}
}

// A connection that was cut is of the way there, whatever it was wrapped in.
func TestWhoFailed(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{io.EOF: "network", io.ErrUnexpectedEOF: "network", errPassword: "you: what it says is yours to put right"} {
		if got := whoFailed("", fmt.Errorf("sign in: %w", err)); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	made := plan.Plan{Changes: []plan.Change{
		{Resource: "a", Action: plan.Create, Fields: []plan.Field{{Path: "secret", After: "tiger", Secret: true}}},
		{Resource: "b", Action: plan.Update, Fields: []plan.Field{{Path: "secret", Before: "lion", After: "tiger", Secret: true}}},
	}}
	a, _ := shows(looks["dark"], 80, 24, PlanOptions{}, made, nil)
	press(a, "e")
	text := plainText(a.View())
	if strings.Contains(text, "tiger") || strings.Contains(text, "lion") || strings.Count(text, "kept in mcpwiz.secrets.yaml") != 2 {
		t.Errorf("a secret is shown:\n%s", text)
	}
}

// What Keycloak answered may hold anything; it is shown, and not obeyed.
func TestPlanOfHostileNames(t *testing.T) {
	t.Parallel()
	made := plan.Plan{Changes: []plan.Change{{Resource: "keycloak/client/\x1b]52;c;ZXZpbA==\x07", Action: plan.Refuse,
		Fields: []plan.Field{{Path: "na\x1b[2Jme", Before: "\x1b[31mred\r\u202e", After: []any{"a\nb", map[string]any{"k": "\u009b2J"}}}},
		Stop:   "\x1b[1;1H", Propose: "\x9b"}}}
	for _, o := range []struct {
		plan plan.Plan
		err  error
	}{{made, nil}, {plan.Plan{}, errors.New("GET \x1b[2J\x07: \u202e")}} {
		a, p := shows(looks["ascii"], 80, 24, PlanOptions{}, o.plan, o.err)
		press(a, "e", "w")
		a.Update(savedMsg{id: p.id, err: errors.New("\x1b[2J")})
		if view := a.View(); strings.ContainsFunc(view, func(r rune) bool { return r != '\n' && acts(r) }) {
			t.Errorf("a terminal would act on it: %q", view)
		}
	}
}

// A resource that is opened is in sight to its last line, and a plan that is longer than the page can be read to its end.
func TestPlanScrolls(t *testing.T) {
	t.Parallel()
	var made plan.Plan
	for i := range 12 {
		c := plan.Change{Resource: fmt.Sprintf("keycloak/client/c%d", i), Action: plan.Create}
		for j := range 15 {
			c.Fields = append(c.Fields, plan.Field{Path: fmt.Sprintf("f%d", j), After: fmt.Sprintf("c%d-f%d", i, j)})
		}
		made.Changes = append(made.Changes, c)
	}
	a, p := shows(looks["dark"], 80, 24, PlanOptions{}, made, nil)
	for i := range 12 {
		press(a, " ")
		if text := plainText(a.View()); !strings.Contains(text, fmt.Sprintf("c%d-f14", i)) {
			t.Fatalf("the last line of what was opened is not in sight:\n%s", text)
		}
		press(a, "down")
	}
	press(a, "home")
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 12})
	seen := map[string]bool{}
	for range 400 {
		for word := range strings.FieldsSeq(plainText(a.View())) {
			seen[word] = true
		}
		press(a, "down")
	}
	for i := range 12 {
		for j := range 15 {
			if !seen[fmt.Sprintf("c%d-f%d", i, j)] {
				t.Errorf("c%d-f%d never came into sight", i, j)
			}
		}
	}
	for range 400 {
		press(a, "up")
	}
	if p.cursor != 0 || p.top != 0 {
		t.Errorf("back at the top: resource %d, line %d", p.cursor, p.top)
	}
}

func TestSaveAsFile(t *testing.T) {
	t.Parallel()
	n := 0
	a, p := shows(looks["dark"], 80, 24, PlanOptions{Save: func() (string, error) { n++; return "mcpwiz.yaml", nil }}, samplePlan, nil)
	cmd := press(a, "s")
	if press(a, "s") != nil {
		t.Error("written twice at once")
	}
	a.Update(cmd())
	if text := plainText(a.View()); n != 1 || !strings.Contains(text, "✓ written: mcpwiz.yaml; mcpwiz setup -f mcpwiz.yaml applies it") {
		t.Errorf("written %d times:\n%s", n, text)
	}
	b, refused := shows(looks["dark"], 80, 24, PlanOptions{}, refusedPlan, nil)
	b.Update(savedMsg{id: refused.id, path: "mcpwiz.yaml"})
	if text := plainText(b.View()); strings.Contains(text, "applies it") || !strings.Contains(text, "wizard -f mcpwiz.yaml goes on") {
		t.Errorf("a refused plan that was written:\n%s", text)
	}
	a.Update(savedMsg{id: p.id, err: errors.New("the disk is full")})
	if text := plainText(a.View()); !strings.Contains(text, "seen the disk is full") {
		t.Errorf("a failure is not told:\n%s", text)
	}
}

// A scope whose name is taken gets the free one with a key, and the plan is made again.
func TestTheFreeNameIsTaken(t *testing.T) {
	t.Parallel()
	taken := plan.Plan{Changes: []plan.Change{{Resource: "keycloak/scope/mcp:tools", Action: plan.Refuse, Stop: "that name is taken",
		Propose: "name: mcp:tools:mcp.example.com for this scope in mcpwiz.yaml", FreeName: "mcp:tools:mcp.example.com"}}}
	for _, size := range [][2]int{{80, 24}, {40, 15}} {
		got := ""
		a, p := shows(looks["dark"], size[0], size[1], PlanOptions{Rename: func(r, name string) { got = r + " " + name }}, taken, nil)
		fits(t, a.View(), size[0], size[1])
		if text := plainText(a.View()); !strings.Contains(text, "n take the free name") {
			t.Errorf("%v: the key is not told:\n%s", size, text)
		}
		press(a, "n")
		if got != "keycloak/scope/mcp:tools mcp:tools:mcp.example.com" || p.state != planLooking {
			t.Errorf("renamed %q, state %d", got, p.state)
		}
	}
	a, p := shows(looks["dark"], 80, 24, PlanOptions{Rename: func(string, string) { t.Error("renamed a client") }}, refusedPlan, nil)
	press(a, "n")
	if text := plainText(a.View()); strings.Contains(text, "free name") || p.state != planLooked {
		t.Errorf("offered for a client:\n%s", text)
	}
}

func TestIdlePlanWritesNothing(t *testing.T) {
	t.Parallel()
	a, p := shows(looks["dark"], 80, 24, PlanOptions{}, samplePlan, nil)
	before := a.View()
	if _, cmd := a.Update(tickMsg{p.id}); cmd != nil || a.View() != before {
		t.Error("the spinner turns when nothing is waited for")
	}
}

func TestValueTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		v    any
		want string
	}{
		{"accessTokenLifespan", 300, "5 min"}, {"attributes.access.token.lifespan", "900", "15 min"}, {"ssoSessionMaxLifespan", 90, "90 s"},
		{"ssoSessionIdleTimeout", 2592000, "30 days"}, {"ssoSessionIdleTimeout", 86400, "24 h"}, {"accessTokenLifespan", 0, "0"}, {"port", 300, "300"},
		{"name", "", `""`}, {"enabled", false, "false"}, {"x", map[string]any{"a": "<b>"}, `{"a":"<b>"}`}, {"x", nil, ""},
		{"x", []any{"a", 1.0, true}, "a|1|true"}, {"x", []string{"a", "b"}, "a|b"},
	} {
		if got := strings.Join(valueTexts(c.path, c.v), "|"); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.path, c.v, got, c.want)
		}
	}
}

// Of a list only what comes and goes is told.
func TestDiffOfLists(t *testing.T) {
	t.Parallel()
	lines := diffOf(plan.Change{Action: plan.Update, Fields: []plan.Field{
		{Path: "uris", Before: []any{"a", "b"}, After: []any{"b", "c"}},
		{Path: "email", Before: "x"}, {Path: "order", Before: []any{"a", "b"}, After: []any{"b", "a"}},
	}})
	var got []string
	for _, l := range lines {
		got = append(got, l.sign+l.label+"="+l.text)
	}
	if want := "-uris=a +uris=c -email=x -order=a -=b +order=b +=a"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}
