package keycloak

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nested is a block within a block.
type nested []attribute

// block writes one block of HCL.
func (t *terraform) block(kind, of, label string, attributes []attribute) {
	fmt.Fprintf(&t.out, "\n%s %q %q {\n%s}\n", kind, of, label, body(attributes, "  "))
}

// body is formatted as terraform fmt does it: the values of lines that follow each other are aligned, one of several lines ends
// that.
func body(attributes []attribute, indent string) string {
	var b strings.Builder
	var lines []attribute
	flush := func() {
		writeAligned(&b, lines, indent)
		lines = nil
	}
	for _, a := range attributes {
		switch v := a.value.(type) {
		case nil:
		case nested:
			flush()
			fmt.Fprintf(&b, "%s%s {\n%s%s}\n", indent, a.name, body(v, indent+"  "), indent)
		case map[string]any:
			flush()
			fmt.Fprintf(&b, "%s%s = %s\n", indent, a.name, valueHCL(v, indent))
		default:
			lines = append(lines, a)
		}
	}
	flush()
	return b.String()
}

func writeAligned(b *strings.Builder, lines []attribute, indent string) {
	width := 0
	for _, a := range lines {
		width = max(width, len(a.name))
	}
	for _, a := range lines {
		fmt.Fprintf(b, "%s%-*s = %s\n", indent, width, a.name, valueHCL(a.value, indent))
	}
}

func valueHCL(v any, indent string) string {
	switch x := v.(type) {
	case expression:
		return string(x)
	case hole:
		return "var." + variable(string(x))
	case string:
		return quotedHCL(x)
	case []any:
		var items []string
		for _, item := range x {
			items = append(items, valueHCL(item, indent))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var b strings.Builder
		var lines []attribute
		for _, k := range slices.Sorted(maps.Keys(x)) {
			lines = append(lines, attribute{quotedHCL(k), x[k]})
		}
		writeAligned(&b, lines, indent+"  ")
		return "{\n" + b.String() + indent + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "null" // it came from JSON
	}
	return string(text)
}

// quotedHCL is a string in which nothing is put in: JSON's quoting is HCL's, but for what begins a template.
func quotedHCL(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.TrimSuffix(b.String(), "\n"))
}
