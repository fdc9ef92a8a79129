package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A style is an ANSI colour (SGR parameters); "" is none.
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
)

func (t *Text) paint(s style, text string) string {
	if !t.o.Color || s == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// mark returns the sign of an outcome: status is never told by colour alone.
func (t *Text) mark(o probe.Outcome) string {
	marks := map[probe.Outcome]struct {
		sign, ascii string
		style       style
	}{
		probe.Passed: {"✓", "+", green}, probe.Warned: {"!", "!", yellow}, probe.Failed: {"✗", "x", red},
		probe.Unclear: {"?", "?", ""}, probe.Skipped: {"–", "-", dim},
	}
	m := marks[o]
	if t.o.ASCII {
		return t.paint(m.style, m.ascii)
	}
	return t.paint(m.style, m.sign)
}

// stage returns a stage's panel: one line, and what is wrong in five rows each.
func (t *Text) stage(stage probe.Stage, found []probe.Finding) string {
	found = t.sorted(found)
	var b strings.Builder
	t.line(&b, stage, found)
	for _, f := range found {
		switch {
		case f.Outcome == probe.Failed || f.Outcome == probe.Warned:
			t.wrong(&b, f)
		case t.o.Wide:
			t.entry(&b, 2, t.mark(f.Outcome), f.Title+": "+f.Detail)
		}
	}
	return b.String()
}

func (t *Text) sorted(found []probe.Finding) []probe.Finding {
	found = slices.Clone(found)
	slices.SortStableFunc(found, t.order.compare)
	return found
}

// line writes a stage's one line: its outcomes in numbers, or why there are none, below it where there is no room beside it.
func (t *Text) line(b *strings.Builder, stage probe.Stage, found []probe.Finding) {
	n := map[probe.Outcome]int{}
	for _, f := range found {
		n[f.Outcome]++
	}
	if n[probe.Skipped] < len(found) {
		fmt.Fprintf(b, "%-20s %s\n", stage, t.counts(n))
		return
	}
	why := whySkipped(found)
	if room := t.room(23); room > 0 && ansi.StringWidth(why) > room {
		fmt.Fprintf(b, "%s\n", stage)
		t.entry(b, 2, t.mark(probe.Skipped), why)
		return
	}
	fmt.Fprintf(b, "%-20s %s %s\n", stage, t.mark(probe.Skipped), why)
}

func (t *Text) counts(n map[probe.Outcome]int) string {
	var parts []string
	for _, o := range []probe.Outcome{probe.Failed, probe.Warned, probe.Passed, probe.Unclear, probe.Skipped} {
		if n[o] > 0 {
			parts = append(parts, t.mark(o)+" "+strconv.Itoa(n[o]))
		}
	}
	return strings.Join(parts, "  ")
}

// whySkipped says why a whole stage was skipped: not reached, with what it needs, goes before what does not apply.
func whySkipped(found []probe.Finding) string {
	for _, f := range found {
		if !f.NotReached() {
			continue
		}
		if stage, _, ok := strings.Cut(f.Because, "."); ok {
			return "not reached: needs " + plain(stage)
		}
		return "not reached: needs " + plain(words(f.Missing))
	}
	for _, f := range found {
		if f.Detail != found[0].Detail {
			return fmt.Sprintf("%d skipped", len(found))
		}
	}
	return plain(found[0].Detail)
}

// wrong writes what fails or warns: always the same five rows, or what explains it.
func (t *Text) wrong(b *strings.Builder, f probe.Finding) {
	t.entry(b, 2, t.mark(f.Outcome), f.Title)
	if f.Because != "" {
		t.row(b, "why", "explained by "+f.Because)
		if !t.o.Wide {
			return
		}
	}
	t.row(b, "seen", f.Detail+cited(f.Exchanges))
	t.row(b, "so", f.Effect)
	t.row(b, "mend", f.Remedy)
	t.row(b, "who", who(f))
	t.row(b, "more", "mcpwiz explain "+f.Check)
}

func cited(exchanges []int) string {
	if len(exchanges) == 0 {
		return ""
	}
	var numbers []string
	for _, n := range exchanges {
		if s := strconv.Itoa(n); !slices.Contains(numbers, s) {
			numbers = append(numbers, s)
		}
	}
	if len(numbers) == 1 {
		return " (exchange " + numbers[0] + ")"
	}
	return " (exchanges " + strings.Join(numbers, ", ") + ")"
}

var owners = map[probe.Owner]string{
	probe.OwnerClient:              "the client, or what was typed into it",
	probe.OwnerEdge:                "what stands in front of the MCP server answered, not the server",
	probe.OwnerOrigin:              "the MCP server, or whoever runs it",
	probe.OwnerAuthorizationServer: "the authorization server's settings",
	probe.OwnerNetwork:             "names, addresses and certificates on the way",
	probe.OwnerUnknown:             "cannot be told from here",
}

func who(f probe.Finding) string {
	text := string(f.Owner)
	if of := owners[f.Owner]; of != "" {
		text += ": " + of
	}
	if f.By != "" {
		text += "; mcpwiz setup puts it right (" + f.By + ")"
	}
	return text
}

// row writes one labelled row of a finding.
func (t *Text) row(b *strings.Builder, label, text string) {
	indent := 6
	if t.o.Width > 0 && t.o.Width < 60 {
		indent = 2
	}
	if text == "" {
		text = "-"
	}
	for i, line := range wrap(plain(text), t.room(indent+7)) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "%*s%s%s\n", indent, "", t.paint(dim, fmt.Sprintf("%-7s", label)), line)
	}
}

// entry writes text after a mark, wrapped beside it.
func (t *Text) entry(b *strings.Builder, indent int, mark, text string) {
	for i, line := range wrap(plain(text), t.room(indent+2)) {
		if i > 0 {
			mark = " "
		}
		fmt.Fprintf(b, "%*s%s %s\n", indent, "", mark, line)
	}
}

func words(all []probe.Evidence) string {
	s := make([]string, len(all))
	for i, e := range all {
		s[i] = string(e)
	}
	return strings.Join(s, ", ")
}
