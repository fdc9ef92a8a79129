package tui

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// A seenExchange is an exchange with its stage, and whom it reached.
type seenExchange struct {
	probe.Exchange
	stage int
	// edge: one bears its signature; self: it answered by itself.
	edge, self bool
	to         Lane
	// drawn is the exchange in a document that is drawnWidth wide, when it went to drawnTo: bodies may be long.
	drawn      []string
	drawnWidth int
	drawnTo    Lane
}

// see takes an exchange, or a later state of one.
func (s *seen) see(x probe.Exchange) {
	i := x.N - 1
	if i < 0 || i > len(s.exchanges) {
		return
	}
	y := &seenExchange{Exchange: x, stage: -1}
	name, self := checks.Answered(&y.Exchange)
	y.edge, y.self = name != "", self
	s.unsorted = true
	if i == len(s.exchanges) {
		s.exchanges = append(s.exchanges, y)
		return
	}
	s.exchanges[i] = y
}

// sort gives every exchange its stage and its lane: what one is evidence of may follow from a later one.
func (s *seen) sort() {
	if !s.unsorted {
		return
	}
	s.unsorted = false
	t := &probe.Trace{Target: s.started.Target, Profile: s.started.Profile, Facts: s.facts}
	if t.Profile == nil {
		t.Profile = &probe.Profile{}
	}
	for _, y := range s.exchanges {
		t.Exchanges = append(t.Exchanges, &y.Exchange)
	}
	placing := probe.NewPlacing(t)
	for _, y := range s.exchanges {
		at, ok := placing.Stage(&y.Exchange)
		if !ok {
			at = s.otherwise(y)
		}
		stage, to := slices.Index(probe.Stages, at), ownerLanes[placing.Party(&y.Exchange)]
		if y.self {
			to = LaneEdge
		}
		if y.stage != stage || y.to != to {
			s.touch(y.stage)
			s.touch(stage)
		}
		y.stage, y.to = stage, to
	}
	for _, f := range s.facts {
		s.touch(slices.Index(probe.Stages, s.known.of[probe.OfFact(f.Kind)]))
	}
	s.touch(slices.Index(probe.Stages, probe.StageNetwork))
}

// otherwise is the stage of an exchange that is evidence of nothing by name: a probe belongs to who judges it, one that
// nobody judges ends what was made; what was answered tells of the edge, and what was not of the network.
func (s *seen) otherwise(y *seenExchange) probe.Stage {
	stage, judged := s.known.of[probe.OfProbe(y.Probe)]
	switch {
	case y.Probe != "" && judged:
		return stage
	case y.Probe != "":
		return probe.StageSession
	case y.Response != nil:
		return probe.StageEdge
	}
	return probe.StageNetwork
}

// of is the exchanges of a stage, in order.
func (s *seen) of(stage int) []*seenExchange {
	var all []*seenExchange
	for _, y := range s.exchanges {
		if y.stage == stage {
			all = append(all, y)
		}
	}
	return all
}

// at returns an exchange by its number, nil where there is none.
func (s *seen) numbered(n int) *seenExchange {
	if n < 1 || n > len(s.exchanges) {
		return nil
	}
	return s.exchanges[n-1]
}

// telling is the exchange that stands for a stage: the bad one, else the last that the client makes, else the last probe;
// where it has none of its own the last one that its findings cite. others is how many more it has.
func (s *seen) telling(stage int) (x *seenExchange, others int) {
	own := s.of(stage)
	if f := s.stages[stage].worst(); f != nil && f.Outcome == probe.Failed {
		x = s.cited(*f, stage)
	}
	if x == nil {
		x = s.lastMade(own)
	}
	if x == nil {
		x = s.borrowed(stage)
	}
	for _, y := range own {
		if y != x {
			others++
		}
	}
	return x, others
}

// lastMade is the last that the client makes, else the last probe that is judged.
func (s *seen) lastMade(own []*seenExchange) (x *seenExchange) {
	for _, y := range own {
		_, judged := s.known.of[probe.OfProbe(y.Probe)]
		if y.Probe == "" || judged && (x == nil || x.Probe != "") {
			x = y
		}
	}
	return x
}

// borrowed is the last exchange with the target that the findings of a stage cite, which has none of its own; else the last
// with anybody.
func (s *seen) borrowed(stage int) (x *seenExchange) {
	for _, l := range s.stages[stage].slots {
		for _, n := range l.finding.Exchanges {
			y := s.numbered(n)
			if y != nil && (x == nil || rank(y) > rank(x) || rank(y) == rank(x) && y.N > x.N) {
				x = y
			}
		}
	}
	return x
}

func rank(x *seenExchange) int {
	if x.to == LaneMCP || x.to == LaneEdge {
		return 1
	}
	return 0
}

// cited is the last exchange that a finding cites, one of its own stage before others.
func (s *seen) cited(f probe.Finding, stage int) *seenExchange {
	var x *seenExchange
	for _, n := range f.Exchanges {
		if y := s.numbered(n); y != nil && (x == nil || y.stage == stage || x.stage != stage) {
			x = y
		}
	}
	return x
}
