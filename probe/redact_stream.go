package probe

import (
	"bytes"
	"strings"
	"time"
)

const maxEvents = 64

// events reads the events of a text/event-stream body (HTML Living Standard section 9.2.6). An event that is not over
// when the copy ends is none.
func (r *redactor) events(in rawBody, side string) []SSEEvent {
	var all []SSEEvent
	var event, id string
	var data []string
	eachLine(bytes.TrimPrefix(in.data, []byte("\ufeff")), func(line []byte, end int) bool {
		if len(line) == 0 {
			if len(data) > 0 {
				all = append(all, r.event(event, id, strings.Join(data, "\n"), in.at(end), side))
			}
			event, data = "", nil
			return len(all) < maxEvents
		}
		field, value, _ := strings.Cut(strings.ToValidUTF8(string(line), "�"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event = value
		case "data":
			data = append(data, value)
		case "id":
			id = value
		}
		return true
	})
	return all
}

func (r *redactor) event(name, id, data string, at time.Duration, side string) SSEEvent {
	e := SSEEvent{At: millis(at), Event: r.keptText(clip(name, 64)), ID: r.unlisted(id)}
	v, problem := decodeJSON([]byte(data))
	switch {
	case v != nil && problem == "":
		e.Data = r.json(v, side)
	case name == "endpoint": // the HTTP+SSE transport of 2024-11-05 names its POST endpoint thus
		e.Data = r.url(data)
	case data != "":
		e.Data = r.unlisted(data)
	}
	return e
}

// at returns when the byte before offset end had come.
func (in rawBody) at(end int) time.Duration {
	for _, m := range in.marks {
		if m.end >= end {
			return m.at
		}
	}
	return 0
}

// eachLine visits the lines of a stream that are over, which end in CR, LF or both, until visit says no.
func eachLine(text []byte, visit func(line []byte, end int) bool) {
	for from := 0; from < len(text); {
		n := bytes.IndexAny(text[from:], "\r\n")
		if n < 0 {
			return
		}
		end := from + n + 1
		if text[from+n] == '\r' && end < len(text) && text[end] == '\n' {
			end++
		}
		if !visit(text[from:from+n], end) {
			return
		}
		from = end
	}
}

// A firstEvent notices the end of the first event of a stream without keeping anything.
type firstEvent struct {
	line  []byte
	data  bool
	cr    bool
	found bool
}

// pass reports whether the first event is over, once it is.
func (f *firstEvent) pass(p []byte) bool {
	for _, c := range p {
		if f.found {
			break
		}
		if c == '\n' && f.cr {
			f.cr = false
			continue
		}
		f.cr = c == '\r'
		switch {
		case c != '\r' && c != '\n':
			if len(f.line) < len("data:") {
				f.line = append(f.line, c)
			}
		case len(f.line) == 0:
			f.found = f.data
		default:
			field, _, _ := strings.Cut(string(f.line), ":")
			f.data = f.data || field == "data"
			f.line = f.line[:0]
		}
	}
	return f.found
}
