package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// tellingOptions say how what is found is told, and what of it.
type tellingOptions struct {
	format, failOn string
	wide, verbose  bool
	out, bundle    string
	choice         report.Choice
}

// tellings are the forms in which what is found is told.
var tellings = []string{"text", "json", "jsonl", "junit", "markdown", "html"}

// formatOf is the form of a file by the end of its name; JSON where that says nothing.
func formatOf(file string) string {
	switch filepath.Ext(file) {
	case ".jsonl":
		return "jsonl"
	case ".xml":
		return "junit"
	case ".md":
		return "markdown"
	case ".html", ".htm":
		return "html"
	case ".txt":
		return "text"
	}
	return "json"
}

func (o *tellingOptions) add(c *cobra.Command) {
	addFormat(c, &o.format, tellings...)
	f := c.Flags()
	f.BoolVar(&o.wide, "wide", false, "open every stage, also those in which all is well")
	f.BoolVar(&o.verbose, "verbose", false, "tell every exchange as it was sent and received, secrets struck out")
	f.StringVar(&o.out, "out", "", "also keep the report in `file`: its end says how (.jsonl .html .md .xml .txt), else JSON")
	f.StringVar(&o.bundle, "bundle", "", "also keep all that others need to see what was seen in `file` (a ZIP), with a list of what is in it")
	f.StringVar(&o.failOn, "fail-on", "fail", "exit with 1 on the first of `what`: fail, or warn for a warning too")
	f.StringSliceVar(&o.choice.Only, "only", nil, "tell only these `checks`: ids, stages or patterns (token.*); all are judged")
	f.StringSliceVar(&o.choice.Skip, "skip", nil, "do not tell these `checks`, and do not fail of them")
	completed(c, "fail-on", func() []string { return []string{"fail", "warn"} })
	completed(c, "only", chosenChecks)
	completed(c, "skip", chosenChecks)
}

func chosenChecks() []string {
	var all []string
	for _, stage := range probe.Stages {
		all = append(all, string(stage))
	}
	for _, c := range checks.All {
		all = append(all, c.ID)
	}
	return all
}

// check holds the options to what can be done. That a report cannot be kept is said before the handshake, not after.
func (o *tellingOptions) check() error {
	if o.format == "" { // where there is no flag
		o.format = "text"
	}
	if err := oneOf("format", o.format, tellings...); err != nil {
		return err
	}
	if err := oneOf("fail-on", o.failOn, "fail", "warn"); err != nil {
		return err
	}
	if err := o.choice.Check(checks.All); err != nil {
		return usage("mcpwiz explain lists the checks and their stages; --only 'token.*' takes those of a pattern", "%w", err)
	}
	return errors.Join(canKeep("--out", o.out), canKeep("--bundle", o.bundle))
}

// canKeep tries whether a file can be written.
func canKeep(flag, file string) error {
	if file == "" {
		return nil
	}
	if at, err := os.Stat(file); err == nil && at.IsDir() {
		return usage(flag+" takes a file", "%s is a directory", file)
	}
	try, err := os.CreateTemp(filepath.Dir(file), ".mcpwiz-*")
	if err != nil {
		var why *os.PathError
		if errors.As(err, &why) {
			err = why.Err
		}
		return usage(flag+" takes a file that can be written", "no report can be kept in %s: %w", filepath.Dir(file), err)
	}
	return errors.Join(try.Close(), os.Remove(try.Name()))
}

// A telling writes what sessions find to out, and to files where that is asked for.
type telling struct {
	o         tellingOptions
	out       io.Writer
	began     time.Time
	sink      probe.Sink
	text      *report.Text
	lines     *report.Lines
	collector *report.Collector
	// again: what is the same as last time is not told.
	again bool
	// What is kept: the stream of events, and the text with every exchange.
	capture, told keptFile
}

// A keptFile is what is written to a file at the end.
type keptFile struct {
	bytes.Buffer
	lines *report.Lines
	text  *report.Text
}

