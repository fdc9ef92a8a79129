package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode"

	"github.com/mcpwiz/mcpwiz/probe"
)

// maxRead and maxLine bound what Read takes in, in bytes: a run at the limits of the tap stays far below.
const (
	maxRead = 256 << 20
	maxLine = 32 << 20
)

// ErrTarget refuses to be told what the file says.
var ErrTarget = errors.New("which MCP server it is stands in the file; only an HTTP archive has to be told")

// ReadOptions say with what a capture is judged again.
type ReadOptions struct {
	Checks []*probe.Check
	Tool   probe.Tool
	// Profile is whose behaviour it is judged as, instead of the profile in the file; nil to take that.
	Profile *probe.Profile
	// Target is the MCP server's URL, for an HTTP Archive: nothing in it says which of its requests are meant.
	Target string
	// Told is told what was left out of what was read; nil for nobody.
	Told func(what string)
}

func (o ReadOptions) tell(format string, args ...any) {
	if o.Told != nil {
		o.Told(fmt.Sprintf(format, args...))
	}
}

// Read judges again what WriteJSON or a Lines wrote, or an HTTP Archive (HAR): the evidence and the profile are the file's,
// the checks are this program's. The sink gets the events of new sessions whose source is "read"; the summaries are in the file's order.
func Read(r io.Reader, o ReadOptions, sink probe.Sink) ([]probe.Summary, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRead+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read capture: %w", err)
	case len(text) > maxRead:
		return nil, fmt.Errorf("read capture: larger than %d MiB", maxRead>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("read capture: it is empty")
	}
	var all []capture
	har := isHAR(text)
	switch {
	case o.Target != "" && !har:
		err = ErrTarget
	case isLines(text):
		all, err = readLines(text, o)
	case har:
		all = make([]capture, 1)
		all[0], err = readHAR(text, o)
	default:
		all, err = readReports(text)
	}
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	sums := make([]probe.Summary, 0, len(all))
	for _, c := range all {
		sums = append(sums, c.judge(o, sink))
	}
	return sums, nil
}

// A capture is the evidence of one handshake as it is in a file.
type capture struct {
	started probe.Started
	events  []probe.Event
	last    int // the highest exchange number so far
}

// take adds evidence, and refuses what a new session would number otherwise than the file.
func (c *capture) take(e probe.Event) error {
	if e, ok := e.(probe.Seen); ok {
		switch n := e.Exchange.N; {
		case n < 1:
			return fmt.Errorf("an exchange is without its number")
		case n > c.last+1:
			return fmt.Errorf("exchange %d comes after exchange %d", n, c.last)
		case n == c.last+1:
			c.last = n
		}
	}
	c.events = append(c.events, e)
	return nil
}

// judge gives the evidence to a new session that judges once, at the end.
func (c *capture) judge(o ReadOptions, sink probe.Sink) probe.Summary {
	captured, profile := c.started.Tool, c.started.Profile
	if c.started.CapturedBy != nil {
		captured = *c.started.CapturedBy
	}
	if o.Profile != nil {
		profile = o.Profile
	}
	s := probe.NewSession(probe.Opening{
		ID: c.started.Handshake, Tool: o.Tool, CapturedBy: &captured, Target: c.started.Target, Source: probe.Read,
		Profile: profile, Expect: c.started.Expect, At: c.started.At, Checks: o.Checks, Quiet: time.Hour,
	}, sink)
	for _, e := range c.events {
		if _, ok := e.(probe.Recognised); ok && o.Profile != nil {
			continue
		}
		s.Replay(e)
	}
	return s.Close()
}

// isTorn reports whether a line is the beginning of an object and no more.
func isTorn(line []byte) bool { return line[0] == '{' && !json.Valid(line) }

// isLines reports whether text is a stream of events: its first line is an object with the member "event".
func isLines(text []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeftFunc(text, unicode.IsSpace), []byte("\n"))
	var head struct {
		Event *string `json:"event"`
	}
	return json.Unmarshal(line, &head) == nil && head.Event != nil
}

// readLines reads a stream of events. Its last line may be torn: whoever wrote it was ended in the middle of it.
func readLines(text []byte, o ReadOptions) ([]capture, error) {
	var all []capture
	at := map[string]int{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("line %d: larger than %d MiB", n, maxLine>>20)
		}
		e, err := probe.DecodeEvent(line)
		if err != nil && len(all) > 0 && isTorn(line) && bytes.HasSuffix(bytes.TrimSpace(text), line) {
			o.tell("line %d is the last and is torn: it is left out, and what came after it is not there", n)
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if s, ok := e.(probe.Started); ok {
			if _, twice := at[s.Handshake]; twice {
				return nil, fmt.Errorf("line %d: handshake %q starts twice", n, s.Handshake)
			}
			at[s.Handshake] = len(all)
			all = append(all, capture{started: s})
			continue
		}
		i, ok := at[probe.HandshakeOf(e)]
		if !ok {
			return nil, fmt.Errorf("line %d: handshake %q has not started", n, probe.HandshakeOf(e))
		}
		if err := all[i].take(e); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return all, nil
}
