package cloudflaretest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Some operators report that Block AI bots is left on by a rule that skips its phase.
func TestAIBotsUnskippable(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{AIBotsUnskippable: true})
	e.bots("ai_bots_protection", "block")
	firstRule(skipOurs)(e)
	if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser); res.StatusCode != 403 {
		t.Errorf("skipped: %d", res.StatusCode)
	}
	e.bots("ai_bots_protection", "disabled")
	if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser); res.StatusCode != 200 {
		t.Errorf("off: %d", res.StatusCode)
	}
}

func TestServiceTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		strict bool
		policy map[string]any
		token  bool
		want   int
	}{
		{false, machines, false, 302}, {true, machines, false, 401}, {true, machines, true, 200}, {false, allowUsers, true, 302},
	} {
		e := expose(t, Options{Accounts: []Account{{Name: "Home", StrictServiceTokens: tt.strict}}})
		e.app(map[string]any{"policies": []any{tt.policy}})
		var header []string
		if tt.token {
			header = []string{"Cf-Access-Client-Id", "x.access", "Cf-Access-Client-Secret", "y"}
		}
		if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser, header...); res.StatusCode != tt.want {
			t.Errorf("%+v: %d", tt, res.StatusCode)
		}
		if tt.want == 200 && e.seen.Load().Header.Get("Cf-Access-Jwt-Assertion") == "" {
			t.Error("the origin is told of nobody")
		}
	}
}

// A record that is not proxied does not lead to the edge: nobody answers there.
func TestUnproxied(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	e.do("PATCH", e.zone("/dns_records/"+e.firstRecord()), map[string]any{"proxied": false})
	defer func() {
		if recover() == nil {
			t.Error("answered")
		}
	}()
	e.ask("GET", "https://"+aHost+"/", claudeUser)
}

func TestTunnelOfAnotherAccount(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{Accounts: []Account{{Name: "Home"}, {Name: "Work"}}, Zones: []Zone{{Name: "example.com"}, {Name: "example.net", Account: "Work"}}})
	e.do("POST", "zones/"+e.ZoneID("example.net")+"/dns_records", map[string]any{"type": "CNAME", "proxied": true, "name": "mcp", "content": e.connector.tunnel.id + tunnelDomain})
	res := e.ask("GET", "https://mcp.example.net/", claudeUser)
	if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 403 || string(b) != "error code: 1014" {
		t.Errorf("%d %s", res.StatusCode, b)
	}
}

// Of pages alone the edge changes something.
func TestPagesAreRewritten(t *testing.T) {
	t.Parallel()
	const page = `<html><body><script src="/a.js"></script>write to <a href="mailto:a@example.com">us</a> or b@example.com</body></html>`
	e, edge := before(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/"+strings.TrimPrefix(r.URL.Path, "/"))
		_, _ = io.WriteString(w, page)
	})
	if _, body := fetch(t, edge, "GET", "https://"+aHost+"/plain"); body != page {
		t.Errorf("plain text: %s", body)
	}
	_, body := fetch(t, edge, "GET", "https://"+aHost+"/html")
	if strings.Contains(body, "@example.com") || strings.Count(body, "data-cfemail") != 2 || !strings.Contains(body, "email-decode.min.js") {
		t.Errorf("addresses: %s", body)
	}
	e.set("rocket_loader", "on")
	e.set("email_obfuscation", "off")
	if _, body := fetch(t, edge, "GET", "https://"+aHost+"/html"); !strings.Contains(body, `-text/javascript" src="/a.js"`) || !strings.Contains(body, "b@example.com") {
		t.Errorf("scripts: %s", body)
	}
}

func TestEventsNeedAPermission(t *testing.T) {
	t.Parallel()
	poor := strings.Repeat("p", 40)
	c := New(Options{Tokens: []Token{{Value: poor, Permissions: []string{ZoneZone + " · Read"}}, {Value: DefaultToken, Permissions: Everything()}}})
	ask := func(token, filter string) string {
		query := fmt.Sprintf(`{ viewer { zones(filter: {zoneTag: "%s"}) { firewallEventsAdaptive(filter: {%s}, limit: 10) { source } } } }`, c.ZoneID("example.com"), filter)
		r := httptest.NewRequest("POST", "/client/v4/graphql", strings.NewReader(string(encode(map[string]any{"query": query}))))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Body.String()
	}
	recent := `datetime_geq: "` + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + `"`
	for _, tt := range []struct{ token, filter, want string }{
		{poor, recent, "not authorized for that zone"}, {DefaultToken, recent, `"firewallEventsAdaptive":[]`}, {DefaultToken, `rayName: "x"`, "without a datetime filter"},
		{DefaultToken, `datetime_geq: "2020-01-01T00:00:00Z"`, "cannot request data older than"},
	} {
		if got := ask(tt.token, tt.filter); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.filter, got, tt.want)
		}
	}
}

