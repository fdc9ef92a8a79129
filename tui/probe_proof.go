package tui

import (
	"fmt"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A proof is that a resource was put in place, and the checks that pass now.
type proof struct {
	resource string
	checks   []string
}

// Again has the next Enter make the handshake again: what it was made with has changed.
func (p *Probe) Again() { p.proves, p.unsure = nil, true }

// Prove is Again, and tells of the checks whether a resource that was put in place has mended what they judge. Those of
// findings that named it count too.
func (p *Probe) Prove(resource string, checks []string) {
	of := &proof{resource, slices.Clone(checks)}
	for i := range p.seen.stages {
		for _, l := range p.seen.stages[i].slots {
			if l.told && l.finding.By == resource && !slices.Contains(of.checks, l.finding.Check) {
				of.checks = append(of.checks, l.finding.Check)
			}
		}
	}
	p.proves, p.unsure = of, true
}

// proofLine says what came of it, once the handshake is over; "" where nothing is to be proved.
func (p *Probe) proofLine(width int) string {
	if p.proves == nil || !p.seen.over {
		return ""
	}
	passed, wrong := 0, ""
	for i := range p.seen.stages {
		for _, l := range p.seen.stages[i].slots {
			switch f := l.finding; {
			case !l.told || !slices.Contains(p.proves.checks, f.Check):
			case f.Outcome == probe.Passed:
				passed++
			case (f.Outcome == probe.Failed || f.Outcome == probe.Warned) && wrong == "":
				wrong = f.Check
			}
		}
	}
	name := p.t.Bold.Render(Plain(p.proves.resource))
	switch {
	case wrong != "":
		return p.t.Row(false, p.t.Mark(probe.Failed)+" "+name+" did not mend "+Plain(wrong), width)
	case passed == 0:
		return p.t.Row(false, p.t.Mark(probe.Unclear)+" "+name+" is not proved: nothing of it was reached", width)
	case width < narrow:
		return p.t.Row(false, p.t.Mark(probe.Passed)+" proved: "+name, width)
	}
	return p.t.Row(false, p.t.Mark(probe.Passed)+" "+name+fmt.Sprintf(" is proved: what judges it passes (%d)", passed), width)
}
