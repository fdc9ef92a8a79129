package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A connects says whether a client got through.
type connects string

const (
	connectsYes connects = "yes"
	connectsNo  connects = "no"
	// connectsOpen: nothing stood in its way as far as it went, and it did not go all the way.
	connectsOpen connects = "open"
)

// A compared is one client beside the others.
type compared struct {
	report   *Report
	connects connects
	why      string
	// cause is the finding to mend first for this client, nil for none.
	cause *probe.Finding
}

// WriteCompared tells of several clients of one server who connects, who does not, and why: a line for each, then each cause
// once, with those whom it stops.
func WriteCompared(w io.Writer, reports []*Report, o TextOptions) error {
	t := NewText(w, o)
	var all []compared
	for _, r := range reports {
		all = append(all, compare(r))
	}
	for i, c := range all {
		if i == 0 || c.report.Target != all[i-1].report.Target {
			t.comparedHead(c.report.Target, all)
		}
		t.comparedLine(c, all)
	}
	first := t.causes(all)
	t.beside(all)
	t.comparedLast(all, first)
	return t.err
}

// compare decides what a report says of its client. What a probe showed, which asks what no client would, stops nobody.
func compare(r *Report) compared {
	c := compared{report: r, connects: connectsOpen}
	through := r.through()
	tools := stageIndex(probe.StageTools)
	for i, f := range r.Findings {
		if f.Outcome != probe.Failed || f.Because != "" || r.ofProbes(f) {
			continue
		}
		if c.cause == nil {
			c.cause = &r.Findings[i]
		}
		if !through || stageIndex(f.Stage) <= tools {
			c.connects = connectsNo
		}
	}
	switch {
	case c.connects == connectsNo:
		c.why = c.cause.Check
	case through && c.cause != nil:
		c.connects, c.why = connectsYes, "later: "+c.cause.Check
	case through:
		c.connects = connectsYes
		if n := r.Summary.Counts.Warn; n > 0 {
			c.why = plural(n, "warning")
		}
	case r.Summary.Status == probe.Incomplete:
		c.why = "not all that was to be seen came"
	case r.Profile != nil && r.Profile.Grant == "client_credentials":
		c.why = "no fault found; no credentials were given"
	default:
		c.why = "no fault found; nobody signed in"
	}
	return c
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// through reports whether the client itself was told the server's tools.
func (r *Report) through() bool {
	return slices.ContainsFunc(r.Exchanges, func(x probe.Exchange) bool {
		return x.Probe == "" && x.Request.Body.Method() == "tools/list" && x.Status() == 200
	})
}

// ofProbes reports whether a finding rests on probes alone.
func (r *Report) ofProbes(f probe.Finding) bool {
	asked := false
	for _, x := range r.Exchanges {
		if slices.Contains(f.Exchanges, x.N) {
			if x.Probe == "" {
				return false
			}
			asked = true
		}
	}
	return asked
}

func (c compared) id() string {
	if c.report.Profile == nil {
		return "not recognised"
	}
	return c.report.Profile.ID
}

func (t *Text) comparedHead(target string, all []compared) {
	n := 0
	for _, c := range all {
		if c.report.Target == target {
			n++
		}
	}
	if t.said {
		t.print("\n")
	}
	t.said = true
	t.lines(t.paint(bold, plain(target)) + "  as " + plural(n, "client"))
	t.print("\n")
}

// comparedNarrow is the width below which why a client does not connect stands on a line of its own.
const comparedNarrow = 64

func (t *Text) comparedLine(c compared, all []compared) {
	ids := 0
	for _, other := range all {
		ids = max(ids, len(plain(other.id())))
	}
	mark := map[connects]probe.Outcome{connectsYes: probe.Passed, connectsNo: probe.Failed, connectsOpen: probe.Unclear}[c.connects]
	line := fmt.Sprintf("  %s %-*s  %-4s", t.mark(mark), ids, plain(c.id()), c.connects)
	gap, indent := "  ", 2+2+ids+2+4+2
	if room := t.room(0); room > 0 && room < comparedNarrow {
		line, gap, indent = strings.TrimRight(line, " "), "\n      ", 6
	}
	if c.why != "" {
		line += gap + strings.Join(wrap(plain(c.why), t.room(indent)), "\n"+strings.Repeat(" ", indent))
	}
	t.print(strings.TrimRight(line, " ") + "\n")
}

// causes tells each cause once, in the order of stages, with whom it stops, and returns the first, nil for none. What each
// client needs another mend for is told with each of them.
func (t *Text) causes(all []compared) *probe.Finding {
	var y tally
	of := map[string][]compared{}
	for _, c := range all {
		if c.cause != nil {
			key := c.cause.Check + "\n" + c.cause.Remedy
			y.add(key, c.id())
			of[key] = append(of[key], c)
		}
	}
	slices.SortStableFunc(y.reasons, func(a, b string) int { return t.order.compare(*of[a][0].cause, *of[b][0].cause) })
	var b strings.Builder
	for _, key := range y.reasons {
		t.wrong(&b, *of[key][0].cause)
		t.row(&b, "as", whom(of[key], len(all)))
	}
	t.section("\nWhat stands in the way", b.String())
	if len(y.reasons) == 0 {
		return nil
	}
	return of[y.reasons[0]][0].cause
}

// whom lists clients; the exchanges cited are of the first of them.
func whom(of []compared, all int) string {
	var ids []string
	for _, c := range of {
		ids = append(ids, c.id())
	}
	text := strings.Join(ids, ", ")
	if len(of) == all && all > 1 {
		text = "every one of them: " + text
	}
	return text
}

// beside tells what fails and stops no client.
func (t *Text) beside(all []compared) {
	stops := map[string]bool{}
	for _, c := range all {
		if c.cause != nil {
			stops[c.cause.Check] = true
		}
	}
	var y tally
	found := map[string]probe.Finding{}
	for _, c := range all {
		for _, f := range c.report.Findings {
			if f.Outcome == probe.Failed && f.Because == "" && !stops[f.Check] {
				if _, there := found[f.Check]; !there {
					found[f.Check] = f
				}
				y.add(f.Check, c.id())
			}
		}
	}
	slices.SortStableFunc(y.reasons, func(a, b string) int { return t.order.compare(found[a], found[b]) })
	var b strings.Builder
	for _, check := range y.reasons {
		t.wrong(&b, found[check])
		t.row(&b, "as", strings.Join(y.of[check], ", "))
	}
	t.section("\nFound besides", b.String())
}

// comparedLast writes the lines that are read when nothing else is.
func (t *Text) comparedLast(all []compared, first *probe.Finding) {
	n := map[connects]int{}
	for _, c := range all {
		n[c.connects]++
	}
	var parts []string
	for _, p := range []struct {
		is   connects
		text string
	}{
		{connectsYes, "%d of %d connect"}, {connectsNo, "%d of %d cannot connect"}, {connectsOpen, "%d of %d not tried to the end"},
	} {
		if n[p.is] > 0 {
			parts = append(parts, fmt.Sprintf(p.text, n[p.is], len(all)))
		}
	}
	t.print("\n")
	t.lines(t.paint(bold, strings.Join(parts, ", ")+"."))
	if first != nil {
		t.lines("First to mend: " + plain(first.Check) + ownerOf([]probe.Finding{*first}, first.Check) + ".")
	}
	if n[connectsOpen] > 0 {
		t.lines("All the way it goes with credentials: -f mcpwiz.yaml, or --client-id PROFILE=ID and --login USER; --login USER alone " +
			"registers each client as it does by itself.")
	}
}
