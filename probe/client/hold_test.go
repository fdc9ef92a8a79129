package client_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// A stream that is held shows who cuts it when nothing comes.
func TestHeldStreamIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers = map[string]http.HandlerFunc{"/mcp": func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.serveMCP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		rw.WriteHeader(http.StatusOK)
		rw.(http.Flusher).Flush()
		time.Sleep(200 * time.Millisecond)
		panic(http.ErrAbortHandler) // as an edge does that has heard nothing for too long
	}}
	r := emulate(t, w.options(func(o *client.Options) {
		o.HoldStream, o.Probes = 5*time.Second, false
		o.Profile.Protocol.GetStream = false // it is opened all the same
	}))
	if f := r.findings()["edge.streams-whole"]; f.Outcome != probe.Warned {
		t.Errorf("%s: %s %s\n%s", f.Check, f.Outcome, f.Detail, wrongs(r))
	}
}
