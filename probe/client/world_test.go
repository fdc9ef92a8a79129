package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// A world is an MCP server and its authorization server, made small: change what they serve before the emulator runs.
type world struct {
	mcp, as *httptest.Server
	// hide leaves members out of the authorization server's metadata.
	hide []string
	// noResource: there is no protected resource metadata; open: the MCP server asks for no token.
	noResource, open bool
	// stateless: the MCP server speaks 2026-07-28 alone, else 2025-11-25 with sessions; sse: it answers with streams.
	stateless, sse bool
	// strict: a refresh token is good once; life is how long access tokens live, 0 for 15 minutes; trusting: the MCP server
	// reads tokens and verifies no signature.
	strict, trusting bool
	life             time.Duration
	// answers take the place of what is served at a path of either server.
	answers map[string]http.HandlerFunc
	// stall, when it is set, holds the answer to a path until the request is given up.
	stall string
	// over is laid over what both servers serve, when it is set.
	over func(http.Handler) http.Handler

	server *authorizationServer

	mu       sync.Mutex
	requests []seen
	sessions map[string]bool
}

// seen is a request as it came.
type seen struct {
	method, path string
	header       http.Header
	body         string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{sessions: map[string]bool{}}
	w.server = newAuthorizationServer(t, w)
	w.mcp = httptest.NewServer(w.recorded(http.HandlerFunc(w.serveMCP)))
	w.as = httptest.NewServer(w.recorded(http.HandlerFunc(w.server.serve)))
	t.Cleanup(func() { w.mcp.Close(); w.as.Close() })
	return w
}

func (w *world) target() string { return w.mcp.URL + "/mcp" }
func (w *world) issuer() string { return w.as.URL + "/realms/test" }

func (w *world) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, r := bodyOf(r)
		w.mu.Lock()
		w.requests = append(w.requests, seen{r.Method, r.URL.Path, r.Header.Clone(), body})
		w.mu.Unlock()
		if w.stall != "" && r.URL.Path == w.stall {
			<-r.Context().Done()
			return
		}
		if other := w.answers[r.URL.Path]; other != nil {
			other(rw, r)
			return
		}
		if w.over != nil {
			w.over(next).ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// asked returns the requests to a path.
func (w *world) asked(method, path string) []seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.requests), func(s seen) bool { return s.method != method || s.path != path })
}

// options are those of a user who gives all it takes.
func (w *world) options(change func(*client.Options)) client.Options {
	o := client.Options{
		Target: w.target(), Profile: hosted(), Tool: probe.Tool{Name: "mcpwiz", Version: "test"}, Checks: checks.All,
		ClientID: "claude", ClientSecret: "canary-client-secret-5e1f", SignIn: &signIn{}, Probes: true,
	}
	if change != nil {
		change(&o)
	}
	return o
}

// A run is what an emulator told.
type run struct {
	emulator *client.Emulator
	events   []probe.Event
	summary  probe.Summary
	err      error
	trace    *probe.Trace
}

func emulate(t *testing.T, o client.Options) *run {
	t.Helper()
	return emulateIn(t, context.Background(), o, nil)
}

func emulateIn(t *testing.T, ctx context.Context, o client.Options, sink probe.Sink) *run {
	t.Helper()
	e, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r := &run{emulator: e}
	r.summary, r.err = e.Run(ctx, func(ev probe.Event) {
		r.events = append(r.events, ev)
		if sink != nil {
			sink(ev)
		}
	})
	r.trace = &probe.Trace{Target: o.Target, Profile: o.Profile}
	at := map[int]int{}
	for _, ev := range r.events {
		switch ev := ev.(type) {
		case probe.Seen:
			x := ev.Exchange
			if i, ok := at[x.N]; ok {
				r.trace.Exchanges[i] = &x
				continue
			}
			at[x.N] = len(r.trace.Exchanges)
			r.trace.Exchanges = append(r.trace.Exchanges, &x)
		case probe.Noted:
			r.trace.Facts = append(r.trace.Facts, ev.Fact)
		}
	}
	return r
}

