package client

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// reachLimit is how long a host may take to accept a connection, at all of its addresses together. No client waits longer
// than for a document, and who waits for a diagnosis waits no longer than it takes to know.
const reachLimit = 4500 * time.Millisecond

// A dialer connects, as net.Dialer does.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// A reach connects, and remembers who did not answer: the second request to a dead host fails when the first one does.
type reach struct {
	dial  dialer
	limit time.Duration

	mu sync.Mutex
	at map[string]*attempt
}

// An attempt is what is known of an address: since when somebody tries, that it accepted, or why nobody will try again.
type attempt struct {
	since time.Time
	alive bool
	dead  error
}

func newReach(dial dialer) *reach {
	return &reach{dial: dial, limit: reachLimit, at: map[string]*attempt{}}
}

// DialContext is what http.Transport has.
func (r *reach) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	until, err := r.begin(addr)
	if err != nil {
		return nil, err
	}
	ours, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	conn, err := r.dial(ours, network, addr)
	dead := err != nil && ctx.Err() == nil && ours.Err() != nil
	if dead {
		err = &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s does not answer within %s: %w", addr, r.limit, context.DeadlineExceeded)}
	}
	r.end(addr, err, dead)
	return conn, err
}

// begin says until when an address may be tried.
func (r *reach) begin(addr string) (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, a := time.Now(), r.at[addr]
	switch {
	case a == nil:
		r.at[addr] = &attempt{since: now}
		return now.Add(r.limit), nil
	case a.dead != nil:
		return now, a.dead
	case a.alive:
		return now.Add(r.limit), nil
	}
	return a.since.Add(r.limit), nil
}

func (r *reach) end(addr string, err error, dead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.at[addr]
	switch {
	case a == nil || a.alive:
	case err == nil:
		a.alive = true
	case dead:
		a.dead = err
	default: // it was refused, or we gave up: the next one has all its time again
		delete(r.at, addr)
	}
}
