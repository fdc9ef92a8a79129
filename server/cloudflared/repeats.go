package cloudflared

import (
	"strings"
	"time"
)

// repeats keeps a line that comes again and again out of the log: refused by the edge, cloudflared writes thousands in a second.
type repeats struct{ lines map[string]*repeated }

type repeated struct {
	told time.Time
	more int
}

// A line is told again after a while; so many different ones are kept in mind.
const (
	repeatAfter = time.Minute
	repeatMost  = 256
)

// tell reports whether a line is to be told, and how often it was not since the last time. Lines are the same when they differ in
// nothing but their time.
func (r *repeats) tell(text string, now time.Time) (before int, tell bool) {
	first, said, _ := strings.Cut(text, " ")
	if said == "" {
		said = first
	}
	if seen := r.lines[said]; seen != nil && now.Sub(seen.told) < repeatAfter {
		seen.more++
		return 0, false
	} else if seen != nil {
		before = seen.more
	}
	if r.lines == nil || len(r.lines) >= repeatMost {
		r.lines = map[string]*repeated{}
	}
	r.lines[said] = &repeated{told: now}
	return before, true
}
