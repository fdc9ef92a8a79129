package keycloak

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// tag is the attribute that says whose a thing is. Keycloak cannot search by it. What is tagged ours may be deleted by
// us; what is tagged adopted was there before, may be changed, and is never deleted.
const (
	tag        = "mcpwiz.managed"
	tagOurs    = "true"
	tagAdopted = "adopted"
)

// An owner says whose a thing is, from its attributes.
type owner string

const (
	stranger owner = ""
	ours     owner = tagOurs
	adopted  owner = tagAdopted
)

func ownerOf(attributes map[string]string) owner { return owner(attributes[tag]) }

// ownedTag is the tag that a thing of this owner bears after the plan.
func ownedTag(o owner) string {
	if o == stranger {
		return tagAdopted
	}
	return string(o)
}

// fields collects what differs in settings that we own.
type fields []plan.Field

// want notes a setting that differs. Lists are sets: Keycloak returns them in any order.
func (f *fields) want(path string, before, after any) {
	b, a := normal(before), normal(after)
	if !reflect.DeepEqual(b, a) {
		*f = append(*f, plan.Field{Path: path, Before: b, After: a})
	}
}

// include notes a list that lacks some of what we need; what else is in it is left alone.
func (f *fields) include(path string, have, need []string) {
	all := slices.Clone(have)
	for _, n := range need {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	f.want(path, have, all)
}

func (f *fields) secret(path string) {
	*f = append(*f, plan.Field{Path: path, Secret: true})
}

// normal makes a value what it would be if read from JSON, with lists sorted, and an empty list or text absent.
func normal(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var read any
	if json.Unmarshal(data, &read) != nil {
		return v
	}
	switch x := read.(type) {
	case string:
		if x == "" {
			return nil
		}
	case []any:
		if len(x) == 0 {
			return nil
		}
		slices.SortFunc(x, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return read
}

// change makes a plan of what differs; nothing is not a change.
func (f fields) change(a plan.Action, before any) (plan.Change, error) {
	if len(f) == 0 && a != plan.Create {
		return plan.Change{Action: plan.None}, nil
	}
	c := plan.Change{Action: a, Fields: f}
	if before == nil {
		return c, nil
	}
	data, err := json.Marshal(before)
	c.Before = data
	return c, err
}

// attributes notes the attributes that differ, in the order of their names.
func (f *fields) attributes(have, want map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		f.want("attributes."+name, have[name], want[name])
	}
}

// formerly returns what the attributes in want were before; an absent one is "", which deletes it again.
func formerly(have, want map[string]string) map[string]string {
	before := map[string]string{}
	for name := range want {
		before[name] = have[name]
	}
	return before
}
