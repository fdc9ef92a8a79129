package keycloak

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// account makes a client with a service account that has these roles of a client, and signs it in.
func (b *bench) account(realm, id string, rolesOf string, roles ...string) *Admin {
	b.t.Helper()
	secret := plan.NewSecret()
	b.call(http.MethodPost, map[string]any{"clientId": id, "secret": secret.Reveal(), "serviceAccountsEnabled": true, "standardFlowEnabled": false},
		nil, "realms", realm, "clients")
	var found []map[string]any
	uuid := func(of string) string {
		b.call(http.MethodGet, nil, &found, "realms", realm, "clients")
		for _, c := range found {
			if c["clientId"] == of {
				return c["id"].(string)
			}
		}
		b.t.Fatalf("no client %s in realm %s", of, realm)
		return ""
	}
	client := uuid(id)
	if realm == "master" {
		a := b.a
		b.t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := a.raw(ctx, "clean up", http.MethodDelete, nil, nil, "realms", realm, "clients", client); err != nil {
				b.t.Error(err)
			}
		})
	}
	var account map[string]any
	b.call(http.MethodGet, nil, &account, "realms", realm, "clients", client, "service-account-user")
	at := []string{"realms", realm, "users", account["id"].(string), "role-mappings", "realm"}
	from := []string{"realms", realm, "roles"}
	if rolesOf != "" {
		of := uuid(rolesOf)
		at = append(at[:len(at)-1], "clients", of)
		from = []string{"realms", realm, "clients", of, "roles"}
	}
	for _, name := range roles {
		var role map[string]any
		b.call(http.MethodGet, nil, &role, append(from, name)...)
		b.call(http.MethodPost, []any{role}, nil, at...)
	}
	a, err := Login(b.t.Context(), Options{AdminURL: b.base, Realm: realm, ClientID: id, ClientSecret: secret})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// as does something as another administrator.
func (b *bench) as(a *Admin, do func()) {
	was := b.a
	b.a = a
	defer func() { b.a = was }()
	do()
}

// manage-clients is all that a realm takes which is not ours (keycloak.md 2.8: and manage-realm, for what is not needed here).
func TestLeastRightsInAnExistingRealm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users = false, nil
		b.makeRealm(nil)
		b.as(b.account(b.realm, "provisioner", "realm-management", "manage-clients"), func() { b.undo(b.apply()) })
		b.as(b.account(b.realm, "auditor", "realm-management", "view-clients", "view-realm"), func() {
			p := b.look()
			err := plan.Apply(t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil)
			if err == nil || !strings.Contains(err.Error(), "client auditor lacks the role manage-clients") {
				t.Errorf("who may only look: %v", err)
			}
		})
		b.as(b.account(b.realm, "stranger", ""), func() {
			if _, err := plan.Look(t.Context(), b.resources()); err == nil || !strings.Contains(err.Error(), "lacks the role view-") {
				t.Errorf("who may do nothing: %v", err)
			}
		})
	})
}

// create-realm of master makes a realm and may then do everything in it; before 26.7 only with a token that is newer.
func TestLeastRightsForARealmOfOurOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.as(b.account("master", "maker-"+b.realm, "", "create-realm"), func() {
			b.apply()
			b.proveMachine(t)
		})
	})
}
