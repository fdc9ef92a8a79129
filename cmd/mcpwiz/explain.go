package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

func (p *program) explain() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "explain [CHECK | STAGE]",
		Short: "Say what a check asks for, why it matters and how to mend it",
		Example: `  mcpwiz explain token.audience-names-target   # one check
  mcpwiz explain token                         # those of a stage
  mcpwiz explain                               # all of them
  mcpwiz explain token.issued --format markdown # as a page`,
		Args:              atMostOne("check"),
		ValidArgsFunction: completeChecks,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("format", format, "text", "markdown"); err != nil {
				return err
			}
			if format == "markdown" {
				return p.explainAsPage(args)
			}
			if len(args) == 0 {
				return p.listChecks(probe.Stages)
			}
			if stage := probe.Stage(args[0]); slices.Contains(probe.Stages, stage) {
				return p.listChecks([]probe.Stage{stage})
			}
			c := checks.Lookup(args[0])
			if c == nil {
				return unknownCheck(args[0])
			}
			return p.explainCheck(c)
		},
	}
	addFormat(c, &format, "text", "markdown")
	return c
}

// explainAsPage writes the page of a check, or the list of them.
func (p *program) explainAsPage(args []string) error {
	page := report.CheckIndex(checks.All)
	if len(args) > 0 {
		c := checks.Lookup(args[0])
		if c == nil {
			return unknownCheck(args[0])
		}
		page = report.CheckPage(c, nil)
	}
	_, err := fmt.Fprint(p.out, page)
	return err
}

func completeChecks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var all []string
	for _, c := range checks.All {
		all = append(all, c.ID+"\t"+c.Title)
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func unknownCheck(id string) error {
	var ids []string
	for _, c := range checks.All {
		ids = append(ids, c.ID)
	}
	hint := "mcpwiz explain lists them all"
	if near := nearest(id, ids); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(hint, "no check is named %q", id)
}

func (p *program) listChecks(stages []probe.Stage) error {
	var b strings.Builder
	width := 0
	for _, c := range checks.All {
		width = max(width, len(c.ID))
	}
	for _, stage := range stages {
		first := true
		for _, c := range checks.All {
			if c.Stage != stage {
				continue
			}
			if first {
				fmt.Fprintf(&b, "%s\n", stage)
				first = false
			}
			fmt.Fprintf(&b, "  %-*s  %s\n", width, c.ID, c.Title)
		}
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

func (p *program) explainCheck(c *probe.Check) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n\n", c.ID, c.Title)
	missed := "it fails"
	if c.Level == probe.Should {
		missed = "it warns"
	}
	for _, row := range [][2]string{
		{"stage", string(c.Stage)},
		{"level", fmt.Sprintf("%s (%s when it is missed)", c.Level, missed)},
		{"who", string(c.Owner)},
		{"holds", report.Revisions(c)},
		{"spec", c.Spec},
		{"page", probe.DocURL(c.ID)},
	} {
		fmt.Fprintf(&b, "  %-5s  %s\n", row[0], row[1])
	}
	fmt.Fprintf(&b, "\n%s\n", wrapped(c.Doc, 2, min(cmp.Or(p.width(), 100), 100)))
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

// wrapped breaks text at spaces only, so that ids and URLs can be copied.
func wrapped(text string, indent, width int) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		switch {
		case at == 0:
			b.WriteString(strings.Repeat(" ", indent))
			at = indent
		case at+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}
