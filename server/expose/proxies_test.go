package expose_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/server/expose"
	"github.com/mcpwiz/mcpwiz/server/expose/proxytest"
)

const publicHost = "mcp.example.com"

// origin is a small MCP server: it tells what arrives, and streams an event each time the test says so.
type origin struct {
	name string
	next chan struct{}
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Origin", o.name)
	w.Header().Set("X-Path", r.URL.Path)
	w.Header().Set("X-Host", r.Host)
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Authorization", "Mcp-Session-Id", "Accept"} {
		w.Header().Set("Saw-"+h, r.Header.Get(h))
	}
	switch r.URL.Path {
	case "/mcp", "/stream":
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
		return
	}
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	asked, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Mcp-Session-Id", "s1")
	fmt.Fprintf(w, "data: got %d\n\n", len(asked))
	_ = http.NewResponseController(w).Flush()
	for range 2 {
		select {
		case <-o.next:
			fmt.Fprint(w, "data: told\n\n")
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Second):
			return
		}
	}
}

func serveOrigin(t *testing.T, name string) (*origin, string) {
	t.Helper()
	o := &origin{name, make(chan struct{})}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	return o, strings.TrimPrefix(s.URL, "http://")
}

// Each proxy that Debian has carries with its snippet what clients send and servers answer.
func TestProxiesCarry(t *testing.T) {
	t.Parallel()
	for _, kind := range proxytest.Kinds {
		for _, endpoints := range [][]string{nil, {"/mcp"}} {
			t.Run(fmt.Sprintf("%s of %d", kind, len(endpoints)), func(t *testing.T) {
				t.Parallel()
				mcp, at := serveOrigin(t, "mcp")
				_, keycloak := serveOrigin(t, "keycloak")
				text, err := expose.Snippet(kind, expose.Options{Host: publicHost, Endpoints: endpoints, Listen: at, Keycloak: "http://" + keycloak})
				if err != nil {
					t.Fatal(err)
				}
				p := proxytest.Start(t, kind, publicHost, text)
				via := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: p.Dial, TLSClientConfig: p.TLS()}}
				t.Cleanup(via.CloseIdleConnections)
				w := carried{t, via, kind}
				w.challenged()
				w.streams(mcp, http.MethodGet, "")
				w.streams(mcp, http.MethodPost, strings.Repeat("x", 3<<20))
				w.reach(len(endpoints) > 0)
				w.challenge(p)
			})
		}
	}
}

// carried asks through a proxy.
type carried struct {
	*testing.T
	via  *http.Client
	kind string
}

func (w carried) ask(method, path, body string, header ...string) *http.Response {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, "https://"+publicHost+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := w.via.Do(r)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	w.Cleanup(func() { resp.Body.Close() })
	return resp
}

// challenged: a 401 passes with all that a client finds the way by, and the server hears who asked whom.
func (w carried) challenged() {
	w.Helper()
	resp := w.ask(http.MethodPost, "/mcp", `{"jsonrpc":"2.0"}`, "X-Forwarded-Proto", "http", "Accept", "application/json, text/event-stream")
	want := map[string]string{
		"X-Origin": "mcp", "X-Host": publicHost, "Saw-X-Forwarded-Proto": "https", "Saw-X-Forwarded-Host": publicHost, "Saw-X-Forwarded-For": "127.0.0.1",
		"Saw-Accept":       "application/json, text/event-stream",
		"Www-Authenticate": `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`,
	}
	if resp.StatusCode != http.StatusUnauthorized {
		w.Errorf("status %d, want 401", resp.StatusCode)
	}
	for name, v := range want {
		if got := resp.Header.Get(name); got != v {
			w.Errorf("%s is %q, want %q", name, got, v)
		}
	}
}

