package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// readReports reads a document of schema mcpwiz.report/1 or mcpwiz.reports/1.
func readReports(text []byte) ([]capture, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := decode(text, &head); err != nil {
		return nil, err
	}
	reports := []*Report{}
	switch head.Schema {
	case Schema:
		var one Report
		if err := decode(text, &one); err != nil {
			return nil, err
		}
		reports = append(reports, &one)
	case SchemaMany:
		var all many
		if err := decode(text, &all); err != nil {
			return nil, err
		}
		reports = all.Reports
	default:
		return nil, unknownSchema(head.Schema)
	}
	captures := make([]capture, 0, len(reports))
	for i, r := range reports {
		if r == nil {
			return nil, fmt.Errorf("report %d is null", i+1)
		}
		c, err := r.capture()
		if err != nil {
			return nil, fmt.Errorf("report %d: %w", i+1, err)
		}
		captures = append(captures, c)
	}
	return captures, nil
}

func unknownSchema(schema string) error {
	switch {
	case schema == "":
		return errors.New(`neither a report (no "schema") nor a capture (no "event" in its first line)`)
	case strings.HasPrefix(schema, "mcpwiz."):
		return fmt.Errorf("its schema is %q; this version reads %q and %q: a newer mcpwiz wrote it", schema, Schema, SchemaMany)
	}
	return fmt.Errorf("its schema is %q, which is no report of mcpwiz", schema)
}

// capture returns the evidence of a report.
func (r *Report) capture() (capture, error) {
	c := capture{started: probe.Started{
		Handshake: r.Handshake, Tool: r.Tool, CapturedBy: r.CapturedBy, Target: r.Target, Source: r.Source,
		Profile: r.Profile, Expect: r.Expected, At: r.Started,
	}}
	for _, e := range slices.Sorted(maps.Keys(r.Excused)) {
		c.events = append(c.events, probe.Excused{Handshake: r.Handshake, Evidence: e, Reason: r.Excused[e]})
	}
	for _, f := range r.Facts {
		c.events = append(c.events, probe.Noted{Handshake: r.Handshake, Fact: f})
	}
	for _, x := range r.Exchanges {
		if err := c.take(probe.Seen{Handshake: r.Handshake, Exchange: x}); err != nil {
			return c, err
		}
	}
	return c, nil
}

// decode reads one JSON document whole, numbers as they stand; an error names the line.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0:
		return fmt.Errorf("line %d: something follows the report", lineAt(text, d.InputOffset()))
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: not JSON: %w", lineAt(text, syntax.Offset), err)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s", lineAt(text, kind.Offset), misplaced(kind))
	}
	return fmt.Errorf("line %d: not JSON: %w", lineAt(text, int64(len(text))), err)
}

// misplaced tells of JSON of another kind than belongs where it stands, in the file's terms.
func misplaced(e *json.UnmarshalTypeError) string {
	if e.Field == "" {
		return "a JSON " + e.Value + " is no report"
	}
	return fmt.Sprintf("%s is a JSON %s, which does not belong there", e.Field, e.Value)
}

func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}
