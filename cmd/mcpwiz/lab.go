package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/lab"
)

func (p *program) lab() *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "Practise on faults that are known: what does the doctor say of them?",
		Long: `lab is a range on this machine: a client's whole way to an MCP server, with names, certificates, an edge and an authorization
server of its own, and faults by name. Nothing leaves this machine, and nothing stays behind.`,
		Example: `  mcpwiz lab list
  mcpwiz lab run ai-bots-blocked --show`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.labList(), p.labRun())
	return c
}

func (p *program) labList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the faults, the pairs and the healthy servers",
		Args:  noArgs,
		RunE:  func(*cobra.Command, []string) error { return p.listLab() },
	}
}

func (p *program) listLab() error {
	var b strings.Builder
	width := 0
	for _, f := range lab.Faults {
		width = max(width, len(f.Name))
	}
	window := p.width()
	for _, where := range []lab.Where{lab.InNetwork, lab.AtEdge, lab.AtOrigin, lab.AtServer, lab.AtClient} {
		fmt.Fprintf(&b, "%s\n", where)
		for _, f := range lab.Faults {
			if f.Where == where {
				fmt.Fprintln(&b, listed(f, width, window))
			}
		}
	}
	fmt.Fprintln(&b, "healthy")
	for _, f := range lab.Healthy {
		fmt.Fprintln(&b, listed(f, width, window))
	}
	fmt.Fprintf(&b, "\n%d faults, %d pairs of them, %d healthy servers.\n", len(lab.Faults), len(lab.Pairs), len(lab.Healthy))
	_, err := io.WriteString(p.out, b.String())
	return err
}

// minText is how wide a column of text must be to be read beside another.
const minText = 30

// listed is a fault and what it does: beside its name, or below it where the window is narrow.
func listed(f lab.Fault, width, window int) string {
	beside := 2 + width + 2
	switch {
	case window == 0:
		return fmt.Sprintf("  %-*s  %s", width, f.Name, f.Does)
	case window < beside+minText:
		return "  " + f.Name + "\n" + wrapped(f.Does, 6, window)
	}
	return fmt.Sprintf("  %-*s  %s", width, f.Name, strings.TrimLeft(wrapped(f.Does, beside, window), " "))
}

type labOptions struct {
	all, show bool
	as        string
}

func (p *program) labRun() *cobra.Command {
	var o labOptions
	c := &cobra.Command{
		Use:   "run [FAULT [FAULT]]",
		Short: "Have the doctor judge a fault, or two at once, or all there are",
		Long: `run puts up a way with the fault in it, has the doctor judge it, and then has the server overhear the client. It tells the first
to mend that either names, and whether that is right. It exits with 1 where it is not.`,
		Example: `  mcpwiz lab run ai-bots-blocked --show       # with all that the doctor says
  mcpwiz lab run issuer-slash audience-slash  # two at once
  mcpwiz lab run sessions --as cursor         # a healthy server
  mcpwiz lab run --all                        # every fault, every pair, every healthy server as every client`,
		ValidArgsFunction: completeFaults,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 2 || o.all == (len(args) > 0) {
				return wrongArgs(c, "one fault, two, or --all", args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return p.runLab(c.Context(), &o, args) },
	}
	f := c.Flags()
	f.BoolVar(&o.all, "all", false, "every fault, every pair, every healthy server as every client")
	f.BoolVar(&o.show, "show", false, "show all that the doctor says")
	f.StringVar(&o.as, "as", "", "`profile` to come as (default: the one that meets the fault)")
	return c
}

func completeFaults(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var all []string
	for _, f := range lab.Faults {
		all = append(all, f.Name+"\t"+f.Does)
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func (p *program) runLab(ctx context.Context, o *labOptions, args []string) error {
	var faults []lab.Fault
	for _, name := range args {
		f, err := labFault(name)
		if err != nil {
			return err
		}
		faults = append(faults, f)
	}
	l, err := p.laboratory(ctx)
	if err != nil {
		return err
	}
	if o.all {
		return l.runAll(ctx)
	}
	var sink probe.Sink
	if o.show {
		sink = p.text(p.out, tellingOptions{}).Sink
	}
	var x *experiment
	if len(faults) == 2 {
		x, err = l.tryPair(ctx, faults[0], faults[1], hides(faults[0], faults[1]), sink)
	} else {
		x, err = l.try(ctx, faults[0], cmp.Or(o.as, faults[0].Profile()), sink)
	}
	if err != nil {
		return err
	}
	if o.show {
		fmt.Fprintln(p.out)
	}
	return l.tell(x)
}

// labFault finds a fault or a healthy server by its name.
func labFault(name string) (lab.Fault, error) {
	if f, ok := lab.Lookup(name); ok {
		return f, nil
	}
	var names []string
	for _, f := range lab.Faults {
		names = append(names, f.Name)
	}
	hint := "mcpwiz lab list names them all"
	if near := nearest(name, names); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return lab.Fault{}, usage(hint, "the lab has no fault named %q", name)
}

// hides says whether of two faults the second cannot be seen; of two that are no pair of the lab it is not known.
func hides(first, second lab.Fault) sight {
	for _, p := range lab.Pairs {
		if p.First == first.Name && p.Second == second.Name {
			if p.Hidden {
				return hidden
			}
			return visible
		}
	}
	return unknownSight
}

// row is one of the table: what is named, whether it is right, how long the doctor took, and below it what is wrong. Where it is wider
// than the window each thing has a line for itself.
func (x *experiment) row(width, window int) string {
	verdict := "right"
	if len(x.wrong) > 0 {
		verdict = "WRONG"
	}
	named, heard, took := cmp.Or(x.named, "healthy"), cmp.Or(x.heard, "-"), fmt.Sprintf("%5d ms", x.took/time.Millisecond)
	row := fmt.Sprintf("%-5s  %-*s  %-14s  %-42s  %-42s  %s", verdict, width, x.name, x.as, named, heard, took)
	if window > 0 && len(row) > window {
		row = verdict + "  " + strings.TrimLeft(wrapped(x.name+" as "+x.as+", "+strings.TrimLeft(took, " "), under, window), " ") + "\n" +
			wrapped("named: "+named, under, window) + "\n" + wrapped("overheard: "+heard, under, window)
	}
	for _, what := range x.wrong {
		if window > 0 {
			row += "\n" + wrapped(what, under, window)
		} else {
			row += "\n" + strings.Repeat(" ", under) + what
		}
	}
	return row
}

// under is where a row's second line begins.
const under = len("right  ")

func (l *laboratory) tell(x *experiment) error {
	if _, err := fmt.Fprintln(l.out, x.row(len(x.name), l.width())); err != nil {
		return err
	}
	if len(x.wrong) > 0 {
		return ended(exitFailed)
	}
	return nil
}
