package keycloaktest_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// clock is set by a test, in seconds after it began.
type clock struct {
	start time.Time
	ahead atomic.Int64
}

func (c *clock) now() time.Time { return c.start.Add(time.Duration(c.ahead.Load()) * time.Second) }

// TestTimePasses is for the small one only: nobody waits that long for the real one.
func TestTimePasses(t *testing.T) {
	t.Parallel()
	c := &clock{start: time.Now()}
	small := start(t, keycloaktest.Options{Now: c.now})
	b := newBench(t, target{small.URL, "admin", "admin", false})
	b.provision()
	user := browser(t)
	code := b.walk(user, authQuery()).Get("code")
	c.ahead.Add(61) // accessCodeLifespan
	b.exchange(code).hold(t, http.StatusBadRequest, "invalid_grant", "Code not valid")
	tokens := b.exchange(b.walk(user, authQuery()).Get("code")).json(t)
	c.ahead.Add(299) // accessTokenLifespan
	b.holdActive(t, tokens["access_token"], true)
	c.ahead.Add(1)
	b.holdActive(t, tokens["access_token"], false)
	offline := b.tokens("mcp:tools offline_access")
	c.ahead.Add(1800) // ssoSessionIdleTimeout
	b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Token is not active")
	b.authorize(user, authQuery()).holdPage(t, http.StatusOK, "login-login", "")
	if r := b.refresh(offline["refresh_token"]); r.status != http.StatusOK {
		t.Errorf("offline: %s", r.text)
	}
	c.ahead.Add(2592001) // offlineSessionIdleTimeout
	b.refresh(offline["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Offline user session not found")
	b.until = time.Time{} // the clean-up signs in anew
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	small := start(t, keycloaktest.Options{})
	b := newBench(t, target{small.URL, "admin", "admin", false})
	b.provision()
	b.tokens("mcp:tools") // the consent is granted once
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := b.in(t).tokens("openid mcp:tools"); got["id_token"] == nil {
				t.Errorf("%v", got)
			}
		})
	}
	all.Wait()
}

// TestBehindAName: with a base URL of its own it is what the addresses say, whatever the Host header is; away from
// loopback, cookies are as on any other http host.
func TestBehindAName(t *testing.T) {
	t.Parallel()
	for base, cookie := range map[string]string{"https://auth.example.com": ";Secure;HttpOnly;SameSite=None", "http://auth.example.com": ";HttpOnly;SameSite=Lax"} {
		small := start(t, keycloaktest.Options{BaseURL: base + "/"})
		b := newBench(t, target{small.URL, "admin", "admin", false})
		b.provision()
		if got := get(t, b.issuer()+"/.well-known/openid-configuration").json(t)["issuer"]; got != base+"/realms/"+b.realm {
			t.Errorf("issuer %v", got)
		}
		r := b.authorize(plain, authQuery())
		if got := r.header["Set-Cookie"]; len(got) != 3 || !strings.HasSuffix(got[0], cookie) {
			t.Errorf("%s: %v", base, got)
		}
		if got := find(formAction, r.text); !strings.HasPrefix(got, base+"/realms/"+b.realm+"/login-actions/authenticate?") {
			t.Errorf("form leads to %s", got)
		}
	}
}

// BenchmarkStart: a demo starts at once; the one key of all realms is made when it is needed.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		small, err := keycloaktest.Start(keycloaktest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		_ = small.Close()
	}
}
