package client

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Shared is what handshakes with one server have in common when they are made together, so that it is asked once: metadata
// that are asked for in the same words, host names and certificates, and what is asked as nobody. It is not what only looks
// the same: an edge may answer one User-Agent and refuse the next, so a request in other words is made.
type Shared struct {
	// within is how long one handshake waits for the answer to another: what takes longer each asks for itself, so that what
	// is slow is slow to all of them.
	within    time.Duration
	mutes     *mutes
	mu        sync.Mutex
	documents map[string]*document
	hosts     map[string]*host
	stranger  *Emulator
}

// NewShared returns what the handshakes of one run share.
func NewShared() *Shared {
	return &Shared{within: time.Second, mutes: newMutes(), documents: map[string]*document{}, hosts: map[string]*host{}}
}

// asksFor lets the first handshake ask what is asked as nobody, and says as whom it does.
func (s *Shared) asksFor(e *Emulator) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stranger == nil {
		s.stranger = e
	}
	if s.stranger == e {
		return ""
	}
	return s.stranger.opt.Profile.ID
}

// A host is what one handshake finds out about an origin's names and certificate.
type host struct {
	by      *Emulator
	over    chan struct{}
	facts   []probe.Fact
	excuses map[probe.Evidence]string
}

// host returns what is being found out about an origin, and whether it is for e to find it out.
func (s *Shared) host(at string, e *Emulator) (*host, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[at]
	if h == nil {
		h = &host{by: e, over: make(chan struct{}), excuses: map[probe.Evidence]string{}}
		s.hosts[at] = h
	}
	return h, h.by == e
}

// lookTogether looks at a host, or tells what another handshake finds out about it.
func (e *Emulator) lookTogether(ctx context.Context, u *url.URL) {
	h, mine := e.opt.Shared.host(origin(u), e)
	if mine {
		var all sync.WaitGroup
		e.lookAt(ctx, u, &all, finds{
			func(f probe.Fact) { e.opt.Shared.learn(h, f); e.told(f) },
			func(ev probe.Evidence, reason string) { e.opt.Shared.excuse(h, ev, reason); e.excuse(ev, reason) },
		})
		e.looking.Go(func() { all.Wait(); close(h.over) })
		return
	}
	e.looking.Go(func() {
		select {
		case <-h.over:
		case <-ctx.Done():
			return
		}
		for _, f := range h.facts {
			e.told(f)
		}
		for ev, reason := range h.excuses {
			e.excuse(ev, reason)
		}
	})
}

func (s *Shared) learn(h *host, f probe.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.facts = append(h.facts, f)
}

func (s *Shared) excuse(h *host, ev probe.Evidence, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.excuses[ev] = reason
}

// over returns a way to the wire on which documents are shared.
func (s *Shared) over(below http.RoundTripper) http.RoundTripper {
	if s == nil {
		return below
	}
	return &sharing{s, below}
}
