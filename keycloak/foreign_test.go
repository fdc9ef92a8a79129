package keycloak

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestExistingRealmIsNotTouched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users = false, nil
		b.makeRealm(map[string]any{"ssoSessionIdleTimeout": 700, "displayName": "theirs", "attributes": map[string]string{"other.tool": "1"}})
		before := b.realmNow()
		p := b.apply()
		if !p.Changes[0].Empty() {
			t.Errorf("realm: %v", p.Changes[0])
		}
		if d := cmp.Diff(before, b.realmNow()); d != "" {
			t.Error(d)
		}
		b.proveMachine(t)
		b.undo(p)
		if b.client("claude") != nil || b.scope("mcp:tools") != nil {
			t.Error("undo left something behind")
		}
		if d := cmp.Diff(before, b.realmNow()); d != "" {
			t.Error(d)
		}
	})
}

// refused plans, holds the plan to being stopped at that resource, and Apply to touching nothing.
func (b *bench) refused(resource string) plan.Change {
	b.t.Helper()
	p := b.look()
	if err := plan.Apply(b.t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil); err == nil || !strings.Contains(err.Error(), plan.ErrStopped.Error()) {
		b.t.Errorf("apply: %v", err)
	}
	if records, err := plan.ReadJournal(b.journal); err != nil || len(records) > 0 {
		b.t.Errorf("the journal of a stopped plan: %v, %v", records, err)
	}
	for _, c := range p.Stopped() {
		if c.Resource == resource {
			return c
		}
	}
	b.t.Fatalf("not refused:\n%s", told(p))
	return plan.Change{}
}

func TestRealmsThatStopThePlan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		t.Run("not there", func(t *testing.T) {
			b := newBench(t, kc)
			b.c.Keycloak.CreateRealm, b.c.Users = false, nil
			if c := b.refused("keycloak/realm/" + b.realm); !strings.Contains(c.Propose, "create_realm: true") {
				t.Errorf("%+v", c)
			}
		})
		t.Run("not ours", func(t *testing.T) {
			b := newBench(t, kc)
			b.makeRealm(nil)
			if c := b.refused("keycloak/realm/" + b.realm); !strings.Contains(c.Propose, "create_realm: false") {
				t.Errorf("%+v", c)
			}
			if c := b.refused("keycloak/user/tester"); !strings.Contains(c.Stop, "only in a realm that mcpwiz made") {
				t.Errorf("%+v", c)
			}
		})
		t.Run("disabled", func(t *testing.T) {
			b := newBench(t, kc)
			b.c.Keycloak.CreateRealm, b.c.Users = false, nil
			b.makeRealm(map[string]any{"enabled": false})
			if p := b.look(); !strings.Contains(p.Changes[0].Note, "disabled") {
				t.Errorf("%+v", p.Changes[0])
			}
		})
	})
}

func TestScopesThatStopThePlan(t *testing.T) {
	t.Parallel()
	mapper := func(key, audience string) []mapperRep {
		return []mapperRep{{Name: "theirs", Protocol: openIDConnect, Type: audienceMapper, Config: map[string]string{key: audience, "access.token.claim": "true"}}}
	}
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users = false, nil
		b.makeRealm(nil)
		for name, c := range map[string]struct {
			there   []scopeRep
			stop    string
			propose string
		}{
			"another audience": {[]scopeRep{{Name: "mcp:tools", Protocol: openIDConnect, Mappers: mapper(customAudience, "https://other.example/mcp")}},
				"https://other.example/mcp", "name: mcp:tools:mcp.example.com"},
			"another client's audience": {[]scopeRep{{Name: "mcp:tools", Protocol: openIDConnect, Mappers: mapper(clientAudience, "account")}},
				`"account"`, "name: mcp:tools:mcp.example.com"},
			"the proposal is taken too": {[]scopeRep{{Name: "mcp:tools", Protocol: openIDConnect, Mappers: mapper(customAudience, "https://other.example/mcp")},
				{Name: "mcp:tools:mcp.example.com", Protocol: openIDConnect}}, "other.example", "name: mcp:tools-2"},
			"saml":              {[]scopeRep{{Name: "mcp:tools", Protocol: "saml"}}, "protocol", "name: "},
			"not ours":          {[]scopeRep{{Name: "mcp:tools", Protocol: openIDConnect}}, "did not make", "adopt: true"},
			"not ours, no sign": {[]scopeRep{{Name: "mcp:tools", Protocol: openIDConnect, Mappers: mapper(customAudience, mcpURL)}}, "did not make", "adopt: true"},
		} {
			t.Run(name, func(t *testing.T) {
				b.t = t
				for _, s := range c.there {
					b.call(http.MethodPost, s, nil, "realms", b.realm, "client-scopes")
					defer func() { b.call(http.MethodDelete, nil, nil, "realms", b.realm, "client-scopes", b.scope(s.Name).ID) }()
				}
				got := b.refused("keycloak/scope/mcp:tools")
				if !strings.Contains(got.Stop, c.stop) || !strings.HasPrefix(got.Propose, c.propose) {
					t.Errorf("%+v", got)
				}
				if !strings.HasPrefix(got.FreeName, "mcp:tools") || slices.ContainsFunc(c.there, func(s scopeRep) bool { return s.Name == got.FreeName }) {
					t.Errorf("proposes the name %q", got.FreeName)
				}
			})
		}
		b.t = t
	})
}

