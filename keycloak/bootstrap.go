package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// AdminClient is the client that provisions a realm from within, so that nobody has to keep the credential of master.
const AdminClient = "mcpwiz-admin"

// Bootstrap returns what takes the place of an administrator of master: the realm, where it is to be made, and in it a client
// whose service account has the roles that the connection needs and no others.
func Bootstrap(a *Admin, c plan.Connection, s *plan.Secrets, profiles Profiles) ([]plan.Resource, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.Defaults()
	if c.Keycloak.Realm == plan.DefaultAdminRealm {
		return nil, errors.New("the realm master has no lesser administrator: take another realm for the issuer")
	}
	itself, err := newSelfRegistered(c, profiles)
	if err != nil {
		return nil, err
	}
	yes, no := true, false
	return []plan.Resource{
		newRealm(a, c),
		&client{a: a, secrets: s, realm: c.Keycloak.Realm, kind: administrator, want: plan.Client{Profile: "mcpwiz",
			ID: AdminClient, Confidential: &yes, Consent: &no, AccessTokenLifespan: plan.DefaultLifespan, Auth: plan.AuthSecret}},
		&adminRoles{a, c.Keycloak.Realm, AdminClient, rolesNeeded(c, itself != nil)},
	}, nil
}

// rolesNeeded are the roles of client realm-management without which a step of the connection fails, and two that only look:
// at events, which say why a login failed, and at who else signs users in.
func rolesNeeded(c plan.Connection, selfRegistered bool) []string {
	roles := []string{"manage-clients", "view-events", "view-realm", "view-identity-providers"}
	if c.Keycloak.CreateRealm || selfRegistered {
		roles[2] = "manage-realm"
	}
	if len(c.Users) > 0 {
		roles = append(roles, "manage-users")
	}
	slices.Sort(roles)
	return roles
}

// adminRoles are what a service account may do in its realm. Roles that somebody has given it besides stay.
type adminRoles struct {
	a             *Admin
	realm, client string
	want          []string
}

func (r *adminRoles) Name() string    { return "keycloak/admin-roles/" + r.client }
func (r *adminRoles) Proof() []string { return proofs["admin-roles"] }

// management is the client whose roles are rights in the Admin API of its realm.
const management = "realm-management"

// roleRep is Keycloak's RoleRepresentation, as far as a mapping needs it.
type roleRep struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// uuid returns Keycloak's id of a client, "" where it is not there.
func (a *Admin) uuid(ctx context.Context, realm, client string) (string, error) {
	var all []struct {
		ID       string `json:"id"`
		ClientID string `json:"clientId"`
	}
	err := a.raw(ctx, "look for client "+client, http.MethodGet, nil, &all, "realms", realm, "clients")
	if noRealm(err) {
		return "", nil
	}
	for _, c := range all {
		if c.ClientID == client {
			return c.ID, err
		}
	}
	return "", err
}

// mapping returns where the account's roles are, nil where there is no such client, and which it has.
func (r *adminRoles) mapping(ctx context.Context) (path, have []string, err error) {
	client, err := r.a.uuid(ctx, r.realm, r.client)
	if err != nil || client == "" {
		return nil, nil, err
	}
	var account roleRep
	if err := r.a.raw(ctx, "look for the service account of "+r.client, http.MethodGet, nil, &account,
		"realms", r.realm, "clients", client, "service-account-user"); err != nil {
		return nil, nil, err
	}
	of, err := r.a.uuid(ctx, r.realm, management)
	if err != nil {
		return nil, nil, err
	}
	path = []string{"realms", r.realm, "users", account.ID, "role-mappings", "clients", of}
	var roles []roleRep
	if err := r.a.raw(ctx, "read the roles of "+r.client, http.MethodGet, nil, &roles, path...); err != nil {
		return nil, nil, err
	}
	for _, one := range roles {
		have = append(have, one.Name)
	}
	slices.Sort(have)
	return path, have, nil
}

func (r *adminRoles) Plan(ctx context.Context) (plan.Change, error) {
	path, have, err := r.mapping(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	var f fields
	f.include(management, have, r.want)
	if path == nil || len(have) == 0 {
		return f.change(plan.Create, nil)
	}
	return f.change(plan.Update, have)
}

func (r *adminRoles) Apply(ctx context.Context, _ plan.Change) error {
	path, have, err := r.mapping(ctx)
	switch {
	case err != nil:
		return err
	case path == nil:
		return fmt.Errorf("give roles to %s: %w", r.client, errGone)
	}
	missing := slices.DeleteFunc(slices.Clone(r.want), func(role string) bool { return slices.Contains(have, role) })
	return r.set(ctx, http.MethodPost, "give", missing, path)
}

// set gives or takes roles, which are named by id and name.
func (r *adminRoles) set(ctx context.Context, method, verb string, names, path []string) error {
	if len(names) == 0 {
		return nil
	}
	of := path[len(path)-1]
	var roles []roleRep
	for _, name := range names {
		var one roleRep
		if err := r.a.raw(ctx, "look for role "+name, http.MethodGet, nil, &one, "realms", r.realm, "clients", of, "roles", name); err != nil {
			return err
		}
		roles = append(roles, one)
	}
	return r.a.raw(ctx, verb+" roles of "+r.client, method, roles, nil, path...)
}

func (r *adminRoles) Undo(ctx context.Context, c plan.Change) error {
	var before []string
	if c.Action == plan.Update {
		if err := json.Unmarshal(c.Before, &before); err != nil {
			return fmt.Errorf("take roles of %s: read what was before: %w", r.client, err)
		}
	}
	path, have, err := r.mapping(ctx)
	switch {
	case err != nil:
		return err
	case path == nil:
		return plan.ErrGone
	}
	given := slices.DeleteFunc(have, func(role string) bool { return slices.Contains(before, role) })
	return r.set(ctx, http.MethodDelete, "take", given, path)
}
