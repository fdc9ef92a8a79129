package keycloaktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// A target is a Keycloak that the cases are held against: the small one as both versions, and the real ones where they are
// given, which is what proves that the small one answers as they do.
type target struct {
	base, admin, password string
	// old: it is a 26.4, or answers as one.
	old bool
}

func each(t *testing.T, f func(t *testing.T, kc target)) {
	t.Helper()
	for name, version := range map[string]string{"small": keycloaktest.DefaultVersion, "small-26.4.7": "26.4.7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			small := start(t, keycloaktest.Options{Version: version})
			f(t, target{small.URL, "admin", "admin", version != keycloaktest.DefaultVersion})
		})
	}
	for _, one := range realOnes() {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			f(t, one.target)
		})
	}
}

func start(t *testing.T, o keycloaktest.Options) *keycloaktest.Running {
	t.Helper()
	small, err := keycloaktest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = small.Close() })
	return small
}

type realOne struct {
	name string
	target
}

// realOnes are given as name=url,...; the name is the version.
func realOnes() []realOne {
	var all []realOne
	for _, one := range strings.FieldsFunc(os.Getenv("MCPWIZ_TEST_KEYCLOAK"), func(r rune) bool { return r == ',' }) {
		name, base, _ := strings.Cut(one, "=")
		all = append(all, realOne{name, target{base, os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"), os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD"),
			strings.HasPrefix(name, "26.4.")}})
	}
	return all
}

// A bench is one realm of a target, as an administrator and as strangers see it.
type bench struct {
	t     *testing.T
	kc    target
	realm string
	token string
	until time.Time
}

var realms atomic.Int64

func newBench(t *testing.T, kc target) *bench {
	t.Helper()
	b := &bench{t: t, kc: kc, realm: fmt.Sprintf("small-%d-%d", time.Now().UnixNano(), realms.Add(1))}
	b.must(http.StatusCreated, http.MethodPost, "", map[string]any{"realm": b.realm, "enabled": true})
	b.until = time.Time{} // a token of before the realm may not know it
	t.Cleanup(func() { b.must(http.StatusNoContent, http.MethodDelete, b.realm, nil) })
	return b
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(r.text), &all); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.text, err)
	}
	return all
}

// plain follows no redirect and keeps no cookies.
var plain = &http.Client{CheckRedirect: stay, Timeout: time.Minute}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func send(t *testing.T, c *http.Client, req *http.Request) reply {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// request makes one; the context outlives the test, whose clean-up asks too.
func request(t *testing.T, method, to string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, to, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func get(t *testing.T, to string, headers ...string) reply {
	t.Helper()
	return send(t, plain, request(t, http.MethodGet, to, nil, headers...))
}

func postForm(t *testing.T, to string, form url.Values, headers ...string) reply {
	t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
	return send(t, plain, request(t, http.MethodPost, to, strings.NewReader(form.Encode()), headers...))
}

func sendJSON(t *testing.T, method, to string, body any, headers ...string) reply {
	t.Helper()
	var in io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	return send(t, plain, request(t, method, to, in, append([]string{"Content-Type", "application/json"}, headers...)...))
}

// call asks the Admin API below /admin/realms.
func (b *bench) call(method, path string, body any, headers ...string) reply {
	b.t.Helper()
	if time.Now().After(b.until) {
		r := postForm(b.t, b.kc.base+"/realms/master/protocol/openid-connect/token",
			url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {b.kc.admin}, "password": {b.kc.password}})
		b.token, _ = r.json(b.t)["access_token"].(string)
		b.until = time.Now().Add(30 * time.Second)
	}
	to := b.kc.base + "/admin/realms"
	if path != "" {
		to += "/" + path
	}
	return sendJSON(b.t, method, to, body, append([]string{"Authorization", "Bearer " + b.token}, headers...)...)
}

func (b *bench) must(status int, method, path string, body any) reply {
	b.t.Helper()
	r := b.call(method, path, body)
	if r.status != status {
		b.t.Fatalf("%s %s: %d %s", method, path, r.status, r.text)
	}
	return r
}

// create makes a thing of the realm and returns its id.
func (b *bench) create(kind string, body any) string {
	b.t.Helper()
	at := b.must(http.StatusCreated, http.MethodPost, b.realm+"/"+kind, body).header.Get("Location")
	return at[strings.LastIndex(at, "/")+1:]
}

// read returns what the Admin API shows.
func (b *bench) read(path string, into any) {
	b.t.Helper()
	r := b.must(http.StatusOK, http.MethodGet, b.realm+path, nil)
	if err := json.Unmarshal([]byte(r.text), into); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) issuer() string { return b.kc.base + "/realms/" + b.realm }

func (b *bench) at(endpoint string) string {
	return b.issuer() + "/protocol/openid-connect/" + endpoint
}

func (b *bench) post(endpoint string, form url.Values, headers ...string) reply {
	b.t.Helper()
	return postForm(b.t, b.at(endpoint), form, headers...)
}

const (
	mcpURL   = "https://mcp.example.com/mcp"
	callback = "https://claude.ai/api/mcp/auth_callback"
	secret   = "of-the-client"
	password = "of-the-user"
)

// provision makes what setup makes: the scope with the audience, Claude's client, one that introspects, one that signs in
// itself, a public one, and a user.
func (b *bench) provision() {
	b.t.Helper()
	b.create("client-scopes", map[string]any{"name": "mcp:tools", "protocol": "openid-connect",
		"attributes": map[string]string{"include.in.token.scope": "true", "display.on.consent.screen": "true", "consent.screen.text": "Use the tools"},
		"protocolMappers": []any{map[string]any{"name": "mcp-audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
			"config": map[string]string{"included.custom.audience": mcpURL, "access.token.claim": "true"}}}})
	b.create("clients", map[string]any{"clientId": "claude", "name": "Claude", "secret": secret, "consentRequired": true, "fullScopeAllowed": false,
		"redirectUris": []string{callback}, "webOrigins": []string{}, "attributes": map[string]string{"pkce.code.challenge.method": "S256"},
		"defaultClientScopes": []string{"basic", "mcp:tools"}, "optionalClientScopes": []string{"offline_access", "profile", "email"}})
	b.create("clients", map[string]any{"clientId": mcpURL, "secret": secret, "standardFlowEnabled": false})
	b.create("clients", map[string]any{"clientId": "machine", "secret": secret, "standardFlowEnabled": false, "serviceAccountsEnabled": true,
		"fullScopeAllowed": false, "defaultClientScopes": []string{"basic", "mcp:tools"}})
	b.create("clients", map[string]any{"clientId": "native", "publicClient": true, "directAccessGrantsEnabled": true,
		"redirectUris": []string{"http://127.0.0.1/callback", "http://localhost/callback"}, "webOrigins": []string{}})
	b.create("users", map[string]any{"username": "tester", "enabled": true, "email": "tester@example.com", "emailVerified": true, "firstName": "Test",
		"lastName": "Er", "credentials": []any{map[string]any{"type": "password", "value": password, "temporary": false}}})
}

// browser keeps cookies, and goes where it is sent only when it is told to.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: stay, Timeout: time.Minute}
}

// hold compares a refusal of OAuth's shape.
func (r reply) hold(t *testing.T, status int, code, description string) {
	t.Helper()
	var got struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal([]byte(r.text), &got) // what is no JSON has neither
	if r.status != status || got.Error != code || got.Description != description {
		t.Errorf("%d %s, want %d %s %q", r.status, r.text, status, code, description)
	}
}
