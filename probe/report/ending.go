package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A tally is reasons with what they are the reason for, in the order in which they came.
type tally struct {
	reasons []string
	of      map[string][]string
}

func (y *tally) add(reason, what string) {
	if y.of == nil {
		y.of = map[string][]string{}
	}
	if y.of[reason] == nil {
		y.reasons = append(y.reasons, reason)
	}
	if !slices.Contains(y.of[reason], what) {
		y.of[reason] = append(y.of[reason], what)
	}
}

// unclear tells what cannot be decided from here.
func (t *Text) unclear(all []probe.Finding) {
	var b strings.Builder
	for _, f := range all {
		if f.Outcome == probe.Unclear {
			t.entry(&b, 2, t.mark(f.Outcome), f.Title+": "+f.Detail)
		}
	}
	t.section("Cannot be decided from here", b.String())
}

// skipped tells for every skip why, one line for each reason. What was excused is told as not tried, what was not reached
// stands at its stage.
func (t *Text) skipped(all []probe.Finding, excused []probe.Excused) {
	var y tally
	for _, f := range all {
		switch {
		case f.Outcome != probe.Skipped || f.NotReached() || excuses(excused, f.Detail):
		case f.Because != "":
			y.add("explained by "+f.Because, f.Check)
		default:
			y.add(f.Detail, f.Check)
		}
	}
	var b strings.Builder
	for _, reason := range y.reasons {
		t.entry(&b, 2, t.mark(probe.Skipped), fmt.Sprintf("%d: %s", len(y.of[reason]), reason))
	}
	t.section("Skipped", b.String())
}

func excuses(excused []probe.Excused, reason string) bool {
	return slices.ContainsFunc(excused, func(e probe.Excused) bool { return e.Reason == reason })
}

// untried tells what the options did not allow, and what would.
func (t *Text) untried(excused []probe.Excused) {
	var y tally
	for _, e := range excused {
		y.add(e.Reason, string(e.Evidence))
	}
	var b strings.Builder
	for _, reason := range y.reasons {
		t.entry(&b, 2, t.mark(probe.Skipped), t.untriedOf(y.of[reason])+": "+reason)
	}
	t.section("Not tried", b.String())
}

// untriedOf names evidence; beside what a client itself makes, what would have been asked besides is only counted.
func (t *Text) untriedOf(all []string) string {
	own := slices.DeleteFunc(slices.Clone(all), func(ev string) bool { return strings.Contains(ev, ":") })
	besides := len(all) - len(own)
	if t.o.Wide || len(own) == 0 || besides < 2 {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s, and %d things asked besides", strings.Join(own, ", "), besides)
}

func (t *Text) section(title, body string) {
	if body != "" {
		t.print(t.paint(bold, title) + "\n" + body)
	}
}

// last writes the line that is read when nothing else is.
func (t *Text) last(all []probe.Finding, s probe.Summary) {
	lead := "Healthy."
	switch s.Status {
	case probe.Unhealthy:
		lead = "Failed."
	case probe.Incomplete:
		lead = "Incomplete: not all that was to be seen came."
	}
	if s.First != nil {
		lead = "First to mend: " + plain(*s.First) + ownerOf(all, *s.First) + "."
	}
	t.lines(t.paint(bold, lead) + " " + t.numbers(s.Counts))
}

func ownerOf(all []probe.Finding, id string) string {
	for _, f := range all {
		if f.Check == id && f.Owner != "" {
			return " (" + plain(string(f.Owner)) + ")"
		}
	}
	return ""
}

// numbers says the counts in words, without those that are zero.
func (t *Text) numbers(c probe.Counts) string {
	skipped := "skipped"
	if !t.o.Wide {
		skipped += " (--wide says why)"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{c.Pass, "passed"}, {c.Warn, "warned"}, {c.Fail, "failed"}, {c.Unknown, "unknown"}, {c.Skip, skipped},
		{c.NotReached, "not reached"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return "Nothing was judged."
	}
	return strings.Join(parts, ", ") + "."
}
