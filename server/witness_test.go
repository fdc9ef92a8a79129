package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// seen is a check for what kinds of evidence a handshake has; it passes on the first of it.
func seen(e probe.Evidence, stage probe.Stage) *probe.Check {
	return &probe.Check{
		ID: string(stage) + ".seen-" + strings.ReplaceAll(string(e), ":", "-"), Title: string(e) + " is seen", Stage: stage, Level: probe.Must,
		Owner: probe.OwnerOrigin, Needs: []probe.Evidence{e},
		Judge: func(t *probe.Trace) probe.Verdict {
			if facts := t.FactsOf("token-signature"); len(facts) > 0 && e == "fact:token-signature" {
				return probe.Pass("%v", facts[0].Data["valid"]).OnFact(facts[0])
			}
			return probe.Pass("%s", t.First(e).Request.URL).On(t.First(e))
		},
	}
}

// TestWitness: a real client's handshake is one handshake to the witness, from the challenge to the tools, the server's own
// questions to the authorization server included; and the client sees it by a tool.
func TestWitness(t *testing.T) {
	t.Parallel()
	wanted := map[probe.Evidence]probe.Stage{
		probe.Unauthenticated: probe.StageChallenge, probe.ResourceMetadata: probe.StageResourceMetadata,
		probe.ServerMetadata: probe.StageServerMetadata, probe.JWKS: probe.StageServerMetadata,
		probe.AccessToken: probe.StageToken, "fact:token-signature": probe.StageToken,
		probe.Initialize: probe.StageInitialize, probe.ToolsList: probe.StageTools,
	}
	claude := &probe.Profile{ID: "claude-ai"}
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(o *server.Options) {
				for e, stage := range wanted {
					o.Checks = append(o.Checks, seen(e, stage))
				}
				o.Recognise = func(c record.Client) *probe.Profile {
					if c.Name == "test" {
						return claude
					}
					return nil
				}
			})
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			events := r.server.Watch(ctx)
			r.do(t, "POST", "/mcp", "", initialize, "CF-Connecting-IP", "160.79.104.7")
			r.do(t, "GET", "/.well-known/oauth-protected-resource/mcp", "", "", "CF-Connecting-IP", "160.79.104.8")
			token := r.issuer.Token(target, nil)
			r.forwarded = "160.79.105.9"
			session, err := r.connect(t, token, "/mcp", version)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := session.ListTools(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			found := map[string]probe.Outcome{}
			var all []probe.Event
			for len(found) < len(wanted) {
				e := <-events
				all = append(all, e)
				if f, ok := e.(probe.Found); ok && f.Finding.Outcome == probe.Passed {
					found[f.Finding.Check] = f.Finding.Outcome
				}
			}
			if !slices.ContainsFunc(all, func(e probe.Event) bool { r, ok := e.(probe.Recognised); return ok && r.Profile == claude }) {
				t.Error("the client was not recognised")
			}
			told, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{token, strings.Split(token, ".")[2], "user-1", "session-1", session.ID()} {
				if secret != "" && strings.Contains(string(told), secret) {
					t.Errorf("the events tell %q", secret)
				}
			}
			recent := call(t, session, "recent_handshakes", nil)["handshakes"].([]any)
			if len(recent) != 1 {
				t.Fatalf("recent_handshakes says %v", recent)
			}
			one := recent[0].(map[string]any)
			if one["client"] != "test 1" || one["status"] != "open" || one["passed"] != float64(len(wanted)) {
				t.Errorf("recent_handshakes says %v", one)
			}
			kept := r.server.Handshakes()
			if len(kept) != 1 || kept[0].Stopped != "" || kept[0].Profile != claude {
				t.Errorf("kept are %+v", kept)
			}
		})
	}
}

// TestAnothersHandshakes are not one's own to see.
func TestAnothersHandshakes(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for _, user := range []string{"alice", "bob"} {
		session, err := r.connect(t, r.issuer.Token(target, map[string]any{"sub": user, "sid": "session of " + user}), "/mcp", "2025-11-25")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.ListTools(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	session, err := r.connect(t, r.issuer.Token(target, map[string]any{"sub": "eve", "sid": "x"}), "/mcp", "2026-07-28")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range call(t, session, "recent_handshakes", nil)["handshakes"].([]any) {
		if seen := h.(map[string]any)["seen"].(float64); seen > 3 {
			t.Errorf("eve sees %v", h)
		}
	}
}

// TestWitnessSeesRefusals: what is refused before the guard, and what is nowhere, is evidence too.
func TestWitnessSeesRefusals(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	events := r.server.Watch(t.Context())
	want := []string{
		"POST https://mcp.example.com/mcp 403",
		"GET https://mcp.example.com/.well-known/oauth-authorization-server/mcp 404",
		"GET https://mcp.example.com/authorize 404",
		"POST https://mcp.example.com/register 404",
	}
	r.do(t, "POST", "/mcp", "", initialize, "Host", "evil.example.com")
	r.do(t, "GET", "/.well-known/oauth-authorization-server/mcp", "", "")
	r.do(t, "GET", "/authorize?client_id=x&state=canary-state", "", "")
	r.do(t, "POST", "/register", "", `{}`)
	r.do(t, "GET", "/wp-login.php", "", "")
	r.do(t, "GET", "/health", "", "")
	var got []string
	for len(got) < len(want) {
		if s, ok := (<-events).(probe.Seen); ok && s.Exchange.URL().Host == "mcp.example.com" {
			u := s.Exchange.URL()
			u.RawQuery = ""
			got = append(got, fmt.Sprintf("%s %s %d", s.Exchange.Request.Method, u, s.Exchange.Status()))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
	r.end(t)
	for e := range events {
		if s, ok := e.(probe.Seen); ok && (s.Exchange.URL().Path == "/health" || s.Exchange.URL().Path == "/wp-login.php") {
			t.Errorf("heard %s", s.Exchange.Request.URL)
		}
	}
}

// TestForwarded: only a hop on this machine says where a client is.
func TestForwarded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remote string
		header http.Header
		want   string
	}{
		"nobody":         {"127.0.0.1:1", nil, "127.0.0.1:1"},
		"cloudflared":    {"127.0.0.1:1", http.Header{"Cf-Connecting-Ip": {"160.79.104.1"}}, "160.79.104.1:0"},
		"proxy":          {"[::1]:1", http.Header{"X-Forwarded-For": {"10.0.0.1, 192.0.2.7"}}, "192.0.2.7:0"},
		"two headers":    {"[::1]:1", http.Header{"X-Forwarded-For": {"10.0.0.1", "192.0.2.7"}}, "192.0.2.7:0"},
		"IPv6":           {"[::1]:1", http.Header{"X-Forwarded-For": {"2001:db8::1"}}, "[2001:db8::1]:0"},
		"nonsense":       {"[::1]:1", http.Header{"X-Forwarded-For": {"unknown"}}, "[::1]:1"},
		"from elsewhere": {"192.0.2.9:1", http.Header{"Cf-Connecting-Ip": {"160.79.104.1"}}, "192.0.2.9:1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header = c.remote, c.header
		var got string
		server.Forwarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(nil, r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
