package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// createRealm is a role of the realm master; the others are of client realm-management of the realm itself.
const createRealm = "create-realm of the realm master"

// writes are the roles that changes take, by the kind of resource (measured on 26.7.3 and 26.4.7).
var writes = map[string]string{
	"realm": "manage-realm", "scope": "manage-clients", "realm-scope": "manage-clients", "hidden-scopes": "manage-clients", "client": "manage-clients",
	"registration-policy": "manage-realm", "client-profile": "manage-realm", "client-policy": "manage-realm",
	"user": "manage-users", "admin-roles": "manage-users",
}

// roleFor returns the role that a change takes, "" for none.
func roleFor(c plan.Change) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(c.Resource, "keycloak/"), "/")
	switch {
	case c.Empty() || c.Action == plan.Refuse:
		return ""
	case kind == "realm" && c.Action == plan.Create:
		return createRealm
	}
	return writes[kind]
}

// May asks which steps of a plan the account may do, and changes nothing. Who may make the realm may do everything in it.
func (a *Admin) May(ctx context.Context, realm string, p plan.Plan) (plan.Permission, error) {
	may := plan.Permission{Who: a.who()}
	fresh := slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return roleFor(c) == createRealm })
	lacking := map[string]bool{}
	for _, c := range p.Changes {
		role := roleFor(c)
		if role == "" {
			continue
		}
		may.Steps++
		if fresh {
			role = createRealm
		}
		lacks, asked := lacking[role]
		if !asked {
			var err error
			if lacks, err = a.lacks(ctx, realm, role); err != nil {
				return may, err
			}
			lacking[role] = lacks
		}
		if lacks {
			may.Lacks = append(may.Lacks, plan.Lack{Resource: c.Resource, Needs: role})
		}
	}
	return may, nil
}

// A question is a write that must be refused for what it says, and is refused earlier where the right is missing: a scope
// without a protocol, a user without a name, a component that is not there, a realm that is there already.
type question struct {
	method string
	path   []string
	body   map[string]any
}

func (a *Admin) question(realm, role string) question {
	switch role {
	case createRealm:
		return question{http.MethodPost, []string{"realms"}, map[string]any{"realm": a.o.Realm}}
	case "manage-users":
		return question{http.MethodPost, []string{"realms", realm, "users"}, map[string]any{}}
	case "manage-realm":
		return question{http.MethodPut, []string{"realms", realm, "components", "00000000-0000-0000-0000-000000000000"},
			map[string]any{"name": "mcpwiz-may-i", "providerId": trustedHosts, "providerType": registrationPolicy}}
	}
	return question{http.MethodPost, []string{"realms", realm, scopesPath}, map[string]any{"name": "mcpwiz-may-i"}}
}

// lacks reports whether the account lacks a role.
func (a *Admin) lacks(ctx context.Context, realm, role string) (bool, error) {
	call := "ask for the role " + role
	q := a.question(realm, role)
	switch err := a.raw(ctx, call, q.method, q.body, nil, q.path...); {
	case err == nil:
		return false, fmt.Errorf("%s: what had to be refused was not", call)
	case isStatus(err, http.StatusForbidden):
		return true, nil
	case noRealm(err):
		return false, err
	case isStatus(err, http.StatusBadRequest), isStatus(err, http.StatusConflict), isStatus(err, http.StatusNotFound):
		return false, nil
	default:
		return false, err
	}
}
