package plan

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile keeps a file that is no connection from being read as one.
const maxFile = 1 << 20

type parsed struct {
	connection Connection
	root       *yaml.Node // after migration
	from       int
}

// parse reads strictly: every problem is told with file, line and key.
func parse(name string, data []byte) (parsed, error) {
	if len(data) > maxFile {
		return parsed{}, fmt.Errorf("%s: larger than %d bytes: this is no connection", name, maxFile)
	}
	root, err := document(name, data)
	if err != nil {
		return parsed{}, err
	}
	from, err := versionOf(name, root)
	if err != nil {
		return parsed{}, err
	}
	if err := migrate(name, root, from); err != nil {
		return parsed{}, err
	}
	s := strict{file: name}
	s.value(root, reflect.TypeFor[Connection](), "")
	if err := errors.Join(s.problems...); err != nil {
		return parsed{}, err
	}
	var c Connection
	if err := root.Decode(&c); err != nil {
		return parsed{}, fmt.Errorf("%s: %w", name, err)
	}
	return parsed{c, root, from}, nil
}

// document returns the one mapping that the file is.
func document(name string, data []byte) (*yaml.Node, error) {
	var doc yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: not YAML: %w", name, err)
	}
	var second yaml.Node
	if d.Decode(&second) == nil {
		return nil, fmt.Errorf("%s:%d: a second document: a file is one connection", name, second.Line)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: not a mapping of keys like servers and keycloak", name, max(1, doc.Line))
	}
	return doc.Content[0], nil
}

// strict holds nodes against Go types and collects what does not fit.
type strict struct {
	file     string
	problems []error
}

func (s *strict) problem(n *yaml.Node, format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf("%s:%d: %s", s.file, n.Line, fmt.Sprintf(format, args...)))
}

func (s *strict) value(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		s.problem(n, "%s: anchors and aliases are not taken: write it out", path)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		s.value(n, t.Elem(), path)
	case reflect.Struct:
		s.mapping(n, t, path)
	case reflect.Map:
		s.named(n, t, path)
	case reflect.Slice:
		s.list(n, t, path)
	default:
		s.scalar(n, t, path)
	}
}

func (s *strict) mapping(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		s.problem(n, "%s is %s, must be keys with values", path, kindOf(n))
		return
	}
	types := keysOf(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		inner := strings.TrimPrefix(path+"."+key.Value, ".")
		switch field, known := types[key.Value]; {
		case !known:
			s.problem(key, "unknown key %q%s", inner, proposal(key.Value, types))
		case seen[key.Value]:
			s.problem(key, "key %q is there twice", inner)
		default:
			s.value(val, field, inner)
		}
		seen[key.Value] = true
	}
}

// named is a mapping whose keys are names of the operator's.
func (s *strict) named(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		s.problem(n, "%s is %s, must be names with values", path, kindOf(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		inner := path + "." + key.Value
		if seen[key.Value] {
			s.problem(key, "key %q is there twice", inner)
			continue
		}
		seen[key.Value] = true
		s.value(val, t.Elem(), inner)
	}
}

func (s *strict) list(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.SequenceNode {
		s.problem(n, "%s is %s, must be a list", path, kindOf(n))
		return
	}
	for i, item := range n.Content {
		s.value(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (s *strict) scalar(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		s.problem(n, "%s is %s, must be %s", path, kindOf(n), wanted[t.Kind()])
		return
	}
	if err := n.Decode(reflect.New(t).Interface()); err != nil {
		s.problem(n, "%s is %q, must be %s", path, n.Value, wanted[t.Kind()])
	}
}

var wanted = map[reflect.Kind]string{
	reflect.String: "text", reflect.Int: "a whole number", reflect.Bool: "true or false",
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	}
	return strconv.Quote(n.Value)
}

// keysOf returns the keys of a struct with the types of their values.
func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for f := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(f).Tag.Get("yaml"), ",")
		keys[name] = t.Field(f).Type
	}
	return keys
}

// proposal names the nearest key, if one is near enough to be what was meant; else all of them.
func proposal(got string, keys map[string]reflect.Type) string {
	best, distance := "", 3
	all := sortedKeys(keys)
	for _, k := range all {
		if d := edits(got, k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": known here are " + strings.Join(all, ", ")
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
