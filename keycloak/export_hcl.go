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

func body(attributes []attribute, indent string) string {
	var b strings.Builder
	width := 0
	for _, a := range attributes {
		if _, inner := a.value.(nested); a.value != nil && !inner {
			width = max(width, len(a.name))
		}
	}
	for _, a := range attributes {
		switch v := a.value.(type) {
		case nil:
		case nested:
			fmt.Fprintf(&b, "%s%s {\n%s%s}\n", indent, a.name, body(v, indent+"  "), indent)
		default:
			fmt.Fprintf(&b, "%s%-*s = %s\n", indent, width, a.name, valueHCL(v, indent))
		}
	}
	return b.String()
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
		for _, k := range slices.Sorted(maps.Keys(x)) {
			fmt.Fprintf(&b, "%s  %s = %s\n", indent, quotedHCL(k), valueHCL(x[k], indent+"  "))
		}
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
