package keycloak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		const secret = "canary-of-a-secret"
		for name, c := range map[string]struct {
			o    Options
			says string
		}{
			"wrong password": {Options{User: kc.AdminUser, Password: secret}, plan.EnvPassword},
			"unknown user":   {Options{User: "nobody", Password: secret}, plan.EnvPassword},
			"unknown realm":  {Options{User: kc.AdminUser, Password: secret, Realm: "nowhere"}, "keycloak.admin.realm"},
			"unknown client": {Options{ClientID: "nobody", ClientSecret: secret}, plan.EnvClientSecret},
			"public client":  {Options{ClientID: "admin-cli", ClientSecret: secret}, plan.EnvClientSecret},
			"nobody":         {Options{}, "keycloak.admin.user"},
		} {
			t.Run(name, func(t *testing.T) {
				c.o.AdminURL = kc.URL + "/"
				_, err := Login(t.Context(), c.o)
				if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret) {
					t.Errorf("want %q, got %v", c.says, err)
				}
			})
		}
	})
}

// A token that was given is taken as it is, and said to be over when it is.
func TestSignInByToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		token, err := b.a.bearer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.a, err = Login(t.Context(), Options{AdminURL: kc.URL, Token: plan.Secret(token)}); err != nil {
			t.Fatal(err)
		}
		b.c.Users, b.c.Clients = nil, b.c.Clients[:1]
		b.apply()

		spoilt, err := Login(t.Context(), Options{AdminURL: kc.URL, Token: plan.Secret(token + "x")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := spoilt.realm(t.Context(), b.realm); err == nil || !strings.Contains(err.Error(), plan.EnvToken) || strings.Contains(err.Error(), token) {
			t.Errorf("a spoilt token: %v", err)
		}
		// The sweep at the end of newBench needs who may sign in again.
		if b.a, err = Login(t.Context(), Options{AdminURL: kc.URL, User: kc.AdminUser, Password: plan.Secret(kc.AdminPassword)}); err != nil {
			t.Fatal(err)
		}
	})
}

// Master's tokens live for 60 s: the refresh token comes first, and when the session is over the password again.
func TestSignInIsRenewed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		now := time.Now()
		a, err := Login(t.Context(), Options{AdminURL: kc.URL, User: kc.AdminUser, Password: plan.Secret(kc.AdminPassword), Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		first := a.session
		if _, err := a.realm(t.Context(), "master"); err != nil || a.session != first {
			t.Errorf("renewed while it was good: %v", err)
		}
		now = now.Add(50 * time.Second)
		if _, err := a.realm(t.Context(), "master"); err != nil || a.session.token == first.token {
			t.Errorf("not renewed: %v", err)
		}
		a.session.token, a.session.refresh, a.session.until = "spoilt", "spoilt", now.Add(time.Hour)
		if _, err := a.realm(t.Context(), "master"); err != nil || a.session.token == "spoilt" {
			t.Errorf("no new sign-in after a 401: %v", err)
		}
	})
}

// The credentials go into the form, where every character is safe; in Basic each would have to be encoded first.
func TestAnySecretGetsThrough(t *testing.T) {
	t.Parallel()
	const secret = `a%2B+b:c/ü &=`
	var got url.Values
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		if r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
			t.Error("the secret is elsewhere too")
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"t","expires_in":60}`)
	}))
	defer s.Close()
	if _, err := Login(t.Context(), Options{AdminURL: s.URL, ClientID: "a:b", ClientSecret: secret}); err != nil {
		t.Fatal(err)
	}
	if got.Get("client_secret") != secret || got.Get("client_id") != "a:b" || got.Get("grant_type") != "client_credentials" {
		t.Errorf("got %v", got)
	}
}
