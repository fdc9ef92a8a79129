package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

var marks = map[Action]string{None: "=", Create: "+", Update: "~", Delete: "-", Refuse: "!"}

// Write tells the plan as a diff: + is made, ~ changed from -> to, - deleted, = left alone, ! stops the plan. A secret
// is never told.
func (p Plan) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, c := range p.Changes {
		c.write(out)
	}
	fmt.Fprintln(out, p.total())
	return out.Flush()
}

func (c Change) write(w io.Writer) {
	action := c.Action
	if action == "" {
		action = None
	}
	fmt.Fprintf(w, "%s %s\n", marks[action], c.Resource)
	width := 0
	for _, f := range c.Fields {
		width = max(width, len(f.Path))
	}
	for _, f := range c.Fields {
		fmt.Fprintf(w, "    %-*s  %s\n", width, f.Path, f.text(action))
	}
	for _, row := range []struct{ head, text string }{{"stop", c.Stop}, {"instead", c.Propose}, {"note", c.Note}} {
		if row.text != "" {
			fmt.Fprintf(w, "    %-7s  %s\n", row.head, row.text)
		}
	}
}

func (f Field) text(a Action) string {
	switch {
	case f.Secret && a == Create:
		return "(made, kept in " + SecretsFile + ")"
	case f.Secret:
		return "(changed, kept in " + SecretsFile + ")"
	case a == Create:
		return value(f.After)
	}
	return value(f.Before) + " -> " + value(f.After)
}

// value is JSON: what a server sent cannot reach the terminal raw.
func value(v any) string {
	if v == nil {
		return "(absent)"
	}
	var data bytes.Buffer
	e := json.NewEncoder(&data)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	return strings.TrimSuffix(data.String(), "\n")
}

func (p Plan) total() string {
	n := map[Action]int{}
	for _, c := range p.Changes {
		if c.Empty() {
			n[None]++
			continue
		}
		n[c.Action]++
	}
	if len(p.Changes) == n[None] {
		return "Nothing to do."
	}
	text := ""
	for _, part := range []struct {
		action Action
		word   string
	}{{Create, "to make"}, {Update, "to change"}, {Delete, "to delete"}, {None, "left alone"}, {Refuse, "stopped"}} {
		if n[part.action] > 0 {
			text += fmt.Sprintf(", %d %s", n[part.action], part.word)
		}
	}
	return text[2:] + "."
}
