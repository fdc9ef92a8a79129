package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A diffLine is one line of what happens to a resource: a value that comes (+) or goes (-), a secret (*), or
// words.
type diffLine struct {
	sign        string
	label, text string
	// whole: it is to be read, and never cut.
	whole bool
}

// diffOf tells a change by field. Of a secret nothing is told but that it is made or changed.
func diffOf(c plan.Change) []diffLine {
	var lines []diffLine
	for _, w := range []diffLine{{"!", "stop", c.Stop, true}, {"", "instead", c.Propose, true}, {"", "note", c.Note, true}} {
		if w.text != "" {
			lines = append(lines, w)
		}
	}
	for _, f := range c.Fields {
		lines = append(lines, fieldLines(f, c.Action)...)
	}
	return lines
}

func fieldLines(f plan.Field, a plan.Action) []diffLine {
	switch {
	case f.Secret && a == plan.Create:
		return []diffLine{{sign: "+", label: f.Path, text: "(made now, kept in " + plan.SecretsFile + ")"}}
	case f.Secret:
		return []diffLine{{sign: "~", label: f.Path, text: "(changed, kept in " + plan.SecretsFile + ")"}}
	}
	before, after := valueTexts(f.Path, f.Before), valueTexts(f.Path, f.After)
	gone, come := without(before, after), without(after, before)
	if len(gone)+len(come) == 0 { // only the order differs, or nothing can be told of it
		gone, come = before, after
	}
	return append(valueLines("-", f.Path, gone), valueLines("+", f.Path, come)...)
}

func valueLines(sign, path string, texts []string) []diffLine {
	var lines []diffLine
	for _, text := range texts {
		lines = append(lines, diffLine{sign: sign, label: path, text: text})
		path = ""
	}
	return lines
}

// without is a less what is in b, as often as it is there.
func without(a, b []string) []string {
	left := slices.Clone(b)
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool {
		i := slices.Index(left, s)
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		return i >= 0
	})
}

// valueTexts is a value as it is read, a list element by element; none where it is absent.
func valueTexts(path string, v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, valueText(path, e))
		}
		return all
	case []string:
		return v
	}
	return []string{valueText(path, v)}
}

func valueText(path string, v any) string {
	if s, ok := v.(string); ok {
		if text, ok := inTime(path, s); ok {
			return text
		}
		if s == "" {
			return `""`
		}
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	s := strings.TrimSpace(b.String())
	if text, ok := inTime(path, s); ok {
		return text
	}
	return s
}

// inTime tells a number of seconds as people say it. Keycloak's settings are known by their names.
func inTime(path, s string) (string, bool) {
	name := strings.ToLower(path)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || !strings.Contains(name, "lifespan") && !strings.Contains(name, "timeout") {
		return "", false
	}
	const day = int64(24 * time.Hour / time.Second)
	switch {
	case n%day == 0 && n > day:
		return fmt.Sprintf("%d days", n/day), true
	case n%3600 == 0:
		return fmt.Sprintf("%d h", n/3600), true
	case n%60 == 0:
		return fmt.Sprintf("%d min", n/60), true
	}
	return fmt.Sprintf("%d s", n), true
}

// actionSign marks a change, actionWord says it.
var actionSign = map[plan.Action]string{plan.Create: "+", plan.Update: "~", plan.Delete: "-", plan.None: "=", plan.Refuse: "!"}

func actionOf(c plan.Change) plan.Action {
	if c.Empty() {
		return plan.None
	}
	return c.Action
}

func actionWord(c plan.Change) string {
	switch actionOf(c) {
	case plan.Create:
		return "new"
	case plan.Delete:
		return "removed"
	case plan.Refuse:
		return "refused"
	case plan.None:
		return "as it should be"
	}
	if n := len(c.Fields); n != 1 {
		return fmt.Sprintf("%d changes", n)
	}
	return "1 change"
}

func (t *Theme) actionStyle(a plan.Action) Style {
	switch a {
	case plan.Create:
		return t.Pass
	case plan.Update:
		return t.Warn
	case plan.Delete, plan.Refuse:
		return t.Fail
	}
	return t.Dim
}

// signStyle is that of a line of a diff.
func (t *Theme) signStyle(sign string) Style {
	switch sign {
	case "+":
		return t.Pass
	case "-", "!":
		return t.Fail
	case "~":
		return t.Warn
	}
	return t.Text
}
