package probe

import (
	"net/url"
	"time"
)

// A Trace is what was seen of one handshake, in order, with every secret already gone. Judges read it; only a Session
// writes it.
type Trace struct {
	// Target is the MCP server's URL exactly as the user typed it.
	Target string
	// Profile is how the client at hand behaves; never nil, but empty for a stranger.
	Profile   *Profile
	Exchanges []*Exchange
	Facts     []Fact
	// Now is the trace's last moment: a judge has no clock.
	Now time.Time

	index *index
}

// Of returns the exchanges that are evidence e, in order.
func (t *Trace) Of(e Evidence) []*Exchange { return t.indexed().by[e] }

// First returns the first exchange that is evidence e, nil when there is none.
func (t *Trace) First(e Evidence) *Exchange {
	if all := t.Of(e); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Last returns the last exchange that is evidence e, nil when there is none.
func (t *Trace) Last(e Evidence) *Exchange {
	if all := t.Of(e); len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// FactsOf returns the facts of a kind: the handshake's own, then those noted on its exchanges.
func (t *Trace) FactsOf(kind string) []Fact { return t.indexed().facts[kind] }

// Has reports whether there is evidence e.
func (t *Trace) Has(e Evidence) bool {
	if kind, ok := factKind(e); ok {
		return len(t.FactsOf(kind)) > 0
	}
	return len(t.Of(e)) > 0
}

// Is reports whether x is evidence e.
func (t *Trace) Is(x *Exchange, e Evidence) bool {
	for _, y := range t.Of(e) {
		if x == y {
			return true
		}
	}
	return false
}

// URL returns the target parsed; it is never nil.
func (t *Trace) URL() *url.URL {
	u, err := url.Parse(t.Target)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// Origin returns the target's scheme and host.
func (t *Trace) Origin() string { return origin(t.URL()) }

// Rehearsal reports whether the target is on loopback: what only a public https name can pass does not apply.
func (t *Trace) Rehearsal() bool { return Loopback(t.URL().Hostname()) }

func (t *Trace) indexed() *index {
	if t.index == nil {
		t.index = newIndex(t)
	}
	return t.index
}

func (t *Trace) add(x Exchange) *Exchange {
	t.index = nil
	for i, y := range t.Exchanges {
		if y.ID == x.ID {
			x.N = y.N
			*t.Exchanges[i] = x
			t.touch(x)
			return t.Exchanges[i]
		}
	}
	x.N = len(t.Exchanges) + 1
	t.Exchanges = append(t.Exchanges, &x)
	t.touch(x)
	return &x
}

func (t *Trace) note(f Fact) {
	t.index = nil
	t.Facts = append(t.Facts, f)
	if f.At.After(t.Now) {
		t.Now = f.At
	}
}

func (t *Trace) touch(x Exchange) {
	end := x.Start.Add(time.Duration(x.Timing.Total * float64(time.Millisecond)))
	if end.After(t.Now) {
		t.Now = end
	}
}
