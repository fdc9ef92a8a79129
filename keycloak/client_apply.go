package keycloak

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func (c *client) Apply(ctx context.Context, change plan.Change) error {
	have, err := c.find(ctx)
	if err != nil {
		return err
	}
	to, err := c.assignment(ctx)
	if err != nil {
		return err
	}
	switch {
	case change.Action == plan.Create && have == nil:
		return c.create(ctx, to)
	case have == nil:
		return fmt.Errorf("%s: %w", c.call("change"), errGone)
	}
	return c.update(ctx, have, to)
}

func (c *client) create(ctx context.Context, to assignment) error {
	rep := gocloak.Client{
		ClientID: &c.want.ID, Name: gocloak.StringP(c.displayName()), Protocol: gocloak.StringP(openIDConnect),
		FrontChannelLogout: gocloak.BoolP(false), WebOrigins: &[]string{},
		// Given one list Keycloak takes both literally, so both are given.
		DefaultClientScopes: &to.defaults, OptionalClientScopes: &to.optional,
	}
	if err := c.fill(&rep, &gocloak.Client{}, tagOurs); err != nil {
		return err
	}
	if c.kind == login {
		(*rep.Attributes)["post.logout.redirect.uris"] = "-"
	}
	return c.a.do(ctx, c.call("create"), func(ctx context.Context, token string) error {
		_, err := c.a.api.CreateClient(ctx, token, segment(c.realm), rep)
		return err
	})
}

func (c *client) update(ctx context.Context, have *gocloak.Client, to assignment) error {
	rep := gocloak.Client{ID: have.ID, ClientID: have.ClientID, WebOrigins: origins(have)}
	if err := c.fill(&rep, have, ownedTag(ownerOf(attributesOf(have)))); err != nil {
		return err
	}
	if err := c.put(ctx, "change", rep); err != nil {
		return err
	}
	if wasPublic := have.PublicClient != nil && *have.PublicClient; wasPublic && c.hasSecret() {
		// A client that becomes confidential gets a secret of Keycloak's making: ours is sent again.
		if err := c.put(ctx, "give its secret to", gocloak.Client{ID: have.ID, ClientID: have.ClientID, WebOrigins: origins(have), Secret: rep.Secret}); err != nil {
			return err
		}
	}
	return c.assign(ctx, have, to)
}

// fill sets everything that we own. A secret or key that is made is kept before the world is touched.
func (c *client) fill(rep, have *gocloak.Client, tagged string) error {
	for _, s := range c.settings() {
		s.set(rep)
	}
	attributes := c.attributes()
	attributes[tag] = tagged
	rep.Attributes = &attributes
	return c.setCredential(rep, have)
}

func (c *client) put(ctx context.Context, verb string, rep gocloak.Client) error {
	return c.a.do(ctx, c.call(verb), func(ctx context.Context, token string) error {
		return c.a.api.UpdateClient(ctx, token, segment(c.realm), rep)
	})
}

func (c *client) Undo(ctx context.Context, change plan.Change) error {
	have, err := c.find(ctx)
	switch {
	case err != nil:
		return err
	case have == nil:
		return plan.ErrGone
	case change.Action == plan.Create:
		if ownerOf(attributesOf(have)) != ours {
			return fmt.Errorf("%s: %w", c.call("delete"), plan.ErrNotOurs)
		}
		return c.a.do(ctx, c.call("delete"), func(ctx context.Context, token string) error {
			return c.a.api.DeleteClient(ctx, token, segment(c.realm), *have.ID)
		})
	}
	var before clientBefore
	if err := json.Unmarshal(change.Before, &before); err != nil {
		return fmt.Errorf("%s: read what was before: %w", c.call("put back"), err)
	}
	before.Client.ID = have.ID
	if err := c.put(ctx, "put back", before.Client); err != nil {
		return err
	}
	return c.reassign(ctx, have, before)
}
