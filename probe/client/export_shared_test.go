package client

import (
	"net/http"
	"time"
)

// SharedWithin is one in which a handshake waits so long for the answer to another.
func SharedWithin(d time.Duration) *Shared {
	s := NewShared()
	s.within = d
	return s
}

// Over is the way to the wire on which documents are shared.
func (s *Shared) Over(below http.RoundTripper) http.RoundTripper { return s.over(below) }
