package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// A guillotine stands in front of Keycloak, or of Cloudflare's API, and kills a program at one of its writes, before it is passed on or after.
type guillotine struct {
	next http.Handler

	mu      sync.Mutex
	program *exec.Cmd
	// at counts down the writes until the one at which it falls.
	at     int
	behind bool
	fell   bool
}

// ready makes it fall at a write of the program that is started while it is held.
func (g *guillotine) ready(at int, behind bool, start func() *exec.Cmd) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at, g.behind, g.fell = at, behind, false
	g.program = start()
}

// writes: signing in changes nothing.
func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && (strings.Contains(r.URL.Path, "/admin/realms") || strings.HasPrefix(r.URL.Path, "/client/v4/"))
}

func (g *guillotine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, dead := g.falls(r)
	if dead {
		panic(http.ErrAbortHandler)
	}
	g.mu.Lock()
	program, behind := g.program, g.behind
	g.mu.Unlock()
	if now && !behind {
		_ = program.Process.Kill()
		panic(http.ErrAbortHandler)
	}
	g.next.ServeHTTP(w, r)
	if now {
		_ = program.Process.Kill()
	}
}

// falls reports whether it falls at a request, and whether the program is dead already: what that sent while it died must
// not come late.
func (g *guillotine) falls(r *http.Request) (now, dead bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.program == nil || !writes(r) {
		return false, false
	}
	now, dead = g.at == 0, g.fell
	g.at--
	g.fell = g.fell || now
	return now, dead
}

// down reports whether it fell, and lets everybody pass from now on.
func (g *guillotine) down() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.program = nil
	return g.fell
}

// A scaffold is a Keycloak behind a guillotine, and a connection to it.
type scaffold struct {
	t   *testing.T
	g   *guillotine
	h   *hand
	dir string
	env []string
	// realm is the connection's.
	realm string
	// cloud is where it is exposed, if it is.
	cloud *cloudflaretest.Cloudflare
}

// state is all that a run can change.
func (s *scaffold) state() string {
	s.t.Helper()
	all := s.h.export(s.realm)
	if s.cloud != nil {
		all += string(s.cloud.Snapshot())
	}
	return all
}

func newScaffold(t *testing.T, b behind, change func(*plan.Connection)) *scaffold {
	t.Helper()
	g := &guillotine{next: b}
	k := httptest.NewServer(g)
	t.Cleanup(k.Close)
	s := &scaffold{t: t, g: g, h: &hand{t: t, base: k.URL, b: b}, dir: t.TempDir(), realm: newRealm(),
		env: []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + b.password, "GORACE=atexit_sleep_ms=0"}}
	c := plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp"}},
		Keycloak: plan.Keycloak{Issuer: k.URL + "/realms/" + s.realm, CreateRealm: true, Admin: plan.Admin{User: b.user}},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}},
	}
	change(&c)
	if err := c.Save(filepath.Join(s.dir, defaultFile)); err != nil {
		t.Fatal(err)
	}
	if b.real {
		t.Cleanup(func() { deleteRealm(t, b, k.URL, s.realm) })
	}
	return s
}

// run runs a command to its end.
func (s *scaffold) run(args ...string) *called {
	s.t.Helper()
	c := call(s.t, s.dir, s.env, append(args, "-f", defaultFile)...)
	if code := c.ends(s.t); code != 0 {
		s.t.Fatalf("mcpwiz %s ends with %d:\n%s%s", strings.Join(args, " "), code, &c.out, &c.err)
	}
	return c
}

// tearsOff takes the last record off the journal, which is of a kind.
func (s *scaffold) tearsOff(kind plan.RecordKind) {
	s.t.Helper()
	path := plan.JournalPath(filepath.Join(s.dir, defaultFile))
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, string(kind)) {
		s.t.Fatalf("the journal ends with %s", last)
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines[:len(lines)-1], "")), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// killed runs a command that is killed at a write; false when it has fewer.
func (s *scaffold) killed(at int, behind bool, args ...string) bool {
	s.t.Helper()
	var c *called
	s.g.ready(at, behind, func() *exec.Cmd {
		c = call(s.t, s.dir, s.env, append(args, "-f", defaultFile, "--yes")...)
		return c.Cmd
	})
	code := c.ends(s.t)
	fell := s.g.down()
	if !fell && code != 0 {
		s.t.Fatalf("mcpwiz %s ends with %d:\n%s%s", strings.Join(args, " "), code, &c.out, &c.err)
	}
	return fell
}

// everywhere kills setup at each of its writes, before or behind it as is asked, undo at one of its own, and undoes the rest: all
// is as it was.
func (s *scaffold) everywhere(least int, sides ...bool) {
	s.t.Helper()
	before := s.state()
	for at := 0; ; at++ {
		fell := false
		for _, behind := range sides {
			fell = s.killed(at, behind, "setup")
			if fell && at%2 == 1 { // undo is cut short too
				s.killed(at/2, !behind, "undo")
			}
			s.run("undo", "--all", "--yes")
			if d := cmp.Diff(before, s.state()); d != "" {
				s.t.Errorf("killed at write %d (behind it: %v) and undone:\n%s", at, behind, d)
			}
			if c := s.run("undo", "--list"); !strings.Contains(c.out.String(), "Nothing to undo") {
				s.t.Errorf("still to undo: %s", &c.out)
			}
			if !fell {
				break
			}
		}
		if !fell {
			if at < least {
				s.t.Errorf("setup has %d writes only", at)
			}
			return
		}
	}
}

