package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// newFront is a rig whose server is the issuer that clients are told of, with Keycloak behind the same port.
func newFront(t *testing.T, change func(*plan.Connection)) *rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String()
	behind := keycloaktest.New(keycloaktest.Options{BaseURL: at, AdminUser: "admin", AdminPassword: canaryAdmin})
	k := httptest.NewServer(behind)
	t.Cleanup(k.Close)
	r := &rig{log: new(bytes.Buffer)}
	r.connection = plan.Connection{
		Servers:  []plan.Server{{URL: at + "/mcp", Listen: l.Addr().String()}},
		Keycloak: plan.Keycloak{Issuer: at + "/realms/front", AdminURL: k.URL, JWKSURL: k.URL + "/realms/front/protocol/openid-connect/certs", CreateRealm: true},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "claude-code"}},
		Users:    []plan.User{{Name: "alice"}},
		Serving:  plan.Serving{Front: true, CarryKeycloak: k.URL},
	}
	if change != nil {
		change(&r.connection)
	}
	if err := r.connection.Validate(); err != nil {
		t.Fatal(err)
	}
	r.provision(t, keycloak.Options{AdminURL: k.URL, User: "admin", Password: canaryAdmin})
	r.serve(t, l)
	return r
}

// In front mode everything is one name: clients are told of us as the issuer, sign in at Keycloak through our port, and find
// nothing amiss; the witness sees the whole handshake and keeps no password.
func TestFrontCarriesTheWholeHandshake(t *testing.T) {
	t.Parallel()
	r := newFront(t, nil)
	var failed []string
	sum := r.handshake(t, "claude-ai", func(e probe.Event) {
		if f, ok := e.(probe.Found); ok && f.Finding.Outcome == probe.Failed {
			failed = append(failed, f.Finding.Check+": "+f.Finding.Detail)
		}
	})
	if sum.Status != probe.Healthy {
		t.Errorf("the handshake is %s: %q", sum.Status, failed)
	}
	r.stop()
	seen := fmt.Sprint(r.server.Handshakes())
	password, _ := r.secrets.Get(plan.UserPassword("alice"))
	if strings.Contains(seen, password.Reveal()) || strings.Contains(r.log.String(), password.Reveal()) {
		t.Error("the witness has kept a password")
	}
	var signedIn, token bool
	for _, h := range r.server.Handshakes() {
		for _, f := range h.Findings {
			signedIn = signedIn || strings.HasPrefix(f.Check, "authorization.") && f.Outcome == probe.Passed
			token = token || strings.HasPrefix(f.Check, "token.") && f.Outcome == probe.Passed
		}
	}
	if !signedIn || !token {
		t.Errorf("the witness has seen the sign-in: %v, and the token: %v", signedIn, token)
	}
}

func TestFrontNamesItselfAndNothingThatIsNotSo(t *testing.T) {
	t.Parallel()
	r := newFront(t, func(c *plan.Connection) {
		c.Servers[0].ToolScopes = map[string][]string{"server_info": {"mcp:admin"}}
	})
	base := strings.TrimSuffix(r.connection.Servers[0].URL, "/mcp")
	resource := r.get(t, base+"/.well-known/oauth-protected-resource/mcp")
	if want := `"authorization_servers":["` + base + `"]`; !strings.Contains(resource, want) {
		t.Errorf("the resource metadata lack %s: %s", want, resource)
	}
	doc := r.get(t, base+"/.well-known/oauth-authorization-server")
	for _, want := range []string{`"issuer":"` + base + `"`, `"registration_endpoint":"` + base + `/register"`, `"scopes_supported":["mcp:tools","mcp:admin","offline_access"]`,
		`"authorization_endpoint":"` + base + `/realms/front/protocol/openid-connect/auth"`} {
		if !strings.Contains(doc, want) {
			t.Errorf("the metadata lack %s: %s", want, doc)
		}
	}
	if strings.Contains(doc, "authorization_response_iss_parameter_supported") {
		t.Error("an iss is announced that would be another's")
	}
	if own := r.get(t, base+"/realms/front/.well-known/openid-configuration"); !strings.Contains(own, `"issuer":"`+base+`/realms/front"`) {
		t.Errorf("Keycloak's own metadata are changed: %.200s", own)
	}
	for _, path := range []string{"/admin/", "/admin/master/console/", "/admin/realms/front", "/realms/master/protocol/openid-connect/token", "/realms/master/.well-known/openid-configuration",
		"/realms/front/../../admin/realms", "/realms/front/%2e%2e/%2e%2e/admin/realms", "/realms/front//../admin", "/realms/front/..;/admin/", "/resources/../admin/realms", "/metrics", "/realms/frontier/x", "/realms/front"} {
		if status, body := r.raw(t, path); status != http.StatusNotFound || !strings.Contains(body, "nothing is served at this path") {
			t.Errorf("%s is answered %d %.100s", path, status, body)
		}
	}
}

func TestFrontRegistersAtKeycloak(t *testing.T) {
	t.Parallel()
	r := newFront(t, func(c *plan.Connection) {
		c.Serving.Registration = plan.RegisterKeycloak
		c.Keycloak.AllowVulnerable = true // the small Keycloak does not tell its version
		c.Clients = append(c.Clients, plan.Client{Profile: "claude-ai", Registration: plan.Dynamic})
	})
	register := strings.TrimSuffix(r.connection.Servers[0].URL, "/mcp") + "/register"
	body := func(redirect string) string {
		return `{"client_name":"x","client_uri":"https://elsewhere.example","resource":"x","scope":"openid everything","redirect_uris":["` + redirect + `"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}`
	}
	for redirect, want := range map[string]int{
		"https://claude.ai/api/mcp/auth_callback": 201, "https://evil.example/cb": 400, "javascript:alert(1)": 400, "data:text/html,x": 400,
		"http://evil.example/cb": 400, "https://claude.ai/*": 400, "https://claude.ai/cb#x": 400, "": 400, "//claude.ai/cb": 400, "https://u:p@claude.ai/cb": 400,
	} {
		resp, err := http.Post(register, "application/json", strings.NewReader(body(redirect)))
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want && resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%q is answered %d %s, want %d", redirect, resp.StatusCode, said, want)
		}
		if want == 201 && (!strings.Contains(string(said), `"client_id"`) || !strings.Contains(string(said), `"response_types":["code"]`)) {
			t.Errorf("registered: %s", said)
		}
	}
	limited := false
	for range 30 {
		resp, err := http.Post(register, "application/json", strings.NewReader(body("https://claude.ai/api/mcp/auth_callback")))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		limited = limited || resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != ""
	}
	if !limited {
		t.Error("thirty registrations at once are all let through")
	}
}

func (r *rig) get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		t.Errorf("%s is answered %d %s", url, resp.StatusCode, body)
	}
	return string(body)
}

// raw asks for a path as it stands, which http.Client would tidy.
func (r *rig) raw(t *testing.T, path string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", r.connection.Servers[0].Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, r.connection.Servers[0].Listen)
	all, _ := io.ReadAll(c)
	var status int
	_, _ = fmt.Sscanf(string(all), "HTTP/1.1 %d", &status)
	return status, string(all)
}
