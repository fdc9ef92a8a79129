package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Change is a finding that came out otherwise than in the handshake before.
type Change struct {
	Before, After probe.Outcome
	Finding       probe.Finding
}

// Changes are the findings of after whose outcome differs from before, in order. What is merely worded otherwise (an address,
// a time) is no change.
func Changes(before, after *Report) []Change {
	was := map[string]probe.Finding{}
	for _, f := range before.Findings {
		was[f.Check] = f
	}
	var all []Change
	for _, f := range after.Findings {
		if old, known := was[f.Check]; !known || old.Outcome != f.Outcome {
			all = append(all, Change{old.Outcome, f.Outcome, f})
		}
	}
	return all
}

// Changed tells what is new since the handshake before: its words, "" when nothing is. What is now wrong is told in full.
func (t *Text) Changed(before, after *Report) {
	all := Changes(before, after)
	if len(all) == 0 {
		return
	}
	as := ""
	if after.Profile != nil {
		as = "  as " + plain(after.Profile.ID)
	}
	t.lines(t.paint(bold, after.Started.Local().Format("15:04:05")+"  "+plain(after.Target)+as))
	var others tally
	for _, c := range all {
		switch {
		case wrong(c.Finding):
			t.broke(c)
		case c.Before == probe.Failed || c.Before == probe.Warned:
			t.mended(c)
		default:
			others.add(fmt.Sprintf("%s, now %s", cmp.Or(string(c.Before), "not there"), c.After), c.Finding.Check)
		}
	}
	for _, way := range others.reasons {
		t.print(fmt.Sprintf("  others: %d %s\n", len(others.of[way]), way))
	}
	t.last(after.Findings, after.Summary)
}

// broke tells what is now wrong, mended what was.
func (t *Text) broke(c Change) {
	var b strings.Builder
	t.wrong(&b, c.Finding)
	if c.Before != "" {
		t.row(&b, "was", string(c.Before))
	}
	t.print(b.String())
}

func (t *Text) mended(c Change) {
	var b strings.Builder
	t.entry(&b, 2, t.mark(c.After), fmt.Sprintf("%s: %s (was %s)", c.Finding.Title, c.Finding.Detail, c.Before))
	t.print(b.String())
}
