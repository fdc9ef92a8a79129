package wizard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

// exposed are answers with which the server is reached by a way.
func exposed(way string) Answers {
	a := filled()
	a.Connection.Servers = []plan.Server{{URL: "https://mcp.example.com/mcp", Listen: "127.0.0.1:8080"}}
	a.Connection.Expose.Way = way
	switch way {
	case plan.WayExistingTunnel:
		a.Connection.Expose.Tunnel = "house"
		fallthrough
	case plan.WayCloudflare:
		a.Connection.Keycloak.Issuer = ""
		a.EdgeToken = "right"
	}
	return a
}

// Every way's steps, at either size.
func TestAddressSteps(t *testing.T) {
	t.Parallel()
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 21}, {Width: 40, Height: 12}, {Width: 30, Height: 7}} {
		t.Run(fmt.Sprintf("%dx%d", size.Width, size.Height+3), func(t *testing.T) {
			t.Parallel()
			var all strings.Builder
			for _, way := range []string{plan.WayCloudflare, plan.WayExistingTunnel, plan.WayQuickTunnel, plan.WayNgrok, plan.WayTailscale} {
				w := newWorld()
				wk := walk(w, exposed(way))
				wk.seen = w.seen
				wk.draft.among(wk.seen)
				wk.draft.keycloak = "http://127.0.0.1:8180"
				topics := []topic{wk.addressTopic()}
				if wk.draft.carriable() {
					topics = append(topics, topic{name: "keycloak carried", steps: func() []step { return []step{wk.carriedStep()} }})
				}
				for _, tp := range topics {
					p := wk.page(tp)
					p.Enter(t.Context(), tui.NewTheme(looks["dark"]))
					p.Update(size)
					for i := range tp.steps() {
						p.show(i, 0)
						view := p.View(size.Width, size.Height)
						fits(t, view, size.Width, size.Height)
						fmt.Fprintf(&all, "== %s: %s %d\n%s\n", way, tp.name, i, bare(view))
					}
				}
			}
			golden(t, fmt.Sprintf("address-%dx%d.txt", size.Width, size.Height+3), all.String())
		})
	}
}

