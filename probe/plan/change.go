package plan

import (
	"context"
	"encoding/json"
	"reflect"
)

// A Resource is one thing in the world that we own.
type Resource interface {
	// Name is stable: "keycloak/client/claude". Findings name what would mend them by it.
	Name() string
	// Proof has the ids of the checks that pass once the resource is in place.
	Proof() []string
	// Plan looks and touches nothing. What depends on something that is yet to come is planned as if it were there.
	Plan(context.Context) (Change, error)
	// Apply makes the change; doing it again is doing it once.
	Apply(context.Context, Change) error
	// Undo puts back what was before the change.
	Undo(context.Context, Change) error
}

// An Action is what happens to a resource.
type Action string

const (
	None   Action = "none"
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	// Refuse stops the whole plan: what is there is not ours to change.
	Refuse Action = "refuse"
)

// A Change is what would happen to one resource. It holds no secret and can be written down.
type Change struct {
	Resource string  `json:"resource"`
	Action   Action  `json:"action"`
	Fields   []Field `json:"fields,omitempty"`
	// Before is what Undo puts back, without secrets; absent when there was nothing.
	Before json.RawMessage `json:"before,omitempty"`
	// Note says what the fields do not: an effect on others, what cannot be undone.
	Note string `json:"note,omitempty"`
	// Stop is why the plan is refused, Propose what to do instead.
	Stop    string `json:"stop,omitempty"`
	Propose string `json:"propose,omitempty"`
	// FreeName is a name to take instead, where that of a scope is taken.
	FreeName string `json:"free_name,omitempty"`
}

// A Field is one setting that changes. Of a secret one neither value is ever set.
type Field struct {
	Path   string `json:"path"`
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
	Secret bool   `json:"secret,omitempty"`
}

// Empty reports whether there is nothing to do.
func (c Change) Empty() bool { return c.Action == None || c.Action == "" }

// same reports whether two looks at the world would do the same.
func (c Change) same(d Change) bool {
	return c.Action == d.Action && reflect.DeepEqual(plain(c.Fields), plain(d.Fields))
}

// plain makes []string and []any, int and float64 comparable: a plan may have been read from JSON.
func plain(fields []Field) any {
	data, err := json.Marshal(fields)
	if err != nil {
		return fields
	}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return fields
	}
	return v
}
