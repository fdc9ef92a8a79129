package probe

import (
	"reflect"
	"slices"
	"sync"
	"time"
)

// Opening is what a session begins with.
type Opening struct {
	// ID names the handshake in every event.
	ID      string
	Tool    Tool
	Target  string
	Source  Source
	Profile *Profile
	// Expect is the evidence that must come; empty for an overheard handshake.
	Expect []Evidence
	Checks []*Check
	// Quiet is how long nothing must have come before what came is judged; 0 for 50 ms.
	Quiet time.Duration
	// At is when it began; zero for now.
	At time.Time
	// CapturedBy is the tool that collected the evidence, where it is read back.
	CapturedBy *Tool
}

// A Session collects the evidence of one handshake and judges it. It may be used by several goroutines at once; its sink
// is called by one at a time.
type Session struct {
	open Opening
	sink Sink

	mu      sync.Mutex
	trace   Trace
	excused map[Evidence]string
	told    map[string]Finding
	dirty   bool
	closed  bool
	timer   *time.Timer
	summary Summary
}

// NewSession opens a handshake and tells the sink so.
func NewSession(open Opening, sink Sink) *Session {
	if open.Quiet == 0 {
		open.Quiet = 50 * time.Millisecond
	}
	if open.Profile == nil {
		open.Profile = &Profile{}
	}
	if open.At.IsZero() {
		open.At = time.Now().UTC().Round(0)
	}
	s := &Session{
		open: open, sink: sink, excused: map[Evidence]string{}, told: map[string]Finding{},
		trace: Trace{Target: open.Target, Profile: open.Profile, Now: open.At},
	}
	checks := map[Stage]int{}
	for _, c := range s.asked() {
		checks[c.Stage]++
	}
	s.sink(Started{open.ID, open.Tool, open.Target, open.Source, profileOrNil(open.Profile), open.Expect, open.At, checks, open.CapturedBy})
	return s
}

func profileOrNil(p *Profile) *Profile {
	if p.ID == "" {
		return nil
	}
	return p
}

// Begin says that the client begins a stage; what came before is judged.
func (s *Session) Begin(stage Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.judge()
	s.sink(StageStarted{s.open.ID, stage})
}

// Add takes an exchange; one with a known ID replaces what was known.
func (s *Session) Add(x Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	y := s.trace.add(x)
	s.sink(Seen{s.open.ID, *y})
	s.disturb()
}

// Note takes a fact.
func (s *Session) Note(f Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	f.At = f.At.UTC().Round(0)
	s.trace.note(f)
	s.sink(Noted{s.open.ID, f})
	s.disturb()
}

// Excuse says that evidence is not to be expected, and why: a client id was given, so there is nothing to register.
func (s *Session) Excuse(e Evidence, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.excused[e] = reason
	s.sink(Excused{s.open.ID, e, reason})
	s.disturb()
}

// As says whose behaviour this is, for an overheard client is known late; nil for nobody's that is known.
func (s *Session) As(p *Profile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == nil {
		p = &Profile{}
	}
	if s.closed || s.trace.Profile.ID == p.ID {
		return
	}
	s.trace.Profile, s.trace.index = p, nil
	s.sink(Recognised{s.open.ID, profileOrNil(p)})
	s.disturb()
}

// disturb puts the judgement off until nothing has come for a while.
func (s *Session) disturb() {
	s.dirty = true
	if s.timer != nil {
		s.timer.Reset(s.open.Quiet)
		return
	}
	s.timer = time.AfterFunc(s.open.Quiet, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.judge()
		}
	})
}

// judge tells every finding that is new or changed, but those whose evidence may still come.
func (s *Session) judge() {
	if !s.dirty {
		return
	}
	s.dirty = false
	j := s.judgement()
	for _, f := range j.findings() {
		if j.waits[f.Check] && s.told[f.Check].Check == "" {
			continue
		}
		s.tell(f)
	}
}

func (s *Session) tell(f Finding) {
	if old, ok := s.told[f.Check]; ok && reflect.DeepEqual(old, f) {
		return
	}
	s.told[f.Check] = f
	s.sink(Found{s.open.ID, f})
}

func (s *Session) judgement() *judgement {
	return &judgement{trace: &s.trace, checks: s.asked(), expect: s.open.Expect, excused: s.excused}
}

// asked are the checks but for those of an audit that was not asked for and brought nothing.
func (s *Session) asked() []*Check {
	return slices.DeleteFunc(slices.Clone(s.open.Checks), func(c *Check) bool {
		return c.OnRequest && !slices.ContainsFunc(c.Needs, func(e Evidence) bool {
			return slices.Contains(s.open.Expect, e) || s.trace.Has(e)
		})
	})
}

func (s *Session) findings() []Finding { return s.judgement().findings() }

// Findings returns what is found so far, in the order of stages and catalogue.
func (s *Session) Findings() []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findings()
}

// Close judges the whole, tells what was not told and ends the handshake. A second Close only returns the summary.
func (s *Session) Close() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.summary
	}
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	all := s.findings()
	for _, f := range all {
		s.tell(f)
	}
	s.summary = Summarise(all)
	s.sink(Finished{s.open.ID, s.trace.Now, s.summary})
	return s.summary
}

// Exchanges returns the exchanges seen so far, in the order of their numbers.
func (s *Session) Exchanges() []Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Exchange, len(s.trace.Exchanges))
	for i, x := range s.trace.Exchanges {
		all[i] = *x
	}
	return all
}

// Has reports whether evidence has come.
func (s *Session) Has(e Evidence) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trace.Has(e)
}

// Summarise counts findings and names the one to mend first: the first failure, in the order given, that no other
// finding explains.
func Summarise(all []Finding) Summary {
	s := Summary{Status: Healthy}
	for _, f := range all {
		switch {
		case f.NotReached():
			s.Counts.NotReached++
		case f.Outcome == Passed:
			s.Counts.Pass++
		case f.Outcome == Warned:
			s.Counts.Warn++
		case f.Outcome == Failed:
			s.Counts.Fail++
		case f.Outcome == Unclear:
			s.Counts.Unknown++
		default:
			s.Counts.Skip++
		}
	}
	failed := slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Outcome != Failed })
	for _, f := range failed {
		if f.Because == "" {
			s.First = &f.Check
			break
		}
	}
	switch {
	case len(failed) > 0:
		s.Status = Unhealthy
	case s.Counts.NotReached > 0:
		s.Status = Incomplete
	}
	return s
}
