package tui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// A document is a stage as it is read: findings, then exchanges as sent and received; or (stage -1) the talk. It is made
// once, and again when something changed.
type document struct {
	lines                 []string
	stage, width, version int
}

// mostLines bounds a body in a document, mostOfLine a line of it, in bytes.
const (
	mostLines  = 300
	mostOfLine = 4000
)

// viewStage draws the stage that is open, or the talk.
func (p *Probe) viewStage(width, height int) string {
	lines := p.document(width)
	room := max(height-2, 1)
	top := max(min(p.top, len(lines)-room), 0)
	end := min(top+room, len(lines))
	t := p.t
	title, where := p.documentTitle(width)
	below := ""
	if left := len(lines) - end; left > 0 {
		below = t.Dim.Render(fmt.Sprintf("%d more below", left))
	}
	rows := []string{" " + t.Spread(title, t.Dim.Render(where), width-2), t.Rule(below, width)}
	return Lines(append(rows, lines[top:end]...), height)
}

// documentTitle names what is open, and says where that is.
func (p *Probe) documentTitle(width int) (title, where string) {
	t := p.t
	if p.cursor < 0 {
		return t.Dot() + " " + t.Bold.Render("for you"), "as " + p.as()
	}
	title = t.Mark(p.seen.outcome(p.cursor)) + " " + t.Bold.Render(string(probe.Stages[p.cursor]))
	where = fmt.Sprintf("%d of %d", p.cursor+1, len(probe.Stages))
	if width >= narrow {
		where = "as " + p.as() + " " + t.signs.dot + " stage " + where
	}
	return title, where
}

// document is the stage that is open, or the talk where none is selected.
func (p *Probe) document(width int) []string {
	draw, version := func() []string { return p.drawTalk(width) }, len(p.seen.talk)
	if p.cursor >= 0 {
		draw, version = func() []string { return p.drawStage(p.cursor, width) }, p.seen.stages[p.cursor].version
	}
	if d := &p.doc; d.lines == nil || d.stage != p.cursor || d.width != width || d.version != version {
		*d = document{draw(), p.cursor, width, version}
	}
	return p.doc.lines
}

func (p *Probe) drawStage(i, width int) []string {
	w := &docWriter{t: p.t, width: width}
	for _, f := range p.seen.stages[i].sorted() {
		switch {
		case f.Outcome == probe.Passed:
			w.wrapped(p.t.Mark(f.Outcome), "", f.Title+": "+f.Detail)
		default:
			w.lines = append(w.lines, p.t.CardLines(p.t.FindingCard(f), width, -1)...)
			w.blank()
		}
	}
	for _, e := range p.seen.excused {
		if p.known.of[e.Evidence] == probe.Stages[i] {
			w.wrapped(p.t.Mark(probe.Skipped), "", "not tried: "+string(e.Evidence)+": "+e.Reason)
		}
	}
	for _, f := range p.seen.facts {
		if p.known.of[probe.OfFact(f.Kind)] == probe.Stages[i] {
			w.blank()
			w.fact(f)
		}
	}
	for _, x := range p.seen.of(i) {
		if x.drawn == nil || x.drawnWidth != width || x.drawnTo != x.to {
			alone := &docWriter{t: p.t, width: width}
			alone.exchange(x)
			x.drawn, x.drawnWidth, x.drawnTo = alone.lines, width, x.to
		}
		w.blank()
		w.lines = append(w.lines, x.drawn...)
	}
	if len(w.lines) == 0 {
		w.wrapped(p.t.Waiting(), "", "nothing was seen of it yet")
	}
	return w.lines
}

// A docWriter collects the lines of a document. What came from the network goes through Plain, line by line.
type docWriter struct {
	t     *Theme
	width int
	lines []string
}

func (w *docWriter) blank() {
	if n := len(w.lines); n > 0 && w.lines[n-1] != "" {
		w.lines = append(w.lines, "")
	}
}

// wrapped writes text after a mark; indent are the blanks it begins with on every line.
func (w *docWriter) wrapped(mark, indent, text string) {
	for i, line := range Wrap(Plain(text), w.width-4-len(indent)) {
		if i > 0 {
			mark = " "
		}
		w.lines = append(w.lines, " "+mark+" "+indent+line)
	}
}

func (w *docWriter) exchange(x *seenExchange) {
	title := fmt.Sprintf("exchange %d", x.N)
	if x.Probe != "" {
		title += ", asked to probe: " + Plain(x.Probe)
	}
	where := "reached the " + [...]string{"client", "edge", "MCP server", "authorization server"}[x.to]
	switch {
	case x.self:
		where = "an edge answered by itself"
	case x.edge:
		where += " through an edge"
	}
	if x.Timing.Total > 0 {
		where += fmt.Sprintf(", %.0f ms", x.Timing.Total)
	}
	w.lines = append(w.lines, " "+w.t.Spread(w.t.Bold.Render(title), w.t.Dim.Render(w.t.Cut(where, w.width-2-cells(title)-1)), w.width-2))
	sent, got := w.t.Accent.Render(">"), w.t.Pass.Render("<")
	if x.Status() >= 400 || x.Response == nil {
		got = w.t.Fail.Render("<")
	}
	w.wrapped(sent, "", x.Request.Method+" "+x.Request.URL)
	w.message(sent, x.Request.Header, x.Request.Body)
	switch {
	case x.Response != nil:
		w.wrapped(got, "", strings.TrimSpace(fmt.Sprintf("%d %s", x.Response.Status, http.StatusText(x.Response.Status))))
		w.message(got, x.Response.Header, x.Response.Body)
	case x.Open:
		w.wrapped(got, "", "open: handed to the browser")
	}
	if x.Error != nil {
		w.wrapped(got, "", x.Error.Kind+": "+x.Error.Text)
	}
	for _, f := range x.Notes {
		w.fact(f)
	}
}

func (w *docWriter) message(mark string, header http.Header, b probe.Body) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			w.wrapped(mark, "", name+": "+value)
		}
	}
	lines := report.BodyLines(b)
	if len(lines) == 0 {
		return
	}
	w.wrapped(mark, "", "")
	for i, line := range lines {
		if i == mostLines {
			w.wrapped(mark, "", fmt.Sprintf("(%d more lines)", len(lines)-i))
			break
		}
		if cut := len(line) - mostOfLine; cut > 0 {
			line = line[:mostOfLine] + fmt.Sprintf(" (%d more bytes)", cut)
		}
		text := strings.TrimLeft(line, " ")
		w.wrapped(mark, line[:min(len(line)-len(text), w.width/2)], text)
	}
}

// fact is evidence that is no exchange, one line for each of its members.
func (w *docWriter) fact(f probe.Fact) {
	w.lines = append(w.lines, w.t.Row(false, w.t.Bold.Render(Plain(f.Kind))+" "+w.t.Dim.Render("told by "+Plain(f.Source)), w.width))
	for _, name := range slices.Sorted(maps.Keys(f.Data)) {
		value, err := json.Marshal(f.Data[name])
		if err != nil {
			value = []byte(fmt.Sprint(f.Data[name]))
		}
		w.wrapped(w.t.Dot(), "", name+": "+string(value))
	}
}
