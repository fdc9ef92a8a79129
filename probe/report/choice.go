package report

import (
	"fmt"
	"path"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Choice says which checks are told, and decide how a handshake ended. All are judged: what explains a finding may be one
// that is not told. The zero value takes all.
type Choice struct {
	// Only and Skip name checks by id, by stage, or by a pattern of ids as path.Match has them; no Only is all.
	Only, Skip []string
}

// Check holds a choice to a catalogue: a name that takes nothing is a mistake.
func (c Choice) Check(checks []*probe.Check) error {
	for _, name := range slices.Concat(c.Only, c.Skip) {
		if _, err := path.Match(name, ""); err != nil {
			return fmt.Errorf("%q is no pattern of checks: %w", name, err)
		}
		if !slices.ContainsFunc(checks, func(k *probe.Check) bool { return names(name, k.ID, k.Stage) }) {
			return fmt.Errorf("no check, no stage and no pattern of checks is %q", name)
		}
	}
	if !slices.ContainsFunc(checks, func(k *probe.Check) bool { return c.takes(k.ID, k.Stage) }) {
		return fmt.Errorf("nothing is left of the checks")
	}
	return nil
}

func names(name, id string, stage probe.Stage) bool {
	matched, err := path.Match(name, id)
	return err == nil && matched || name == string(stage)
}

func (c Choice) takes(id string, stage probe.Stage) bool {
	is := func(name string) bool { return names(name, id, stage) }
	return (len(c.Only) == 0 || slices.ContainsFunc(c.Only, is)) && !slices.ContainsFunc(c.Skip, is)
}

func (c Choice) all() bool { return len(c.Only) == 0 && len(c.Skip) == 0 }

// Sink passes on what is chosen, with the summary that it comes to. First is the cause of what is told, told or not.
func (c Choice) Sink(checks []*probe.Check, to probe.Sink) probe.Sink {
	if c.all() {
		return to
	}
	stages := map[probe.Stage]int{}
	for _, k := range checks {
		if c.takes(k.ID, k.Stage) {
			stages[k.Stage]++
		}
	}
	order, found := newOrder(checks), map[string]map[string]probe.Finding{}
	return func(e probe.Event) {
		switch e := e.(type) {
		case probe.Started:
			found[e.Handshake] = map[string]probe.Finding{}
			e.Checks = stages
			to(e)
		case probe.Found:
			if f := e.Finding; found[e.Handshake] != nil {
				found[e.Handshake][f.Check] = f
			}
			if c.takes(e.Finding.Check, e.Finding.Stage) {
				to(e)
			}
		case probe.Finished:
			e.Summary = c.summary(found[e.Handshake], order)
			to(e)
		default:
			to(e)
		}
	}
}

func (c Choice) summary(all map[string]probe.Finding, o order) probe.Summary {
	var told []probe.Finding
	for _, f := range all {
		if c.takes(f.Check, f.Stage) {
			told = append(told, f)
		}
	}
	slices.SortFunc(told, o.compare)
	s := probe.Summarise(told)
	if s.Status != probe.Unhealthy || s.First != nil {
		return s
	}
	for _, f := range told {
		if f.Outcome == probe.Failed {
			root := rootOf(f, all)
			s.First = &root
			break
		}
	}
	return s
}

// rootOf follows what explains a finding to its end.
func rootOf(f probe.Finding, all map[string]probe.Finding) string {
	for range len(all) {
		cause, known := all[f.Because]
		if !known {
			break
		}
		f = cause
	}
	return f.Check
}
