package main

import (
	"crypto/rand"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// A behind is a Keycloak behind a handler: the small one, or a real one that runs.
type behind struct {
	http.Handler
	name, user, password string
	real                 bool
}

const canaryAdmin = "canary-admin-password"

// small is one in memory.
func small(o keycloaktest.Options) behind {
	o.AdminUser, o.AdminPassword = "admin", canaryAdmin
	return behind{keycloaktest.New(o), "small", o.AdminUser, o.AdminPassword, false}
}

// realOnes are those that MCPWIZ_TEST_KEYCLOAK names: version=URL, separated by commas. They take the Host that is asked for
// into their URLs, so whoever stands in front is the authorization server.
func realOnes(t testing.TB) []behind {
	var all []behind
	for _, one := range strings.FieldsFunc(os.Getenv("MCPWIZ_TEST_KEYCLOAK"), func(r rune) bool { return r == ',' }) {
		version, base, _ := strings.Cut(one, "=")
		to, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, behind{
			&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = r.In.Host
			}},
			version, os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"), os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD"), true,
		})
	}
	return all
}

// onEach runs a test on a small Keycloak and on every real one.
func onEach(t *testing.T, test func(*testing.T, behind)) {
	all := []behind{small(keycloaktest.Options{})}
	if !testing.Short() {
		all = append(all, realOnes(t)...)
	}
	for _, k := range all {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// newRealm is a name that nobody else uses.
func newRealm() string { return "rig-" + strings.ToLower(rand.Text()[:8]) }
