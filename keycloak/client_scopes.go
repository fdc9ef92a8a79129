package keycloak

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// assignment are the scopes that a client is given. Default ones are in every token; optional ones may be asked for,
// and asking for one that is not assigned is invalid_scope.
type assignment struct {
	defaults, optional []string
	ids                map[string]string
	// elsewhere are the scopes that put another MCP server into the audience, with its url.
	elsewhere map[string]string
}

// Of Keycloak's own scopes a client of ours gets basic, which bears sub (since 25), by default. The user's data are
// for who asks for them, and offline_access is asked for by most clients since the metadata list it.
var (
	builtinDefaults = []string{"basic"}
	builtinOptional = []string{"offline_access", "profile", "email"}
)

// assignment works out the scopes. Keycloak's own are assigned where the realm has them; a realm that is not there yet
// will have them.
func (c *client) assignment(ctx context.Context) (assignment, error) {
	all, noSuchRealm, err := c.a.scopes(ctx, c.realm)
	if err != nil {
		return assignment{}, err
	}
	to := assignment{ids: map[string]string{}, elsewhere: map[string]string{}}
	for _, s := range all {
		to.ids[s.Name] = s.ID
		if server := s.serverBut(c.want.Server); server != "" {
			to.elsewhere[s.Name] = server
		}
	}
	there := func(name string) bool { return noSuchRealm || to.ids[name] != "" }
	to.defaults = append(to.having(builtinDefaults, there), c.scopes...)
	if c.kind != login && c.kind != machine {
		// Their tokens, if any, are for no server, so they need no audience either.
		to.defaults = to.having(builtinDefaults, there)
	}
	if c.kind == login {
		to.optional = to.having(builtinOptional, there)
	}
	if c.kind == login || c.kind == machine {
		to.optional = append(to.optional, c.stepUp...)
	}
	return to, nil
}

// serverBut returns the server that a scope puts into the audience, "" when it is none or the one given. A server is known
// by being a URL: other audiences are other programs' affair.
func (s scopeRep) serverBut(own string) string {
	for _, m := range s.Mappers {
		if aud := m.Config[customAudience]; m.Type == audienceMapper && aud != own && strings.Contains(aud, "://") {
			return aud
		}
	}
	return ""
}

// planElsewhere stops where the client has, or would get, two servers' scopes: the tokens of each would be valid at the
// other, as with two audiences on one scope.
func (c *client) planElsewhere(have *gocloak.Client, to assignment) (plan.Change, bool) {
	if c.kind != login && c.kind != machine || c.want.Adopt {
		return plan.Change{}, false
	}
	for _, name := range slices.Concat(listOf(have.DefaultClientScopes), listOf(have.OptionalClientScopes)) {
		if server := to.elsewhere[name]; server != "" {
			return plan.Change{Action: plan.Refuse,
				Stop: fmt.Sprintf("the client has scope %s, which puts %.200q into the audience: with %s beside it, its tokens would be valid at both servers",
					name, server, c.want.Server),
				Propose: fmt.Sprintf("another id for this client in mcpwiz.yaml, like %s; or take scope %s from it; or adopt: true, which leaves it",
					c.freeID(), name)}, true
		}
	}
	return plan.Change{}, false
}

// freeID proposes an id that says whose the client is.
func (c *client) freeID() string {
	u, err := url.Parse(c.want.Server)
	if err != nil || u.Hostname() == "" {
		return c.want.ID + "-2"
	}
	return c.want.ID + "-" + u.Hostname()
}

func (to assignment) having(names []string, there func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !there(n) })
}

// compare notes scopes that are missing; others that somebody has assigned stay. A scope that is default need not be
// optional.
func (to assignment) compare(f *fields, have *gocloak.Client) {
	f.include("defaultClientScopes", listOf(have.DefaultClientScopes), to.defaults)
	missing := slices.DeleteFunc(slices.Clone(to.optional), func(n string) bool { return slices.Contains(listOf(have.DefaultClientScopes), n) })
	optional := slices.DeleteFunc(slices.Clone(listOf(have.OptionalClientScopes)), func(n string) bool { return slices.Contains(to.defaults, n) })
	f.include("optionalClientScopes", optional, missing)
}

// assign adds what is missing.
func (c *client) assign(ctx context.Context, have *gocloak.Client, to assignment) error {
	defaults, optional := listOf(have.DefaultClientScopes), listOf(have.OptionalClientScopes)
	for _, name := range to.defaults {
		if slices.Contains(defaults, name) {
			continue
		}
		// In the other list, a PUT would be answered with 204 and do nothing.
		if slices.Contains(optional, name) {
			if err := c.scopeCall(ctx, "take optional scope", "from", name, to, have, c.a.api.RemoveOptionalScopeFromClient); err != nil {
				return err
			}
		}
		if err := c.scopeCall(ctx, "give default scope", "to", name, to, have, c.a.api.AddDefaultScopeToClient); err != nil {
			return err
		}
	}
	for _, name := range to.optional {
		if slices.Contains(defaults, name) || slices.Contains(optional, name) {
			continue
		}
		if err := c.scopeCall(ctx, "give optional scope", "to", name, to, have, c.a.api.AddOptionalScopeToClient); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) scopeCall(ctx context.Context, verb, preposition, name string, to assignment, have *gocloak.Client,
	f func(ctx context.Context, token, realm, client, scope string) error) error {
	call := fmt.Sprintf("%s %s %s client %s", verb, name, preposition, c.want.ID)
	id := to.ids[name]
	if id == "" {
		return fmt.Errorf("%s: realm %s has no such client scope", call, c.realm)
	}
	return c.a.do(ctx, call, func(ctx context.Context, token string) error {
		return f(ctx, token, segment(c.realm), *have.ID, id)
	})
}

// reassign puts the lists back; a scope that is gone meanwhile cannot be.
func (c *client) reassign(ctx context.Context, have *gocloak.Client, before clientBefore) error {
	all, _, err := c.a.scopes(ctx, c.realm)
	if err != nil {
		return err
	}
	to := assignment{ids: map[string]string{}}
	for _, s := range all {
		to.ids[s.Name] = s.ID
	}
	there := func(name string) bool { return to.ids[name] != "" }
	to.defaults, to.optional = to.having(before.Default, there), to.having(before.Optional, there)
	for _, name := range listOf(have.DefaultClientScopes) {
		if !slices.Contains(before.Default, name) && there(name) {
			if err := c.scopeCall(ctx, "take default scope", "from", name, to, have, c.a.api.RemoveDefaultScopeFromClient); err != nil {
				return err
			}
		}
	}
	for _, name := range listOf(have.OptionalClientScopes) {
		if !slices.Contains(before.Optional, name) && there(name) {
			if err := c.scopeCall(ctx, "take optional scope", "from", name, to, have, c.a.api.RemoveOptionalScopeFromClient); err != nil {
				return err
			}
		}
	}
	left, err := c.find(ctx)
	if err != nil || left == nil {
		return err
	}
	return c.assign(ctx, left, to)
}
