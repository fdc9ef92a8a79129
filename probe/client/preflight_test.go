package client_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// A client that runs in a web page has its browser ask first, and nobody else does.
func TestPagesAskFirst(t *testing.T) {
	t.Parallel()
	allows := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		rw.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method")
		rw.WriteHeader(http.StatusNoContent)
	}
	refuses := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusUnauthorized) }
	for name, c := range map[string]struct {
		origin string
		probes bool
		answer http.HandlerFunc
		want   probe.Outcome
	}{
		"a page that may call":     {"http://localhost:6274", true, allows, probe.Passed},
		"a page that may not call": {"http://localhost:6274", true, refuses, probe.Warned},
		"a client without a page":  {"", true, refuses, probe.Skipped},
		"the client alone":         {"http://localhost:6274", false, refuses, probe.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var mu sync.Mutex
			var asked []http.Header
			w.answers = map[string]http.HandlerFunc{"/mcp": func(rw http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodOptions {
					w.serveMCP(rw, r)
					return
				}
				mu.Lock()
				asked = append(asked, r.Header)
				mu.Unlock()
				c.answer(rw, r)
			}}
			r := emulate(t, w.options(func(o *client.Options) {
				own := *o.Profile
				own.Headers.PageOrigin = c.origin
				o.Profile, o.Probes = &own, c.probes
			}))
			if f := r.findings()["challenge.preflight"]; f.Outcome != c.want {
				t.Errorf("%s %s, want %s", f.Outcome, f.Detail, c.want)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case (c.want == probe.Skipped) != (len(asked) == 0):
				t.Errorf("asked %d times", len(asked))
			case len(asked) > 0 && (asked[0].Get("Origin") != c.origin || asked[0].Get("Access-Control-Request-Method") != "POST" || asked[0].Get("Authorization") != ""):
				t.Errorf("asked with %v", asked[0])
			}
		})
	}
}
