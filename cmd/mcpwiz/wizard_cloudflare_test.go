package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// A smallEdge is a small Cloudflare, and a Keycloak of this machine that is to be reached through it.
type smallEdge struct {
	*cloudflaretest.Running
	t        *testing.T
	keycloak string
	// env is how the binary reaches both; the token is not in it.
	env []string
}

func newSmallEdge(t *testing.T, o cloudflaretest.Options) *smallEdge {
	t.Helper()
	c, err := cloudflaretest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, c.RootsPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := keycloaktest.Start(keycloaktest.Options{AdminPassword: canaryAdmin, BaseURL: "https://mcp.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return &smallEdge{c, t, k.URL, []string{"MCPWIZ_CLOUDFLARE_API=" + c.URL + "/client/v4", cloudflaretest.EdgeEnv + "=" + c.URL, "HTTPS_PROXY=" + c.URL,
		"SSL_CERT_FILE=" + roots, "NO_PROXY=127.0.0.1"}}
}

// aiBots has the edge stop AI bots, or not.
func (s *smallEdge) aiBots(protection string) {
	s.t.Helper()
	_, err := s.Do(http.MethodPut, "zones/"+s.ZoneID("example.com")+"/bot_management", map[string]any{"ai_bots_protection": protection})
	if err != nil {
		s.t.Fatal(err)
	}
}

// From a token that is typed to a green handshake through the edge, with Keycloak carried beside the server; then an edge that stops
// Claude is mended from its finding and proved; and all of it is undone, at Cloudflare too.
func TestWizardByCloudflare(t *testing.T) {
	t.Parallel()
	s := newSmallEdge(t, cloudflaretest.Options{})
	before := s.Snapshot()
	dir, listen := t.TempDir(), freeAddress(t)
	g := onGlass(t, 80, 24, dir, s.env, "wizard", "--dark")
	g.awaits("Bring Claude and other clients")
	g.types(keyEnter)
	g.awaits("How do clients reach your server?")
	g.types(keyDown)
	g.awaits("needs a zone there")
	g.types(keyEnter)
	g.awaits("Cloudflare's API token")
	g.types("wrong-" + cloudflaretest.DefaultToken)
	g.types(keyEnter)
	g.awaits("✗ Cloudflare says: Invalid API Token")
	g.types(cloudflaretest.DefaultToken)
	g.types(keyEnter)
	g.awaits("In which zone?", "the token may edit Tunnel, DNS", "example.com", "> mcp")
	g.types(keyEnter)
	g.types(keyEnter)
	g.types(keyCtrlU)
	g.types(listen)
	g.awaits("✓ " + listen + " is free; cloudflared")
	g.types(keyEnter)
	g.awaits("Where is Keycloak?")
	g.types(s.keycloak)
	g.enters("Password")
	g.types(keyEnter)
	g.types(canaryAdmin)
	g.types(keyEnter)
	g.awaits("Which realm?")
	g.enters("How do clients reach Keycloak?")
	g.awaits("--hostname https://mcp.example.com")
	g.enters("Nothing is touched yet.")
	for _, want := range []string{"cloudflare/tunnel/mcpwiz-mcp", "cloudflare/dns/mcp.example.com"} {
		if !g.shows(want) {
			t.Errorf("%s is not in the plan:\n%s", want, g.view())
		}
	}
	g.types(keyEnter)
	g.awaits("in place, read again and compared.")
	s.aiBots("block")
	g.types(keyEnter)
	g.awaits("First to mend: edge", "f mend")
	g.types("f")
	g.awaits("cloudflare/rule/mcp.example.com", "Nothing is touched yet.", "enter apply")
	g.types(keyEnter)
	g.awaits("made, proved", "enter prove it")
	g.types(keyEnter)
	g.awaits("Claude can connect.", "✓ cloudflare/rule/mcp.example.com is proved")
	g.types("c")
	g.awaits("waiting for a client to come", "✓ the tunnel carries, by 4 connections", "https://mcp.example.com/mcp")
	text, err := os.ReadFile(filepath.Join(dir, defaultFile))
	if err != nil || bytes.Contains(text, []byte(cloudflaretest.DefaultToken)) || !bytes.Contains(text, []byte("way: cloudflare")) {
		t.Errorf("%v:\n%s", err, text)
	}
	if m := mode(t, filepath.Join(dir, ".mcpwiz", "tunnel-mcpwiz-mcp.token")); m != 0o600 {
		t.Errorf("the token that the tunnel runs with has mode %o", m)
	}
	s.aiBots("disabled")
	g.types(keyEsc)
	g.awaits("Claude can connect.")
	g.types(keyEsc)
	g.awaits("in place")
	g.types("u")
	g.awaits("Put back what was before?")
	g.types("y")
	g.awaits("undone: what was before is back.")
	g.types("q")
	g.ends()
	left := g.left()
	if strings.Contains(left, cloudflaretest.DefaultToken) || strings.Contains(left, canaryAdmin) || !strings.Contains(left, "mcpwiz up -f mcpwiz.yaml") {
		t.Errorf("left on the screen:\n%s", left)
	}
	if after := s.Snapshot(); !bytes.Equal(before, after) {
		t.Errorf("the account is not as it was:\n%s\nwas\n%s", after, before)
	}
	if _, err := os.Stat(filepath.Join(dir, ".mcpwiz", "tunnel-mcpwiz-mcp.token")); err == nil {
		t.Error("the token of the tunnel that is gone is kept")
	}
	for _, file := range []string{".mcpwiz/journal.jsonl", ".mcpwiz/serve.log"} {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || bytes.Contains(text, []byte(cloudflaretest.DefaultToken)) || bytes.Contains(text, []byte("eyJ")) {
			t.Errorf("%s has a token, or is not there: %v", file, err)
		}
	}
}

