package keycloak

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func TestEverythingIsMadeProvedAndUndone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		p := b.apply()
		for _, c := range p.Changes {
			if c.Action != plan.Create {
				t.Errorf("%s: %s in a new realm", c.Resource, c.Action)
			}
		}
		b.proveMachine(t)
		b.proveSigner(t)
		b.proveClaude(t)
		b.proveNative(t)
		b.proveRealm(t)
		b.holdNoSecrets(t, p)
		b.undo(p)
		if r, err := b.a.realm(t.Context(), b.realm); err != nil || r.there {
			t.Errorf("the realm after undo: %v, %v", r.there, err)
		}
	})
}

func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	parts := strings.Split(token.(string), ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// proveMachine: its token names the server, has the scope and its lifespan, and introspects as active.
func (b *bench) proveMachine(t *testing.T) {
	status, got := b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"m2m"}, "client_secret": {b.kept("client/m2m")}})
	if status != http.StatusOK {
		t.Fatalf("m2m: %d %v", status, got)
	}
	claims := claimsOf(t, got["access_token"])
	if claims["aud"] != mcpURL || claims["sub"] == nil || claims["azp"] != "m2m" || !lives900(claims) {
		t.Errorf("claims %v", claims)
	}
	if !strings.Contains(claims["scope"].(string), "mcp:tools") {
		t.Errorf("scope %v", claims["scope"])
	}
	_, got = b.post("token/introspect", url.Values{"token": {got["access_token"].(string)}, "client_id": {mcpURL}, "client_secret": {b.kept("client/" + mcpURL)}})
	if got["active"] != true {
		t.Errorf("introspection: %v", got)
	}
}

// lives900: Keycloak takes the time anew for iat and for exp, so a second that turns between them stretches the life by one.
func lives900(claims map[string]any) bool {
	life := claims["exp"].(float64) - claims["iat"].(float64)
	return life == 900 || life == 901
}

func (b *bench) proveSigner(t *testing.T) {
	block, _ := pem.Decode([]byte(b.kept("key/signer")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: "signer", Subject: "signer", Audience: jwt.Audience{b.base + "/realms/" + b.realm},
		ID: plan.NewSecret().Reveal(), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)), IssuedAt: jwt.NewNumericDate(time.Now())}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	status, got := b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"signer"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}})
	if status != http.StatusOK || claimsOf(t, got["access_token"])["aud"] != mcpURL {
		t.Errorf("signer: %d %v", status, got)
	}
}

func (b *bench) proveClaude(t *testing.T) {
	c := b.client("claude")
	want := map[string]any{"publicClient": false, "standardFlowEnabled": true, "directAccessGrantsEnabled": false, "implicitFlowEnabled": false,
		"serviceAccountsEnabled": false, "fullScopeAllowed": false, "consentRequired": true, "secret": b.kept("client/claude"), "webOrigins": []any{}}
	for k, v := range want {
		if d := cmp.Diff(v, c[k]); d != "" {
			t.Errorf("claude %s: %s", k, d)
		}
	}
	sorted := cmpopts.SortSlices(func(a, b any) bool { return a.(string) < b.(string) })
	for k, v := range map[string][]any{
		"redirectUris":         {"https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"},
		"defaultClientScopes":  {"basic", "mcp:tools"},
		"optionalClientScopes": {"offline_access", "profile", "email"},
	} {
		if d := cmp.Diff(v, c[k], sorted); d != "" {
			t.Errorf("claude %s: %s", k, d)
		}
	}
	attributes := c["attributes"].(map[string]any)
	for k, v := range map[string]string{"pkce.code.challenge.method": "S256", "access.token.lifespan": "900", tag: tagOurs, "post.logout.redirect.uris": "-"} {
		if attributes[k] != v {
			t.Errorf("claude attribute %s is %v", k, attributes[k])
		}
	}
}

