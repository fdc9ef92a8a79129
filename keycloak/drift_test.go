package keycloak

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// uuid returns Keycloak's id of a client.
func (b *bench) uuid(id string) string { return b.client(id)["id"].(string) }

// drift is what an operator's hand does to a realm that we provisioned, and the fields that a plan then shows.
var drift = map[string]struct {
	by       func(b *bench)
	resource string
	fields   []string
}{
	"realm setting": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"ssoSessionIdleTimeout": 600}, nil, "realms", b.realm)
	}, "realm/", []string{"ssoSessionIdleTimeout"}},
	"realm events": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"enabledEventTypes": []string{"LOGIN", "LOGOUT"}}, nil, "realms", b.realm)
	}, "realm/", []string{"enabledEventTypes"}},
	"scope attribute": {func(b *bench) {
		b.call(http.MethodPut, scopeRep{Name: "mcp:tools", Attributes: map[string]string{"include.in.token.scope": "false"}}, nil,
			"realms", b.realm, "client-scopes", b.scope("mcp:tools").ID)
	}, "scope/mcp:tools", []string{"attributes.include.in.token.scope"}},
	"mapper deaf": {func(b *bench) {
		s := b.scope("mcp:tools")
		m := s.Mappers[0]
		m.Config = map[string]string{customAudience: mcpURL}
		b.call(http.MethodPut, m, nil, "realms", b.realm, "client-scopes", s.ID, "protocol-mappers", "models", m.ID)
	}, "scope/mcp:tools", []string{"mapper.access.token.claim", "mapper.id.token.claim", "mapper.introspection.token.claim", "mapper.lightweight.claim"}},
	"mapper lost": {func(b *bench) {
		s := b.scope("mcp:tools")
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "client-scopes", s.ID, "protocol-mappers", "models", s.Mappers[0].ID)
	}, "scope/mcp:tools", []string{"mapper.access.token.claim", "mapper.id.token.claim", "mapper." + customAudience, "mapper.introspection.token.claim", "mapper.lightweight.claim"}},
	"client settings": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"directAccessGrantsEnabled": true, "redirectUris": []string{"https://claude.ai/*"}, "webOrigins": []string{}},
			nil, "realms", b.realm, "clients", b.uuid("claude"))
	}, "client/claude", []string{"directAccessGrantsEnabled", "redirectUris"}},
	"client attribute": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"webOrigins": []string{}, "attributes": map[string]string{"pkce.code.challenge.method": "", "access.token.lifespan": "300"}},
			nil, "realms", b.realm, "clients", b.uuid("claude"))
	}, "client/claude", []string{"attributes.access.token.lifespan", "attributes.pkce.code.challenge.method"}},
	"scope optional instead of default": {func(b *bench) {
		at := []string{"realms", b.realm, "clients", b.uuid("claude")}
		id := b.scope("mcp:tools").ID
		b.call(http.MethodDelete, nil, nil, append(at, "default-client-scopes", id)...)
		b.call(http.MethodPut, nil, nil, append(at, "optional-client-scopes", id)...)
	}, "client/claude", []string{"defaultClientScopes"}},
	"offline_access taken away": {func(b *bench) {
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "clients", b.uuid("claude"), "optional-client-scopes", b.scope("offline_access").ID)
	}, "client/claude", []string{"optionalClientScopes"}},
	"client deleted": {func(b *bench) {
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "clients", b.uuid("m2m"))
	}, "client/m2m", nil},
	"became public": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"publicClient": true, "webOrigins": []string{}}, nil, "realms", b.realm, "clients", b.uuid("claude"))
	}, "client/claude", []string{"publicClient"}},
	"another secret": {func(b *bench) {
		b.call(http.MethodPost, map[string]any{}, nil, "realms", b.realm, "clients", b.uuid("claude"), "client-secret")
	}, "client/claude", []string{"secret"}},
	"another key": {func(b *bench) {
		b.call(http.MethodPut, map[string]any{"webOrigins": []string{}, "attributes": map[string]string{jwksAttribute: `{"keys":[]}`}}, nil, "realms", b.realm, "clients", b.uuid("signer"))
	}, "client/signer", []string{"private key"}},
	"user disabled": {func(b *bench) {
		var found []map[string]any
		b.call(http.MethodGet, nil, &found, "realms", b.realm, "users")
		for _, u := range found {
			if u["username"] == "tester" {
				b.call(http.MethodPut, map[string]any{"username": "tester", "enabled": false, "email": u["email"], "emailVerified": true,
					"firstName": u["firstName"], "lastName": u["lastName"]}, nil, "realms", b.realm, "users", u["id"].(string))
			}
		}
	}, "user/tester", []string{"enabled"}},
}

func TestDriftIsShownMendedAndPutBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.apply()
		for name, d := range drift {
			t.Run(name, func(t *testing.T) {
				b.t = t
				d.by(b)
				p := b.look()
				for _, c := range p.Changes {
					drifted := "keycloak/" + d.resource
					if strings.HasSuffix(drifted, "/") {
						drifted += b.realm
					}
					if c.Empty() == (c.Resource == drifted) {
						t.Errorf("%s: %s", c.Resource, c.Action)
					}
					if !c.Empty() && d.fields != nil {
						if diff := cmp.Diff(d.fields, paths(c)); diff != "" {
							t.Error(diff)
						}
					}
				}
				b.apply()
				if name == "another secret" || name == "became public" {
					return // a secret cannot be put back
				}
				b.undo(p)
				if diff := cmp.Diff(shape(p), shape(b.look())); diff != "" {
					t.Errorf("undo did not put back what was: %s", diff)
				}
				b.apply()
			})
		}
		b.t = t
	})
}

func paths(c plan.Change) []string {
	var all []string
	for _, f := range c.Fields {
		all = append(all, f.Path)
	}
	return all
}

// shape is a plan without what differs each time.
func shape(p plan.Plan) map[string][]plan.Field {
	all := map[string][]plan.Field{}
	for _, c := range p.Changes {
		if !c.Empty() {
			all[c.Resource] = c.Fields
		}
	}
	return all
}

func TestSettingsWeDoNotOwnStay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.apply()
		at := []string{"realms", b.realm, "clients", b.uuid("claude")}
		b.call(http.MethodPut, map[string]any{"description": "mine", "webOrigins": []string{"http://localhost:6274"}, "attributes": map[string]string{"other.tool": "1"}}, nil, at...)
		b.call(http.MethodPut, nil, nil, append(at, "optional-client-scopes", b.scope("address").ID)...)
		b.call(http.MethodPut, scopeRep{Name: "mcp:tools", Attributes: map[string]string{"include.in.openid.provider.metadata": "false"}}, nil,
			"realms", b.realm, "client-scopes", b.scope("mcp:tools").ID)
		now := b.realmNow()
		attributes := now["attributes"].(map[string]any)
		attributes["other.tool"] = "1"
		b.call(http.MethodPut, map[string]any{"attributes": attributes, "displayName": "mine", "enabledEventTypes": append(realmEvents, "LOGOUT")}, nil, "realms", b.realm)
		if p := b.look(); !p.Empty() {
			t.Fatalf("not ours, and planned:\n%s", told(p))
		}
		for name, d := range drift { // whatever we mend, it stays
			if name == "client deleted" || name == "realm events" || name == "mapper lost" {
				continue // each takes away what another one, or this test, changes
			}
			d.by(b)
		}
		b.apply()
		c := b.client("claude")
		if c["description"] != "mine" || cmp.Diff([]any{"http://localhost:6274"}, c["webOrigins"]) != "" && len(c["webOrigins"].([]any)) != 0 ||
			c["attributes"].(map[string]any)["other.tool"] != "1" || !strings.Contains(strings.Join(strs(c["optionalClientScopes"]), " "), "address") {
			t.Errorf("client: %v", c)
		}
		if s := b.scope("mcp:tools"); s.Attributes["include.in.openid.provider.metadata"] != "false" {
			t.Errorf("scope: %v", s)
		}
		r := b.realmNow()
		if r["displayName"] != "mine" || r["attributes"].(map[string]any)["other.tool"] != "1" || !strings.Contains(strings.Join(texts(r["enabledEventTypes"]), " "), "LOGOUT") {
			t.Errorf("realm: %v", r)
		}
	})
}

func strs(v any) []string { return texts(v) }

func TestLostSecretsAreReadBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Users = nil
		b.apply()
		was := b.kept("client/claude")
		b.secrets, _ = plan.LoadSecrets("")
		p := b.apply()
		if d := cmp.Diff([]string{"secret"}, paths(p.Changes[2])); d != "" {
			t.Error(d)
		}
		if !strings.Contains(p.Changes[2].Note, "is read into") {
			t.Errorf("note %q", p.Changes[2].Note)
		}
		if b.kept("client/claude") != was {
			t.Error("the secret was changed though it could be read")
		}
		b.proveMachine(t)
		b.proveSigner(t)
	})
}

func TestApplyStopsWhenTheWorldMoves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.apply()
		drift["client attribute"].by(b)
		p := b.look()
		drift["client settings"].by(b)
		err := plan.Apply(t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil)
		if err == nil || !strings.Contains(err.Error(), plan.ErrMoved.Error()) {
			t.Errorf("got %v", err)
		}
		if b.client("claude")["directAccessGrantsEnabled"] != true {
			t.Error("touched all the same")
		}
	})
}
