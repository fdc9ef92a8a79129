package plan

import (
	"fmt"
	"strings"
)

// A Permission is what an account may do of a plan.
type Permission struct {
	// Who it is; Steps are the changes of the plan.
	Who   string
	Steps int
	// Lacks are the steps that it may not do, in their order.
	Lacks []Lack
}

// A Lack is a step and the role or permission that is missing for it.
type Lack struct{ Resource, Needs string }

// String says it in a sentence: "client provisioner may do 6 of 8 steps: it lacks manage-realm for ...".
func (p Permission) String() string {
	switch {
	case len(p.Lacks) == 0 && p.Steps == 1:
		return p.Who + " may do its one step"
	case len(p.Lacks) == 0:
		return fmt.Sprintf("%s may do all %d steps", p.Who, p.Steps)
	}
	var roles []string
	of := map[string][]string{}
	for _, l := range p.Lacks {
		if of[l.Needs] == nil {
			roles = append(roles, l.Needs)
		}
		of[l.Needs] = append(of[l.Needs], l.Resource)
	}
	var all []string
	for _, role := range roles {
		all = append(all, role+" for "+strings.Join(of[role], ", "))
	}
	return fmt.Sprintf("%s may do %d of %d steps: it lacks %s", p.Who, p.Steps-len(p.Lacks), p.Steps, strings.Join(all, "; and "))
}
