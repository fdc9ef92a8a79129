package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// hiddenScopes leaves scopes of Keycloak's own out of its metadata, in a realm of our own: a client that asks for all that is
// listed there is refused with invalid_scope for those that it was not given.
type hiddenScopes struct {
	a     *Admin
	realm string
}

const (
	inMetadata = "include.in.openid.provider.metadata"
	// listedScopes is the rung of a profile's ladder that asks for the whole of scopes_supported.
	listedScopes = "server-metadata"
)

// toHide are scopes of every new realm that our clients are not given.
var toHide = []string{"acr", "address", "microprofile-jwt", "organization", "phone", "roles", "service_account", "web-origins"}

// asksForAll: a client that we register may ask for whatever is listed.
func asksForAll(c plan.Connection, profiles Profiles) bool {
	return slices.ContainsFunc(c.Clients, func(one plan.Client) bool {
		if one.Profile == plan.Introspection || one.RegistersItself() {
			return false
		}
		p, err := profiles(one.Profile)
		return err == nil && slices.Contains(p.Authorize.Scopes, listedScopes)
	})
}

func (h *hiddenScopes) Name() string    { return "keycloak/hidden-scopes/" + h.realm }
func (h *hiddenScopes) Proof() []string { return proofs["hidden-scopes"] }

// shown returns those that are listed; all of them where there is no realm yet.
func (h *hiddenScopes) shown(ctx context.Context) (all []scopeRep, err error) {
	have, noSuchRealm, err := h.a.scopes(ctx, h.realm)
	if err != nil {
		return nil, err
	}
	for _, name := range toHide {
		switch s := named(have, name); {
		case noSuchRealm:
			all = append(all, scopeRep{Name: name})
		case s != nil && s.Attributes[inMetadata] != "false":
			all = append(all, *s)
		}
	}
	return all, nil
}

func (h *hiddenScopes) Plan(ctx context.Context) (plan.Change, error) {
	shown, err := h.shown(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	var f fields
	before := map[string]*string{}
	for _, s := range shown {
		f.want(s.Name+"."+inMetadata, s.Attributes[inMetadata], "false")
		before[s.Name] = absentAsNull(s.Attributes, map[string]string{inMetadata: ""})[inMetadata]
	}
	c, err := f.change(plan.Update, before)
	if c.Empty() {
		c.Before = nil
	} else {
		c.Note = "they stay what they are, but are listed in Keycloak's metadata no more: a client that asks for all that is listed is given none of them and would be refused"
	}
	return c, err
}

func (h *hiddenScopes) Apply(ctx context.Context, _ plan.Change) error {
	shown, err := h.shown(ctx)
	hide := "false"
	for _, s := range shown {
		if err = h.set(ctx, "hide", s.Name, &hide); err != nil {
			break
		}
	}
	return err
}

// set sets the attribute of a scope that is there; null takes it away.
func (h *hiddenScopes) set(ctx context.Context, verb, name string, to *string) error {
	s := &scope{a: h.a, realm: h.realm, want: plan.Scope{Name: name}}
	have, err := s.find(ctx)
	if err != nil || have == nil {
		return err
	}
	return s.put(ctx, verb, have.ID, map[string]any{"name": name, "attributes": map[string]*string{inMetadata: to}})
}

func (h *hiddenScopes) Undo(ctx context.Context, c plan.Change) error {
	var before map[string]*string
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("show the scopes of realm %s again: read what was before: %w", h.realm, err)
	}
	_, noSuchRealm, err := h.a.scopes(ctx, h.realm)
	if noSuchRealm {
		return plan.ErrGone
	}
	for name, was := range before {
		if err == nil {
			err = h.set(ctx, "show", name, was)
		}
	}
	return err
}
