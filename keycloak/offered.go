package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// offered puts a scope into the realm's list of those that a new client may ask for: who registers itself is given no other.
type offered struct {
	a     *Admin
	realm string
	name  string
}

func (o *offered) Name() string    { return "keycloak/realm-scope/" + o.name }
func (o *offered) Proof() []string { return proofs["realm-scope"] }

// The realm's lists of scopes for new clients.
const (
	givenScopes   = "default-default-client-scopes"
	offeredScopes = "default-optional-client-scopes"
)

// listed returns the names in a list of the realm; none where there is no realm.
func (a *Admin) listed(ctx context.Context, realm, list string) ([]string, error) {
	var all []scopeRep
	err := a.raw(ctx, "list the "+list+" of realm "+realm, http.MethodGet, nil, &all, "realms", realm, list)
	if noRealm(err) {
		return nil, nil
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names, err
}

func (o *offered) Plan(ctx context.Context) (plan.Change, error) {
	for _, list := range []string{givenScopes, offeredScopes} {
		have, err := o.a.listed(ctx, o.realm, list)
		if err != nil {
			return plan.Change{}, err
		}
		if slices.Contains(have, o.name) {
			return plan.Change{Action: plan.None}, nil
		}
	}
	return plan.Change{Action: plan.Create, Fields: []plan.Field{{Path: "defaultOptionalClientScopes", After: o.name}},
		Note: "whoever registers in this realm from now on may ask for it; a client that is there keeps the scopes it has"}, nil
}

func (o *offered) Apply(ctx context.Context, _ plan.Change) error {
	return o.put(ctx, "offer", http.MethodPut)
}

func (o *offered) put(ctx context.Context, verb, method string) error {
	all, _, err := o.a.scopes(ctx, o.realm)
	if err != nil {
		return err
	}
	s := named(all, o.name)
	if s == nil {
		if method == http.MethodDelete {
			return plan.ErrGone
		}
		return fmt.Errorf("%s scope %s: realm %s has no such client scope", verb, o.name, o.realm)
	}
	return o.a.raw(ctx, verb+" scope "+o.name, method, nil, nil, "realms", o.realm, offeredScopes, s.ID)
}

func (o *offered) Undo(ctx context.Context, _ plan.Change) error {
	have, err := o.a.listed(ctx, o.realm, offeredScopes)
	switch {
	case err != nil:
		return err
	case !slices.Contains(have, o.name):
		return plan.ErrGone
	}
	return o.put(ctx, "offer no more", http.MethodDelete)
}
