package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/gateway"
	"github.com/mcpwiz/mcpwiz/server/internal/issuertest"
)

// TestBothEras is the whole way of the official client, through a tunnel, on one URL.
func TestBothEras(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for _, version := range []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"} {
		for _, path := range []string{"/mcp", "/mcp/"} {
			t.Run(version+path, func(t *testing.T) {
				session, err := r.connect(t, r.issuer.Token(target, nil), path, version)
				if err != nil {
					t.Fatal(err)
				}
				if got := session.InitializeResult(); got.ProtocolVersion != version {
					t.Errorf("negotiated %s", got.ProtocolVersion)
				}
				tools, err := session.ListTools(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, tool := range tools.Tools {
					names = append(names, tool.Name)
					if tool.Description == "" || tool.Annotations == nil || !tool.Annotations.ReadOnlyHint || tool.OutputSchema == nil {
						t.Errorf("tool %s is not described", tool.Name)
					}
				}
				slices.Sort(names)
				if !slices.Equal(names, []string{"echo", "recent_handshakes", "server_info", "whoami"}) {
					t.Errorf("tools are %v", names)
				}
				who := call(t, session, "whoami", nil)
				if who["subject"] != "user-1" || who["client"] != "claude" || who["issuer"] != r.issuer.URL {
					t.Errorf("whoami says %v", who)
				}
				if in, _ := who["expires_in"].(float64); in < 800 || in > 900 {
					t.Errorf("whoami says expires_in %v", who["expires_in"])
				}
				if got := call(t, session, "echo", map[string]any{"text": "äöü"}); got["text"] != "äöü" {
					t.Errorf("echo says %v", got)
				}
				if got := call(t, session, "server_info", nil); got["url"] != target || got["version"] != "9.9.9" {
					t.Errorf("server_info says %v", got)
				}
				if got := call(t, session, "recent_handshakes", nil); got["handshakes"] == nil {
					t.Errorf("recent_handshakes says %v", got)
				}
			})
		}
	}
}

func call(t *testing.T, session *sdk.ClientSession, name string, args map[string]any) map[string]any {
	t.Helper()
	res, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: args})
	if err != nil || res.IsError {
		t.Fatalf("calling %s: %v %+v", name, err, res)
	}
	raw, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s answered %s: %v", name, raw, err)
	}
	return out
}

