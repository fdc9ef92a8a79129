package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

//go:embed page.tmpl
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"diagram": diagramOf}).Parse(pageText))

// PageOptions say what a page knows besides the reports.
type PageOptions struct {
	// Answered tells whether an edge has put its mark on an answer, and whether it gave the answer by itself; nil knows none.
	Answered func(*probe.Exchange) (edge string, self bool)
}

// WriteHTML writes reports as one page that needs nothing but itself: no script, no font, no picture, nothing fetched. Every
// handshake is a sequence diagram with what was found beside the arrow that it was found on.
func WriteHTML(w io.Writer, o PageOptions, reports ...*Report) error {
	all := make([]pageReport, len(reports))
	for i, r := range reports {
		all[i] = o.report(r, i)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, all); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// What the page's template is given: words that are harmless already, and numbers.
type (
	pageReport struct {
		ID                            string // begins every anchor of this report
		Target, As, Started, Duration string
		Tool, Source                  string
		Status                        probe.Status
		First                         *pageFinding
		Counts                        []pageCount
		Stages                        []pageStage
		Lanes                         []string
		Before                        []pageFinding // on no exchange
		Made, Probes, Quiet           []pageRow
		Unclear                       []pageFinding
		Skipped, Excused              []pageReason
		Facts                         []string
	}
	pageCount struct {
		Mark, Class, Words string
		N                  int
	}
	pageStage struct {
		Name, Class, Mark, Why string
		Counts                 []pageCount
		Findings               []pageFinding
	}
	pageFinding struct {
		Check, Title, Detail, Class, Mark string
		Anchor                            string
		Rows                              [][2]string
		Doc, Spec, SpecName               string
		Because, BecauseAnchor            string
		On                                []pageLink
		Folded                            bool
	}
	pageLink struct {
		N      int
		Anchor string
	}
	pageReason struct {
		N            int
		What, Reason string
	}
	// A pageRow is an exchange between two lanes: arrows, and what was found on it.
	pageRow struct {
		Stage, Anchor         string // Stage is named where it begins
		N                     int
		Method, Where, Asks   string
		Probe                 string
		Left, Width           string // of the arrow, in percent
		Back, Through, Broken bool
		ThroughAt             string
		Answer, Class, Time   string
		NoAnswer, Open        bool
		Sent, Got             string
		Notes                 []string
		Wrong                 []pageFinding // told in full here
		See                   []pageFinding // told in full at another exchange
		Passed                []pageFinding
	}
)

// pageDiagram is what the template of a diagram is given.
type pageDiagram struct {
	Lanes []string
	Rows  []pageRow
}

func diagramOf(lanes []string, rows []pageRow) pageDiagram { return pageDiagram{lanes, rows} }

func (o PageOptions) report(r *Report, i int) pageReport {
	v := pageReport{
		ID: fmt.Sprintf("r%d", i+1), Target: plain(r.Target), As: "a client that is not recognised", Source: plain(string(r.Source)),
		Started: r.Started.UTC().Format("2006-01-02 15:04:05 UTC"), Duration: inSeconds(r.DurationMS),
		Tool: plain(r.Tool.Name + " " + r.Tool.Version), Status: r.Summary.Status,
	}
	if p := r.Profile; p != nil {
		v.As = called(p)
	}
	d := newDrawing(r, o, v.ID)
	v.Lanes = d.names
	v.Counts = countsOf(r.Summary.Counts)
	for _, f := range r.Findings {
		if r.Summary.First != nil && f.Check == *r.Summary.First {
			first := d.finding(f)
			v.First = &first
		}
	}
	v.Stages = d.stages()
	v.Before, v.Made, v.Probes, v.Quiet = d.rows()
	v.Unclear = d.unclear()
	v.Skipped, v.Excused = skippedOf(r), excusedOf(r)
	for _, f := range r.Facts {
		v.Facts = append(v.Facts, factLine(f))
	}
	return v
}

func inSeconds(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(10 * time.Millisecond).String()
}

// signs are the marks of outcomes: status is never told by colour alone.
var signs = map[probe.Outcome]string{
	probe.Passed: "✓", probe.Warned: "!", probe.Failed: "✗", probe.Unclear: "?", probe.Skipped: "–",
}

func countsOf(c probe.Counts) []pageCount {
	var all []pageCount
	for _, one := range []struct {
		o probe.Outcome
		n int
		w string
	}{
		{probe.Failed, c.Fail, "failed"}, {probe.Warned, c.Warn, "warned"}, {probe.Passed, c.Pass, "passed"},
		{probe.Unclear, c.Unknown, "unknown"}, {probe.Skipped, c.Skip, "skipped"}, {probe.Skipped, c.NotReached, "not reached"},
	} {
		if one.n > 0 {
			all = append(all, pageCount{signs[one.o], string(one.o), one.w, one.n})
		}
	}
	return all
}

// skippedOf and excusedOf are why what was not judged was not, as the wide text tells it.
func skippedOf(r *Report) []pageReason {
	var y tally
	for _, f := range r.Findings {
		switch {
		case f.Outcome != probe.Skipped:
		case f.NotReached() && f.Because != "":
			y.add("not reached because of "+f.Because, f.Check)
		case f.Because != "":
			y.add("explained by "+f.Because, f.Check)
		default:
			y.add(f.Detail, f.Check)
		}
	}
	return y.list()
}

func excusedOf(r *Report) []pageReason {
	var y tally
	for _, e := range slices.Sorted(maps.Keys(r.Excused)) {
		y.add(r.Excused[e], string(e))
	}
	return y.list()
}

func (y *tally) list() []pageReason {
	var all []pageReason
	for _, reason := range y.reasons {
		all = append(all, pageReason{len(y.of[reason]), plain(strings.Join(y.of[reason], ", ")), plain(reason)})
	}
	return all
}
