package tui

import (
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A catalogue is what the page knows of the checks beforehand.
type catalogue struct {
	byStage map[probe.Stage][]string
	symptom map[string]bool
	// of is the stage that judges a piece of evidence: a fact, a probe.
	of map[probe.Evidence]probe.Stage
}

func newCatalogue(checks []*probe.Check) *catalogue {
	k := &catalogue{byStage: map[probe.Stage][]string{}, symptom: map[string]bool{}, of: map[probe.Evidence]probe.Stage{}}
	for _, c := range probe.InOrder(checks) {
		k.byStage[c.Stage] = append(k.byStage[c.Stage], c.ID)
		k.symptom[c.ID] = c.Symptom
		for _, e := range c.Needs {
			if _, ok := k.of[e]; !ok {
				k.of[e] = c.Stage
			}
		}
	}
	return k
}

// seen is what was told of a handshake so far.
type seen struct {
	known   *catalogue
	begun   time.Time
	started probe.Started
	stages  []stageSeen
	// exchanges are by number less one; of are theirs by stage.
	exchanges []*seenExchange
	facts     []probe.Fact
	excused   []probe.Excused
	events    []probe.Event
	counts    probe.Counts
	talk      []string
	// at is the stage under way, -1 before the first.
	at       int
	finished *probe.Finished
	over     bool
	err      error
	// unsorted: exchanges or facts came that are not assigned to stages yet.
	unsorted bool
}

// A stageSeen has a slot for each planned check, in the order of the catalogue, and maybe more for what nobody planned.
type stageSeen struct {
	planned int
	slots   []slot
	// version counts changes: what is drawn of a stage holds for one.
	version int
}

type slot struct {
	check   string
	told    bool
	finding probe.Finding
}

func newSeen(k *catalogue) *seen {
	return &seen{known: k, at: -1, stages: make([]stageSeen, len(probe.Stages))}
}

// take takes an event in. Nothing is done twice for what is told twice.
func (s *seen) take(e probe.Event) {
	if talk, ok := e.(said); ok {
		s.talk = append(s.talk, Plain(talk.line))
		return
	}
	s.events = append(s.events, e)
	switch e := e.(type) {
	case probe.Started:
		s.start(e)
	case probe.StageStarted:
		s.begin(e.Stage)
	case probe.Seen:
		s.see(e.Exchange)
	case probe.Noted:
		s.facts = append(s.facts, e.Fact)
		s.unsorted = true
	case probe.Excused:
		s.excused = append(s.excused, e)
		s.touchAll()
	case probe.Recognised:
		s.started.Profile = e.Profile
		s.unsorted = true
	case probe.Found:
		s.find(e.Finding)
	case probe.Finished:
		s.finished = &e
		s.touchAll()
	}
}

func (s *seen) start(e probe.Started) {
	s.started = e
	for i, stage := range probe.Stages {
		n := e.Checks[stage]
		s.stages[i] = stageSeen{planned: n, slots: make([]slot, n), version: s.stages[i].version + 1}
		if ids := s.known.byStage[stage]; len(ids) == n {
			for j, id := range ids {
				s.stages[i].slots[j].check = id
			}
		}
	}
}

func (s *seen) begin(stage probe.Stage) {
	s.touch(s.at)
	s.at = slices.Index(probe.Stages, stage)
	s.touch(s.at)
}

func (s *seen) touch(i int) {
	if i >= 0 && i < len(s.stages) {
		s.stages[i].version++
	}
}

func (s *seen) touchAll() {
	for i := range s.stages {
		s.stages[i].version++
	}
}

// find puts a finding into its check's slot, else into the first that is nobody's.
func (s *seen) find(f probe.Finding) {
	i := slices.Index(probe.Stages, f.Stage)
	if i < 0 {
		return
	}
	st := &s.stages[i]
	st.version++
	at := slices.IndexFunc(st.slots, func(l slot) bool { return l.check == f.Check })
	if at < 0 {
		at = slices.IndexFunc(st.slots, func(l slot) bool { return l.check == "" })
	}
	if at < 0 {
		st.slots = append(st.slots, slot{})
		at = len(st.slots) - 1
	}
	if st.slots[at].told {
		count(&s.counts, st.slots[at].finding, -1)
	}
	st.slots[at] = slot{f.Check, true, f}
	count(&s.counts, f, 1)
}

func count(c *probe.Counts, f probe.Finding, by int) {
	switch {
	case f.NotReached():
		c.NotReached += by
	case f.Outcome == probe.Passed:
		c.Pass += by
	case f.Outcome == probe.Warned:
		c.Warn += by
	case f.Outcome == probe.Failed:
		c.Fail += by
	case f.Outcome == probe.Unclear:
		c.Unknown += by
	default:
		c.Skip += by
	}
}

// first is the finding to mend first: the first failure that nothing explains.
func (s *seen) first() *probe.Finding {
	for i := range s.stages {
		for j := range s.stages[i].slots {
			if l := &s.stages[i].slots[j]; l.told && l.finding.Outcome == probe.Failed && l.finding.Because == "" {
				return &l.finding
			}
		}
	}
	return nil
}

func (s *seen) firstStage() int {
	if f := s.first(); f != nil {
		return slices.Index(probe.Stages, f.Stage)
	}
	return -1
}

// worst is the finding that a stage is told by: a failure that nothing explains, any failure, a warning; nil where all is
// well.
func (st *stageSeen) worst() *probe.Finding {
	var found *probe.Finding
	rank := 0
	for i := range st.slots {
		f := &st.slots[i].finding
		r := 0
		switch {
		case !st.slots[i].told:
		case f.Outcome == probe.Failed && f.Because == "":
			r = 3
		case f.Outcome == probe.Failed:
			r = 2
		case f.Outcome == probe.Warned:
			r = 1
		}
		if r > rank {
			found, rank = f, r
		}
	}
	return found
}

// outcome is a stage's mark, "" where it is waited for.
func (s *seen) outcome(i int) probe.Outcome {
	st := &s.stages[i]
	n, told := map[probe.Outcome]int{}, 0
	for _, l := range st.slots {
		if l.told {
			n[l.finding.Outcome]++
			told++
		}
	}
	switch {
	case n[probe.Failed] > 0:
		return probe.Failed
	case n[probe.Warned] > 0:
		return probe.Warned
	case !s.over && s.finished == nil && (i >= s.at || n[probe.Passed] == 0):
		return ""
	case n[probe.Passed] > 0:
		return probe.Passed
	case n[probe.Unclear] > 0:
		return probe.Unclear
	case told > 0 || s.over:
		return probe.Skipped
	}
	return ""
}