const (
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	listTools  = `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`
	discover   = `{"jsonrpc":"2.0","id":3,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
)

// TestPaths holds every path to what it answers.
func TestPaths(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	good := r.issuer.Token(target, nil)
	narrow := r.issuer.Token(target, map[string]any{"scope": "email"})
	foreign := r.issuer.Token("https://other.example.com/mcp", nil)
	for name, c := range map[string]struct {
		method, path, token, body string
		headers                   []string
		status                    int
		// header is "Name: part of its value".
		header string
	}{
		"no token":           {"POST", "/mcp", "", initialize, nil, 401, `Www-Authenticate: resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`},
		"no token, GET":      {"GET", "/mcp", "", "", nil, 401, "Www-Authenticate: Bearer "},
		"no token, discover": {"POST", "/mcp", "", discover, []string{"MCP-Protocol-Version", "2026-07-28"}, 401, "Www-Authenticate: Bearer "},
		"foreign audience":   {"POST", "/mcp", foreign, initialize, nil, 401, `Www-Authenticate: error="invalid_token"`},
		"narrow scope":       {"POST", "/mcp", narrow, initialize, nil, 403, `Www-Authenticate: error="insufficient_scope"`},
		"initialize":         {"POST", "/mcp", good, initialize, nil, 200, "Mcp-Session-Id: "},
		"with a charset":     {"POST", "/mcp", good, initialize, []string{"Content-Type", "application/json; charset=utf-8"}, 200, "Mcp-Session-Id: "},
		"slash":              {"POST", "/mcp/", good, initialize, nil, 200, "Mcp-Session-Id: "},
		"discover":           {"POST", "/mcp", good, discover, []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "server/discover"}, 200, ""},
		"GET, no session":    {"GET", "/mcp", good, "", nil, 405, "Allow: POST"},
		"DELETE, no session": {"DELETE", "/mcp", good, "", nil, 405, "Allow: POST"},
		"GET, modern":        {"GET", "/mcp", good, "", []string{"MCP-Protocol-Version", "2026-07-28"}, 405, "Allow: POST"},
		"unknown session":    {"POST", "/mcp", good, listTools, []string{"Mcp-Session-Id", "x"}, 404, ""},
		"PUT":                {"PUT", "/mcp", good, "", nil, 405, "Allow: GET, POST, DELETE"},
		"too large":          {"POST", "/mcp", good, strings.Repeat("x", 5<<20), nil, 413, ""},
		"not JSON":           {"POST", "/mcp", good, "x", nil, 400, ""},
		"foreign origin":     {"POST", "/mcp", good, initialize, []string{"Origin", "https://evil.example.com"}, 403, ""},
		"inspector":          {"POST", "/mcp", good, initialize, []string{"Origin", "http://localhost:6274"}, 200, "Access-Control-Allow-Origin: http://localhost:6274"},
		"preflight":          {"OPTIONS", "/mcp", "", "", []string{"Origin", "http://localhost:6274", "Access-Control-Request-Method", "POST"}, 204, "Access-Control-Allow-Headers: authorization"},
		"foreign host":       {"POST", "/mcp", good, initialize, []string{"Host", "evil.example.com"}, 403, ""},
		"loopback host":      {"POST", "/mcp", good, initialize, []string{"Host", "localhost:8080"}, 200, ""},

		"resource metadata":         {"GET", "/.well-known/oauth-protected-resource/mcp", "", "", nil, 200, "Access-Control-Allow-Origin: *"},
		"resource metadata at root": {"GET", "/.well-known/oauth-protected-resource", "", "", nil, 200, "Content-Type: application/json"},
		"resource metadata, POST":   {"POST", "/.well-known/oauth-protected-resource", "", "", nil, 405, "Allow: GET, HEAD"},
		"mirror":                    {"GET", "/.well-known/oauth-authorization-server", "", "", nil, 200, "Content-Type: application/json"},
		"mirror, OIDC":              {"GET", "/.well-known/openid-configuration", "", "", nil, 200, ""},
		"mirror below the endpoint": {"GET", "/mcp/.well-known/oauth-authorization-server", "", "", nil, 200, ""},
		"register":                  {"POST", "/register", "", "{}", nil, 404, "Cache-Control: no-store"},
		"tools":                     {"GET", "/tools/list", good, "", nil, 200, "Cache-Control: private"},
		"tools, no token":           {"GET", "/tools/list", "", "", nil, 401, "Www-Authenticate: Bearer "},
		"health":                    {"GET", "/health", "", "", nil, 200, "Cache-Control: no-store"},
		"live":                      {"GET", "/health/live", "", "", nil, 200, ""},
		"nothing":                   {"GET", "/", "", "", nil, 404, "Content-Type: application/json"},
		"authorize":                 {"GET", "/authorize", "", "", nil, 404, "Server: mcpwiz/9.9.9"},
		"below the endpoint":        {"POST", "/mcp/x", good, initialize, nil, 404, ""},
		"dots":                      {"GET", "/x/../mcp", good, "", nil, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := r.do(t, c.method, c.path, c.token, c.body, c.headers...)
			if resp.StatusCode != c.status {
				body, _ := io.ReadAll(resp.Body)
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, c.status, body)
			}
			key, part, _ := strings.Cut(c.header, ": ")
			if values, ok := resp.Header[key]; key != "" && (!ok || !strings.Contains(values[0], part)) {
				t.Errorf("%s is %q, want %q in it", key, values, part)
			}
			if resp.StatusCode == 404 && resp.Header.Get("Content-Type") == "application/json" && c.path == "/" {
				if text := object(t, resp)["error_description"].(string); !strings.Contains(text, "/mcp") || !strings.Contains(text, "/health") {
					t.Errorf("the paths are not told: %s", text)
				}
			}
		})
	}
}

func TestToolsListAsREST(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	doc := object(t, r.do(t, "GET", "/tools/list", r.issuer.Token(target, nil), ""))
	tools, _ := doc["tools"].([]any)
	if len(tools) != 4 {
		t.Fatalf("listed %v", doc)
	}
	first, _ := tools[0].(map[string]any)
	if first["inputSchema"] == nil || first["name"] == nil {
		t.Errorf("the first tool is %v", first)
	}
}

// TestSessionIsItsUsers: a stolen session id is of no use with another user's token.
func TestSessionIsItsUsers(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	resp := r.do(t, "POST", "/mcp", r.issuer.Token(target, nil), initialize)
	id := resp.Header.Get("Mcp-Session-Id")
	other := r.issuer.Token(target, map[string]any{"sub": "user-2"})
	if resp := r.do(t, "POST", "/mcp", other, listTools, "Mcp-Session-Id", id); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another user: %d", resp.StatusCode)
	}
	if resp := r.do(t, "POST", "/mcp", r.issuer.Token(target, nil), listTools, "Mcp-Session-Id", id); resp.StatusCode != http.StatusOK {
		t.Errorf("the same user with a new token: %d", resp.StatusCode)
	}
}

// TestIssuerDownAtStart: what a client needs to find its way does not wait for the authorization server.
func TestIssuerDownAtStart(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	i.Down(true)
	r := startWith(t, i, nil)
	for path, want := range map[string]int{
		"/.well-known/oauth-protected-resource/mcp": 200,
		"/.well-known/oauth-protected-resource":     200,
		"/mcp":                                      401,
		"/health/live":                              200,
		"/health":                                   503,
		"/.well-known/oauth-authorization-server":   503,
	} {
		if resp := r.do(t, "GET", path, "", ""); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	resp := r.do(t, "POST", "/mcp", i.Token(target, nil), initialize)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a good token: %d %v", resp.StatusCode, resp.Header)
	}
	if resp := r.do(t, "POST", "/mcp", i.Token("other", nil), initialize); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token for another audience: %d", resp.StatusCode)
	}
	doc := object(t, r.do(t, "GET", "/health", "", ""))
	if doc["live"] != true || doc["ready"] != false || len(doc["reasons"].([]any)) != 1 {
		t.Errorf("health says %v", doc)
	}
}

// TestHealthTells what is so when all is well.
func TestHealth(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	doc := object(t, r.do(t, "GET", "/health", "", ""))
	servers, _ := doc["servers"].([]any)
	if doc["ready"] != true || len(servers) != 1 {
		t.Fatalf("health says %v", doc)
	}
	one := servers[0].(map[string]any)
	if one["keys"] != 3.0 || one["authorization_server"] != "reachable" || one["keys_age"] == nil {
		t.Errorf("health says %v", one)
	}
}

func TestRegisterHandsOutThePublicClient(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *server.Options) {
		o.Endpoints[0].Public = gateway.PublicClient{ID: "mcp-public", RedirectURIs: []string{"http://localhost/callback"}}
	})
	resp := r.do(t, "POST", "/register", "", `{"redirect_uris":["http://localhost:9411/callback"]}`)
	if doc := object(t, resp); resp.StatusCode != http.StatusCreated || doc["client_id"] != "mcp-public" || doc["scope"] != "mcp:tools" {
		t.Errorf("%d %v", resp.StatusCode, doc)
	}
}

// TestShared: two servers on one port differ by path, and by host where both have a root.
func TestShared(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *server.Options) {
		second, third := o.Endpoints[0], o.Endpoints[0]
		second.URL, third.URL = "https://mcp.example.com/two", "https://three.example.com/three"
		o.Endpoints = append(o.Endpoints, second, third)
	})
	for _, c := range []struct{ host, path, resource string }{
		{"mcp.example.com", "/.well-known/oauth-protected-resource/mcp", target},
		{"mcp.example.com", "/.well-known/oauth-protected-resource/two", "https://mcp.example.com/two"},
		{"mcp.example.com", "/.well-known/oauth-protected-resource", target},
		{"three.example.com", "/.well-known/oauth-protected-resource", "https://three.example.com/three"},
		{"localhost", "/.well-known/oauth-protected-resource", target},
	} {
		if doc := object(t, r.do(t, "GET", c.path, "", "", "Host", c.host)); doc["resource"] != c.resource {
			t.Errorf("%s%s says %v", c.host, c.path, doc["resource"])
		}
	}
	if resp := r.do(t, "POST", "/two", r.issuer.Token(target, nil), initialize); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token for the first at the second: %d", resp.StatusCode)
	}
	if resp := r.do(t, "POST", "/two", r.issuer.Token("https://mcp.example.com/two", nil), initialize); resp.StatusCode != http.StatusOK {
		t.Errorf("a token for the second: %d", resp.StatusCode)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *server.Options) {
		o.Endpoints[0].AllowedHosts, o.Endpoints[0].AllowedOrigins = []string{"mcp.example.org"}, []string{"https://app.example.com"}
	})
	token := r.issuer.Token(target, nil)
	resp := r.do(t, "POST", "/mcp", token, initialize, "Host", "mcp.example.org", "Origin", "https://app.example.com")
	if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != 200 || got != "https://app.example.com" {
		t.Errorf("status %d, allowed %q", resp.StatusCode, got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	one := server.Endpoint{URL: target, Issuer: "https://auth.example.com"}
	for name, all := range map[string][]server.Endpoint{
		"nothing":        nil,
		"same path":      {one, one},
		"no url":         {{Issuer: "https://auth.example.com"}},
		"listen":         {{URL: target, Issuer: one.Issuer, Listen: "8080"}},
		"taken path":     {{URL: "https://h/health", Issuer: one.Issuer}},
		"no host":        {{URL: target, Issuer: one.Issuer, AllowedHosts: []string{"https://mcp.example.org"}}},
		"no origin":      {{URL: target, Issuer: one.Issuer, AllowedOrigins: []string{"app.example.com"}}},
		"origin's path":  {{URL: target, Issuer: one.Issuer, AllowedOrigins: []string{"https://app.example.com/"}}},
		"ca_file absent": {{URL: target, Issuer: one.Issuer, JWKSURL: "https://kc/certs", CAFile: "/nonexistent"}},
	} {
		if _, err := server.New(server.Options{Endpoints: all}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestStreams: an event stream begins at once, is not cut while it is served, and is when the server stops.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	token := r.issuer.Token(target, nil)
	id := r.do(t, "POST", "/mcp", token, initialize).Header.Get("Mcp-Session-Id")
	r.do(t, "POST", "/mcp", token, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Mcp-Session-Id", id)
	stream := r.do(t, "GET", "/mcp", token, "", "Mcp-Session-Id", id, "Accept", "text/event-stream")
	if stream.StatusCode != http.StatusOK || stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream: %d %v", stream.StatusCode, stream.Header)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, bufio.NewReader(stream.Body))
	}()
	select {
	case <-ended:
		t.Fatal("the stream ended by itself")
	default:
	}
	begun := time.Now()
	r.end(t)
	<-ended
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("stopping took %s: the stream was drained, not cut", took)
	}
}

// TestDrain: what is under way when the server stops is finished.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	reading := make(chan struct{})
	body, rest := io.Pipe()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	req, err := http.NewRequestWithContext(ctx, "POST", "http://mcp.example.com/mcp", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.issuer.Token(target, nil))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Expect", "100-continue")
	r.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
	go func() {
		<-reading // by now the server waits for the message
		r.stop()
		for {
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				break // by now it stops
			}
			c.Close()
		}
		io.WriteString(rest, initialize)
		rest.Close()
	}()
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatalf("the request under way: %v", err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || err != nil || !strings.Contains(string(body), "serverInfo") {
		t.Errorf("the request under way was answered with %d %s (%v)", resp.StatusCode, body, err)
	}
}