func (p *program) telling(o tellingOptions) *telling {
	t := &telling{o: o, out: p.out, began: time.Now(), collector: report.NewCollector(checks.All)}
	switch o.format {
	case "text":
		t.text = p.text(p.out, o)
	case "jsonl":
		t.lines = report.NewLines(p.out)
	}
	if o.bundle != "" || formatOf(o.out) == "jsonl" {
		t.capture.lines = report.NewLines(&t.capture)
	}
	if o.bundle != "" || formatOf(o.out) == "text" {
		t.told.text = report.NewText(&t.told, report.TextOptions{Width: 120, Wide: true, Verbose: true, Checks: checks.All})
	}
	t.sink = o.choice.Sink(checks.All, t.take)
	return t
}

func (p *program) text(w io.Writer, o tellingOptions) *report.Text {
	return report.NewText(w, report.TextOptions{Width: p.width(), Color: p.colors(), ASCII: p.plainMarks(), Wide: o.wide, Verbose: o.verbose,
		Checks: checks.All})
}

// Sink takes an event of a session.
func (t *telling) Sink(e probe.Event) { t.sink(e) }

func (t *telling) take(e probe.Event) {
	t.collector.Sink(e)
	if t.text != nil && !t.again {
		t.text.Sink(e)
	}
	if t.told.text != nil {
		t.told.text.Sink(e)
	}
	for _, lines := range []*report.Lines{t.lines, t.capture.lines} {
		if lines != nil {
			lines.Sink(e)
		}
	}
}

// close writes what is written whole.
func (t *telling) close() error {
	var all error
	switch {
	case t.text != nil:
		all = t.text.Err()
	case t.lines != nil:
		all = t.lines.Err()
	default:
		all = t.write(t.out, t.o.format)
	}
	return errors.Join(all, t.keep())
}

// write writes the reports in a form that is written whole.
func (t *telling) write(w io.Writer, format string) error {
	reports := t.collector.Reports()
	switch format {
	case "junit":
		return report.WriteJUnit(w, report.JUnitOptions{FailOnWarn: t.o.failOn == "warn"}, reports...)
	case "markdown":
		return report.WriteMarkdown(w, reports...)
	case "html":
		return report.WriteHTML(w, onPage, reports...)
	}
	return report.WriteJSON(w, reports...)
}

// onPage is what a page has to be told of edges: what we know of their marks.
var onPage = report.PageOptions{Answered: checks.Answered}

// keep writes the files that are asked for.
func (t *telling) keep() error {
	var all error
	if t.o.out != "" {
		var file bytes.Buffer
		switch format := formatOf(t.o.out); format {
		case "jsonl":
			file.Write(t.capture.Bytes())
		case "text":
			file.Write(t.told.Bytes())
		default:
			all = t.write(&file, format)
		}
		all = errors.Join(all, keepFile(t.o.out, file.Bytes()))
	}
	if t.o.bundle != "" {
		var file bytes.Buffer
		b := report.Bundle{Capture: t.capture.Bytes(), Text: t.told.Bytes(), Versions: build(), Page: onPage, At: t.began}
		all = errors.Join(all, b.Write(&file, t.collector.Reports()...), keepFile(t.o.bundle, file.Bytes()))
	}
	return all
}

func keepFile(file string, data []byte) error {
	if err := renameio.WriteFile(file, data, 0o600); err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	return nil
}

// exit is the code that handshakes end with: of what is told, where not all of it is.
func (t *telling) exit(sums ...probe.Summary) int {
	if len(t.o.choice.Only)+len(t.o.choice.Skip) > 0 {
		sums = nil
		for _, r := range t.collector.Reports() {
			sums = append(sums, r.Summary)
		}
	}
	if t.o.failOn == "warn" {
		for _, s := range sums {
			if s.Counts.Warn > 0 {
				return report.ExitFailed
			}
		}
	}
	return report.Exit(sums...)
}
