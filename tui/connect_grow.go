package tui

import (
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// grow makes rows of what is new in a handshake, and brings those that are there up to date. What is lent to it is no row:
// neither what the server itself asked of the authorization server, nor what has a row in another handshake.
func (l *timeline) grow(s *shake) []*arrival {
	t := traceOf(s.seen)
	var come []*arrival
	for _, x := range s.seen.exchanges {
		if x.ID < 0 || x.Start.Before(l.since) {
			continue
		}
		if x.ID > 0 && l.whose[x.ID] == nil {
			l.whose[x.ID] = s
		}
		if x.ID > 0 && l.whose[x.ID] != s {
			continue
		}
		if len(s.byN[x.N]) == 0 {
			come = append(come, s.rowsOf(x)...)
		}
		for _, r := range s.byN[x.N] {
			s.bring(r, x, t)
		}
	}
	if len(s.byN) == 0 {
		return nil
	}
	return append(come, s.unplaced()...)
}

func (s *shake) rowsOf(x *seenExchange) []*arrival {
	var rows []*arrival
	for _, tok := range x.Tokens {
		issued, borne := tok.Where == "response.access_token", tok.Where == "request.authorization"
		if borne && !s.known[tok.Fingerprint] {
			rows = append(rows, &arrival{of: s, kind: tokenRow, ns: []int{x.N}, at: x.Start})
		}
		if issued || borne {
			s.known[tok.Fingerprint] = true
		}
	}
	rows = append(rows, &arrival{of: s, ns: []int{x.N}, at: x.Start})
	s.byN[x.N] = rows
	return rows
}

// bring brings a row up to date with its last exchange.
func (s *shake) bring(r *arrival, x *seenExchange, t *probe.Trace) {
	r.arrow = Arrow{To: x.to, Through: x.edge || forwarded(&x.Exchange)}
	if r.kind == tokenRow {
		r.text = tokenWords(x)
		return
	}
	called := t.Is(&x.Exchange, probe.ToolCall) && answered(x)
	s.here = s.here || called || t.Is(&x.Exchange, probe.ToolsList) && answered(x)
	r.text, r.refused = askedWords(x, t)
	if called && s.first(r) {
		r.text += ": the first green call"
	}
}

func traceOf(s *seen) *probe.Trace {
	t := &probe.Trace{Target: s.started.Target, Profile: s.started.Profile, Facts: s.facts}
	if t.Profile == nil {
		t.Profile = &probe.Profile{}
	}
	for _, x := range s.exchanges {
		t.Exchanges = append(t.Exchanges, &x.Exchange)
	}
	return t
}

// first reports whether no tool answered before this row.
func (s *shake) first(r *arrival) bool {
	for n := 1; n < r.ns[0]; n++ {
		if x := s.seen.numbered(n); len(s.byN[n]) > 0 && x.Request.Body.Method() == "tools/call" && answered(x) {
			return false
		}
	}
	return true
}

// answered reports whether a call of JSON-RPC was, and not with an error.
func answered(x *seenExchange) bool {
	return x.Status() >= 200 && x.Status() < 300 && x.Answer().Message()["error"] == nil
}

// forwarded: an edge says so in the request (RFC 8586, RFC 9110 section 7.6.3).
func forwarded(x *probe.Exchange) bool {
	return x.Request.Header.Get("Cdn-Loop") != "" || x.Request.Header.Get("Via") != ""
}

// unplaced are rows for failures that cite no exchange of a row: of what the server itself was answered, or of nothing.
func (s *shake) unplaced() []*arrival {
	var come []*arrival
	for i := range s.seen.stages {
		for _, l := range s.seen.stages[i].slots {
			f := l.finding
			placed := slices.ContainsFunc(f.Exchanges, func(n int) bool { return len(s.byN[n]) > 0 })
			if !l.told || f.Outcome != probe.Failed || f.Because != "" || placed || s.known["check "+f.Check] {
				continue
			}
			s.known["check "+f.Check] = true
			r := &arrival{of: s, kind: findingRow, check: f.Check, text: Plain(f.Title), at: s.latest()}
			if x := s.seen.cited(f, i); x != nil {
				r.arrow = Arrow{To: x.to, Through: x.edge}
			}
			s.found = append(s.found, r)
			come = append(come, r)
		}
	}
	return come
}

func (s *shake) latest() (at time.Time) {
	for _, x := range s.seen.exchanges {
		if x.Start.After(at) {
			at = x.Start
		}
	}
	return at
}

// replace puts a row in another's place.
func (s *shake) replace(n int, r, by *arrival) {
	if i := slices.Index(s.byN[n], r); i >= 0 {
		s.byN[n][i] = by
	}
}

// judge marks every row with the worst that is told of it.
func (s *shake) judge() {
	s.decided = s.decided[:0]
	for i := range s.seen.stages {
		for _, l := range s.seen.stages[i].slots {
			if o := l.finding.Outcome; l.told && (o == probe.Failed || o == probe.Warned || o == probe.Passed) {
				s.decided = append(s.decided, l.finding)
			}
		}
	}
	slices.SortStableFunc(s.decided, func(a, b probe.Finding) int {
		return slices.Index(stageOrder, a.Outcome) - slices.Index(stageOrder, b.Outcome)
	})
	for _, rows := range s.byN {
		for _, r := range rows {
			r.judge()
		}
	}
	for _, r := range s.found {
		r.judge()
	}
}

func (r *arrival) judge() {
	r.outcome = r.judged()
	r.arrow.Broken = r.outcome == probe.Failed
}

// judged is the worst that is decided of a row. What was refused without being wrong did not get through: a client may ask
// in several places.
func (r *arrival) judged() probe.Outcome {
	worst := probe.Outcome("")
	for i := range r.of.decided {
		if r.concerns(&r.of.decided[i]) {
			worst = r.of.decided[i].Outcome
			break
		}
	}
	x := r.of.seen.numbered(r.last())
	switch {
	case worst == probe.Failed || worst == probe.Warned:
		return worst
	case r.refused:
		return probe.Skipped
	case worst == "" && x != nil && x.Status() > 0 && x.Status() < 400:
		return probe.Passed
	}
	return worst
}

func (r *arrival) last() int {
	if len(r.ns) == 0 {
		return 0
	}
	return r.ns[len(r.ns)-1]
}

// findings are those that a row is judged by, the worst first.
func (r *arrival) findings() []probe.Finding {
	var all []probe.Finding
	for _, f := range r.of.decided {
		if r.concerns(&f) {
			all = append(all, f)
		}
	}
	return all
}

// concerns: a finding cites an exchange of the row. Where a token has a row of its own, what is found of tokens belongs there.
func (r *arrival) concerns(f *probe.Finding) bool {
	if r.kind == findingRow {
		return f.Check == r.check
	}
	return slices.ContainsFunc(f.Exchanges, func(n int) bool {
		return slices.Contains(r.ns, n) && (len(r.of.byN[n]) < 2 || (r.kind == tokenRow) == (f.Stage == probe.StageToken))
	})
}
