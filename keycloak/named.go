package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// kinds make a resource from its name alone, as far as Undo needs it: what was changed stands in the journal, and may stand
// in the connection no more. Keys are the kinds in "keycloak/kind/name".
var kinds = map[string]func(a *Admin, s *plan.Secrets, realm, name string) plan.Resource{
	"realm": func(a *Admin, _ *plan.Secrets, _, name string) plan.Resource {
		return &realm{a: a, name: name, own: true}
	},
	"scope": func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource {
		return &scope{a, in, plan.Scope{Name: name}}
	},
	"client": func(a *Admin, s *plan.Secrets, in, name string) plan.Resource {
		return &client{a: a, secrets: s, realm: in, want: plan.Client{ID: name}}
	},
	"admin-roles": func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource {
		return &adminRoles{a: a, realm: in, client: name}
	},
	"hidden-scopes": func(a *Admin, _ *plan.Secrets, in, _ string) plan.Resource { return &hiddenScopes{a, in} },
	"realm-scope":   func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource { return &offered{a, in, name} },
	"registration-policy": func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource {
		return &policyComponent{a: a, realm: in, provider: name}
	},
	enforcements.kind: func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource {
		return &clientPolicy{a: a, realm: in, list: enforcements, want: policyRep{Name: name}}
	},
	policies.kind: func(a *Admin, _ *plan.Secrets, in, name string) plan.Resource {
		return &clientPolicy{a: a, realm: in, list: policies, want: policyRep{Name: name}}
	},
	"user": func(a *Admin, s *plan.Secrets, in, name string) plan.Resource {
		return &user{a, s, in, plan.User{Name: name}}
	},
}

// Named returns the resource of that name in a realm, to be undone.
func Named(a *Admin, s *plan.Secrets, realm, name string) (plan.Resource, error) {
	kind, called, ok := strings.Cut(strings.TrimPrefix(name, "keycloak/"), "/")
	if f := kinds[kind]; ok && f != nil && strings.HasPrefix(name, "keycloak/") {
		return f(a, s, realm, called), nil
	}
	return nil, fmt.Errorf("this mcpwiz knows no resource %s", name)
}

// Tagged is what in a realm bears our tag, as far as this account may see it.
type Tagged struct {
	// Ours are what mcpwiz has made, by name, each after what it depends on. Adopted are what it only changed: what that
	// was before stands in the journal alone.
	Ours, Adopted []string
}

// Tagged looks for what bears our tag.
func (a *Admin) Tagged(ctx context.Context, realm string) (Tagged, error) {
	var t Tagged
	have, err := a.realm(ctx, realm)
	if err != nil || !have.there {
		return t, err
	}
	t.add("keycloak/realm/"+realm, have.owner())
	scopes, _, err := a.scopes(ctx, realm)
	if err != nil {
		return t, err
	}
	for _, s := range scopes {
		t.add("keycloak/scope/"+s.Name, ownerOf(s.Attributes))
	}
	clients, err := a.clients(ctx, realm)
	if err != nil {
		return t, err
	}
	for _, c := range clients {
		t.add("keycloak/client/"+c.ID, ownerOf(c.Attributes))
	}
	for _, list := range []policyList{enforcements, policies} {
		entries, err := a.policyEntries(ctx, realm, list)
		if err = unlessForbidden(err); err != nil {
			return t, err
		}
		for _, raw := range entries {
			var one policyRep
			if json.Unmarshal(raw, &one) == nil && strings.HasPrefix(one.Description, madeByUs) {
				t.add("keycloak/"+list.kind+"/"+one.Name, ours)
			}
		}
	}
	return t, nil
}

func (t *Tagged) add(name string, whose owner) {
	switch whose {
	case ours:
		t.Ours = append(t.Ours, name)
	case adopted:
		t.Adopted = append(t.Adopted, name)
	}
}

// clientRep is a client as far as its owner shows.
type clientRep struct {
	ID         string            `json:"clientId"`
	Attributes map[string]string `json:"attributes"`
}

func (a *Admin) clients(ctx context.Context, realm string) (all []clientRep, err error) {
	err = a.raw(ctx, "list the clients of realm "+realm, http.MethodGet, nil, &all, "realms", realm, "clients")
	slices.SortFunc(all, func(a, b clientRep) int { return strings.Compare(a.ID, b.ID) })
	return all, err
}

// builtinClients are in every realm.
var builtinClients = []string{"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}

// Holds names what others have put into the realm: clients without our tag, and users.
func (r *realm) Holds(ctx context.Context, made func(name string) bool) ([]string, error) {
	have, err := r.a.realm(ctx, r.name)
	if err != nil || !have.there {
		return nil, err
	}
	clients, err := r.a.clients(ctx, r.name)
	if err != nil {
		return nil, unlessGone(err)
	}
	var held []string
	for _, c := range clients {
		if ownerOf(c.Attributes) != ours && !made("keycloak/client/"+c.ID) && !slices.Contains(builtinClients, c.ID) {
			held = append(held, fmt.Sprintf("client %.80s", c.ID))
		}
	}
	var users []struct {
		Name string `json:"username"`
	}
	if err := r.a.raw(ctx, "list the users of realm "+r.name, http.MethodGet, nil, &users, "realms", r.name, "users"); err != nil {
		return nil, unlessGone(err)
	}
	for _, u := range users {
		if !made("keycloak/user/" + u.Name) {
			held = append(held, fmt.Sprintf("user %.80s", u.Name))
		}
	}
	if more := len(held) - 6; more > 1 {
		held = append(held[:6], fmt.Sprintf("and %d more", more))
	}
	return held, nil
}

var _ plan.Holder = (*realm)(nil)

// unlessGone forgives that there is no realm: Keycloak may still be at the deletion that an undo before asked for as it was killed.
func unlessGone(err error) error {
	if noRealm(err) {
		return nil
	}
	return err
}