func (b *bench) proveNative(t *testing.T) {
	c := b.client("claude-code")
	uris, _ := json.Marshal(normal(c["redirectUris"]))
	if attributes := c["attributes"].(map[string]any); attributes["pkce.code.challenge.method"] != "S256" || attributes["access.token.lifespan"] != "900" ||
		c["secret"] != nil || c["consentRequired"] != true || !slices.Contains(texts(c["defaultClientScopes"]), "mcp:tools") ||
		!slices.Contains(texts(c["optionalClientScopes"]), "offline_access") {
		t.Errorf("claude-code: %v", c)
	}
	if c["publicClient"] != true || string(uris) != `["http://127.0.0.1/callback","http://localhost/callback"]` || len(c["webOrigins"].([]any)) != 0 {
		t.Errorf("claude-code: %v", c)
	}
}

func (b *bench) proveRealm(t *testing.T) {
	r := b.realmNow()
	if r["eventsEnabled"] != true || r["offlineSessionMaxLifespanEnabled"] != true || r["attributes"].(map[string]any)[tag] != tagOurs {
		t.Errorf("realm: %v", r)
	}
}

// holdNoSecrets: what we made stands in the file of secrets, and neither in the plan nor in the journal.
func (b *bench) holdNoSecrets(t *testing.T, p plan.Plan) {
	journal, err := os.ReadFile(b.journal)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	names := b.secrets.Names()
	if d := cmp.Diff([]string{"client/claude", "client/" + mcpURL, "client/m2m", "key/signer", "user/tester"}, names); d != "" {
		t.Error(d)
	}
	for _, name := range names {
		s := b.kept(name)
		if strings.Contains(told(p), s) || bytes.Contains(journal, []byte(s)) || bytes.Contains(asJSON, []byte(s)) {
			t.Errorf("%s is told", name)
		}
	}
}

func TestResourcesRefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	no := false
	base := func() plan.Connection {
		return plan.Connection{Servers: []plan.Server{{URL: mcpURL}}, Keycloak: plan.Keycloak{Issuer: "https://auth.example.com/realms/mcp"}}
	}
	for want, client := range map[string]plan.Client{
		"no profile":                  {Profile: "nope"},
		"through which users sign in": {Profile: "m2m", RedirectURIs: []string{"https://example.com/cb"}},
		"by itself nor introspect":    {Profile: plan.Introspection, Confidential: &no},
		"is for machines":             {Profile: "claude-ai", Auth: plan.AuthPrivateKeyJWT},
		"wildcard":                    {Profile: "claude-ai", RedirectURIs: []string{"https://claude.ai/*"}},
	} {
		c := base()
		c.Clients = []plan.Client{client}
		if _, err := Resources(nil, c, nil, profiles); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestProofsAreNamed(t *testing.T) {
	t.Parallel()
	c := plan.Connection{Servers: []plan.Server{{URL: mcpURL}}, Keycloak: plan.Keycloak{Issuer: "https://auth.example.com/realms/mcp", CreateRealm: true},
		Clients: []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}}, Users: []plan.User{{Name: "tester"}}}
	all, err := Resources(nil, c, nil, profiles)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range all {
		names = append(names, r.Name())
		if len(r.Proof()) == 0 {
			t.Errorf("%s has no proof", r.Name())
		}
	}
	want := []string{"keycloak/realm/mcp", "keycloak/scope/mcp:tools", "keycloak/client/claude", "keycloak/client/m2m", "keycloak/user/tester"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

func TestOpenidIsAskedForAndNotAssigned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Servers[0].Scopes = []string{"mcp:tools", "openid"}
		b.c.Clients, b.c.Users = b.c.Clients[:1], nil
		b.apply()
		if scopes := strings.Join(texts(b.client("claude")["defaultClientScopes"]), " "); !strings.Contains(scopes, "mcp:tools") || strings.Contains(scopes, "openid") {
			t.Errorf("default scopes: %s", scopes)
		}
	})
}
