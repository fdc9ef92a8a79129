package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A realm is a realm of the test's own on a real Keycloak, with what a login can meet.
type realm struct {
	t                 *testing.T
	version, base     string
	name, admin, pass string
	token             string
	until             time.Time
}

const (
	hosted   = "https://claude.ai/api/mcp/auth_callback"
	password = "correct-horse-7-battery"
	otpKey   = "abcdefghij0123456789"
)

var realms atomic.Int64

// onKeycloak runs a test on each real Keycloak that the environment names.
func onKeycloak(t *testing.T, f func(t *testing.T, r *realm)) {
	all := os.Getenv("MCPWIZ_TEST_KEYCLOAK")
	if all == "" {
		t.Skip("no Keycloak: set MCPWIZ_TEST_KEYCLOAK to name=url,..., MCPWIZ_TEST_KEYCLOAK_ADMIN and MCPWIZ_TEST_KEYCLOAK_PASSWORD")
	}
	for one := range strings.SplitSeq(all, ",") {
		version, base, _ := strings.Cut(one, "=")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := &realm{t: t, version: version, base: base, name: fmt.Sprintf("browser-%d-%d", time.Now().UnixNano(), realms.Add(1)),
				admin: os.Getenv("MCPWIZ_TEST_KEYCLOAK_ADMIN"), pass: os.Getenv("MCPWIZ_TEST_KEYCLOAK_PASSWORD")}
			r.make()
			f(t, r)
		})
	}
}

func (r *realm) issuer() string { return r.base + "/realms/" + r.name }

// request is an authorization request of a client.
func (r *realm) request(client string, extra ...string) Request {
	redirect := hosted
	q := url.Values{"client_id": {client}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "state": {"st-4711-8152"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	for i := 0; i < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	oidc := r.issuer() + "/protocol/openid-connect/"
	return Request{URL: oidc + "auth?" + q.Encode(), RedirectURI: redirect, State: "st-4711-8152", Issuer: r.issuer(), EndSession: oidc + "logout",
		Transport: &http.Transport{DisableCompression: true}}
}

func person(name string, more map[string]any) map[string]any {
	u := map[string]any{"username": name, "enabled": true, "email": name + "@example.com", "emailVerified": true, "firstName": "Test",
		"lastName": "User", "credentials": []any{map[string]any{"type": "password", "value": password}}}
	for k, v := range more {
		u[k] = v
	}
	return u
}

func relying(id string, more map[string]any) map[string]any {
	c := map[string]any{"clientId": id, "name": "Claude", "publicClient": true, "standardFlowEnabled": true, "redirectUris": []string{hosted}}
	for k, v := range more {
		c[k] = v
	}
	return c
}

func (r *realm) make() {
	r.t.Helper()
	r.call("POST", "/admin/realms", map[string]any{
		"realm": r.name, "enabled": true, "sslRequired": "none",
		"users": []any{
			person("tester", nil),
			person("coder", map[string]any{"credentials": []any{
				map[string]any{"type": "password", "value": password},
				map[string]any{"type": "otp", "secretData": `{"value":"` + otpKey + `"}`,
					"credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`},
			}}),
			person("newcomer", map[string]any{"requiredActions": []string{"UPDATE_PASSWORD"}}),
			person("gone", map[string]any{"enabled": false}),
		},
		"clients": []any{
			relying("plain", nil),
			relying("asking", map[string]any{"consentRequired": true}),
			relying("two-pages", nil),
		},
	}, nil)
	r.t.Cleanup(func() { r.call("DELETE", "/admin/realms/"+r.name, nil, nil) })
	r.token = "" // 26.4.7: a token does not know a realm that was made after it
}

// twoPages makes a client log in on a page for the user's name and one for the password.
func (r *realm) twoPages(client string) {
	r.t.Helper()
	auth := "/admin/realms/" + r.name + "/authentication"
	r.call("POST", auth+"/flows", map[string]any{"alias": "two", "providerId": "basic-flow", "topLevel": true}, nil)
	for _, provider := range []string{"auth-username-form", "auth-password-form"} {
		r.call("POST", auth+"/flows/two/executions/execution", map[string]any{"provider": provider}, nil)
	}
	var steps []map[string]any
	r.call("GET", auth+"/flows/two/executions", nil, &steps)
	for _, s := range steps {
		s["requirement"] = "REQUIRED"
		r.call("PUT", auth+"/flows/two/executions", s, nil)
	}
	var flows, clients []map[string]any
	r.call("GET", auth+"/flows", nil, &flows)
	r.call("GET", "/admin/realms/"+r.name+"/clients?clientId="+client, nil, &clients)
	for _, f := range flows {
		if f["alias"] == "two" {
			clients[0]["authenticationFlowBindingOverrides"] = map[string]any{"browser": f["id"]}
		}
	}
	r.call("PUT", "/admin/realms/"+r.name+"/clients/"+clients[0]["id"].(string), clients[0], nil)
}

// sessions returns how many sessions a user has.
func (r *realm) sessions(user string) int {
	r.t.Helper()
	var users, all []map[string]any
	r.call("GET", "/admin/realms/"+r.name+"/users?exact=true&username="+user, nil, &users)
	r.call("GET", "/admin/realms/"+r.name+"/users/"+users[0]["id"].(string)+"/sessions", nil, &all)
	return len(all)
}

func (r *realm) bearer() string {
	if r.token != "" && time.Now().Before(r.until) {
		return r.token
	}
	resp, err := http.PostForm(r.base+"/realms/master/protocol/openid-connect/token",
		url.Values{"client_id": {"admin-cli"}, "grant_type": {"password"}, "username": {r.admin}, "password": {r.pass}})
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		r.t.Fatalf("no admin token: %d %v", resp.StatusCode, err)
	}
	r.token, r.until = answer.Token, time.Now().Add(30*time.Second)
	return r.token
}

func (r *realm) call(method, path string, in, out any) {
	r.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	if in == nil {
		body = nil
	}
	req, err := http.NewRequest(method, r.base+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.bearer())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			r.t.Fatal(err)
		}
	}
}
