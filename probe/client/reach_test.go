package client

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Of a host that does not answer one waits once.
func TestDeadHostIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	r := newReach(func(ctx context.Context, _, _ string) (net.Conn, error) {
		dials.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r.limit = 20 * time.Millisecond
	for range 3 {
		_, err := r.DialContext(context.Background(), "tcp", "mcp.example.com:443")
		if !errors.Is(err, context.DeadlineExceeded) || !neverConnected(err) {
			t.Fatalf("%v is no host that does not answer", err)
		}
	}
	if dials.Load() != 1 {
		t.Errorf("%d attempts to reach a dead host", dials.Load())
	}
}

// A host that refused, or one that the caller gave up, may be tried again; so may one that has answered before.
func TestOthersAreTriedAgain(t *testing.T) {
	t.Parallel()
	answers := []error{syscall.ECONNREFUSED, nil, context.DeadlineExceeded, nil}
	r := newReach(func(ctx context.Context, _, _ string) (net.Conn, error) {
		err := answers[0]
		answers = answers[1:]
		if err != nil {
			return nil, err
		}
		here, _ := net.Pipe()
		return here, nil
	})
	given, cancel := context.WithCancel(context.Background())
	cancel()
	r.dial = func(next dialer) dialer {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return next(ctx, network, addr)
		}
	}(r.dial)
	if _, err := r.DialContext(given, "tcp", "a:1"); err == nil {
		t.Fatal("no error where the caller gave up")
	}
	for i, want := range []bool{false, true, false, true} {
		if _, err := r.DialContext(context.Background(), "tcp", "a:1"); (err == nil) != want {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
}
