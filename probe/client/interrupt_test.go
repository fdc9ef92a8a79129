package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// An interrupt at whatever moment leaves nothing behind, and what was not seen because of it is no failure.
func TestInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	whole := interruptedAt(t, 0)
	step := 4
	if testing.Short() {
		step = 16
	}
	for at := 1; at < len(whole.trace.Exchanges); at += step {
		t.Run(fmt.Sprint("at exchange ", at), func(t *testing.T) {
			t.Parallel()
			r := interruptedAt(t, at)
			if !errors.Is(r.err, context.Canceled) {
				t.Errorf("error %v", r.err)
			}
			for _, f := range r.findings() {
				if f.Outcome == probe.Failed || f.Outcome == probe.Warned {
					t.Errorf("%s: %s: %s", f.Check, f.Outcome, f.Detail)
				}
			}
		})
	}
}

// interruptedAt makes a handshake that is interrupted at the nth thing that is seen; 0 for never. Nothing of it is left.
func interruptedAt(t *testing.T, at int) *run {
	t.Helper()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var came int
	var begun time.Time
	r := emulateIn(t, ctx, w.options(func(o *client.Options) { o.ClientID, o.ClientSecret, o.Register = "", "", true }), func(ev probe.Event) {
		if _, ok := ev.(probe.Seen); !ok {
			return
		}
		if came++; came == at {
			begun = time.Now()
			cancel()
		}
	})
	if took := time.Since(begun); at > 0 && took > 10*time.Second {
		t.Errorf("it took %s to return", took)
	}
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	if len(w.server.clients) != 2 || len(r.emulator.Left()) > 0 {
		t.Errorf("%d clients, left %q", len(w.server.clients), r.emulator.Left())
	}
	return r
}