// streams: each event arrives before the next is sent, also where the client takes compression.
func (w carried) streams(mcp *origin, method, body string) {
	w.Helper()
	resp := w.ask(method, "/mcp", body, "Authorization", "Bearer "+strings.Repeat("t", 6000), "Accept-Encoding", "gzip", "Mcp-Session-Id", "s1")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Content-Encoding") != "" {
		w.Fatalf("%s is answered %s %v", method, resp.Status, resp.Header)
	}
	if got := len(resp.Header.Get("Saw-Authorization")); got != 6007 || resp.Header.Get("Saw-Mcp-Session-Id") != "s1" || resp.Header.Get("Mcp-Session-Id") != "s1" {
		w.Errorf("%d bytes of token came, session %q and %q", got, resp.Header.Get("Saw-Mcp-Session-Id"), resp.Header.Get("Mcp-Session-Id"))
	}
	lines := bufio.NewReader(resp.Body)
	want := fmt.Sprintf("data: got %d\n", len(body))
	for sent := range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || line != want {
			w.Fatalf("%s: event %q, %v, want %q", method, line, err, want)
		}
		if _, err := lines.ReadString('\n'); err != nil {
			w.Fatal(err)
		}
		want = "data: told\n"
		if sent == 2 {
			break
		}
		select { // the origin sends on only now
		case mcp.next <- struct{}{}:
		case <-time.After(20 * time.Second):
			w.Fatalf("%s: the stream is not read at the origin", method)
		}
	}
	_, _ = io.Copy(io.Discard, resp.Body)
}

// reach: what belongs to the server comes to it, Keycloak's to Keycloak, and Keycloak's administration to nobody.
func (w carried) reach(narrow bool) {
	w.Helper()
	rest := "mcp"
	if narrow {
		rest = ""
	}
	for path, want := range map[string]string{
		"/.well-known/oauth-protected-resource":            "mcp",
		"/.well-known/oauth-protected-resource/mcp":        "mcp",
		"/.well-known/oauth-authorization-server":          "mcp",
		"/.well-known/openid-configuration/mcp":            "mcp",
		"/register":                                        "mcp",
		"/health":                                          rest,
		"/realms/r/protocol/openid-connect/token":          "keycloak",
		"/realms/r/.well-known/openid-configuration":       "keycloak",
		"/resources/x/login.css":                           "keycloak",
		"/.well-known/oauth-authorization-server/realms/r": "keycloak",
		"/.well-known/openid-configuration/realms/r":       "keycloak",
		"/admin/":       rest,
		"/admin/realms": rest,
		"/realmsx":      rest,
	} {
		if got := w.ask(http.MethodGet, path, "").Header.Get("X-Origin"); got != want {
			w.Errorf("%s comes to %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"/realms/../admin/", "/realms/%2e%2e/admin/", "/realms/..;/admin/", "/realms/..%2fadmin/", "/realms/%2E%2e%2Fadmin/", "/resources/..%5cadmin/"} {
		if got := w.ask(http.MethodGet, path, "").Header.Get("X-Origin"); got == "keycloak" {
			w.Errorf("%s comes to Keycloak", path)
		}
	}
}

// challenge: the certificate's own is answered from the webroot, where the snippet says so.
func (w carried) challenge(p *proxytest.Proxy) {
	w.Helper()
	if err := os.WriteFile(p.Webroot+"/.well-known/acme-challenge/token", []byte("proof"), 0o644); err != nil {
		w.Fatal(err)
	}
	resp := w.ask(http.MethodGet, "/.well-known/acme-challenge/token", "")
	body, _ := io.ReadAll(resp.Body)
	switch w.kind {
	case "nginx", "apache":
		if string(body) != "proof" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			w.Errorf("the certificate's challenge is answered %s %s %q", resp.Status, resp.Header.Get("Content-Type"), body)
		}
	case "haproxy": // it is passed on to certbot, who is not there
		if resp.StatusCode != http.StatusServiceUnavailable {
			w.Errorf("the certificate's challenge is answered %s, want that nobody is there", resp.Status)
		}
	}
}
