package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
	"github.com/mcpwiz/mcpwiz/tui"
)

// A tunnelling is a tunnel that runs beside the wizard's server, or before it: a quick one brings the name that all the rest needs.
type tunnelling struct {
	file, quick string // what it runs with
	stop        context.CancelFunc
	ended       chan struct{}

	mu    sync.Mutex
	state cloudflared.State
	turn  chan struct{} // closed when the state becomes another
	err   error
}

// runTunnel runs cloudflared until it is stopped.
func runTunnel(o cloudflared.Options, end func() error) *tunnelling {
	ctx, stop := context.WithCancel(context.Background())
	t := &tunnelling{file: o.TokenFile, quick: o.QuickURL, stop: stop, ended: make(chan struct{}), turn: make(chan struct{})}
	told := o.Told
	o.Told = func(s cloudflared.State) {
		told(s)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.state = s
		close(t.turn)
		t.turn = make(chan struct{})
	}
	go func() {
		defer close(t.ended)
		err := errors.Join(tui.Guard(func() error { return cloudflared.Run(ctx, o) }), end())
		t.mu.Lock()
		t.err = err
		t.mu.Unlock()
	}()
	return t
}

// now is how it stands, and a channel that is closed when that changes.
func (t *tunnelling) now() (cloudflared.State, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.turn
}

func (t *tunnelling) alive() bool {
	select {
	case <-t.ended:
		return false
	default:
		return true
	}
}

func (t *tunnelling) close() error {
	t.stop()
	<-t.ended
	if errors.Is(t.err, cloudflared.ErrHopeless) { // it was told while it was so
		return nil
	}
	return t.err
}

// until waits until the state is good, the tunnel has ended, or ctx has.
func (t *tunnelling) until(ctx context.Context, good func(cloudflared.State) bool, told func(cloudflared.State)) cloudflared.State {
	for {
		s, turn := t.now()
		told(s)
		if good(s) {
			return s
		}
		select {
		case <-turn:
		case <-t.ended:
			s, _ = t.now()
			return s
		case <-ctx.Done():
			return s
		}
	}
}

// carrier tells how the tunnel stands, and every change.
func (d *desk) carrier(ctx context.Context) <-chan tui.Carrier {
	ch := make(chan tui.Carrier)
	t := d.runsTunnel()
	go func() {
		defer close(ch)
		if t == nil {
			<-ctx.Done()
			return
		}
		for {
			s, turn := t.now()
			select {
			case ch <- carrierOf(s):
			case <-ctx.Done():
				return
			}
			select {
			case <-turn:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch
}

// carrierOf says in a sentence how a tunnel stands.
func carrierOf(s cloudflared.State) tui.Carrier {
	why := ""
	if s.Reason != "" {
		why = ": " + s.Reason
	}
	c := tui.Carrier{Mend: s.Mend}
	switch s.Phase {
	case cloudflared.Connected:
		c.Outcome, c.Text = probe.Passed, fmt.Sprintf("the tunnel carries, by %d connections", s.Connections)
		if s.Connections == 1 {
			c.Text = "the tunnel carries, by 1 connection"
		}
	case cloudflared.Disconnected:
		c.Outcome, c.Text = probe.Failed, "the tunnel carries nothing now"+why
	case cloudflared.Waiting:
		c.Outcome, c.Text = probe.Failed, fmt.Sprintf("the tunnel ended, and begins again in %s%s", s.Retry, why)
	case cloudflared.Stopped:
		c.Outcome, c.Text = probe.Failed, "the tunnel is over"+why
	default:
		c.Text = "the tunnel connects"
		if why != "" {
			c.Outcome, c.Text = probe.Failed, "the tunnel does not come up"+why
		}
	}
	return c
}
