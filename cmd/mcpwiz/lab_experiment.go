package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/server/lab"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// An experiment is what was said of one way, and what is wrong with it.
type experiment struct {
	name, as string
	// named is the first cause named, heard what the server named; "" is healthy.
	named, heard string
	took         time.Duration
	wrong        []string
	report       *report.Report
}

func (x *experiment) err(format string, args ...any) {
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

// try has the doctor judge a way with a fault, and then who serves overhear the client.
func (l *laboratory) try(ctx context.Context, f lab.Fault, as string, sink probe.Sink) (*experiment, error) {
	x, err := l.examine(ctx, f, as, sink)
	if err != nil {
		return nil, err
	}
	w, err := l.way(f, checks.All)
	if err != nil {
		return nil, err
	}
	heard, err := w.overheard(ctx, as)
	if err != nil {
		return nil, fmt.Errorf("%s as %s, overheard: %w", f.Name, as, err)
	}
	x.listen(f, heard)
	return x, nil
}

// examine has the doctor judge a way with a fault.
func (l *laboratory) examine(ctx context.Context, f lab.Fault, as string, sink probe.Sink) (*experiment, error) {
	x := &experiment{name: f.Name, as: as}
	if err := l.diagnose(ctx, x, f, sink); err != nil {
		return nil, fmt.Errorf("%s as %s: %w", f.Name, as, err)
	}
	x.judge(f)
	return x, nil
}

// sight says whether the second of two faults is to be seen before the first is mended.
type sight int

const (
	unknownSight sight = iota
	visible
	hidden
)

// tryPair has the doctor judge a way with two faults.
func (l *laboratory) tryPair(ctx context.Context, first, second lab.Fault, sees sight, sink probe.Sink) (*experiment, error) {
	f := first.With(second)
	x := &experiment{name: f.Name, as: f.Profile()}
	if err := l.diagnose(ctx, x, f, sink); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	x.judgePair(first, second, sees)
	return x, nil
}

func (l *laboratory) diagnose(ctx context.Context, x *experiment, f lab.Fault, sink probe.Sink) error {
	w, err := l.way(f, nil)
	if err != nil {
		return err
	}
	defer w.close()
	began := time.Now()
	if x.report, err = w.provoked(ctx, x.as, sink); err != nil {
		return err
	}
	x.took = time.Since(began)
	x.named = named(x.report.Summary)
	return nil
}

func named(s probe.Summary) string {
	if s.First == nil {
		return ""
	}
	return *s.First
}

// judge holds the doctor to the fault: it is named first, and nothing else fails that it does not explain.
func (x *experiment) judge(f lab.Fault) {
	for _, found := range unexplained(x.report.Findings) {
		if !slices.Contains(f.First, found.Check) || f.Warns {
			x.err("%s fails and is not explained: %s", found.Check, found.Detail)
		}
	}
	switch {
	case len(f.First) == 0 || f.Warns:
		if x.report.Summary.Status != probe.Healthy {
			x.err("the handshake is %s", x.report.Summary.Status)
		}
	case !slices.Contains(f.First, x.named):
		x.err("right is %s", strings.Join(f.First, " or "))
	}
	if f.Warns {
		if x.named = warned(x.report.Findings, f.First); x.named == "" {
			x.err("right is a warning of %s", strings.Join(f.First, " or "))
		}
	}
}

// listen holds who serves to the same.
func (x *experiment) listen(f lab.Fault, all []record.Handshake) {
	right, warns := f.HeardFirst(), false
	for _, h := range all {
		if x.heard == "" {
			x.heard = named(h.Summary)
		}
		warns = warns || warned(h.Findings, right) != ""
		for _, found := range unexplained(h.Findings) {
			if !slices.Contains(right, found.Check) {
				x.err("overheard, %s fails and is not explained: %s", found.Check, found.Detail)
			}
		}
	}
	switch {
	case len(right) == 0 || f.Unheard != "" && x.heard == "":
	case f.Warns && warns:
		x.heard = right[0]
	case f.Warns:
		x.err("overheard, right is a warning of %s", strings.Join(right, " or "))
	case !slices.Contains(right, x.heard):
		x.err("overheard, right is %s", strings.Join(right, " or "))
	}
}

// judgePair holds the doctor to two faults: the first is named first, and the second too, unless it cannot be seen yet.
func (x *experiment) judgePair(first, second lab.Fault, sees sight) {
	if !slices.Contains(first.First, x.named) {
		x.err("right is %s", strings.Join(first.First, " or "))
	}
	seen := false
	for _, found := range unexplained(x.report.Findings) {
		also := slices.Contains(second.First, found.Check)
		seen = seen || also
		if !also && !slices.Contains(first.First, found.Check) {
			x.err("%s fails and is not explained: %s", found.Check, found.Detail)
		}
	}
	switch {
	case sees == hidden && seen:
		x.err("%s is named though it cannot be seen", strings.Join(second.First, " or "))
	case sees == visible && !seen:
		x.err("%s is to be named too", strings.Join(second.First, " or "))
	}
}

// unexplained returns the failures that nothing else explains.
func unexplained(all []probe.Finding) []probe.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f probe.Finding) bool { return f.Outcome != probe.Failed || f.Because != "" })
}

// warned returns the first of some checks that warns, "" for none.
func warned(all []probe.Finding, of []string) string {
	for _, f := range all {
		if f.Outcome == probe.Warned && slices.Contains(of, f.Check) {
			return f.Check
		}
	}
	return ""
}
