package keycloak

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestSignInSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients = b.c.Clients[:1]
		p := b.apply()
		for _, text := range []string{"for 8 hours signs in again, and after 7 days in any case", "after 30 days and 180 days"} {
			if !strings.Contains(p.Changes[0].Note, text) {
				t.Errorf("note %q lacks %q", p.Changes[0].Note, text)
			}
		}
		b.c.Keycloak.SignIn = plan.SignIn{Idle: 3600, Max: 86400, OfflineIdle: 90 * 60, RotateRefreshTokens: true, RefreshTokenReuse: 1}
		p = b.apply()
		want := []string{"offlineSessionIdleTimeout", "refreshTokenMaxReuse", "revokeRefreshToken", "ssoSessionIdleTimeout", "ssoSessionMaxLifespan"}
		if d := cmp.Diff(want, paths(p.Changes[0])); d != "" {
			t.Error(d)
		}
		for _, text := range []string{"1 hour", "1 day", "90 minutes", "for 1 more uses"} {
			if !strings.Contains(p.Changes[0].Note, text) {
				t.Errorf("note %q lacks %q", p.Changes[0].Note, text)
			}
		}
		b.undo(p)
		b.c.Keycloak.SignIn = plan.SignIn{}
		if p := b.look(); !p.Empty() {
			t.Errorf("undo did not put back what was:\n%s", told(p))
		}
	})
}

// A client that asks for all that is listed is not refused; of what is hidden, nothing else changes, and undo lists it again.
func TestScopesThatClientsAreNotGivenAreHidden(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients, b.c.Users = b.c.Clients[:1], nil
		b.apply()
		listed := func() (all []string) {
			resp, err := http.Get(b.base + "/realms/" + b.realm + "/.well-known/openid-configuration")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var metadata struct {
				Scopes []string `json:"scopes_supported"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&metadata); err != nil {
				t.Fatal(err)
			}
			slices.Sort(metadata.Scopes)
			return metadata.Scopes
		}
		before := listed()
		b.c.Clients = []plan.Client{{Profile: "asks-for-all"}}
		p := b.apply()
		if status, page := b.authorize("asks-for-all", "http://localhost/all", strings.Join(listed(), " "), challenge...); status != http.StatusOK || !strings.Contains(page, "login-login") {
			t.Errorf("%s: %d %.300s", listed(), status, page)
		}
		b.undo(p)
		if d := cmp.Diff(before, listed()); d != "" {
			t.Errorf("undo: %s", d)
		}
	})
}

// In a realm that is not ours a long sign-in is an attribute of our clients.
func TestSignInInTheirRealm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users, b.c.Clients = false, nil, b.c.Clients[:1]
		b.c.Keycloak.SignIn.OfflineIdle = 7200
		b.makeRealm(nil)
		before := b.realmNow()
		p := b.apply()
		if got := b.client("claude")["attributes"].(map[string]any)["client.offline.session.idle.timeout"]; got != "7200" {
			t.Errorf("client: %v", got)
		}
		if d := cmp.Diff(before, b.realmNow()); d != "" {
			t.Error(d)
		}
		if !strings.Contains(p.Changes[0].Note, "keeps no events") {
			t.Errorf("%+v", p.Changes[0])
		}
	})
}

func TestWhoElseKnowsTheUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients = b.c.Clients[:1]
		b.c.Users = nil
		b.apply()
		b.call(http.MethodPost, map[string]any{"alias": "corp", "providerId": "oidc", "enabled": true, "config": map[string]string{"clientId": "x", "clientSecret": "y",
			"authorizationUrl": "https://idp.example.com/auth", "tokenUrl": "https://idp.example.com/token"}}, nil, "realms", b.realm, "identity-provider", "instances")
		if c := b.look().Changes[0]; !c.Empty() || !strings.Contains(c.Note, "corp") || strings.Contains(c.Note, "at once") {
			t.Errorf("%+v", c)
		}
		var steps []struct{ ID, ProviderID string }
		b.call(http.MethodGet, nil, &steps, "realms", b.realm, "authentication", "flows", "browser", "executions")
		for _, s := range steps {
			if s.ProviderID == redirector {
				b.call(http.MethodPost, map[string]any{"alias": "all", "config": map[string]string{"defaultProvider": "corp"}}, nil,
					"realms", b.realm, "authentication", "executions", s.ID, "config")
			}
		}
		b.call(http.MethodPost, map[string]any{"name": "corp-ldap", "providerId": "ldap", "providerType": userStore, "config": map[string][]string{
			"connectionUrl": {"ldap://127.0.0.1:1"}, "usersDn": {"ou=x"}, "vendor": {"other"}, "usernameLDAPAttribute": {"uid"}, "rdnLDAPAttribute": {"uid"},
			"uuidLDAPAttribute": {"entryUUID"}, "userObjectClasses": {"person"}, "editMode": {"READ_ONLY"}, "authType": {"none"}, "enabled": {"false"}}},
			nil, "realms", b.realm, "components")
		c := b.look().Changes[0]
		for _, text := range []string{"everybody is sent to corp at once", "--browser", "corp-ldap (ldap): mcpwiz makes none"} {
			if !strings.Contains(c.Note, text) {
				t.Errorf("note %q lacks %q", c.Note, text)
			}
		}
		b.c.Users = []plan.User{{Name: "tester"}}
		if s := b.look().Stopped(); len(s) != 1 || s[0].Resource != "keycloak/user/tester" || !strings.Contains(s[0].Stop, "corp-ldap") {
			t.Errorf("%+v", s)
		}
	})
}

// Where Keycloak offers to take metadata documents and lets none in, that is the first thing a plan says.
func TestUninvitedDocumentsAreToldFirst(t *testing.T) {
	t.Parallel()
	eachWithFeatures(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients, b.c.Users = b.c.Clients[:1], nil
		for range 2 {
			if c := b.look().Changes[0]; !strings.Contains(c.Note, "feature cimd is on") || !strings.Contains(c.Note, "Client not found.") {
				t.Errorf("%+v", c)
			}
			b.apply()
		}
		b.c.Clients = []plan.Client{{Profile: "document " + ofDocument(t), Registration: plan.MetadataDocument}}
		b.apply()
		if c := b.look().Changes[0]; strings.Contains(c.Note, "cimd") {
			t.Errorf("with a policy: %+v", c)
		}
	})
}

// A machine that names the resource its token is for ends in a server error, so the plan says it, also once all is in place.
func TestMachineIsToldToLeaveResourceOut(t *testing.T) {
	t.Parallel()
	eachWithFeatures(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients, b.c.Users = []plan.Client{{Profile: "m2m"}, {Profile: "claude-ai"}}, nil
		for range 2 {
			for _, c := range b.look().Changes {
				if told := strings.Contains(c.Note, "leave resource out"); told != (c.Resource == "keycloak/client/m2m") {
					t.Errorf("told: %v, of %s: %q", told, c.Resource, c.Note)
				}
			}
			b.apply()
		}
	})
}