// What the token lacks is said where it is typed.
func TestCheckCloudflare(t *testing.T) {
	t.Parallel()
	tunnel, dns, zone := cloudflaretest.CloudflareTunnel, cloudflaretest.ZoneDNS, cloudflaretest.ZoneZone
	values := map[string]string{}
	var tokens []cloudflaretest.Token
	for name, may := range map[string][]string{
		"all": cloudflaretest.Everything(), "enough": {tunnel + " · Edit", dns + " · Edit", zone + " · Read"},
		"no dns": {tunnel + " · Edit", zone + " · Read"}, "no zone": {tunnel + " · Edit", dns + " · Edit"},
	} {
		values[name] = strings.Repeat("canary-", 6) + strings.ReplaceAll(name, " ", "-")
		tokens = append(tokens, cloudflaretest.Token{Value: values[name], Permissions: may})
	}
	s := newSmallEdge(t, cloudflaretest.Options{Tokens: tokens})
	values["unknown"] = strings.Repeat("canary-", 7)
	d := atDesk(t, false)
	d.env = func(name string) (string, bool) {
		if name == envCloudflareAPI {
			return s.URL + "/client/v4", true
		}
		return "", false
	}
	for name, want := range map[string]struct {
		ok, warn  bool
		may, note string
	}{
		"all":     {true, false, "the token may edit Tunnel, DNS, WAF, Access, Bots, Settings", "the token may edit"},
		"enough":  {true, false, "the token may edit Tunnel, DNS; not WAF, Access, Bots, Settings", "the token may"},
		"no dns":  {true, true, "the token may edit Tunnel; not DNS, ", "the token lacks Zone · DNS · Edit"},
		"no zone": {false, false, "", "Zone · Zone · Read"},
		"unknown": {false, false, "", "Invalid API Token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, v := d.checkCloudflare(t.Context(), plan.Secret(values[name]))
			if v.OK != want.ok || v.Warn != want.warn || !strings.Contains(v.Note, want.note) || !strings.HasPrefix(seen.May, want.may) || strings.Contains(v.Note, "canary") {
				t.Errorf("%+v, %q", v, seen.May)
			}
			if want.ok && (len(seen.Zones) != 1 || seen.Zones[0].Name != "example.com") {
				t.Errorf("%+v", seen)
			}
		})
	}
}

// A quick tunnel brings the url, and is there before the plan; in a small window.
func TestWizardByAQuickTunnel(t *testing.T) {
	t.Parallel()
	s := newSmallEdge(t, cloudflaretest.Options{})
	dir, listen := t.TempDir(), freeAddress(t)
	g := onGlass(t, 40, 15, dir, append(s.env, withPassword...), "wizard", "--dark", "--expose", "quick-tunnel", "--listen", listen,
		"--issuer", s.keycloak+"/realms/mcp", "--create-realm", "--admin-user", "admin", "--client", "claude-ai", "--user", "alice")
	g.awaits("enter begin")
	g.types(keyEnter)
	g.awaits("by a quick tunnel, for a trial")
	g.types(keyEnter)
	g.awaits("Where does it listen?", "no SSE on GET")
	g.types(keyEnter)
	g.awaits("is yours while")
	g.types(keyEnter)
	g.awaits("Where is Keycloak?")
	g.enters("nothing touched yet")
	g.types(keyEnter)
	g.awaits("enter next")
	g.types(keyEnter)
	g.awaits("r again") // a Keycloak on loopback is no issuer for a public name: that it says so is the doctor's part
	g.types("c")
	g.awaits("the tunnel carries, by 1")
	g.types("q")
	g.ends()
	c, err := plan.Load(filepath.Join(dir, defaultFile))
	if err != nil || c.Expose.Way != plan.WayQuickTunnel || !strings.HasSuffix(c.Servers[0].URL, ".trycloudflare.com/mcp") {
		t.Errorf("%v: %+v", err, c)
	}
	if !strings.Contains(g.left(), "mcpwiz up -f mcpwiz.yaml") {
		t.Errorf("left:\n%s", g.left())
	}
}

// The same in plain lines, to a green handshake through the edge.
func TestWizardByCloudflareInLines(t *testing.T) {
	t.Parallel()
	s := newSmallEdge(t, cloudflaretest.Options{})
	dir := t.TempDir()
	c := &called{Cmd: exec.Command("mcpwiz", "wizard", "--accessible", "--listen", freeAddress(t), "--admin-user", "admin", "--client", "claude-ai", "--user", "alice", "--create-realm")}
	c.Dir, c.Stdout, c.Stderr = dir, &c.out, &c.err
	c.Env = append(append(os.Environ(), "LANG=C.UTF-8"), append(s.env, withPassword...)...)
	c.Stdin = strings.NewReader(strings.Join([]string{
		"2", cloudflaretest.DefaultToken, "1", "mcp", "", // token, zone, name, where it listens
		s.keycloak, "", "", "", "mcp", "1", "1", // Keycloak, and that the tunnel carries it
		"", "", "", "", "", "", // who connects, how, a test user
		"y", "", "n", "n", "", // apply it, connect, no more, no secret, the end
	}, "\n") + "\n")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	code := c.ends(t)
	for _, want := range []string{"Good: the token may edit Tunnel, DNS", "the API token may do all 3 steps", "the tunnel carries", "Healthy.", "mcpwiz up -f mcpwiz.yaml"} {
		if !strings.Contains(c.out.String(), want) {
			t.Errorf("%q is not told", want)
		}
	}
	if code != 0 || strings.Contains(c.out.String(), cloudflaretest.DefaultToken) || t.Failed() {
		t.Errorf("exit code %d:\n%s\n%s", code, &c.out, &c.err)
	}
}