// addressPageOf is the page after its first question.
func addressPageOf(t *testing.T, w *world, start Answers) *screen {
	t.Helper()
	wk := walk(w, start)
	s := show(t, wk.page(wk.addressTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.shows("How do clients reach your server?")
	return s
}

func settled(s *screen) plan.Connection { return s.page.(*page).w.Answers().Connection }

// From a token to a url, from nothing.
func TestAURLIsMadeOfWhatTheTokenSees(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := addressPageOf(t, w, Answers{})
	s.keys("down", "enter")
	s.shows("Cloudflare's API token")
	s.keys("enter")
	s.shows("✗ API token: missing")
	s.type_("wrong")
	s.keys("enter")
	s.shows("✗ Invalid API Token")
	s.type_("right")
	s.keys("enter")
	s.shows("In which zone?")
	if v := s.view(); !strings.Contains(v, "not WAF, Access") || strings.Contains(v, "right") {
		t.Errorf("what the token may is not shown, or the token is:\n%s", v)
	}
	s.keys("down", "enter", "ctrl+u")
	s.type_("tools")
	s.keys("enter", "enter")
	s.goes(tui.Next{})
	c := settled(s)
	if c.Servers[0].URL != "https://tools.example.net/mcp" || c.Expose != (plan.Expose{Way: plan.WayCloudflare}) {
		t.Errorf("%+v %+v", c.Servers[0], c.Expose)
	}
	if a := s.page.(*page).w.Answers(); a.EdgeToken != "right" || strings.Contains(fmt.Sprint(a), "right") {
		t.Errorf("%+v", a)
	}
	if got := w.done(); !strings.HasPrefix(got, "cloudflare\ncloudflare\n") || !strings.HasSuffix(got, "cloudflare 127.0.0.1:8080 https://tools.example.net/mcp") {
		t.Errorf("asked\n%s", got)
	}
}

// A url that is in one of the zones is kept, and a deep name is warned of.
func TestAURLInAZoneIsKept(t *testing.T) {
	t.Parallel()
	a := exposed(plan.WayCloudflare)
	a.Connection.Servers[0].URL = "https://mcp.home.example.org/tools"
	s := addressPageOf(t, newWorld(), a)
	s.keys("enter", "enter")
	s.shows("In which zone?")
	s.keys("enter", "enter", "enter")
	s.shows("! Cloudflare's own certificate covers one label before example.org")
	s.keys("enter")
	s.goes(tui.Next{})
	if got := settled(s).Servers[0].URL; got != "https://mcp.home.example.org/tools" {
		t.Errorf("the url is %s", got)
	}
}

// A tunnel is in an account, and so is the zone.
func TestAnExistingTunnelIsChosen(t *testing.T) {
	t.Parallel()
	start := exposed(plan.WayOwn)
	start.EdgeToken = "right"
	s := addressPageOf(t, newWorld(), start)
	s.keys("down", "down", "enter")
	s.shows("given already")
	s.keys("enter")
	s.shows("▌ house, healthy, rules at Cloudflare")
	s.keys("down", "enter")
	s.shows("example.net")
	if strings.Contains(s.view(), "example.com\n") {
		t.Errorf("zones of another account are offered:\n%s", s.view())
	}
	s.keys("enter", "enter", "enter")
	s.goes(tui.Next{})
	c := settled(s)
	if c.Expose.Way != plan.WayExistingTunnel || c.Expose.Tunnel != "shop" || c.Servers[0].URL != "https://mcp.example.net/mcp" {
		t.Errorf("%+v %+v", c.Expose, c.Servers[0])
	}
}

// Of many zones the one at hand is in sight.
func TestManyZones(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.seen.Zones = nil
	for i := range 40 {
		w.seen.Zones = append(w.seen.Zones, Zone{fmt.Sprintf("zone-%02d.example", i), "a"})
	}
	start := exposed(plan.WayCloudflare)
	start.Connection.Servers[0].URL = "https://mcp.zone-30.example/mcp"
	s := addressPageOf(t, w, start)
	s.keys("enter", "enter")
	s.shows("▌ zone-30.example")
	for range 8 {
		s.keys("down")
	}
	s.shows("▌ zone-38.example")
	s.send(tea.WindowSizeMsg{Width: 40, Height: 12})
	s.shows("▌ zone-38.example")
	s.keys("enter")
	s.shows("> mcp")
}

// A quick tunnel's name is the url, and its limits are read before going on.
func TestAQuickTunnelBringsItsName(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := addressPageOf(t, w, Answers{})
	s.keys("down", "down", "down", "enter")
	s.shows("no SSE on GET")
	s.keys("enter")
	s.shows("! https://some-words.trycloudflare.com while this runs")
	s.keys("enter")
	s.goes(tui.Next{})
	if c := settled(s); c.Servers[0].URL != "https://some-words.trycloudflare.com/mcp" || c.Expose.Way != plan.WayQuickTunnel || w.done() != "quick 127.0.0.1:8080" {
		t.Errorf("%+v\n%s", c, w.done())
	}
}

// What was answered for one way does not stay with another.
func TestAnotherWayLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	start := exposed(plan.WayExistingTunnel)
	start.Connection.Expose.Zone, start.Connection.Expose.Rules = "example.com", plan.RulesSettings
	d := draftOf(start, nil)
	d.way = plan.WayOwn
	a := d.answers()
	if a.Connection.Expose != (plan.Expose{Way: plan.WayOwn, Rules: plan.RulesSettings}) || a.EdgeToken != "" {
		t.Errorf("%+v", a.Connection.Expose)
	}
	if got := draftOf(filled(), nil).answers().Connection.Expose; got != (plan.Expose{}) {
		t.Errorf("a way is written though nobody chose one: %+v", got)
	}
}

// A Keycloak on this machine is carried beside the server, or not; and a file that says so is read as it was answered.
func TestKeycloakIsCarried(t *testing.T) {
	t.Parallel()
	start := exposed(plan.WayCloudflare)
	wk := walk(newWorld(), start)
	s := show(t, wk.page(wk.keycloakTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.type_("http://127.0.0.1:8180/auth")
	s.keys("enter", "enter")
	s.shows("Password")
	s.keys("enter", "enter")
	s.shows("Which realm?")
	s.keys("enter", "enter")
	s.shows("How do clients reach Keycloak?")
	s.shows("start it with --hostname https://mcp.example.com/auth")
	s.keys("enter")
	s.goes(tui.Next{})
	a := wk.Answers()
	c := a.Connection
	if c.Keycloak.Issuer != "https://mcp.example.com/auth/realms/mcp" || c.Keycloak.AdminURL != "http://127.0.0.1:8180/auth" || c.Expose.Keycloak != "http://127.0.0.1:8180" {
		t.Errorf("%+v %+v", c.Keycloak, c.Expose)
	}
	if d := draftOf(a, nil); d.keycloak != "http://127.0.0.1:8180/auth" || d.answers().Connection.Keycloak != c.Keycloak || d.answers().Connection.Expose != c.Expose {
		t.Errorf("%s: %+v", d.keycloak, d.answers().Connection)
	}
	s.run(s.page.Enter(t.Context(), tui.NewTheme(looks["dark"])))
	s.keys("down", "enter")
	s.goes(tui.Next{})
	c = wk.Answers().Connection
	if c.Keycloak.Issuer != "http://127.0.0.1:8180/auth/realms/mcp" || c.Expose.Keycloak != "" {
		t.Errorf("%+v %+v", c.Keycloak, c.Expose)
	}
}

// In plain lines the same is asked.
func TestCloudflareInLines(t *testing.T) {
	t.Parallel()
	w := newWorld()
	start := filled()
	out, err := plainly(t, w, Options{Start: start, DryRun: true}, strings.Join([]string{
		"2", "wrong", "right", "3", "tools", "", // the zone by its number
		"", "", "", "", "", "", "", // Keycloak
		"", // carried
	}, "\n")+strings.Repeat("\n", 16))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "How do clients reach your server?", "2  by Cloudflare, with an API token", "Note: makes tunnel", "Wrong: Invalid API Token", "Good: the token is good",
		"In which zone?", "the token may edit Tunnel", "1 to 3 [1]", "By which name", "asking https://tools.example.org/mcp", "How do clients reach Keycloak?",
		"Note: start it with --hostname https://tools.example.org", "looking at Keycloak at http://127.0.0.1:8180, and Cloudflare")
	if strings.Contains(out, "right") {
		t.Error("the token is told")
	}
}

// A run that was broken off is gone on with when all is known that no file keeps: the token first.
func TestGoesOnWithAToken(t *testing.T) {
	t.Parallel()
	start := exposed(plan.WayCloudflare)
	start.EdgeToken, start.AdminSecret = "", ""
	start.AdminBy = ByPassword
	start.Connection.Keycloak.Issuer = "https://id.example.com/realms/mcp"
	w := newWorld()
	s, _ := afterABreak(t, w, start)
	s.keys("enter")
	s.shows("Cloudflare's API token")
	for _, r := range "right" {
		s.keys(string(r))
	}
	s.keys("enter")
	s.signsIn()
	s.shows("Nothing is touched yet.")
	w = newWorld()
	w.standing = slices.Clone(brokenOff)
	out, err := plainly(t, w, Options{Start: start, Unfinished: brokenOff, DryRun: true}, "1\nright\nadmin\nright\n")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	has(t, out, "Cloudflare's API token", "Password", "Nothing was touched: this was a dry run.")
}
