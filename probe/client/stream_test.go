package client_test

import (
	"net/http"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// A stream that nobody answers is told, and does not keep the rest from being judged.
func TestStreamThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers = map[string]http.HandlerFunc{"/mcp": func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			panic(http.ErrAbortHandler)
		}
		w.serveMCP(rw, r)
	}}
	r := emulate(t, w.options(func(o *client.Options) { o.Probes = false }))
	if r.err != nil || r.summary.Status != probe.Healthy || r.findings()["network.connected"].Outcome != probe.Warned {
		t.Errorf("status %s, error %v\n%s", r.summary.Status, r.err, wrongs(r))
	}
}