func TestAdoptedThingsAreChangedAndPutBackButNeverOurs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Keycloak.CreateRealm, b.c.Users = false, nil
		b.c.Clients = b.c.Clients[:1]
		b.makeRealm(nil)
		b.call(http.MethodPost, scopeRep{Name: "mcp:tools", Description: "theirs", Protocol: openIDConnect, Attributes: map[string]string{"gui.order": "3"}}, nil,
			"realms", b.realm, "client-scopes")
		b.call(http.MethodPost, map[string]any{"clientId": "claude", "description": "theirs", "secret": "theirs", "directAccessGrantsEnabled": true,
			"redirectUris": []string{"https://claude.ai/api/mcp/auth_callback"}}, nil, "realms", b.realm, "clients")
		scopeBefore, clientBefore := b.scope("mcp:tools"), b.client("claude")
		if c := b.refused("keycloak/client/claude"); len(c.Fields) == 0 || !strings.Contains(c.Propose, "adopt: true") {
			t.Errorf("%+v", c)
		}
		b.c.Scopes = []plan.Scope{{Adopt: true}}
		b.c.Clients[0].Adopt = true
		p := b.apply()
		if s := b.scope("mcp:tools"); ownerOf(s.Attributes) != adopted || s.Attributes["gui.order"] != "3" {
			t.Errorf("scope %+v", s)
		}
		c := b.client("claude")
		if c["attributes"].(map[string]any)[tag] != tagAdopted || c["secret"] != "theirs" || b.kept("client/claude") != "theirs" || c["description"] != "theirs" {
			t.Errorf("client %v", c)
		}
		b.undo(p)
		if d := cmp.Diff(scopeBefore, b.scope("mcp:tools")); d != "" {
			t.Errorf("scope: %s", d)
		}
		if d := cmp.Diff(sortedLists(clientBefore), sortedLists(b.client("claude"))); d != "" {
			t.Errorf("client: %s", d)
		}
		if err := b.resources()[2].Undo(t.Context(), plan.Change{Action: plan.Create}); err == nil || b.client("claude") == nil {
			t.Error("a client without our tag was deleted")
		}
		if err := b.resources()[1].Undo(t.Context(), plan.Change{Action: plan.Create}); err == nil || b.scope("mcp:tools") == nil {
			t.Error("a scope without our tag was deleted")
		}
	})
}

func sortedLists(c map[string]any) map[string]any {
	all := map[string]any{}
	for k, v := range c {
		all[k] = normal(v)
	}
	return all
}

func TestUserOfSomebodyElseStopsThePlan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Users = nil
		b.apply()
		b.call(http.MethodPost, map[string]any{"username": "tester", "enabled": true}, nil, "realms", b.realm, "users")
		b.c.Users = []plan.User{{Name: "tester"}}
		p := b.look()
		if s := p.Stopped(); len(s) != 1 || !strings.Contains(s[0].Propose, "user/tester") {
			t.Errorf("%s", told(p))
		}
	})
}
