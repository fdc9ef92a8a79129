package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/mcpwiz/mcpwiz/probe"
)

// WriteJSON writes one report as an object of schema mcpwiz.report/1, several as mcpwiz.reports/1.
func WriteJSON(w io.Writer, reports ...*Report) error {
	if len(reports) == 1 {
		return writeJSON(w, reports[0])
	}
	return writeJSON(w, many{SchemaMany, append([]*Report{}, reports...)})
}

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := w.Write(plainJSON(b.Bytes())); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// A Lines writes events as a stream of JSON lines; those up to Excused are a capture that Read judges again.
type Lines struct {
	w   io.Writer
	err error
}

// NewLines returns a writer of events to w.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

// Sink writes one event.
func (l *Lines) Sink(e probe.Event) {
	if l.err != nil {
		return
	}
	line, err := probe.EncodeEvent(e)
	if err == nil {
		_, err = l.w.Write(append(plainJSON(line), '\n'))
	}
	if err != nil {
		l.err = fmt.Errorf("write capture: %w", err)
	}
}

// Err returns the first error that writing met; what came after it was not written.
func (l *Lines) Err() error { return l.err }

// plainJSON escapes the control characters that JSON allows raw in strings (DEL, C1, bidirectional controls), so that a
// terminal shown the text does not act on what a server sent.
func plainJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, acts) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if acts(r) && r != '\n' {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}
