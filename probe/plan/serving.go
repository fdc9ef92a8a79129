package plan

import (
	"maps"
	"slices"
)

// Serving is what holds for all servers that one process serves.
type Serving struct {
	// Introspection has tokens that are no readable JWT judged by the authorization server (RFC 7662), asked by the server's client
	// of profile introspection.
	Introspection bool `yaml:"introspection,omitempty"`
}

// StepUpScopes returns the scopes that only some operations of the server take, sorted.
func (c Connection) StepUpScopes(server string) []string {
	s, ok := c.Server(server)
	if !ok {
		return nil
	}
	base := s.Scopes
	var all []string
	for _, of := range []map[string][]string{s.ToolScopes, s.MethodScopes} {
		for _, scopes := range of {
			for _, one := range scopes {
				if !slices.Contains(base, one) && !slices.Contains(all, one) {
					all = append(all, one)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// operationScopes holds what single operations take to the form of scopes.
func (v *validation) operationScopes(key string, of map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if len(of[name]) == 0 {
			v.say("%s.%s: no scope: name at least one, or take it out", key, name)
		}
		for _, scope := range of[name] {
			v.scopeName(key+"."+name, scope)
		}
	}
}
