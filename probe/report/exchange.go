package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// mostLines bounds a body as it is told to people, mostOfLine a line of it, in bytes. Machines get all that was kept.
const (
	mostLines  = 300
	mostOfLine = 4000
)

// sentLines are a request as it was sent, gotLines what came, without what a terminal acts on.
func sentLines(x *probe.Exchange) []string {
	return append([]string{x.Request.Method + " " + plain(x.Request.URL)}, messageLines(x.Request.Header, x.Request.Body)...)
}

func gotLines(x *probe.Exchange) []string {
	var lines []string
	if r := x.Response; r != nil {
		first := strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
		lines = append(append(lines, first), messageLines(r.Header, r.Body)...)
	}
	if x.Error != nil {
		lines = append(lines, plain(x.Error.Kind+": "+x.Error.Text))
	}
	if x.Open {
		lines = append(lines, "(still open: what came until then)")
	}
	return lines
}

func messageLines(header http.Header, b probe.Body) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			lines = append(lines, plain(name+": "+value))
		}
	}
	body := BodyLines(b)
	if len(body) == 0 {
		return lines
	}
	lines = append(lines, "")
	for i, line := range body {
		if i == mostLines {
			return append(lines, fmt.Sprintf("(%d more lines)", len(body)-i))
		}
		if cut := len(line) - mostOfLine; cut > 0 {
			line = strings.ToValidUTF8(line[:mostOfLine], "") + fmt.Sprintf(" (%d more bytes)", cut)
		}
		lines = append(lines, plain(line))
	}
	return lines
}

// BodyLines is a body as it is told to people: all of it is redacted already, and none of it is made harmless to a terminal.
func BodyLines(b probe.Body) []string {
	var lines []string
	add := func(text string) { lines = append(lines, strings.Split(strings.TrimRight(text, "\n"), "\n")...) }
	switch {
	case b.JSON != nil:
		add(indented(b.JSON))
	case b.Form != nil:
		for _, name := range slices.Sorted(maps.Keys(b.Form)) {
			for _, value := range b.Form[name] {
				add(name + "=" + strings.ReplaceAll(value, "\n", " "))
			}
		}
	case b.Page != nil:
		add("page \"" + b.Page.Title + "\": " + b.Page.Text)
	case b.Text != "":
		add(b.Text)
	}
	for _, e := range b.Events {
		add(fmt.Sprintf("event after %.0f ms: %s %s", e.At, e.Event, e.ID))
		add(indented(e.Data))
	}
	if b.Problem != "" {
		add("(" + b.Problem + ") " + b.Hex)
	}
	if b.Truncated {
		add(fmt.Sprintf("(cut: %d bytes passed)", b.Size))
	}
	return lines
}

func indented(v any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return out.String()
}

// factLine is evidence that is no exchange.
func factLine(f probe.Fact) string {
	parts := []string{f.Kind, "told by " + f.Source}
	for _, name := range slices.Sorted(maps.Keys(f.Data)) {
		value, err := json.Marshal(f.Data[name])
		if err != nil {
			value = []byte(fmt.Sprint(f.Data[name]))
		}
		parts = append(parts, name+"="+string(value))
	}
	return plain(strings.Join(parts, "  "))
}

// came is what came of an exchange in a word or two.
func came(x *probe.Exchange) string {
	switch {
	case x.Error != nil && x.Response == nil:
		return plain(x.Error.Kind)
	case x.Response != nil:
		return strconv.Itoa(x.Response.Status)
	case x.Open:
		return "left to the browser"
	}
	return "no answer"
}

// asked is what an exchange asked for: the method of MCP, the grant, or what only a probe asks.
func asked(x *probe.Exchange) string {
	what := x.Request.Body.Method()
	if grant := x.Request.Body.Form.Get("grant_type"); what == "" && grant != "" {
		what = grant
	}
	return plain(what)
}
