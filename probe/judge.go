package probe

import (
	"fmt"
	"slices"
	"strings"
)

// A judgement turns a trace into findings: each check's verdict, and what explains it.
type judgement struct {
	trace   *Trace
	checks  []*Check
	expect  []Evidence
	excused map[Evidence]string

	// ordered are the checks by stage, made the provenance of the exchanges, once that is asked for.
	ordered []*Check
	made    *provenance

	found map[string]*Finding
	cause map[string]string
	// waits are the checks whose evidence may still come: it is not there, and nothing excuses it.
	waits map[string]bool
}

func (j *judgement) findings() []Finding {
	j.found, j.cause, j.waits = map[string]*Finding{}, map[string]string{}, map[string]bool{}
	j.ordered, j.made = InOrder(j.checks), nil
	all := make([]Finding, len(j.ordered))
	for i, c := range j.ordered {
		all[i] = j.judge(c)
		j.found[c.ID] = &all[i]
	}
	j.explain(j.ordered)
	return all
}

// InOrder returns checks by stage, within a stage in the order of the catalogue.
func InOrder(checks []*Check) []*Check {
	ordered := slices.Clone(checks)
	slices.SortStableFunc(ordered, func(a, b *Check) int {
		return slices.Index(Stages, a.Stage) - slices.Index(Stages, b.Stage)
	})
	return ordered
}

func (j *judgement) judge(c *Check) Finding {
	f := Finding{Check: c.ID, Stage: c.Stage, Level: c.Level, Title: c.Title, Spec: c.Spec, Doc: DocURL(c.ID)}
	for _, id := range c.After {
		if before := j.found[id]; before != nil && before.Outcome == Failed {
			f.Outcome, f.Because = Skipped, id
			f.Detail = "says nothing while " + id + " fails"
			return f
		}
	}
	if missing := j.missing(c); len(missing) > 0 {
		return j.unseen(f, missing)
	}
	v := c.Judge(j.trace)
	f.Outcome, f.Detail, f.Effect, f.Remedy = v.Outcome, v.Detail, v.Effect, v.Remedy
	f.By, f.ByAlso, f.Exchanges = v.Resource, v.Further, v.Exchanges
	j.cause[c.ID] = v.Cause
	if f.Outcome == Passed && !v.grounded {
		f.Outcome, f.Detail = Unclear, "no evidence is cited for: "+v.Detail
	}
	if f.Outcome == Failed && c.Level == Should {
		f.Outcome = Warned
	}
	if f.Outcome == Failed || f.Outcome == Warned {
		f.Owner = v.Owner
		if f.Owner == "" {
			f.Owner = c.Owner
		}
	}
	return f
}

func (j *judgement) missing(c *Check) []Evidence {
	var missing []Evidence
	for _, e := range c.Needs {
		if !j.trace.Has(e) {
			missing = append(missing, e)
		}
	}
	return missing
}

// unseen tells why a check had nothing to judge: excused, not reached (it was expected), or not seen.
func (j *judgement) unseen(f Finding, missing []Evidence) Finding {
	f.Outcome = Skipped
	for _, e := range missing {
		if reason, ok := j.excused[e]; ok {
			f.Detail = reason
			return f
		}
	}
	j.waits[f.Check] = true
	for _, e := range missing {
		if slices.Contains(j.expect, e) {
			f.Missing = append(f.Missing, e)
		}
	}
	if len(f.Missing) > 0 {
		f.Detail = "not reached: needs " + joined(f.Missing)
		return f
	}
	f.Detail = "not seen: " + joined(missing)
	return f
}

func joined(all []Evidence) string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = string(e)
	}
	return strings.Join(words, ", ")
}

