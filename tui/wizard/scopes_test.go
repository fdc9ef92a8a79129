package wizard

import (
	"reflect"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A scope is named anew in what is planned and saved, also where nobody has written scopes down, and the start stays as it was.
func TestAScopeIsNamedAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scopes   []plan.Scope
		required []string
		want     []plan.Scope
	}{
		"none written": {nil, nil, []plan.Scope{{Name: "mcp:tools:host"}}},
		"unnamed":      {[]plan.Scope{{Adopt: true}}, nil, []plan.Scope{{Name: "mcp:tools:host", Adopt: true}}},
		"another too": {[]plan.Scope{{Name: "other"}, {Name: "mcp:tools"}}, []string{"other", "mcp:tools"},
			[]plan.Scope{{Name: "other"}, {Name: "mcp:tools:host"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := filled()
			start.Connection.Scopes, start.Connection.Servers[0].Scopes = c.scopes, c.required
			w := walk(newWorld(), start)
			w.rename("keycloak/scope/mcp:tools", "mcp:tools:host")
			got := w.Answers().Connection
			if !reflect.DeepEqual(got.Scopes, c.want) {
				t.Errorf("scopes %+v, want %+v", got.Scopes, c.want)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
			required := got.Defaults().Servers[0].Scopes
			if required[len(required)-1] != "mcp:tools:host" {
				t.Errorf("the server requires %v", required)
			}
			if len(c.required) > 0 && start.Connection.Servers[0].Scopes[1] != "mcp:tools" {
				t.Error("the start was changed")
			}
		})
	}
}
