package keycloak

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// bootstrap makes the realm's own administrator and signs it in.
func (b *bench) bootstrap() *Admin {
	b.t.Helper()
	all, err := Bootstrap(b.a, b.c, b.secrets, profiles)
	if err != nil {
		b.t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		p, err := plan.Look(b.t.Context(), all)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := plan.Apply(b.t.Context(), all, p, plan.OpenJournal(b.journal), nil); err != nil {
			b.t.Fatal(err)
		}
	}
	if p, err := plan.Look(b.t.Context(), all); err != nil || !p.Empty() {
		b.t.Fatalf("bootstrap twice: %v\n%s", err, told(p))
	}
	a, err := Login(b.t.Context(), Options{AdminURL: b.base, Realm: b.realm, ClientID: AdminClient, ClientSecret: plan.Secret(b.kept("client/" + AdminClient))})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := a.Learn(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) may() plan.Permission {
	b.t.Helper()
	p, err := b.a.May(b.t.Context(), b.realm, b.look())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// The roles that bootstrap gives are enough for every step, there and back, and none of them can be left out.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		for name, change := range map[string]func(*bench){
			"realm of our own": func(b *bench) { b.dynamic() },
			"their realm": func(b *bench) {
				b.c.Keycloak.CreateRealm, b.c.Users = false, nil
				b.makeRealm(nil)
			},
		} {
			t.Run(name, func(t *testing.T) {
				b := newBench(t, kc)
				change(b)
				b.c.Keycloak.AllowVulnerable = true
				a := b.bootstrap()
				b.as(a, func() {
					may := b.may()
					if len(may.Lacks) > 0 || may.Steps == 0 || !strings.HasPrefix(may.String(), "client mcpwiz-admin may do all ") {
						t.Error(may)
					}
					p := b.apply()
					if b.c.Keycloak.CreateRealm { // its own realm it keeps
						p.Changes = p.Changes[1:]
						all := b.resources()[1:]
						for i := len(all) - 1; i >= 0; i-- {
							if c := p.Changes[i]; !c.Empty() {
								if err := all[i].Undo(t.Context(), c); err != nil {
									t.Errorf("undo %s: %v", c.Resource, err)
								}
							}
						}
					} else {
						b.undo(p)
					}
				})
				b.eachRoleIsNeeded(a)
			})
		}
	})
}

// eachRoleIsNeeded takes the roles that write away, one at a time: what May says then is what fails.
func (b *bench) eachRoleIsNeeded(a *Admin) {
	t := b.t
	t.Helper()
	roles := &adminRoles{a: b.a, realm: b.realm, client: AdminClient}
	path, have, err := roles.mapping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range slices.DeleteFunc(slices.Clone(have), func(r string) bool { return !strings.HasPrefix(r, "manage-") }) {
		if err := roles.set(t.Context(), http.MethodDelete, "take", []string{role}, path); err != nil {
			t.Fatal(err)
		}
		views := []string{"view-realm", "view-clients", "view-users"} // so that the plan can still be made
		if err := roles.set(t.Context(), http.MethodPost, "give", views, path); err != nil {
			t.Fatal(err)
		}
		b.as(a, func() {
			may := b.may()
			if len(may.Lacks) == 0 || slices.ContainsFunc(may.Lacks, func(l plan.Lack) bool { return l.Needs != role }) || !strings.Contains(may.String(), "it lacks "+role+" for ") {
				t.Errorf("without %s: %s", role, may)
			}
			p := b.look()
			for i, c := range p.Changes {
				if !slices.ContainsFunc(may.Lacks, func(l plan.Lack) bool { return l.Resource == c.Resource }) {
					continue
				}
				if err := b.resources()[i].Apply(t.Context(), c); err == nil || !strings.Contains(err.Error(), "lacks the role "+role) {
					t.Errorf("without %s, %s: %v", role, c.Resource, err)
				}
				break
			}
		})
		if err := roles.set(t.Context(), http.MethodPost, "give", []string{role}, path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMayMakeARealm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		if may := b.may(); len(may.Lacks) > 0 {
			t.Error(may)
		}
		b.as(b.account("master", "looker-"+b.realm, "", "offline_access"), func() {
			may := b.may()
			if len(may.Lacks) != may.Steps || may.Lacks[0].Needs != createRealm {
				t.Error(may)
			}
		})
	})
}
