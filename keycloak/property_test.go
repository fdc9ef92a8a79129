package keycloak

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Whatever a connection asks for, and whatever somebody has made or changed meanwhile: a plan shows nothing after it was
// applied, applying it twice is applying it once, and undoing it all by the journal alone leaves nothing of ours.
func TestAnyConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		cases := 6
		if !strings.HasPrefix(kc.Name, "small") {
			cases = 2
		}
		for seed := range cases {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				b := newBench(t, kc)
				r := rand.New(rand.NewPCG(uint64(seed), 6))
				if b.c.Keycloak.CreateRealm = r.IntN(2) == 0; !b.c.Keycloak.CreateRealm {
					b.makeRealm(nil)
				}
				for range 3 {
					b.anyConnection(r)
					b.twiceIsOnce()
					b.anyDrift(r)
					b.twiceIsOnce()
				}
				b.undoneByName()
			})
		}
	})
}

// anyConnection asks for something else.
func (b *bench) anyConnection(r *rand.Rand) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	b.c.Keycloak.AllowVulnerable = true
	b.c.Scopes = []plan.Scope{{Name: pick("mcp:tools", "mcp:use"), ConsentText: pick("", "Use it", "\"Use\" ${it} & <that>"), Description: pick("", "it")}}
	b.c.Clients = nil
	for range 1 + r.IntN(3) {
		c := plan.Client{Profile: pick("claude-ai", "claude-code", "m2m"), AccessTokenLifespan: r.IntN(2) * 300}
		c.ID = c.Profile + pick("", ".a", "/b")
		switch yes := r.IntN(2) == 0; {
		case c.Profile != "m2m" && r.IntN(3) == 0:
			c = plan.Client{Profile: c.Profile, Registration: plan.Dynamic}
		case c.Profile == "m2m" && yes:
			c.Auth = plan.AuthPrivateKeyJWT
		case c.Profile != "m2m":
			c.Confidential, c.Consent = &yes, &yes
			if yes {
				c.RedirectURIs = []string{"https://client.example.com/cb?a=" + pick("1", "2")}
			}
		}
		if !slices.ContainsFunc(b.c.Clients, func(other plan.Client) bool { return other.ID == c.ID }) {
			b.c.Clients = append(b.c.Clients, c)
		}
	}
	b.c.Users = nil
	if b.c.Keycloak.CreateRealm && r.IntN(2) == 0 {
		b.c.Users = []plan.User{{Name: "tester", FirstName: pick("", "Tess")}}
	}
}

// anyDrift is a hand at what the connection asks for.
func (b *bench) anyDrift(r *rand.Rand) {
	c := b.c.Defaults()
	id := c.Clients[r.IntN(len(c.Clients))].ID
	if id == "" { // it registers itself, so there is nothing of it
		return
	}
	at := []string{"realms", b.realm, "clients", b.uuid(id)}
	switch r.IntN(5) {
	case 0:
		b.call(http.MethodDelete, nil, nil, at...)
	case 1:
		b.call(http.MethodPut, map[string]any{"directAccessGrantsEnabled": true, "fullScopeAllowed": true, "webOrigins": []string{}}, nil, at...)
	case 2:
		b.call(http.MethodDelete, nil, nil, "realms", b.realm, "client-scopes", b.scope(c.Scopes[0].Name).ID)
	case 3:
		b.call(http.MethodPut, map[string]any{"webOrigins": []string{}, "attributes": map[string]string{"access.token.lifespan": ""}}, nil, at...)
	}
}

// twiceIsOnce applies, holds the next plan to being empty, and a second application of the first to changing nothing.
func (b *bench) twiceIsOnce() {
	b.t.Helper()
	p := b.apply()
	before, records := b.everything(), b.records()
	if err := plan.Apply(b.t.Context(), b.resources(), p, plan.OpenJournal(b.journal), nil); err != nil {
		b.t.Fatal(err)
	}
	if d := cmp.Diff(before, b.everything()); d != "" {
		b.t.Errorf("applied once more:\n%s", d)
	}
	if now := b.records(); len(now) != len(records) {
		b.t.Errorf("the journal tells %d more", len(now)-len(records))
	}
}

func (b *bench) records() []plan.Record {
	b.t.Helper()
	records, err := plan.ReadJournal(b.journal)
	if err != nil {
		b.t.Fatal(err)
	}
	return records
}

// everything is what there is of clients and scopes, as far as it is stable.
func (b *bench) everything() map[string]any {
	b.t.Helper()
	all := map[string]any{"realm": normal(b.realmNow()["attributes"]), "ways": b.ways()}
	for _, list := range []string{"clients", "client-scopes", "users"} {
		var of []map[string]any
		b.call(http.MethodGet, nil, &of, "realms", b.realm, list)
		for _, one := range of {
			for k, v := range one {
				one[k] = normal(v)
			}
			all[fmt.Sprint(list, " ", one["clientId"], one["name"], one["username"])] = one
		}
	}
	return all
}

// undoneByName undoes all that the journal has, by the names alone.
func (b *bench) undoneByName() {
	b.t.Helper()
	find := func(p plan.Past) (plan.Resource, error) { return Named(b.a, b.secrets, b.realm, p.Change.Resource) }
	if err := plan.Undo(b.t.Context(), plan.Standing(b.records()), find, plan.OpenJournal(b.journal), nil); err != nil {
		b.t.Fatal(err)
	}
	if left := plan.Standing(b.records()); len(left) > 0 {
		b.t.Errorf("left to undo: %v", left)
	}
	found, err := b.a.Tagged(b.t.Context(), b.realm)
	if err != nil || len(found.Ours)+len(found.Adopted) > 0 {
		b.t.Errorf("still tagged: %v, %v", found, err)
	}
}

func TestNamedKnowsWhatItKnows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"keycloak/realm/a", "keycloak/scope/mcp:tools", "keycloak/client/https://mcp.example.com/mcp", "keycloak/user/x"} {
		r, err := Named(nil, nil, "mcp", name)
		if err != nil || r.Name() != name {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for _, name := range []string{"", "keycloak", "keycloak/client", "keycloak/flow/x", "tunnel/client/x", "client/x"} {
		if r, err := Named(nil, nil, "mcp", name); err == nil {
			t.Errorf("%q is %v", name, r)
		}
	}
}

// Every kind of resource can be undone by its name: what the connection no longer has stands in the journal only.
func TestEveryResourceIsKnownByItsName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		for _, r := range newBench(t, kc).resources() {
			if _, err := Named(nil, nil, "mcp", r.Name()); err != nil {
				t.Error(err)
			}
		}
	})
}

// What is in the way of deleting a realm is what others have put into it.
func TestRealmHoldsWhatOthersMade(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.apply()
		all := plan.Standing(b.records())
		find := func(p plan.Past) (plan.Resource, error) { return Named(b.a, b.secrets, b.realm, p.Change.Resource) }
		if err := plan.Holding(t.Context(), all, find); err != nil {
			t.Errorf("of what mcpwiz made alone: %v", err)
		}
		b.call(http.MethodPost, map[string]any{"clientId": "crm"}, nil, "realms", b.realm, "clients")
		b.call(http.MethodPost, map[string]any{"username": "bob"}, nil, "realms", b.realm, "users")
		err := plan.Holding(t.Context(), all, find)
		if !errors.Is(err, plan.ErrHolds) || !strings.Contains(err.Error(), "client crm, user bob") {
			t.Errorf("got %v", err)
		}
	})
}
