package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// An exposed is a connection that is set up at a small Keycloak and a small Cloudflare, and served through its edge.
type exposed struct {
	*cloudflaretest.Running
	t   *testing.T
	dir string
	env []string
}

func newExposed(t *testing.T, client, tariff string) *exposed {
	t.Helper()
	visitor := cloudflaretest.Visitor{IP: netip.MustParseAddr("198.51.100.7"), Country: "CH", ASN: 3303}
	cloud, err := cloudflaretest.Start(cloudflaretest.Options{Zones: []cloudflaretest.Zone{{Name: "example.com", Plan: tariff}},
		Visitor: func(*http.Request) cloudflaretest.Visitor { return visitor }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	k, err := keycloaktest.Start(keycloaktest.Options{AdminPassword: canaryAdmin, BaseURL: "https://mcp.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	e := &exposed{Running: cloud, t: t, dir: t.TempDir()}
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, cloud.RootsPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	e.env = []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + canaryAdmin, "MCPWIZ_CLOUDFLARE_API=" + cloud.URL + "/client/v4",
		plan.EnvCloudflareToken + "=" + cloudflaretest.DefaultToken, cloudflaretest.EdgeEnv + "=" + cloud.URL,
		"HTTPS_PROXY=" + cloud.URL, "SSL_CERT_FILE=" + roots, "GORACE=atexit_sleep_ms=0"}
	c := plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp", Listen: freeAddress(t)}},
		Keycloak: plan.Keycloak{Issuer: "https://mcp.example.com/realms/mcp", AdminURL: k.URL, CreateRealm: true, Admin: plan.Admin{User: "admin"}},
		Clients:  []plan.Client{{Profile: client}},
		Users:    []plan.User{{Name: "alice"}},
		Expose:   plan.Expose{Way: plan.WayCloudflare, Keycloak: k.URL, Rules: plan.RulesSettings},
	}
	if err := c.Save(filepath.Join(e.dir, defaultFile)); err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs a command to its end, which has to be with a code.
func (e *exposed) run(want int, args ...string) *called {
	e.t.Helper()
	c := call(e.t, e.dir, e.env, append(args, "-f", defaultFile)...)
	if code := c.ends(e.t); code != want {
		e.t.Fatalf("mcpwiz %s ends with %d, want %d:\n%s%s", strings.Join(args, " "), code, want, &c.out, &c.err)
	}
	return c
}

// serve serves with the tunnel beside it until the test ends, or what is returned is called.
func (e *exposed) serve() (stop func()) {
	e.t.Helper()
	c := call(e.t, e.dir, e.env, "serve", "--tunnel", "-f", defaultFile)
	through := &http.Client{Transport: e.Transport()}
	defer through.CloseIdleConnections()
	for range 400 {
		if resp, err := through.Get("https://mcp.example.com/.well-known/oauth-protected-resource/mcp"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return func() { stopServing(e.t, c.Cmd) }
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	_ = c.Process.Kill()
	c.ends(e.t)
	e.t.Fatalf("nothing comes through the tunnel:\n%s", &c.err)
	return nil
}

func stopServing(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("serve does not stop in order: %v", err)
	}
}

// first is what the doctor says to mend first, and what that is mended by; "" where it says that all is well.
func (e *exposed) first() (first, by string) {
	e.t.Helper()
	c := call(e.t, e.dir, e.env, "doctor", "--consent", "--format", "json", "-f", defaultFile)
	code := c.ends(e.t)
	var told struct {
		Summary  struct{ Status, First string }
		Findings []struct{ Check, Outcome, Detail, Because, By string }
	}
	if err := json.Unmarshal(c.out.Bytes(), &told); err != nil {
		e.t.Fatalf("the doctor ends with %d and %v:\n%s", code, err, &c.err)
	}
	for _, f := range told.Findings {
		if f.Outcome == "fail" || f.Outcome == "warn" {
			e.t.Logf("%s %s (because %q, by %q): %s", f.Outcome, f.Check, f.Because, f.By, f.Detail)
		}
		if f.Check == told.Summary.First {
			by = f.By
		}
	}
	if healthy := told.Summary.Status == "healthy"; healthy != (told.Summary.First == "") || healthy != (code == 0) {
		e.t.Fatalf("%s, first %q, exit code %d", told.Summary.Status, told.Summary.First, code)
	}
	return told.Summary.First, by
}

func (e *exposed) do(method, path string, body any) {
	e.t.Helper()
	if _, err := e.Do(method, strings.Replace(path, "ZONE", "zones/"+e.ZoneID("example.com"), 1), body); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exposed) rule(phase string, fields map[string]any) {
	e.t.Helper()
	if err := e.AddRule("example.com", phase, fields); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exposed) bots(field, value any) {
	e.do(http.MethodPut, "ZONE/bot_management", map[string]any{field.(string): value})
}

func (e *exposed) app(fields map[string]any) {
	app := map[string]any{"name": "an app", "type": "self_hosted", "domain": "mcp.example.com", "policies": []any{map[string]any{
		"name": "users", "decision": "allow", "include": []any{map[string]any{"email": map[string]any{"email": "a@example.com"}}}}}}
	for name, v := range fields {
		app[name] = v
	}
	e.do(http.MethodPost, "accounts/"+e.AccountID("Home")+"/access/apps", app)
}

// Each of Cloudflare's products, switched on in front of a server that worked, is what the doctor names first. What the API can mend,
// mcpwiz fix mends and proves; what it cannot it does not claim to have mended; and undo leaves the account as it was.
func TestEachProductIsNamedMendedAndPutBack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a set-up for each product")
	}
	blocking := func(expression string) func(*exposed) {
		return func(e *exposed) {
			e.rule(cloudflaretest.PhaseCustom, map[string]any{"description": "mine", "action": "block", "expression": expression})
		}
	}
	const rule, access = "cloudflare/rule/mcp.example.com", "cloudflare/access/mcp.example.com"
	for name, one := range map[string]struct {
		on             func(*exposed)
		client, tariff string
		// by mends first; empty: only a hand can.
		first, by string
		// left is first then: a login page stays behind a challenge, which a browser passes and who walks the pages does not.
		left string
	}{
		"block ai bots":             {on: func(e *exposed) { e.bots("ai_bots_protection", "block") }, first: "edge.ai-bots-allowed", by: rule},
		"ai crawl control":          {on: func(e *exposed) { _ = e.BlockAICrawlers("example.com", "Claude-User") }, first: "edge.ai-bots-allowed", by: "cloudflare/crawl/example.com"},
		"bot fight mode":            {on: func(e *exposed) { e.bots("fight_mode", true) }, first: "edge.challenges-off", by: "cloudflare/bots/example.com"},
		"super bot fight mode":      {on: func(e *exposed) { e.bots("sbfm_definitely_automated", "block") }, tariff: "pro", first: "edge.challenges-off", by: rule},
		"super bot fight challenge": {on: func(e *exposed) { e.bots("sbfm_definitely_automated", "managed_challenge") }, tariff: "pro", first: "edge.challenges-off", by: rule},
		"under attack": {on: func(e *exposed) {
			e.do(http.MethodPatch, "ZONE/settings/security_level", map[string]any{"value": "under_attack"})
		}, first: "edge.challenges-off", by: rule, left: "edge.no-refusal-logged"},
		"access":         {on: func(e *exposed) { e.app(nil) }, first: "edge.access-open", by: access},
		"managed oauth":  {on: func(e *exposed) { e.app(map[string]any{"oauth_configuration": map[string]any{"enabled": true}}) }, first: "edge.managed-oauth-off", by: access},
		"a custom rule":  {on: blocking(`http.request.uri.path contains "/mcp"`), first: "edge.rules-let-in"},
		"a country rule": {on: blocking(`ip.src.country ne "CH"`), first: "edge.rules-let-in"},
		"a rate limit": {on: func(e *exposed) {
			e.rule(cloudflaretest.PhaseRateLimit, map[string]any{"description": "slow", "action": "block", "expression": `http.host eq "mcp.example.com"`,
				"ratelimit": map[string]any{"characteristics": []string{"ip.src"}, "period": 10, "requests_per_period": 3, "mitigation_timeout": 10}})
		}, first: "edge.rules-let-in"},
		"a redirect": {on: func(e *exposed) {
			e.rule(cloudflaretest.PhaseRedirect, map[string]any{"description": "home", "action": "redirect", "expression": `http.host eq "mcp.example.com"`,
				"action_parameters": map[string]any{"from_value": map[string]any{"status_code": 301, "target_url": map[string]any{"value": "https://www.example.com/"}}}})
		}, first: "edge.rules-let-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := one.client
			if client == "" {
				client = "claude-ai"
			}
			e := newExposed(t, client, one.tariff)
			e.run(0, "setup", "--yes")
			stop := e.serve()
			if first, _ := e.first(); first != "" {
				t.Fatalf("%s is wrong before anything is", first)
			}
			one.on(e)
			standing := string(e.Snapshot())
			if first, by := e.first(); first != one.first || by != one.by {
				t.Fatalf("first to mend is %q by %q, want %q by %q", first, by, one.first, one.by)
			}
			code := 0
			if one.by == "" || one.left != "" {
				code = exitFailed
			}
			fixed := e.run(code, "fix", "--yes", "--consent")
			if proved := strings.Contains(fixed.out.String(), "✓ "+one.first); proved != (one.by != "") {
				t.Errorf("%s proved: %v\n%s", one.first, proved, &fixed.out)
			}
			if one.by != "" {
				if first, _ := e.first(); first != one.left {
					t.Errorf("then %q is first, want %q", first, one.left)
				}
			}
			if strings.Contains(fixed.err.String(), "✓ cloudflare/") { // also for what else was found, which may be mended
				e.run(0, "undo", "--yes")
			}
			if d := cmp.Diff(standing, string(e.Snapshot())); d != "" {
				t.Errorf("the account is not as it was:\n%s", d)
			}
			stop()
			e.run(0, "undo", "--all", "--yes")
			if strings.Contains(string(e.Snapshot()), "mcpwiz") {
				t.Errorf("something of ours is left:\n%s", e.Snapshot())
			}
		})
	}
}
