package keycloak

import (
	"context"
	"fmt"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// rotation gives a client a new secret or key, once.
type rotation struct {
	*client
	done bool
}

// Rotation returns the change of the secret or key of a client of the connection, or of mcpwiz's own administrator.
func Rotation(a *Admin, c plan.Connection, s *plan.Secrets, profiles Profiles, id string) (plan.Resource, error) {
	all, err := Resources(a, c, s, profiles)
	if err != nil {
		return nil, err
	}
	own, err := Bootstrap(a, c, s, profiles)
	if err != nil {
		return nil, err
	}
	for _, r := range append(all, own...) {
		one, is := r.(*client)
		switch {
		case !is || one.want.ID != id:
		case !one.confidential():
			return nil, fmt.Errorf("client %s is public: it has no secret", id)
		default:
			return &rotation{client: one}, nil
		}
	}
	return nil, fmt.Errorf("the connection has no client %s that mcpwiz registers", id)
}

func (r *rotation) Plan(ctx context.Context) (plan.Change, error) {
	if r.done {
		return plan.Change{Action: plan.None}, nil
	}
	have, err := r.find(ctx)
	switch {
	case err != nil:
		return plan.Change{}, err
	case have == nil:
		return plan.Change{Action: plan.Refuse, Stop: "there is no such client", Propose: "mcpwiz setup makes it"}, nil
	case ownerOf(attributesOf(have)) == stranger:
		return plan.Change{Action: plan.Refuse, Stop: "mcpwiz did not make this client", Propose: "adopt: true for it in mcpwiz.yaml, then mcpwiz setup"}, nil
	}
	to, err := r.assignment(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	var f fields
	r.newCredential(&f)
	c, err := f.change(plan.Update, r.before(have, to))
	c.Note = "who uses the present one is refused from then on, and undo cannot put it back; tokens that are out stay good"
	return c, err
}

// Apply keeps the new one first: should it not get to Keycloak, setup brings it there.
func (r *rotation) Apply(ctx context.Context, _ plan.Change) error {
	have, err := r.find(ctx)
	if err != nil {
		return err
	}
	if have == nil {
		return fmt.Errorf("%s: %w", r.call("give a new secret to"), errGone)
	}
	name, made := plan.ClientSecret(r.want.ID), plan.NewSecret()
	if r.signsWithKey() {
		name = plan.ClientKey(r.want.ID)
		if made, err = newKey(); err != nil {
			return err
		}
	}
	if err := r.secrets.Keep(name, made); err != nil {
		return err
	}
	rep := gocloak.Client{ID: have.ID, ClientID: have.ClientID, WebOrigins: origins(have), Attributes: &map[string]string{}}
	if err := r.setCredential(&rep, have); err != nil {
		return err
	}
	if err := r.put(ctx, "give a new secret to", rep); err != nil {
		return err
	}
	r.done = true
	return nil
}
