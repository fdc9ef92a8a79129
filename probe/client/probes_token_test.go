package client_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// What is asked beside the client's own way tells what the way itself does not meet.
func TestTokenProbes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*world)
		check   string
		outcome probe.Outcome
	}{
		"tokens that nobody signed": {func(w *world) { w.trusting = true }, "initialize.forged-token-refused", probe.Failed},
		"a refresh token good once": {func(w *world) { w.strict = true }, "session.refresh-survives-retry", probe.Warned},
		"sessions of one replica":   {func(w *world) { w.answers = map[string]http.HandlerFunc{"/mcp": replicas(w)} }, "session.shared", probe.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.change(w)
			r := emulate(t, w.options(nil))
			if f := r.findings()[c.check]; f.Outcome != c.outcome {
				t.Errorf("%s: %s %s\n%s", c.check, f.Outcome, f.Detail, wrongs(r))
			}
			if first := r.summary.First; c.outcome == probe.Failed && (first == nil || *first != c.check) {
				t.Errorf("first %v\n%s", first, wrongs(r))
			}
			if len(w.server.refresh) > 0 {
				t.Errorf("%d refresh tokens are left", len(w.server.refresh))
			}
		})
	}
}

// replicas are two MCP servers behind one name, by connection, of which each knows its own sessions alone.
func replicas(w *world) http.HandlerFunc {
	var mu sync.Mutex
	of, owner := map[string]int{}, map[string]int{}
	return func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if _, known := of[r.RemoteAddr]; !known {
			of[r.RemoteAddr] = len(of) % 2
		}
		here := of[r.RemoteAddr]
		at, begun := owner[r.Header.Get("Mcp-Session-Id")]
		mu.Unlock()
		if begun && at != here && r.Method == http.MethodPost {
			w.reply(rw, 404, nil, nil, map[string]any{"code": -32001, "message": "Session not found"})
			return
		}
		w.serveMCP(rw, r)
		if id := rw.Header().Get("Mcp-Session-Id"); id != "" {
			mu.Lock()
			owner[id] = here
			mu.Unlock()
		}
	}
}

// A client that renews early does so before each request, where the token lives no longer than its margin.
func TestRenewsEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.life = 300 * time.Second
	r := emulate(t, w.options(func(o *client.Options) { o.Profile.Token.RefreshMargin = 300 }))
	if r.summary.Status != probe.Healthy {
		t.Fatalf("status %s\n%s", r.summary.Status, wrongs(r))
	}
	if n := len(r.trace.Of(probe.Refresh)); n < 4 {
		t.Errorf("%d renewals: one before initialize, tools/list and tools/call each, and one more", n)
	}
	if f := r.findings()["token.lifetime"]; f.Outcome != probe.Warned {
		t.Errorf("%s: %s %s", f.Check, f.Outcome, f.Detail)
	}
	if len(w.server.refresh) > 0 {
		t.Errorf("%d refresh tokens are left", len(w.server.refresh))
	}
}

// What is asked as other clients write it differs from the client's own request in one thing each.
func TestWireVariants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	emulate(t, w.options(nil))
	var charset, order, unversioned, meta int
	for _, s := range w.asked("POST", "/mcp") {
		if !strings.Contains(s.body, "tools/list") {
			continue
		}
		switch {
		case strings.Contains(s.header.Get("Content-Type"), "charset"):
			charset++
		case strings.HasPrefix(s.header.Get("Accept"), "text/event-stream"):
			order++
		case s.header.Get("Mcp-Protocol-Version") == "":
			unversioned++
		case s.header.Get("X-Openai-Session") != "" && strings.Contains(s.body, "openai/userAgent"):
			meta++
		}
	}
	if charset != 1 || order != 1 || unversioned != 1 || meta != 1 {
		t.Errorf("with a charset %d, in another order %d, without a version %d, with what it does not know %d", charset, order, unversioned, meta)
	}
}
