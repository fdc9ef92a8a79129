package tui

import (
	"net"
	"net/url"
	"slices"
	"strings"

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

// stageOf says at which stage an exchange is told, by what it is evidence of; the first that holds.
var stageOf = []struct {
	evidence probe.Evidence
	stage    probe.Stage
}{
	{probe.ToolsList, probe.StageTools}, {probe.ToolCall, probe.StageTools}, {probe.Initialize, probe.StageInitialize},
	{probe.Stream, probe.StageSession}, {probe.SessionEnd, probe.StageSession},
	{probe.Unauthenticated, probe.StageChallenge}, {probe.Preflight, probe.StageChallenge},
	{probe.ResourceMetadata, probe.StageResourceMetadata},
	{probe.ServerMetadata, probe.StageServerMetadata}, {probe.JWKS, probe.StageServerMetadata},
	{probe.Registration, probe.StageRegistration},
	{probe.Authorization, probe.StageAuthorization}, {probe.Login, probe.StageAuthorization}, {probe.Callback, probe.StageAuthorization},
	{probe.TokenRequest, probe.StageToken}, {probe.Refresh, probe.StageToken}, {probe.Introspection, probe.StageToken}, {probe.Revocation, probe.StageSession},
	{probe.Authenticated, probe.StageInitialize},
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
	at := map[*probe.Exchange]int{}
	for _, y := range s.exchanges {
		t.Exchanges = append(t.Exchanges, &y.Exchange)
	}
	for _, o := range stageOf {
		for _, x := range t.Of(o.evidence) {
			if _, ok := at[x]; !ok {
				at[x] = slices.Index(probe.Stages, o.stage)
			}
		}
	}
	lanes := newLaneFinder(t)
	for _, y := range s.exchanges {
		stage, ok := at[&y.Exchange]
		if !ok {
			stage = slices.Index(probe.Stages, s.otherwise(y))
		}
		to := lanes.lane(y)
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

// A laneFinder knows who is who by host.
type laneFinder struct {
	trace   *probe.Trace
	target  string
	issuers []*url.URL
}

func newLaneFinder(t *probe.Trace) *laneFinder {
	l := &laneFinder{trace: t, target: hostOf(t.URL())}
	names := t.ResourceMetadata().Strings("authorization_servers")
	if d := t.ServerMetadata(); d != nil {
		names = append(slices.Clone(names), d.String("issuer"))
	}
	for _, name := range names {
		if u, err := url.Parse(name); err == nil && u.Host != "" {
			l.issuers = append(l.issuers, u)
		}
	}
	return l
}

// lane is whom an exchange reached. The target's own host is the MCP server's, but for what lies under the path of an
// issuer there; another host is the authorization server's, and the client's where the browser comes back to it.
func (l *laneFinder) lane(y *seenExchange) Lane {
	u, x := y.URL(), &y.Exchange
	switch {
	case y.self:
		return LaneEdge
	case hostOf(u) == l.target:
		for _, issuer := range l.issuers {
			path := strings.TrimSuffix(issuer.Path, "/")
			under := strings.HasPrefix(u.Path, path+"/") || strings.HasPrefix(u.Path, "/.well-known/") && strings.HasSuffix(u.Path, path)
			if hostOf(issuer) == l.target && path != "" && under {
				return LaneAuth
			}
		}
		return LaneMCP
	case l.trace.Is(x, probe.Callback) && !l.trace.Is(x, probe.Authorization) && !l.trace.Is(x, probe.Login):
		return LaneYou
	}
	return LaneAuth
}

// hostOf is a URL's host with its port, the default one left out.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if h, port, err := net.SplitHostPort(host); err == nil && (port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http") {
		return h
	}
	return host
}
