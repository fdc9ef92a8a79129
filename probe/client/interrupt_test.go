package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// An interrupt at whatever moment leaves nothing behind, and what was not seen because of it is no failure.
func TestInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(context.Background())
		came, begun := 0, time.Time{}
		r := emulateIn(t, ctx, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register = "", "", true }), func(ev probe.Event) {
			if _, ok := ev.(probe.Seen); ok {
				if came++; came == at {
					begun = time.Now()
					cancel()
				}
			}
		})
		cancel()
		if begun.IsZero() {
			if at < 30 {
				t.Errorf("only %d exchanges were seen", came)
			}
			return
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("at exchange %d it took %s to return", at, took)
		}
		if !errors.Is(r.err, context.Canceled) {
			t.Errorf("at exchange %d: error %v", at, r.err)
		}
		for _, f := range r.findings() {
			if f.Outcome == probe.Failed || f.Outcome == probe.Warned {
				t.Errorf("at exchange %d %s: %s: %s", at, f.Check, f.Outcome, f.Detail)
			}
		}
		w.server.mu.Lock()
		if len(w.server.clients) != 2 || len(r.emulator.Left()) > 0 {
			t.Errorf("at exchange %d: %d clients, left %q", at, len(w.server.clients), r.emulator.Left())
		}
		w.server.mu.Unlock()
	}
}