// findings returns the last word on each check.
func (r *run) findings() map[string]probe.Finding {
	all := map[string]probe.Finding{}
	for _, ev := range r.events {
		if f, ok := ev.(probe.Found); ok {
			all[f.Finding.Check] = f.Finding
		}
	}
	return all
}

func (r *run) excused(ev probe.Evidence) string {
	reason := ""
	for _, x := range r.events {
		if x, ok := x.(probe.Excused); ok && x.Evidence == ev {
			reason = x.Reason
		}
	}
	return reason
}

// told is everything the events say, as they are written.
func (r *run) told(t *testing.T) string {
	t.Helper()
	text := ""
	for _, ev := range r.events {
		line, err := probe.EncodeEvent(ev)
		if err != nil {
			t.Fatal(err)
		}
		text += string(line) + "\n"
	}
	return text
}

// hosted behaves as a hosted client with a callback of its own.
func hosted() *probe.Profile {
	mcp, oauth, accept := "Claude-User", "python-httpx/0.28.1", "*/*"
	return &probe.Profile{
		ID: "claude-test", Title: "Claude (test)", Grant: "authorization_code",
		Protocol: probe.ProtocolKnobs{
			Open:   []probe.ProtocolOpening{{Method: "server/discover", Version: "2026-07-28"}, {Method: "initialize", Version: "2025-11-25"}},
			Client: probe.ClientInfo{Name: "claude-test", Version: "1"}, GetStream: true,
		},
		Headers: probe.HeaderKnobs{MCPUserAgent: &mcp, OAuthUserAgent: &oauth, OAuthAccept: &accept, DiscoveryVersion: "2025-11-25"},
		Discovery: probe.DiscoveryKnobs{
			AsksEndpointFirst: true, ResourceMetadata: []string{"header", "path", "root"}, ResourceRule: "exact", FirstServerOnly: true,
			ServerMetadata: []string{"oauth", "oidc-inserted", "oidc-appended"}, IssuerRule: "exact",
			Requires: []string{"issuer", "authorization_endpoint", "token_endpoint"}, RequiresS256: true, Fallback: "mcp-origin",
		},
		Register: probe.RegisterKnobs{
			Order: []string{"preregistered", "cimd", "dcr"}, ScopeInBody: true,
			Body: map[string]any{"client_name": "Claude", "grant_types": []any{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "client_secret_post"},
		},
		Authorize: probe.AuthorizeKnobs{
			RedirectURIs: []string{"https://claude.example/callback"}, Scopes: []string{"challenge", "resource-metadata"},
			OfflineAccess: true, PromptConsent: true, StateLength: 43, VerifierLength: 64, Resource: true, ChecksIss: true,
		},
		Token: probe.TokenKnobs{ConfidentialAuth: "client_secret_post", Resource: true, RefreshResource: true},
	}
}

// machine behaves as a program that takes tokens for itself.
func machine() *probe.Profile {
	p := hosted()
	p.ID, p.Title, p.Grant = "m2m-test", "a machine", "client_credentials"
	p.Discovery.Requires, p.Discovery.RequiresS256, p.Discovery.Fallback = []string{"issuer", "token_endpoint"}, false, "none"
	p.Register, p.Authorize = probe.RegisterKnobs{Order: []string{"preregistered"}}, probe.AuthorizeKnobs{Scopes: []string{"resource-metadata"}}
	p.Token = probe.TokenKnobs{ConfidentialAuth: "client_secret_basic", Resource: true, Scope: true}
	return p
}

// A signIn is a user without pages: the authorization server redirects at once.
type signIn struct {
	seen  browser.Request
	ended bool
	// change alters the authorization response.
	change func(url.Values)
}

func (s *signIn) Redirect(_ context.Context, uris []string) (string, error) { return uris[0], nil }

func (s *signIn) Authorize(ctx context.Context, r browser.Request) (*url.URL, error) {
	s.seen = r
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return nil, err
	}
	q := to.Query()
	if s.change != nil {
		s.change(q)
	}
	to.RawQuery = q.Encode()
	return to, nil
}

func (s *signIn) End(context.Context) error { s.ended = true; return nil }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
