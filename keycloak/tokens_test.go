package keycloak

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Whatever scope Claude asks for, none at all too, its tokens name the server, live 900 s and can be refreshed, with
// offline_access past the sign-in's end. The login itself is the browser's to prove; here the user comes by a side door.
func TestClaudesTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.apply()
		b.call(http.MethodPut, map[string]any{"directAccessGrantsEnabled": true, "consentRequired": false, "webOrigins": []string{}},
			nil, "realms", b.realm, "clients", b.uuid("claude"))
		for scope, want := range map[string]string{"": "", "mcp:tools": "", "openid mcp:tools offline_access": "offline_access"} {
			form := url.Values{"grant_type": {"password"}, "client_id": {"claude"}, "client_secret": {b.kept("client/claude")},
				"username": {"tester"}, "password": {b.kept("user/tester")}}
			if scope != "" {
				form.Set("scope", scope)
			}
			status, got := b.post("token", form)
			if status != http.StatusOK {
				t.Fatalf("scope %q: %d %v", scope, status, got)
			}
			b.holdClaudes(t, got, want)
			status, got = b.post("token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got["refresh_token"].(string)},
				"client_id": {"claude"}, "client_secret": {b.kept("client/claude")}})
			if status != http.StatusOK {
				t.Fatalf("scope %q refreshed: %d %v", scope, status, got)
			}
			b.holdClaudes(t, got, want)
		}
	})
}

func (b *bench) holdClaudes(t *testing.T, got map[string]any, scope string) {
	t.Helper()
	claims := claimsOf(t, got["access_token"])
	has := strings.Fields(claims["scope"].(string))
	if claims["aud"] != mcpURL || claims["azp"] != "claude" || claims["sub"] == nil || !lives900(claims) || claims["email"] != nil ||
		!slices.Contains(has, "mcp:tools") || scope != "" && !slices.Contains(has, scope) {
		t.Errorf("claims %v", claims)
	}
	until, offline := got["refresh_expires_in"].(float64), scope == "offline_access"
	if offline && until < 2591990 || !offline && (until < 28790 || until > 28800) {
		t.Errorf("refresh_expires_in %v with scope %v", until, has)
	}
}

// What the file says of a client goes before what its profile would have.
func TestClaudeAsAPublicClientWithoutConsent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		no := false
		b.c.Users = nil
		b.c.Clients = []plan.Client{{Profile: "claude-ai", ID: "open", Confidential: &no, Consent: &no, AccessTokenLifespan: 1200,
			RedirectURIs: []string{"https://example.com/callback"}}}
		b.apply()
		c := b.client("open")
		if c["publicClient"] != true || c["consentRequired"] != false || c["secret"] != nil || !slices.Contains(texts(c["redirectUris"]), "https://example.com/callback") {
			t.Errorf("%v", c)
		}
		if a := c["attributes"].(map[string]any); a["access.token.lifespan"] != "1200" || a["pkce.code.challenge.method"] != "S256" {
			t.Errorf("%v", a)
		}
		if len(b.secrets.Names()) != 0 {
			t.Errorf("secrets of a public client: %v", b.secrets.Names())
		}
		yes := true
		b.c.Clients[0].Confidential, b.c.Clients[0].Consent = &yes, nil
		b.apply()
		if c = b.client("open"); c["publicClient"] != false || c["consentRequired"] != true || c["secret"] != b.kept("client/open") {
			t.Errorf("became confidential: %v", c)
		}
	})
}

// Two servers in one realm have a scope each, and a client's token is good at its own server only.
func TestServersDoNotShareAnAudience(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		const other = "https://other.example.com/mcp"
		b.c.Users, b.c.Servers = nil, append(b.c.Servers, plan.Server{URL: other})
		b.c.Clients = []plan.Client{{Profile: "m2m"}, {Profile: "m2m", ID: "m2m-other", Server: other}}
		b.apply()
		for id, want := range map[string]string{"m2m": mcpURL, "m2m-other": other} {
			_, got := b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {b.kept("client/" + id)}})
			if claims := claimsOf(t, got["access_token"]); claims["aud"] != want {
				t.Errorf("%s: %v", id, claims)
			}
		}
	})
}
