package client

import (
	"sync"
	"time"
)

// hasteAfterSilence is how long the endpoint is waited for at least once it has let a request of the kind wait to the end. A slow
// server has answered until then, and one whose answers took long has longer.
const hasteAfterSilence = 2 * time.Second

// A silence remembers what the endpoint does not answer, so that only the first request of a kind waits as long as a client.
type silence struct {
	mu sync.Mutex
	// hung are the requests that got no answer, by whether they bear a token and by method; answered says who was answered.
	hung     map[asked]bool
	answered map[bool]bool
	// slowest is how long an answer took to come.
	slowest time.Duration
}

// asked is a kind of request.
type asked struct {
	bearing bool
	method  string
}

// opens reports whether a request asks as a stranger how to go on.
func (a asked) opens() bool {
	return !a.bearing && (a.method == "initialize" || a.method == "server/discover")
}

// patience is how long a request may take, where a client would wait for the limit.
func (s *silence) patience(a asked, limit time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung[a] || len(s.hung) > 0 && len(s.answered) == 0 || s.hung[asked{bearing: a.bearing}] && !s.answered[a.bearing] {
		return min(limit, max(hasteAfterSilence, 2*s.slowest))
	}
	return limit
}

// heard takes in how a request ended: after how long, and whether anything came.
func (s *silence) heard(a asked, answer bool, took, limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung == nil {
		s.hung, s.answered = map[asked]bool{}, map[bool]bool{}
	}
	switch {
	case answer:
		s.answered[a.bearing] = true
		s.slowest = max(s.slowest, took)
	case took >= limit:
		s.hung[a], s.hung[asked{bearing: a.bearing}] = true, true
	}
}
