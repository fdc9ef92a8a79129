package tui

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A timeline is what clients did, in the order in which it was heard. It only grows at its end; a row changes its words, its
// mark and its arrow alone.
type timeline struct {
	since time.Time
	// shakes are the handshakes of which there are rows, in the order of their first, all also those that are only heard.
	shakes []*shake
	all    []*shake
	rows   []*arrival
	// whose an exchange is, by the number that its tap gave it; lent to other handshakes it is still the first one's.
	whose map[int64]*shake
}

// A shake is one handshake that is overheard.
type shake struct {
	id   string
	seen *seen
	// byN finds the rows of an exchange: what it asked, and before it the token that it bore for the first time.
	byN   map[int][]*arrival
	found []*arrival
	// known are tokens and checks that have a row of their own, decided the findings that rows are judged by, the worst first.
	known   map[string]bool
	decided []probe.Finding
	// here: its tools were listed.
	here bool
}

// An arrival is a row: exchanges of one kind that came one after the other, or a finding that cites none of them.
type arrival struct {
	of      *shake
	kind    arrivalKind
	ns      []int
	check   string
	at      time.Time
	text    string
	refused bool
	outcome probe.Outcome
	arrow   Arrow
}

type arrivalKind int

const (
	askedRow arrivalKind = iota
	tokenRow
	findingRow
)

// shakesMost bounds what is kept: the oldest goes with its rows.
const shakesMost = 40

func newTimeline(since time.Time) *timeline {
	return &timeline{since: since, whose: map[int64]*shake{}}
}

// take takes a batch in and returns how many of the oldest rows went.
func (l *timeline) take(batch Events) (gone int) {
	var stirred []*shake
	for _, e := range batch {
		s := l.shake(probe.HandshakeOf(e))
		s.seen.take(e)
		if !slices.Contains(stirred, s) {
			stirred = append(stirred, s)
		}
	}
	var come []*arrival
	for _, s := range stirred {
		s.seen.events = nil
		s.seen.sort()
		come = append(come, l.grow(s)...)
		if len(s.byN) > 0 && !slices.Contains(l.shakes, s) {
			l.shakes = append(l.shakes, s)
		}
	}
	slices.SortStableFunc(come, func(a, b *arrival) int { return a.at.Compare(b.at) })
	l.add(come)
	for _, s := range stirred {
		s.judge()
	}
	return l.forget()
}

func (l *timeline) shake(id string) *shake {
	for _, s := range l.all {
		if s.id == id {
			return s
		}
	}
	s := &shake{id: id, seen: newSeen(newCatalogue(nil)), byN: map[int][]*arrival{}, known: map[string]bool{}}
	l.all = append(l.all, s)
	return s
}

// add puts new rows at the end; what came before at once is counted in its row.
func (l *timeline) add(come []*arrival) {
	for _, r := range come {
		if n := len(l.rows); n > 0 && r.kind == askedRow && l.rows[n-1].of == r.of && l.rows[n-1].kind == askedRow && l.rows[n-1].text == r.text {
			last := l.rows[n-1]
			last.ns = append(last.ns, r.ns...)
			for _, n := range r.ns {
				r.of.replace(n, r, last)
			}
			continue
		}
		l.rows = append(l.rows, r)
	}
}

// forget drops the oldest handshake where there are too many.
func (l *timeline) forget() (gone int) {
	for len(l.all) > shakesMost {
		old := l.all[0]
		is := func(s *shake) bool { return s == old }
		before := len(l.rows)
		l.rows = slices.DeleteFunc(l.rows, func(r *arrival) bool { return r.of == old })
		maps.DeleteFunc(l.whose, func(_ int64, s *shake) bool { return s == old })
		l.all, l.shakes = slices.DeleteFunc(l.all, is), slices.DeleteFunc(l.shakes, is)
		gone += before - len(l.rows)
	}
	return gone
}

// connected are the names of clients whose tools were listed, each once.
func (l *timeline) connected() []string {
	var names []string
	for _, s := range l.shakes {
		if name := s.name(); s.here && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// last is the handshake that came last.
func (l *timeline) last() *shake {
	if len(l.rows) == 0 {
		return nil
	}
	return l.rows[len(l.rows)-1].of
}

// failed counts what is to be mended.
func (l *timeline) failed() (n int) {
	for _, s := range l.shakes {
		for i := range s.seen.stages {
			for _, x := range s.seen.stages[i].slots {
				if x.told && x.finding.Outcome == probe.Failed && x.finding.Because == "" {
					n++
				}
			}
		}
	}
	return n
}

// name is what people call the client.
func (s *shake) name() string {
	if p := s.seen.started.Profile; p != nil && p.Title != "" {
		name, _, _ := strings.Cut(p.Title, " (")
		return Plain(name)
	}
	for _, x := range slices.Backward(s.seen.exchanges) {
		body := x.Request.Body.Object()
		params, _ := body["params"].(map[string]any)
		info, _ := params["clientInfo"].(map[string]any)
		for _, v := range []any{info["name"], body["client_name"]} {
			if name, ok := v.(string); ok && name != "" {
				return Plain(name)
			}
		}
	}
	return "a client"
}

// nameOf is a client's name, with a number where it is not the first of that name.
func (l *timeline) nameOf(s *shake) string {
	name, n := s.name(), 1
	for _, other := range l.shakes {
		if other == s {
			break
		}
		if other.name() == name {
			n++
		}
	}
	if n == 1 {
		return name
	}
	return name + " " + strconv.Itoa(n)
}

// reached is the furthest stage of which there is a row.
func (s *shake) reached() probe.Stage {
	at := 0
	for n := range s.byN {
		if x := s.seen.numbered(n); x != nil {
			at = max(at, x.stage)
		}
	}
	return probe.Stages[at]
}
