package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// user is a test user. It is made only in a realm of our own; a user has no tag that Keycloak would keep, so the
// realm's is the one that counts, and a user whose password we do not have was made by somebody else.
type user struct {
	a       *Admin
	secrets *plan.Secrets
	realm   string
	want    plan.User
}

func (u *user) Name() string    { return "keycloak/user/" + u.want.Name }
func (u *user) Proof() []string { return proofs["user"] }

func (u *user) Plan(ctx context.Context) (plan.Change, error) {
	r, err := u.a.realm(ctx, u.realm)
	if err != nil {
		return plan.Change{}, err
	}
	if r.there && r.owner() != ours {
		return plan.Change{Action: plan.Refuse, Stop: "test users are made only in a realm that mcpwiz made",
			Propose: "take users out of mcpwiz.yaml, or take a realm of your own"}, nil
	}
	if r.there {
		known, err := u.a.federation(ctx, u.realm, "")
		if err != nil {
			return plan.Change{}, err
		}
		if len(known.stores) > 0 {
			return plan.Change{Action: plan.Refuse, Stop: "users of this realm come from " + strings.Join(known.stores, ", ") + ": a user that mcpwiz makes could end up there",
				Propose: "take users out of mcpwiz.yaml, and test with one that is there: mcpwiz doctor --login NAME"}, nil
		}
	}
	have, err := u.find(ctx)
	switch {
	case err != nil:
		return plan.Change{}, err
	case have == nil:
		f := u.compare(&gocloak.User{})
		f.secret("password")
		return f.change(plan.Create, nil)
	}
	if _, kept := u.secrets.Get(plan.UserPassword(u.want.Name)); !kept {
		return plan.Change{Action: plan.Refuse, Stop: "a user of that name is there, and its password is not in " + plan.SecretsFile,
			Propose: fmt.Sprintf("delete that user, take another name, or put its password there as %q", plan.UserPassword(u.want.Name))}, nil
	}
	return u.compare(have).change(plan.Update, u.before(have))
}

// compare covers what Keycloak asks of an account that is fully set up.
func (u *user) compare(have *gocloak.User) fields {
	var f fields
	f.want("enabled", have.Enabled, true)
	f.want("email", have.Email, u.want.Email)
	f.want("emailVerified", have.EmailVerified, true)
	f.want("firstName", have.FirstName, u.want.FirstName)
	f.want("lastName", have.LastName, u.want.LastName)
	return f
}

func (u *user) before(have *gocloak.User) gocloak.User {
	return gocloak.User{Username: have.Username, Enabled: have.Enabled, Email: have.Email, EmailVerified: have.EmailVerified,
		FirstName: have.FirstName, LastName: have.LastName}
}

func (u *user) find(ctx context.Context) (*gocloak.User, error) {
	var found []*gocloak.User
	exact := true
	err := u.a.do(ctx, "look for user "+u.want.Name, func(ctx context.Context, token string) (err error) {
		found, err = u.a.api.GetUsers(ctx, token, segment(u.realm), gocloak.GetUsersParams{Username: &u.want.Name, Exact: &exact})
		return err
	})
	switch {
	case noRealm(err):
		return nil, nil
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	}
	return found[0], nil
}

func (u *user) Apply(ctx context.Context, c plan.Change) error {
	rep := gocloak.User{Username: &u.want.Name, Enabled: gocloak.BoolP(true), Email: &u.want.Email, EmailVerified: gocloak.BoolP(true),
		FirstName: &u.want.FirstName, LastName: &u.want.LastName}
	if c.Action == plan.Update {
		return u.update(ctx, "change", rep)
	}
	password, err := u.secrets.Make(plan.UserPassword(u.want.Name), func() (plan.Secret, error) { return plan.NewSecret(), nil })
	if err != nil {
		return err
	}
	rep.Credentials = &[]gocloak.CredentialRepresentation{{
		Type: gocloak.StringP("password"), Value: gocloak.StringP(password.Reveal()), Temporary: gocloak.BoolP(false)}}
	return u.a.do(ctx, "create user "+u.want.Name, func(ctx context.Context, token string) error {
		_, err := u.a.api.CreateUser(ctx, token, segment(u.realm), rep)
		return err
	})
}

func (u *user) update(ctx context.Context, verb string, rep gocloak.User) error {
	have, err := u.find(ctx)
	if err != nil {
		return err
	}
	if have == nil {
		return fmt.Errorf("%s user %s: %w", verb, u.want.Name, errGone)
	}
	rep.ID = have.ID
	return u.a.do(ctx, verb+" user "+u.want.Name, func(ctx context.Context, token string) error {
		return u.a.api.UpdateUser(ctx, token, segment(u.realm), rep)
	})
}

func (u *user) Undo(ctx context.Context, c plan.Change) error {
	have, err := u.find(ctx)
	switch {
	case err != nil:
		return err
	case have == nil:
		return plan.ErrGone
	case c.Action == plan.Update:
		var before gocloak.User
		if err := json.Unmarshal(c.Before, &before); err != nil {
			return fmt.Errorf("put back user %s: read what was before: %w", u.want.Name, err)
		}
		return u.update(ctx, "put back", before)
	}
	return u.a.do(ctx, "delete user "+u.want.Name, func(ctx context.Context, token string) error {
		return u.a.api.DeleteUser(ctx, token, segment(u.realm), *have.ID)
	})
}