// explain fills in Because, in this order: the verdict's own word; the failed check in After (already there); for a
// symptom the nearest failed condition on the exchanges it was made from; for what was not reached the nearest failure
// upstream. A failed condition is never folded by position: two faults stay two.
func (j *judgement) explain(ordered []*Check) {
	for _, c := range ordered {
		f := j.found[c.ID]
		switch {
		case f.Because != "" || f.Outcome == Passed || f.Outcome == Unclear:
		case j.cause[c.ID] != "" && j.cause[c.ID] != c.ID:
			f.Because = j.cause[c.ID]
		case f.NotReached():
			f.Because = j.nearestUpstream(f.Missing, c.ID)
		case c.Symptom && f.Outcome == Failed:
			f.Because = j.behindSymptom(c, f)
		}
	}
	// In order, so that of two findings that explain each other always the earlier is the cause.
	for _, c := range ordered {
		f := j.found[c.ID]
		f.Because = j.root(f.Because, f.Check)
	}
}

// root drops an explanation that is not a finding that failed or warned, or that leads back to the finding itself.
func (j *judgement) root(id, self string) string {
	f := j.found[id]
	if f == nil || id == self || f.Outcome != Failed && f.Outcome != Warned {
		return ""
	}
	seen := map[string]bool{self: true}
	for at := f; at != nil && at.Because != ""; at = j.found[at.Because] {
		if seen[at.Check] {
			return ""
		}
		seen[at.Check] = true
	}
	return id
}

// behindSymptom finds the nearest failed condition on the exchanges that a symptom's exchanges were made from; where an
// exchange's URL was named by none, the nearest failure upstream of what it is evidence of.
func (j *judgement) behindSymptom(c *Check, f *Finding) string {
	if j.made == nil {
		j.made = newProvenance(j.trace)
	}
	p := j.made
	var start []*Exchange
	for _, n := range f.Exchanges {
		if n > 0 && n <= len(j.trace.Exchanges) {
			start = append(start, j.trace.Exchanges[n-1])
		}
	}
	seen := map[*Exchange]bool{}
	for level := start; len(level) > 0; {
		var next []*Exchange
		for _, x := range level {
			if seen[x] {
				continue
			}
			seen[x] = true
			if id := j.conditionOn(x, c.ID); id != "" {
				return id
			}
			next = append(next, p.madeFrom(x)...)
		}
		level = next
	}
	for _, x := range start {
		if !p.named(x) {
			return j.nearestUpstream(c.Needs, c.ID)
		}
	}
	return ""
}

// conditionOn returns the first failed check, not a symptom and not the asking one, that cites an exchange.
func (j *judgement) conditionOn(x *Exchange, asking string) string {
	for _, c := range j.ordered {
		f := j.found[c.ID]
		if c.ID != asking && !c.Symptom && f.Outcome == Failed && slices.Contains(f.Exchanges, x.N) {
			return c.ID
		}
	}
	return ""
}

// nearestUpstream walks the table of evidence from what is missing and returns the first failure found on the way.
func (j *judgement) nearestUpstream(from []Evidence, asking string) string {
	seen := map[Evidence]bool{}
	for level := from; len(level) > 0; {
		var next []Evidence
		for _, e := range level {
			if seen[e] {
				continue
			}
			seen[e] = true
			if id := j.failedOn(e, asking); id != "" {
				return id
			}
			next = append(next, upstream[e]...)
		}
		level = next
	}
	return ""
}

func (j *judgement) failedOn(e Evidence, asking string) string {
	symptom := ""
	for _, c := range j.ordered {
		f := j.found[c.ID]
		if c.ID == asking || f.Outcome != Failed || !slices.Contains(c.Needs, e) {
			continue
		}
		if !c.Symptom {
			return c.ID
		}
		if symptom == "" {
			symptom = c.ID
		}
	}
	return symptom
}

// Check that a catalogue can be judged: ids are unique and After names checks that come before.
func Validate(checks []*Check) error {
	seen := map[string]bool{}
	for _, c := range InOrder(checks) {
		if seen[c.ID] {
			return fmt.Errorf("check %s: the id is used twice", c.ID)
		}
		seen[c.ID] = true
		if len(c.Needs) == 0 || c.Judge == nil {
			return fmt.Errorf("check %s: needs evidence and a judge", c.ID)
		}
		for _, id := range c.After {
			if !seen[id] {
				return fmt.Errorf("check %s: comes after %s, which is not before it", c.ID, id)
			}
		}
	}
	return nil
}
