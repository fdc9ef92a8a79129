package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth  = 64
	brokenOff = "ends in the middle"
)

// A document is a JSON text being decoded: numbers stay as they are written, and what encoding/json passes over in
// silence is noticed.
type document struct {
	dec        *json.Decoder
	duplicates []string
}

var errDepth = errors.New("nested too deeply")

// decodeJSON decodes one JSON text (RFC 8259). A value may come together with a problem; of a text that is broken off in
// the middle comes what its outermost object held before.
func decodeJSON(text []byte) (v any, problem string) {
	var problems []string
	if rest, ok := bytes.CutPrefix(text, []byte("\ufeff")); ok {
		text = rest
		problems = append(problems, "begins with a byte order mark (RFC 8259 section 8.1)")
	}
	if !utf8.Valid(text) {
		problems = append(problems, "is not UTF-8 (RFC 8259 section 8.1)")
	}
	d := &document{dec: json.NewDecoder(bytes.NewReader(text))}
	d.dec.UseNumber()
	v, err := d.value(0)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		problems = append(problems, brokenOff)
	case err != nil:
		return nil, strings.Join(append(problems, "is no JSON: "+err.Error()), "; ")
	default:
		if rest := bytes.TrimLeft(text[d.dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
			problems = append(problems, fmt.Sprintf("goes on for %d bytes after the JSON value", len(rest)))
		}
	}
	if len(d.duplicates) > 0 {
		slices.Sort(d.duplicates)
		problems = append(problems, "has duplicate members: "+strings.Join(slices.Compact(d.duplicates), ", "))
	}
	return v, strings.Join(problems, "; ")
}

func (d *document) value(depth int) (any, error) {
	token, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return d.object(depth)
	case json.Delim('['):
		return d.array(depth)
	}
	return token, nil
}

func (d *document) object(depth int) (any, error) {
	if depth >= maxDepth {
		return nil, errDepth
	}
	o := map[string]any{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return o, err
		}
		name, _ := token.(string)
		v, err := d.value(depth + 1)
		if err != nil {
			return o, err
		}
		if _, twice := o[name]; twice && len(d.duplicates) < 8 && len(name) <= 40 {
			d.duplicates = append(d.duplicates, name)
		}
		o[name] = v
	}
	_, err := d.dec.Token()
	return o, err
}

func (d *document) array(depth int) (any, error) {
	if depth >= maxDepth {
		return nil, errDepth
	}
	all := []any{}
	for d.dec.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	_, err := d.dec.Token()
	return all, err
}

// looksJSON reports whether a text begins as a JSON object or array.
func looksJSON(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}