func TestKilledAnywhereInARealmOfOurOwn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		s := newScaffold(t, b, func(c *plan.Connection) { c.Users = []plan.User{{Name: "alice"}} })
		sides := []bool{false, true}
		if b.real { // to make a realm and to delete it takes its time
			sides = sides[:1]
		}
		s.everywhere(5, sides...)
		// Killed and called again, it goes on where it stopped.
		for at := range 3 {
			s.killed(at, at%2 == 0, "setup")
		}
		s.run("setup", "--yes")
		if c := s.run("setup"); !strings.Contains(c.out.String(), "Nothing to do.") {
			t.Errorf("after a run that went on: %s", &c.out)
		}
		// Killed behind its last write it has left nothing to do; that is said once.
		s.tearsOff("finished")
		for _, want := range []bool{true, false} {
			if c := s.run("setup"); strings.Contains(c.err.String(), "all of it is in place") != want {
				t.Errorf("of a run that only did not say that it ended (still told: %v): %s", want, &c.err)
			}
		}
	})
}

// In a realm that an operator has made by hand nothing that is not ours changes, whatever happens.
func TestKilledAnywhereInTheirRealm(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b behind) {
		s := newScaffold(t, b, func(c *plan.Connection) {
			c.Keycloak.CreateRealm = false
			c.Scopes = []plan.Scope{{Name: plan.DefaultScope, Adopt: true}}
			c.Clients[0].Adopt = true
		})
		s.byHand()
		before := s.h.export(s.realm)
		s.everywhere(6, false, true)
		s.run("setup", "--yes")
		after := s.h.export(s.realm)
		for _, line := range []string{`"description": "theirs"`, `"displayName": "theirs"`, `"gui.order": "3"`, `"other.tool": "1"`, `"name": "their-mapper"`} {
			if strings.Count(before, line) != strings.Count(after, line) || !strings.Contains(after, line) {
				t.Errorf("%s is there %d times, was %d", line, strings.Count(after, line), strings.Count(before, line))
			}
		}
		s.run("uninstall", "--yes")
		if d := cmp.Diff(before, s.h.export(s.realm)); d != "" {
			t.Errorf("after uninstall:\n%s", d)
		}
	})
}

// One run changes Keycloak and Cloudflare; killed at any write to either it is undone in both.
func TestKilledAnywhereInBothPlaces(t *testing.T) {
	t.Parallel()
	cloud := cloudflaretest.New(cloudflaretest.Options{})
	b := small(keycloaktest.Options{})
	both := http.NewServeMux()
	both.Handle("/client/v4/", cloud)
	both.Handle("/", b.Handler)
	b.Handler = both
	s := newScaffold(t, b, func(c *plan.Connection) { c.Expose.Way = plan.WayCloudflare })
	s.cloud = cloud
	s.env = append(s.env, "MCPWIZ_CLOUDFLARE_API="+s.h.base+"/client/v4", plan.EnvCloudflareToken+"="+cloudflaretest.DefaultToken)
	s.everywhere(9, false, true)
	s.run("setup", "--yes")
	if c := s.run("undo", "--list"); !strings.Contains(c.out.String(), "cloudflare/tunnel/mcpwiz-mcp") || !strings.Contains(c.out.String(), "keycloak/client/claude") {
		t.Errorf("one run has not changed both: %s", &c.out)
	}
	if c := s.run("setup"); !strings.Contains(c.out.String(), "Nothing to do.") {
		t.Errorf("a second run: %s", &c.out)
	}
	s.run("uninstall", "--yes")
	if _, err := os.Stat(filepath.Join(s.dir, ".mcpwiz")); err == nil {
		t.Error("uninstall leaves a folder behind")
	}
}

// byHand is a realm in which somebody has worked: also at what mcpwiz is to adopt.
func (s *scaffold) byHand() {
	at := "/" + s.realm
	s.h.must(http.MethodPost, "", map[string]any{"realm": s.realm, "enabled": true, "displayName": "theirs", "ssoSessionIdleTimeout": 700,
		"attributes": map[string]string{"other.tool": "1"}})
	s.h.must(http.MethodPost, at+"/client-scopes", map[string]any{"name": plan.DefaultScope, "description": "former", "protocol": "openid-connect",
		"attributes": map[string]string{"gui.order": "3", "include.in.token.scope": "false"}})
	s.h.must(http.MethodPost, at+"/client-scopes", map[string]any{"name": "theirs", "description": "theirs", "protocol": "openid-connect",
		"protocolMappers": []map[string]any{{"name": "their-mapper", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
			"config": map[string]string{"claim.name": "x", "claim.value": "1", "access.token.claim": "true"}}}})
	s.h.must(http.MethodPost, at+"/clients", map[string]any{"clientId": "claude", "description": "theirs", "secret": fmt.Sprintf("of-%s", s.realm),
		"directAccessGrantsEnabled": true, "redirectUris": []string{"https://claude.ai/*"}, "webOrigins": []string{"https://claude.ai"},
		"attributes": map[string]string{"other.tool": "1", "access.token.lifespan": "60"}, "defaultClientScopes": []string{"basic", "theirs"},
		"optionalClientScopes": []string{"address", "offline_access", plan.DefaultScope}})
}
