package cloudflaretest

import (
	"encoding/json"
	"maps"
	"slices"
)

// A document is an object of the API that is given back as it was sent, with what Cloudflare adds.
type document struct {
	id     string
	fields map[string]any
}

func (d *document) text(name string) string { return text(d.fields, name) }

func (d *document) truth(name string) bool { return truth(d.fields, name) }

func text(of map[string]any, name string) string {
	s, _ := of[name].(string)
	return s
}

func truth(of map[string]any, name string) bool {
	b, _ := of[name].(bool)
	return b
}

func inner(of map[string]any, name string) map[string]any {
	m, _ := of[name].(map[string]any)
	return m
}

// list returns the objects below a name.
func list(of map[string]any, name string) (l []map[string]any) {
	for _, v := range asList(of[name]) {
		if m, ok := v.(map[string]any); ok {
			l = append(l, m)
		}
	}
	return l
}

func texts(v any) (l []string) {
	for _, v := range asList(v) {
		if s, ok := v.(string); ok {
			l = append(l, s)
		}
	}
	return l
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// number reads one as JSON has it.
func number(of map[string]any, name string) float64 {
	n, _ := of[name].(float64)
	return n
}

// object reads the body of a call; a body that is no object has no fields, and what lacks is said by the endpoint.
func (c *call) object() map[string]any {
	m := map[string]any{}
	if json.Unmarshal(c.body, &m) != nil || m == nil {
		return map[string]any{}
	}
	return m
}

// copied is deep, so that what was given out does not change under who holds it.
func copied(m map[string]any) map[string]any {
	c := map[string]any{}
	if err := json.Unmarshal(encode(m), &c); err != nil {
		panic(err) // it was encoded one line above
	}
	return c
}

func find(all []*document, id string) *document {
	if i := slices.IndexFunc(all, func(d *document) bool { return d.id == id }); i >= 0 {
		return all[i]
	}
	return nil
}

func without(all []*document, id string) []*document {
	return slices.DeleteFunc(slices.Clone(all), func(d *document) bool { return d.id == id })
}

func shown(all []*document) []map[string]any {
	l := make([]map[string]any, 0, len(all))
	for _, d := range all {
		l = append(l, copied(d.fields))
	}
	return l
}

// changed returns the fields with those of a PATCH laid over them.
func changed(fields, by map[string]any) map[string]any {
	m := maps.Clone(fields)
	maps.Copy(m, by)
	return m
}
