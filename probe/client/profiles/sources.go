package profiles

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

var grades = []string{"observed", "documented", "stated", "code", "reported", "inferred"}

// sources holds a profile to its word: of each knob that applies it says where and when it was seen, for the knob itself
// or for a group of knobs around it, or that it is unknown.
func sources(p *probe.Profile) []error {
	var v problems
	paths := map[string]bool{}
	for _, k := range knobs(p) {
		for path := k.path; path != ""; path = around(path) {
			paths[path] = true
		}
		if k.empty && !applies(p, k.path) {
			continue
		}
		v.when(!told(p, k.path), k.path, "neither in facts nor in unknown: say where it was seen, or that it is not known")
	}
	newest := ""
	for _, path := range slices.Sorted(maps.Keys(p.Facts)) {
		f := p.Facts[path]
		at := fmt.Sprintf("facts[%q]", path)
		v.when(!paths[path], at, "is of no knob")
		v.when(slices.Contains(p.Unknown, path), at, "is in unknown too")
		v.when(!slices.Contains(grades, f.Grade), at, "grade %q is none of %s", f.Grade, strings.Join(grades, ", "))
		v.when(strings.TrimSpace(f.Source) == "", at, "the source is missing")
		v.when(!isDate(f.Seen), at, "seen %q is no date (yyyy-mm-dd)", f.Seen)
		newest = max(newest, f.Seen)
	}
	for i, path := range p.Unknown {
		v.when(!paths[path], fmt.Sprintf("unknown[%d]", i), "%q is of no knob", path)
		v.when(slices.Contains(p.Unknown[:i], path), fmt.Sprintf("unknown[%d]", i), "%q is there twice", path)
	}
	v.when(!isDate(p.Date) || p.Date != newest, "date", "%q must be the day of the newest fact, %q", p.Date, newest)
	return v
}

// told reports whether facts or unknown have a knob, or a group around it.
func told(p *probe.Profile, path string) bool {
	for ; path != ""; path = around(path) {
		if _, ok := p.Facts[path]; ok || slices.Contains(p.Unknown, path) {
			return true
		}
	}
	return false
}

// around returns the group that a knob or a group is in, "" for none.
func around(path string) string {
	at := strings.LastIndexByte(path, '.')
	return path[:max(at, 0)]
}

// applies reports whether a knob says something of a client with this grant and these ways to register.
func applies(p *probe.Profile, path string) bool {
	machine := p.Grant == "client_credentials"
	switch path {
	case "token.scope":
		return machine
	case "registration.metadata_document", "registration.document_needs_none":
		return slices.Contains(p.Register.Order, "cimd")
	case "registration.body", "registration.scope_in_body":
		return slices.Contains(p.Register.Order, "dcr")
	case "authorization.scopes":
		return true
	case "discovery.resource_sent", "headers.page_origin":
		return false
	case "discovery.requires_s256", "token.refresh_resource", "limits.refresh":
		return !machine
	}
	return !machine || around(path) != "authorization"
}

// A Knob is a member of a profile that says how the client behaves, and what is known of where its value is from.
type Knob struct {
	Path  string
	Value any
	// Known has no grade where it is Unknown: the value is then the one that a careful client would have.
	Known   probe.Known
	Unknown bool
}

// Knobs returns the knobs of a profile that say something of its client, in the order of its type.
func Knobs(p *probe.Profile) []Knob {
	var all []Knob
	for _, k := range knobs(p) {
		if k.empty && !applies(p, k.path) {
			continue
		}
		known, _ := p.Fact(k.path)
		unknown := !p.Knows(k.path)
		if unknown {
			known = probe.Known{}
		}
		all = append(all, Knob{k.path, k.value, known, unknown})
	}
	return all
}

// A knob is a member of a profile that says how the client behaves.
type knob struct {
	path  string
	value any
	empty bool
}

// knobs returns the knobs of a profile, in the order of its type.
func knobs(p *probe.Profile) []knob {
	return gather(reflect.ValueOf(*p), "")
}

func gather(v reflect.Value, group string) []knob {
	var all []knob
	for i := range v.NumField() {
		name := jsonName(v.Type().Field(i))
		path := strings.TrimPrefix(group+"."+name, ".")
		switch field := v.Field(i); {
		case group == "" && slices.Contains([]string{"id", "title", "date", "facts", "unknown"}, name):
		case field.Kind() == reflect.Struct:
			all = append(all, gather(field, path)...)
		default:
			all = append(all, knob{path, field.Interface(), empty(field)})
		}
	}
	return all
}

func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}
