package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// misdirect takes the client's redirect URIs away, as somebody may in the console.
func (s *scaffold) misdirect(id string) {
	s.t.Helper()
	_, found := s.h.call(http.MethodGet, "/"+s.realm+"/clients?clientId="+url.QueryEscape(id), nil)
	all, _ := found.([]any)
	if len(all) != 1 {
		s.t.Fatalf("%d clients are called %s", len(all), id)
	}
	c, _ := all[0].(map[string]any)
	c["redirectUris"] = []string{"https://elsewhere.example/callback"}
	s.h.must(http.MethodPut, "/"+s.realm+"/clients/"+c["id"].(string), c)
}

// A run that was killed is put back from the first page, or gone on with; what a handshake finds then is mended from its page,
// and proved; and in the end all of it is undone on the page that applied it. Nothing is left of it.
func TestWizardAfterAKill(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		listen := freeAddress(t)
		s := newScaffold(t, b, func(c *plan.Connection) {
			c.Servers = []plan.Server{{URL: "http://" + listen + "/mcp", Listen: listen}}
			c.Clients, c.Users = c.Clients[:1], []plan.User{{Name: "alice"}}
		})
		before := s.h.export(s.realm)
		begins := func() *glass {
			if !s.killed(2, true, "setup") {
				t.Fatal("setup was not killed")
			}
			g := onGlass(t, 80, 24, s.dir, s.env, "wizard", "--dark", "-f", defaultFile)
			g.awaits("The run before was broken off", "keycloak/realm/"+s.realm+" made")
			return g
		}
		asBefore := func(when string) {
			t.Helper()
			if d := cmp.Diff(before, s.h.export(s.realm)); d != "" {
				t.Errorf("%s:\n%s", when, d)
			}
			if c := s.run("undo", "--list"); !strings.Contains(c.out.String(), "Nothing to undo") {
				t.Errorf("%s there is still to undo: %s", when, &c.out)
			}
		}

		g := begins()
		g.types("u")
		g.awaits("removed. Nothing is touched yet.", "enter undo")
		g.types(keyEnter)
		g.awaits("what was before is back.")
		g.types(keyEsc)
		g.awaits("Bring Claude and other clients")
		g.types("q")
		if code := g.ends(); code != 0 || !strings.Contains(g.left(), "What was changed is undone") {
			t.Errorf("exit code %d:\n%s", code, g.left())
		}
		asBefore("after undo on the first page")

		g = begins()
		g.types(keyEnter)
		g.awaits("Nothing is touched yet.")
		g.types(keyEnter)
		g.awaits("in place, read again and compared.")
		s.misdirect("claude")
		g.types(keyEnter)
		g.awaits("First to mend: authorization", "f mend")
		g.types("f")
		g.awaits("~ ▾ keycloak/client/claude", "- redirectUris https://elsewhere.example/callback", "1 changed. Nothing is touched yet.")
		g.types(keyEnter)
		g.awaits("changed, proved", "enter prove it")
		g.types(keyEnter)
		g.awaits("Claude can connect.", "✓ keycloak/client/claude is proved")
		g.types(keyEsc)
		g.awaits("u undo 4", "✓ keycloak/user/alice")
		g.types("u")
		g.awaits("Put back what was before?")
		g.types("y")
		g.awaits("4 undone: what was before is back.", "↺ keycloak/realm/"+s.realm)
		g.types("q")
		g.ends()
		asBefore("after undo on the page that applied it")
	})
}

// What others have put into a realm of ours keeps it from being undone.
func TestWizardKeepsWhatOthersMade(t *testing.T) {
	t.Parallel()
	listen := freeAddress(t)
	s := newScaffold(t, small(keycloaktest.Options{}), func(c *plan.Connection) {
		c.Servers = []plan.Server{{URL: "http://" + listen + "/mcp", Listen: listen}}
		c.Clients = c.Clients[:1]
	})
	g := onGlass(t, 80, 24, s.dir, s.env, "wizard", "--dark", "-f", defaultFile)
	g.enters("Nothing is touched yet.")
	g.types(keyEnter)
	g.awaits("in place, read again and compared.", "u undo 3")
	s.h.must(http.MethodPost, "/"+s.realm+"/users", map[string]any{"username": "bob", "enabled": true})
	g.types("u")
	g.awaits("Put back what was before?")
	g.types("y")
	g.awaits("it was not undone", "user bob", "--others-inside")
	g.types("q")
	if code := g.ends(); code != exitFailed || !strings.Contains(g.left(), "hint: mcpwiz undo -f mcpwiz.yaml goes on") {
		t.Errorf("exit code %d:\n%s", code, g.left())
	}
}
