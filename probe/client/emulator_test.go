package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

func TestHealthy(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"sessions":             func(*world) {},
		"sessions and streams": func(w *world) { w.sse = true },
		"stateless":            func(w *world) { w.stateless = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			change(w)
			user := &signIn{}
			r := emulate(t, w.options(func(o *client.Options) { o.SignIn = user }))
			if r.err != nil || r.summary.Status != probe.Healthy {
				t.Fatalf("status %s, error %v\n%s", r.summary.Status, r.err, wrongs(r))
			}
			want := []probe.Evidence{
				probe.Unauthenticated, probe.ResourceMetadata, probe.ServerMetadata, probe.JWKS, probe.Authorization, probe.Callback, probe.TokenRequest,
				probe.AccessToken, probe.Initialize, probe.ToolsList, probe.ToolCall, probe.Refresh, "fact:token-signature",
				"probe:garbage-token", "probe:wrong-audience", "probe:unknown-client", "probe:bad-redirect", "probe:no-pkce", "probe:dead-refresh",
				"probe:foreign-origin", "probe:user-agent",
			}
			if !w.stateless {
				want = append(want, probe.Stream)
			}
			for _, ev := range want {
				if !r.trace.Has(ev) {
					t.Errorf("no evidence %s", ev)
				}
			}
			if left := r.emulator.Left(); len(left) > 0 || !user.ended || len(w.sessions) > 0 || len(w.server.refresh) > 0 {
				t.Errorf("left %q, the user's session ended %t, MCP sessions %d, refresh tokens %d", left, user.ended, len(w.sessions), len(w.server.refresh))
			}
		})
	}
}

// wrongs lists what did not pass, for a failed test.
func wrongs(r *run) string {
	var b strings.Builder
	for _, f := range r.findings() {
		if f.Outcome == probe.Failed || f.Outcome == probe.Warned || f.NotReached() {
			b.WriteString(f.Check + " " + string(f.Outcome) + ": " + f.Detail + " because " + f.Because + "\n")
		}
	}
	return b.String()
}

func TestTheOperatorsStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hide = []string{"authorization_endpoint"}
	r := emulate(t, w.options(func(o *client.Options) { o.SignIn = nil }))
	if got := w.asked("GET", "/authorize"); len(got) == 0 {
		t.Fatal("the browser was not sent to /authorize on the MCP server")
	}
	if x := r.trace.First(probe.Authorization); x == nil || !strings.HasPrefix(x.Request.URL, w.mcp.URL+"/authorize?") {
		t.Errorf("authorization request: %v", x)
	}
	if f := r.findings()["authorization.endpoint-on-authorization-server"]; f.Outcome != probe.Failed {
		t.Errorf("%s: %s %s", f.Check, f.Outcome, f.Detail)
	}
	first := r.summary.First
	if r.summary.Status != probe.Unhealthy || r.err != nil || first == nil || *first != "server-metadata.authorization-endpoint" {
		t.Errorf("status %s, error %v\n%s", r.summary.Status, r.err, wrongs(r))
	}
}

func TestNoResourceMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noResource = true
	r := emulate(t, w.options(func(o *client.Options) { o.Probes = false }))
	for _, path := range []string{
		"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/authorize",
	} {
		if len(w.asked("GET", path)) != 1 {
			t.Errorf("GET %s: %d times", path, len(w.asked("GET", path)))
		}
	}
	if r.trace.Has(probe.TokenRequest) || r.summary.Status != probe.Unhealthy {
		t.Errorf("token request %t, status %s", r.trace.Has(probe.TokenRequest), r.summary.Status)
	}
}

func TestOpenServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.open = true
	r := emulate(t, w.options(nil))
	if r.trace.Has(probe.ResourceMetadata) || !r.trace.Has(probe.ToolCall) {
		t.Error("a client of an open server asks for no metadata and goes on")
	}
	for _, ev := range []probe.Evidence{probe.ResourceMetadata, probe.Authorization, probe.TokenRequest, probe.Refresh} {
		if !strings.Contains(r.excused(ev), "without a token") {
			t.Errorf("%s: excused with %q", ev, r.excused(ev))
		}
	}
	if len(w.sessions) > 0 {
		t.Errorf("%d sessions are left", len(w.sessions))
	}
}

func TestStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := emulate(t, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.SignIn = "", "", nil }))
	if r.summary.Status != probe.Healthy {
		t.Fatalf("status %s\n%s", r.summary.Status, wrongs(r))
	}
	if reason := r.excused(probe.TokenRequest); !strings.Contains(reason, "--client-id") || !strings.Contains(reason, "--login") {
		t.Errorf("excused with %q", reason)
	}
	if r.trace.Has(probe.Authorization) || r.trace.Has(probe.Registration) {
		t.Error("a stranger registers or authorizes")
	}
}

func TestRegisters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := emulate(t, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register = "", "", true }))
	if r.summary.Status != probe.Healthy || !r.trace.Has(probe.Registration) || !r.trace.Has(probe.Refresh) {
		t.Fatalf("status %s\n%s", r.summary.Status, wrongs(r))
	}
	if len(w.server.clients) != 2 || len(r.emulator.Left()) > 0 {
		t.Errorf("%d clients, left %q", len(w.server.clients), r.emulator.Left())
	}
	body := w.asked("POST", "/realms/test/register")[0].body
	for _, part := range []string{`"scope":"mcp:tools offline_access"`, `"redirect_uris":["https://claude.example/callback"]`, `"client_name":"Claude"`} {
		if !strings.Contains(body, part) {
			t.Errorf("the registration lacks %s: %s", part, body)
		}
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for name, prove := range map[string]func(*client.Options){
		"secret": func(o *client.Options) { o.ClientSecret = "canary-robot-secret-77aa" },
		"key":    func(o *client.Options) { o.PrivateKey = text },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.server.machineKey = key.Public()
			w.hide = []string{"authorization_endpoint"}
			r := emulate(t, w.options(func(o *client.Options) {
				o.Profile, o.ClientID, o.ClientSecret, o.SignIn = machine(), "robot", "", nil
				prove(o)
			}))
			if !r.trace.Has(probe.ToolCall) || !r.trace.Has("probe:wrong-audience") || r.summary.Status == probe.Incomplete {
				t.Fatalf("status %s\n%s", r.summary.Status, wrongs(r))
			}
			if len(w.asked("GET", "/realms/test/auth")) > 0 || r.excused(probe.Authorization) == "" {
				t.Error("a machine asks for a page")
			}
			if told := r.told(t); strings.Contains(told, "canary") && strings.Contains(told, "robot-secret") || strings.Contains(told, "PRIVATE KEY") {
				t.Error("the machine's secret is told")
			}
		})
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(func(o *client.Options) { o.Probes = false })
	o.Profile.Headers.OAuthUserAgent, o.Profile.Headers.OAuthAccept = nil, nil
	o.Profile.Authorize.StateLength = 0
	user := o.SignIn.(*signIn)
	emulate(t, o)
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/realms/test/token"} {
		for _, s := range append(w.asked("GET", path), w.asked("POST", path)...) {
			if s.header.Get("User-Agent") != "" || s.header.Get("Accept") != "" || s.header.Get("Accept-Encoding") != "" {
				t.Errorf("%s %s: headers %v", s.method, s.path, s.header)
			}
		}
	}
	if got := w.asked("GET", "/.well-known/oauth-protected-resource/mcp")[0].header.Get("Mcp-Protocol-Version"); got != "2025-11-25" {
		t.Errorf("MCP-Protocol-Version on discovery: %q", got)
	}
	first := w.asked("POST", "/mcp")[0]
	if first.header.Get("User-Agent") != "Claude-User" || first.header.Get("Mcp-Method") != "server/discover" || !strings.Contains(first.body, "clientInfo") {
		t.Errorf("first request: %v %s", first.header, first.body)
	}
	u, err := url.Parse(user.seen.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Has("state") || q.Get("scope") != "mcp:tools offline_access" || q.Get("prompt") != "consent" || q.Get("resource") != w.target() {
		t.Errorf("authorization request: %v", q)
	}
	for _, s := range w.asked("POST", "/realms/test/token") {
		form, _ := url.ParseQuery(s.body)
		if form.Get("resource") != w.target() || form.Get("client_secret") == "" {
			t.Errorf("token request: %v", form)
		}
	}
	for _, s := range w.requests {
		if s.header.Get("Origin") != "" || strings.Contains(s.header.Get("Authorization"), "mcpwiz") {
			t.Errorf("a probe was asked: %s %s", s.method, s.path)
		}
	}
}

func TestResponseIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(url.Values){
		"state":       func(q url.Values) { q.Set("state", "another") },
		"iss":         func(q url.Values) { q.Set("iss", "https://evil.example") },
		"iss missing": func(q url.Values) { q.Del("iss") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := emulate(t, w.options(func(o *client.Options) { o.SignIn = &signIn{change: change}; o.Probes = false }))
			if r.trace.Has(probe.TokenRequest) {
				t.Error("the code was redeemed")
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stall = "/realms/test/token"
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register, o.Probes = "", "", true, false })
	var at time.Time
	r := emulateIn(t, ctx, o, func(ev probe.Event) {
		if s, ok := ev.(probe.StageStarted); ok && s.Stage == probe.StageToken {
			at = time.Now()
			time.AfterFunc(50*time.Millisecond, cancel)
		}
	})
	if took := time.Since(at); took > 2*time.Second {
		t.Errorf("it took %s to return", took)
	}
	if !errors.Is(r.err, context.Canceled) || r.summary.Counts.Pass == 0 {
		t.Errorf("error %v, %d passed", r.err, r.summary.Counts.Pass)
	}
	for _, f := range r.findings() {
		if f.Outcome == probe.Failed {
			t.Errorf("%s failed: %s", f.Check, f.Detail)
		}
	}
	if len(w.server.clients) != 2 {
		t.Error("the registered client is left")
	}
}

// What is made at the moment of an interrupt is seen, and ended.
func TestInterruptedWhileMaking(t *testing.T) {
	t.Parallel()
	for path, ends := range map[string]seen{
		"/realms/test/register": {method: http.MethodDelete, path: "/realms/test/register/"},
		"/realms/test/token":    {method: http.MethodPost, path: "/realms/test/revoke"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w.answers = map[string]http.HandlerFunc{path: func(rw http.ResponseWriter, r *http.Request) {
				cancel()
				time.Sleep(50 * time.Millisecond)
				w.server.serve(rw, r)
			}}
			o := w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register, o.Probes = "", "", true, false })
			r := emulateIn(t, ctx, o, nil)
			if !errors.Is(r.err, context.Canceled) || len(r.emulator.Left()) > 0 {
				t.Errorf("error %v, left %q", r.err, r.emulator.Left())
			}
			if !slices.ContainsFunc(w.requests, func(s seen) bool { return s.method == ends.method && strings.HasPrefix(s.path, ends.path) }) {
				t.Error("what was made is not ended")
			}
			if len(w.server.clients) != 2 {
				t.Error("the registered client is left")
			}
		})
	}
}

func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var talk strings.Builder
	o := w.options(func(o *client.Options) {
		o.ClientID, o.ClientSecret, o.Register = "", "", true
		o.Log = func(format string, args ...any) {
			talk.WriteString(strings.TrimSpace(strings.Join([]string{format, args[0].(string)}, " ")))
		}
	})
	r := emulate(t, o)
	told := r.told(t) + talk.String()
	if i := strings.Index(told, "canary-"); i >= 0 {
		t.Errorf("told: %s", told[max(0, i-200):min(len(told), i+80)])
	}
	for _, s := range w.requests {
		if token, ok := strings.CutPrefix(s.header.Get("Authorization"), "Bearer "); ok && strings.Contains(told, token) {
			t.Errorf("a token of %s %s is told", s.method, s.path)
		}
		form, _ := url.ParseQuery(s.body)
		if v := form.Get("code_verifier"); v != "" && strings.Contains(told, v) {
			t.Error("a verifier is told")
		}
	}
}
