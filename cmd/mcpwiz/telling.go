package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// tellingOptions say how what is found is told.
type tellingOptions struct {
	format string
	wide   bool
	out    string
}

func (o *tellingOptions) add(c *cobra.Command) {
	addFormat(c, &o.format, "text", "json", "jsonl")
	c.Flags().BoolVar(&o.wide, "wide", false, "open every stage, also those in which all is well")
	c.Flags().StringVar(&o.out, "out", "", "also keep the report in `file`: JSON, or the stream of events where it ends in .jsonl")
}

// check holds the options to what can be done. That a report cannot be kept is said before the handshake, not after.
func (o *tellingOptions) check() error {
	if err := oneOf("format", o.format, "text", "json", "jsonl"); err != nil || o.out == "" {
		return err
	}
	if at, err := os.Stat(o.out); err == nil && at.IsDir() {
		return usage("--out takes a file", "%s is a directory", o.out)
	}
	try, err := os.CreateTemp(filepath.Dir(o.out), ".mcpwiz-*")
	if err != nil {
		var why *os.PathError
		if errors.As(err, &why) {
			err = why.Err
		}
		return usage("--out takes a file that can be written", "no report can be kept in %s: %w", filepath.Dir(o.out), err)
	}
	return errors.Join(try.Close(), os.Remove(try.Name()))
}

// A telling writes what sessions find to out, and to a file where that is asked for.
type telling struct {
	o         tellingOptions
	out       io.Writer
	text      *report.Text
	lines     *report.Lines
	collector *report.Collector
	file      bytes.Buffer
	fileLines *report.Lines
}

func (p *program) telling(o tellingOptions) *telling {
	t := &telling{o: o, out: p.out, collector: report.NewCollector(checks.All)}
	switch o.format {
	case "text":
		t.text = p.text(p.out, o.wide)
	case "jsonl":
		t.lines = report.NewLines(p.out)
	}
	if strings.HasSuffix(o.out, ".jsonl") {
		t.fileLines = report.NewLines(&t.file)
	}
	return t
}

func (p *program) text(w io.Writer, wide bool) *report.Text {
	return report.NewText(w, report.TextOptions{Width: p.width(), Color: p.colors(), ASCII: p.plainMarks(), Wide: wide, Checks: checks.All})
}

// Sink takes an event of a session.
func (t *telling) Sink(e probe.Event) {
	t.collector.Sink(e)
	if t.text != nil {
		t.text.Sink(e)
	}
	if t.lines != nil {
		t.lines.Sink(e)
	}
	if t.fileLines != nil {
		t.fileLines.Sink(e)
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
		all = report.WriteJSON(t.out, t.collector.Reports()...)
	}
	return errors.Join(all, t.keep())
}

func (t *telling) keep() error {
	if t.o.out == "" {
		return nil
	}
	if t.fileLines == nil {
		if err := report.WriteJSON(&t.file, t.collector.Reports()...); err != nil {
			return err
		}
	}
	if err := renameio.WriteFile(t.o.out, t.file.Bytes(), 0o600); err != nil {
		return fmt.Errorf("keep the report: %w", err)
	}
	return nil
}