func TestQuickTunnelLimit(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	w := httptest.NewRecorder()
	c.createQuick(w, httptest.NewRequest("POST", "/tunnel", nil))
	q := c.quick[0]
	release := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer origin.Close()
	q.config, q.version = map[string]any{"ingress": []any{map[string]any{"service": origin.URL}}}, 1
	k, err := c.Connect(q.runToken())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	done := make(chan int, mostInFlight)
	ask := func() int {
		w := httptest.NewRecorder()
		c.Edge().ServeHTTP(w, httptest.NewRequest("POST", "https://"+q.quickHost+"/", nil))
		return w.Code
	}
	for range mostInFlight {
		go func() { done <- ask() }()
	}
	eventually(t, "all in flight", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return q.inFlight == mostInFlight })
	if code := ask(); code != 429 {
		t.Errorf("one more: %d", code)
	}
	close(release)
	for range mostInFlight {
		if code := <-done; code != 200 {
			t.Fatalf("%d", code)
		}
	}
}

// A whole program reaches the edge by HTTPS_PROXY and a file of roots, and nothing else by it.
func TestProgramsReachTheEdge(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("skipped: no curl on PATH")
	}
	r, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, "here") }))
	defer origin.Close()
	if _, err := r.Expose(aHost, origin.URL); err != nil {
		t.Fatal(err)
	}
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, r.RootsPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(url string) (string, error) {
		c := exec.Command(curl, "-sS", "--cacert", roots, "--proxy", r.URL, "--max-time", "10", url)
		b, err := c.CombinedOutput()
		return string(b), err
	}
	if got, err := run("https://" + aHost + "/"); err != nil || got != "here" {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := run("https://www.example.org/"); err == nil {
		t.Errorf("elsewhere: %s", got)
	}
}

// With Managed OAuth the edge is the authorization server, of clients whose redirect URIs it allows.
func TestManagedOAuth(t *testing.T) {
	t.Parallel()
	const ours = "https://claude.ai/api/mcp/auth_callback"
	e := expose(t, Options{})
	e.app(map[string]any{"oauth_configuration": map[string]any{"dynamic_client_registration": map[string]any{"allowed_uris": []any{ours}, "allow_any_on_localhost": true}}})
	post := func(path, media, body string) (int, string) {
		r := httptest.NewRequest("POST", "https://"+aHost+path, strings.NewReader(body))
		r.Header.Set("User-Agent", claudeUser)
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		e.Edge().ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const oauth = "/cdn-cgi/access/oauth/"
	for uri, want := range map[string]int{ours: 201, "http://localhost:3118/callback": 201, "http://127.0.0.1:3118/callback": 400, "https://evil.example/": 400} {
		if code, body := post(oauth+"registration", "application/json", `{"redirect_uris":["`+uri+`"]}`); code != want {
			t.Errorf("%s: %d %s", uri, code, body)
		}
	}
	if code, body := post(oauth+"token", "application/x-www-form-urlencoded", "client_id=nobody"); code != 401 || !strings.Contains(body, "invalid_client") {
		t.Errorf("%d %s", code, body)
	}
	for path, want := range map[string]string{
		"/.well-known/oauth-authorization-server": `"issuer":"https://mcp.example.com"`, accessMetadata + "/mcp": `"resource":"https://mcp.example.com/mcp"`,
	} {
		res := e.ask("GET", "https://"+aHost+path, claudeUser)
		if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, b)
		}
	}
	if res := e.ask("GET", "https://home.cloudflareaccess.com/cdn-cgi/access/login/"+aHost, "Mozilla/5.0 (X11)"); res.StatusCode != 200 {
		t.Errorf("login page: %d", res.StatusCode)
	}
}
