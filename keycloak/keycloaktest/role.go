package keycloaktest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A role of a realm, or of the client that stands for its Admin API; there are no others than Keycloak's own.
type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Composite   bool   `json:"composite"`
	ClientRole  bool   `json:"clientRole"`
	ContainerID string `json:"containerId"`
}

func newRole(name, container string, ofClient bool) role {
	return role{ID: newID(), Name: name, Description: "${role_" + name + "}", ClientRole: ofClient, ContainerID: container}
}

// adminRoles are what an account may be given in one realm.
var adminRoles = []string{"realm-admin", "create-client", "impersonation", "view-realm", "manage-realm", "view-clients", "manage-clients", "view-users",
	"manage-users", "view-events", "manage-events", "view-identity-providers", "manage-identity-providers", "view-authorization",
	"manage-authorization", "query-clients", "query-users", "query-groups", "query-realms"}

// composed roles hold others.
var composed = map[string][]string{"realm-admin": adminRoles, "view-clients": {"query-clients"}, "view-users": {"query-users", "query-groups"}}

func expanded(names []string) []string {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
		for _, held := range composed[name] {
			all[held] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func readRealmRoles(c *call) answer { return found(c.realm.roles) }

func readRealmRole(c *call) answer { return c.oneRole(c.realm.roles) }

func readClientRoles(c *call) answer {
	return c.withClient(func(one *client) answer { return found(append([]role{}, one.roles...)) })
}

func readClientRole(c *call) answer {
	return c.withClient(func(one *client) answer { return c.oneRole(one.roles) })
}

// oneRole is shown with its attributes, of which there are none.
func (c *call) oneRole(all []role) answer {
	for _, r := range all {
		if r.Name == c.at["role"] {
			return found(struct {
				role
				Attributes map[string][]string `json:"attributes"`
			}{r, map[string][]string{}})
		}
	}
	return failed(http.StatusNotFound, "Could not find role")
}

// mappable are the roles that the path of a mapping is about, and where they belong.
func (c *call) mappable() (all []role, container string, ok bool) {
	if c.at["client"] == "" {
		return c.realm.roles, c.realm.id, true
	}
	one := c.realm.clientByID(c.at["client"])
	if one == nil {
		return nil, "", false
	}
	return one.roles, one.rep.ID, true
}

// mapRoles gives or takes roles, or shows those that an account has.
func mapRoles(c *call) answer {
	return c.withUser(func(u *user) answer {
		all, container, ok := c.mappable()
		if !ok {
			return failed(http.StatusNotFound, "Client not found")
		}
		has := func(r role) bool { return slices.Contains(u.roles[container], r.Name) }
		if c.r.Method == http.MethodGet {
			return found(slices.DeleteFunc(slices.Clone(all), func(r role) bool { return !has(r) }))
		}
		var sent []struct{ ID, Name string }
		if a, ok := c.decode(&sent, looseName); !ok {
			return a
		}
		for _, one := range sent {
			if !slices.ContainsFunc(all, func(r role) bool { return r.ID == one.ID && r.Name == one.Name }) {
				return failed(http.StatusNotFound, "Role not found")
			}
		}
		if u.roles == nil {
			u.roles = map[string][]string{}
		}
		for _, one := range sent {
			u.roles[container] = slices.DeleteFunc(u.roles[container], func(name string) bool { return name == one.Name })
			if c.r.Method == http.MethodPost {
				u.roles[container] = append(u.roles[container], one.Name)
			}
		}
		return status(http.StatusNoContent)
	})
}

// management returns the client of one realm that stands for the Admin API of another: realm-management of its own, and
// of each realm one in master.
func (r *realm) management(of *realm) *client {
	switch {
	case r == of && r.name != "master":
		return r.client("realm-management")
	case r.name == "master":
		return r.client(of.name + "-realm")
	}
	return nil
}

// rights are what an account may do in one realm.
type rights struct {
	all   bool
	roles []string
}

func (r rights) any() bool { return r.all || len(r.roles) > 0 }

// has a right, or one that goes further: who may manage may view.
func (r rights) has(name string) bool {
	kind, rest, _ := strings.Cut(name, "-")
	return r.all || slices.Contains(r.roles, name) || kind == "view" && slices.Contains(r.roles, "manage-"+rest)
}

// rights of the caller in a realm. A client without full scope brings none along, whatever its account may do.
func (c *call) rights(in *realm) rights {
	switch by := c.by.management(in); {
	case c.bearerOf != nil && !c.bearerOf.rep.FullScope:
		return rights{}
	case c.admin.admin || c.by.name == "master" && slices.Contains(c.admin.roles[c.by.id], "admin"):
		return rights{all: true}
	case by == nil:
		return rights{}
	default:
		return rights{roles: expanded(c.admin.roles[by.rep.ID])}
	}
}

// mayCreateRealms: an administrator of master, or an account there that was given just that.
func (c *call) mayCreateRealms() bool {
	return c.by.name == "master" && (c.rights(c.by).all || slices.Contains(c.admin.roles[c.by.id], "create-realm"))
}

// may the caller ask this of the realm?
func (c *call) may(parts []string) bool {
	have := c.rights(c.realm)
	part := ""
	if len(parts) > 0 {
		part = parts[0]
	}
	verb := "manage-"
	if c.r.Method == http.MethodGet {
		verb = "view-"
	}
	switch part {
	case "":
		return have.any() && verb == "view-" || have.has("manage-realm")
	case "clients", "client-scopes":
		return have.has(verb+"clients") || verb == "view-" && len(parts) == 1 && have.has("query-clients")
	case "default-default-client-scopes", "default-optional-client-scopes":
		return have.has(verb + "clients")
	case "identity-provider":
		return have.has(verb + "identity-providers")
	case "events":
		return have.has(verb + "events")
	case "users", "sessions":
		return have.has(verb + "users")
	case "roles":
		return have.has(verb+"realm") || c.old && verb == "view-" && have.has("query-clients")
	}
	return have.has(verb + "realm")
}
