package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// CheckPage is the page of a check in Markdown: what it asks for, why, and what it said of captures.
func CheckPage(c *probe.Check, examples []probe.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n**%s**\n\n%s\n\n", c.ID, escaped(c.Title), escaped(c.Doc))
	b.WriteString("| | |\n|---|---|\n")
	for _, row := range checkRows(c) {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	b.WriteByte('\n')
	told := slices.Clone(examples)
	slices.SortStableFunc(told, func(x, y probe.Finding) int { return cmp.Compare(rankOf(x), rankOf(y)) })
	for i, f := range told {
		if i == 0 {
			b.WriteString("## What it says\n\n")
		}
		writeExample(&b, f)
	}
	fmt.Fprintf(&b, "`mcpwiz explain %s` says the same; [all checks](README.md).\n", c.ID)
	return b.String()
}

// checkRows are what can be said of a check in a word.
func checkRows(c *probe.Check) [][2]string {
	missed := "it fails"
	if c.Level == probe.Should {
		missed = "it warns"
	}
	rows := [][2]string{
		{"stage", string(c.Stage)},
		{"level", fmt.Sprintf("%s: %s when it is missed", c.Level, missed)},
		{"who must act", escaped(who(probe.Finding{Owner: c.Owner})) + ", where the finding names nobody else"},
		{"holds", Revisions(c)},
		{"rests on", fmt.Sprintf("[%s](%s)", escaped(specName(c.Spec)), link(c.Spec))},
		{"judges", escaped(words(c.Needs))},
	}
	for _, id := range c.After {
		rows = append(rows, [2]string{"says nothing while", fmt.Sprintf("[%s](%s.md) fails", id, id)})
	}
	return rows
}

// Revisions tells of which revisions of MCP a requirement is.
func Revisions(c *probe.Check) string {
	switch {
	case c.Since != "" && c.Until != "":
		return "from MCP " + c.Since + " to " + c.Until
	case c.Since != "":
		return "since MCP " + c.Since
	case c.Until != "":
		return "until MCP " + c.Until
	}
	return "in every revision of MCP"
}

// rankOf puts what is wrong first.
func rankOf(f probe.Finding) int {
	return slices.Index([]probe.Outcome{probe.Failed, probe.Warned, probe.Unclear, probe.Skipped, probe.Passed}, f.Outcome)
}

func writeExample(b *strings.Builder, f probe.Finding) {
	if !wrong(f) {
		fmt.Fprintf(b, "- %s %s\n\n", signs[f.Outcome], escaped(f.Detail))
		return
	}
	fmt.Fprintf(b, "- %s %s\n", signs[f.Outcome], escaped(f.Detail))
	for _, row := range findingRows(f) {
		if row[0] != "seen" && row[0] != "more" {
			fmt.Fprintf(b, "  - *%s* %s\n", row[0], escaped(row[1]))
		}
	}
	b.WriteByte('\n')
}

// CheckIndex is the list of all pages, by stage.
func CheckIndex(checks []*probe.Check) string {
	var b strings.Builder
	b.WriteString("# All checks\n\nWhat mcpwiz asks of a handshake, in the order in which a client meets it. `make docs` writes these pages from the catalogue.\n")
	for _, stage := range probe.Stages {
		first := true
		for _, c := range checks {
			if c.Stage != stage {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n## %s\n\n", stage)
			}
			first = false
			fmt.Fprintf(&b, "- [%s](%s.md): %s\n", c.ID, c.ID, escaped(c.Title))
		}
	}
	return b.String()
}
