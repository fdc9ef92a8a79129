package keycloak

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReach(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		if err := Reach(t.Context(), Options{AdminURL: kc.URL + "/"}); err != nil {
			t.Error(err)
		}
		if err := Reach(t.Context(), Options{AdminURL: kc.URL, Realm: "nowhere"}); err == nil || !strings.Contains(err.Error(), "keycloak.admin.realm") {
			t.Errorf("a realm that is not there: %v", err)
		}
		if err := Reach(t.Context(), Options{AdminURL: kc.URL + "/auth"}); err == nil || !strings.Contains(err.Error(), "check the address") {
			t.Errorf("an address that is not Keycloak's: %v", err)
		}
	})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"hello":"world"}`))
	}))
	defer other.Close()
	if err := Reach(t.Context(), Options{AdminURL: other.URL}); err == nil || !strings.Contains(err.Error(), "not as Keycloak does") {
		t.Errorf("another server: %v", err)
	}
	other.Close()
	if err := Reach(t.Context(), Options{AdminURL: other.URL}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody: %v", err)
	}
}

// A look changes nothing, and says what is missing before anything is planned.
func TestStanding(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		look := func(realm string) Standing {
			t.Helper()
			s, err := b.a.Standing(t.Context(), realm, true)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if s := look(b.realm); s.There || s.Lacks != nil || s.Version == "" {
			t.Errorf("before the realm is made: %+v", s)
		}
		b.c.Clients, b.c.Users = b.c.Clients[:1], nil
		b.apply()
		scopes := len(b.scopeNames())
		want := Lifetimes{8 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 180 * 24 * time.Hour}
		if s := look(b.realm); !s.There || !s.Ours || s.Lacks != nil || s.Lifetimes != want || want != OwnLifetimes() {
			t.Errorf("in a realm of our own: %+v", s)
		}
		if s := look("master"); !s.There || s.Ours {
			t.Errorf("in a realm that is not ours: %+v", s)
		}
		for name, roles := range map[string][]string{"all": {"manage-clients", "manage-users"}, "some": {"manage-clients"}, "none": {"view-clients"}} {
			b.as(b.account(b.realm, name, "realm-management", roles...), func() {
				want := slices.DeleteFunc([]string{"manage-clients", "manage-users"}, func(r string) bool { return slices.Contains(roles, r) })
				if d := cmp.Diff(want, append([]string{}, look(b.realm).Lacks...)); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
				if s := look(b.realm + "-not-there"); s.There && len(s.Lacks) == 0 {
					t.Errorf("%s may make a realm: %+v", name, s)
				}
			})
		}
		if got := len(b.scopeNames()); got != scopes {
			t.Errorf("looking has made %d scopes", got-scopes)
		}
	})
}

func (b *bench) scopeNames() (names []string) {
	b.t.Helper()
	all, _, err := b.a.scopes(b.t.Context(), b.realm)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

// A service account of one realm can be told that another is missing, or that it may not look.
func TestStandingOfAStranger(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.makeRealm(nil)
		b.as(b.account("master", "stranger-"+b.realm, ""), func() {
			s, err := b.a.Standing(t.Context(), b.realm, false)
			if err != nil || !slices.Contains(s.Lacks, "manage-clients") {
				t.Errorf("%+v, %v", s, err)
			}
			s, err = b.a.Standing(t.Context(), b.realm+"-x", false)
			if err != nil || s.There || !slices.Contains(s.Lacks, "create-realm of the realm master") {
				t.Errorf("%+v, %v", s, err)
			}
		})
	})
}
