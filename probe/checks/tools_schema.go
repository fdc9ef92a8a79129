package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// deepest is as deep as a schema is looked into.
const deepest = 32

// A flaw is what is wrong with a schema, and where: a JSON pointer, "" for the whole.
type flaw struct{ at, what string }

func (f flaw) String() string {
	if f.at == "" {
		return f.what
	}
	return f.at + ": " + f.what
}

// jsonTypes are those of JSON Schema 2020-12, validation section 6.1.1.
var jsonTypes = []string{"null", "boolean", "object", "array", "number", "integer", "string"}

// Keywords whose value is a schema, an array of schemas, or an object of schemas (JSON Schema 2020-12, core section 10).
var (
	oneSchema   = []string{"items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"}
	manySchemas = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	named       = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)

// malformed looks for what makes a schema invalid (JSON Schema 2020-12): a client that compiles it, or a model's API, refuses
// the tool. It returns nil for a sound one.
func malformed(schema map[string]any) *flaw { return flawIn(schema, schema, "", 0) }

func flawIn(root map[string]any, v any, at string, depth int) *flaw {
	if depth > deepest {
		return nil
	}
	if _, ok := v.(bool); ok {
		return nil
	}
	s, ok := v.(map[string]any)
	if !ok {
		return &flaw{at, "a schema is " + value(v) + ", not an object"}
	}
	if f := flawOf(root, s, at); f != nil {
		return f
	}
	for _, k := range oneSchema {
		if array, old := s[k].([]any); old && k == "items" {
			return &flaw{at + "/items", "is an array of " + fmt.Sprint(len(array)) + " schemas, which is prefixItems since JSON Schema 2020-12"}
		}
		if inner, there := s[k]; there {
			if f := flawIn(root, inner, at+"/"+k, depth+1); f != nil {
				return f
			}
		}
	}
	return flawBelow(root, s, at, depth)
}

func flawBelow(root, s map[string]any, at string, depth int) *flaw {
	for _, k := range manySchemas {
		raw, there := s[k]
		array, ok := raw.([]any)
		if there && (!ok || len(array) == 0) {
			return &flaw{at + "/" + k, "is " + value(raw) + ", not a list of schemas"}
		}
		for i, inner := range array {
			if f := flawIn(root, inner, fmt.Sprintf("%s/%s/%d", at, k, i), depth+1); f != nil {
				return f
			}
		}
	}
	for _, k := range named {
		raw, there := s[k]
		all, ok := raw.(map[string]any)
		if there && !ok {
			return &flaw{at + "/" + k, "is " + value(raw) + ", not an object of schemas"}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if f := flawIn(root, all[name], at+"/"+k+"/"+name, depth+1); f != nil {
				return f
			}
		}
	}
	return nil
}

// flawOf looks at the keywords of one schema that hold no schema.
func flawOf(root, s map[string]any, at string) *flaw {
	if kind, there := s["type"]; there && !isType(kind) {
		return &flaw{at + "/type", "is " + value(kind) + ", none of " + strings.Join(jsonTypes, ", ")}
	}
	if required, there := s["required"]; there && !words(required) {
		return &flaw{at + "/required", "is " + value(required) + ", not a list of names"}
	}
	if enum, there := s["enum"]; there {
		if array, ok := enum.([]any); !ok || len(array) == 0 {
			return &flaw{at + "/enum", "is " + value(enum) + ", not a list of values"}
		}
	}
	for _, k := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"} {
		if limit, there := s[k]; there {
			if _, ok := limit.(json.Number); !ok {
				return &flaw{at + "/" + k, "is " + value(limit) + ", not a number"}
			}
		}
	}
	if ref, there := s["$ref"]; there {
		return dangling(root, ref, at)
	}
	return nil
}

func isType(v any) bool {
	if array, ok := v.([]any); ok {
		return len(array) > 0 && !slices.ContainsFunc(array, func(e any) bool { return !slices.Contains(jsonTypes, text(e)) })
	}
	return slices.Contains(jsonTypes, text(v))
}

func words(v any) bool {
	array, ok := v.([]any)
	return ok && !slices.ContainsFunc(array, func(e any) bool { _, ok := e.(string); return !ok })
}

// dangling looks for a reference that leads nowhere. One to another document may lead somewhere, but not for a client that
// fetches none; one by anchor is not looked at.
func dangling(root map[string]any, ref any, at string) *flaw {
	to, ok := ref.(string)
	if !ok {
		return &flaw{at + "/$ref", "is " + value(ref) + ", not a reference"}
	}
	if to == "#" || strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "#/") {
		return nil
	}
	if !strings.HasPrefix(to, "#/") {
		if root["$id"] != nil {
			return nil
		}
		return &flaw{at + "/$ref", "leads to " + quoted(to) + ", outside the schema"}
	}
	var here any = root
	for part := range strings.SplitSeq(to[2:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~", "%24", "$").Replace(part)
		switch o := here.(type) {
		case map[string]any:
			here = o[part]
		case []any:
			var i int
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i < 0 || i >= len(o) {
				here = nil
			} else {
				here = o[i]
			}
		default:
			here = nil
		}
	}
	if here == nil {
		return &flaw{at + "/$ref", "leads to " + quoted(to) + ", which is not there"}
	}
	return nil
}

// argumentName is what the APIs of models take as the name of an argument.
var argumentName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// unloved looks for what is valid and still refused by the API of some model: a choice of schemas at the top, and names of
// arguments with other characters.
func unloved(schema map[string]any) *flaw {
	for _, k := range []string{"oneOf", "anyOf", "allOf"} {
		if schema[k] != nil {
			return &flaw{"/" + k, "stands at the top of the schema"}
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !argumentName.MatchString(name) && !strings.HasPrefix(name, "[redacted ") {
			return &flaw{"/properties", "the argument " + quoted(name) + " has a name that models do not take"}
		}
	}
	return nil
}
