package keycloak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// register asks for a registration as anybody can.
func (b *bench) register(body map[string]any) (int, map[string]any) {
	b.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.Post(b.base+"/realms/"+b.realm+"/clients-registrations/openid-connect", "application/json", bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func claudesBody(with map[string]any) map[string]any {
	body := map[string]any{"client_name": "Claude", "redirect_uris": []string{"https://claude.ai/api/mcp/auth_callback"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}, "token_endpoint_auth_method": "none"}
	for k, v := range with {
		body[k] = v
	}
	return body
}

// authorize returns what an authorization request of a client gets: its status, and where to or the page that it shows.
func (b *bench) authorize(client, redirect, scope string, more ...string) (int, string) {
	b.t.Helper()
	q := url.Values{"client_id": {client}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {scope}, "state": {"s"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := once.Get(b.base + "/realms/" + b.realm + "/protocol/openid-connect/auth?" + q.Encode())
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if to := resp.Header.Get("Location"); to != "" {
		return resp.StatusCode, to
	}
	return resp.StatusCode, string(page)
}

// proof of possession of the code, as a client makes it (RFC 7636 appendix B).
var challenge = []string{"code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256"}

func (b *bench) dynamic() {
	b.c.Clients = []plan.Client{{Profile: "claude-ai", Registration: plan.Dynamic}, {Profile: "claude-code", Registration: plan.Dynamic}, {Profile: "m2m"}}
}

// ways is what decides on who may register, as far as it is stable.
func (b *bench) ways() map[string]any {
	b.t.Helper()
	all := map[string]any{}
	components, err := b.a.components(b.t.Context(), b.realm, registrationPolicy)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range components {
		for _, list := range c.Config {
			slices.Sort(list)
		}
		all[c.Provider+" "+c.SubType] = c.Config
	}
	for _, list := range []string{givenScopes, offeredScopes} {
		if all[list], err = b.a.listed(b.t.Context(), b.realm, list); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, list := range []policyList{enforcements, policies} {
		var got map[string]any
		b.call(http.MethodGet, nil, &got, "realms", b.realm, "client-policies", list.name)
		all[list.name] = got[list.name]
	}
	return all
}

func TestClientsThatRegisterThemselves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		for _, own := range []bool{true, false} {
			t.Run(fmt.Sprint("own=", own), func(t *testing.T) {
				b := newBench(t, kc)
				b.dynamic()
				if b.c.Keycloak.CreateRealm = own; !own {
					b.c.Users = nil
					b.makeRealm(nil)
					b.call(http.MethodPut, map[string]any{"profiles": []any{map[string]any{"name": "theirs", "executors": []any{}}}}, nil,
						"realms", b.realm, "client-policies", "profiles")
				}
				if kc.old() {
					if c := b.refused("keycloak/registration-policy/trusted-hosts"); !strings.Contains(c.Stop, "CVE-2026-15572") || !strings.Contains(c.Propose, "allow_vulnerable") {
						t.Errorf("%+v", c)
					}
					b.c.Keycloak.AllowVulnerable = true
				}
				var before map[string]any
				if !own {
					before = b.ways()
				}
				p := b.apply()
				b.holdRegistration()
				if own {
					return
				}
				b.undo(p)
				if d := cmp.Diff(before, b.ways()); d != "" {
					t.Errorf("undo: %s", d)
				}
			})
		}
	})
}

// holdRegistration holds the realm to letting in who is meant, and no more.
func (b *bench) holdRegistration() {
	t := b.t
	t.Helper()
	for name, body := range map[string]map[string]any{
		"with scopes":    claudesBody(map[string]any{"scope": "openid mcp:tools offline_access"}),
		"without scopes": claudesBody(nil),
		"loopback":       claudesBody(map[string]any{"redirect_uris": []string{"http://localhost/callback", "http://127.0.0.1:7777/callback"}}),
		"its home":       claudesBody(map[string]any{"client_uri": "https://code.example.com/home"}),
	} {
		status, answer := b.register(body)
		id, _ := answer["client_id"].(string)
		if status != http.StatusCreated || id == "" {
			t.Errorf("%s: %d %v", name, status, answer)
			continue
		}
		redirect := body["redirect_uris"].([]string)[0]
		// Who registers has to use PKCE, though nobody asks it to when it registers.
		if status, to := b.authorize(id, redirect, "mcp:tools"); status != http.StatusFound || !strings.Contains(to, "code_challenge_method") {
			t.Errorf("%s: without PKCE: %d %.300s", name, status, to)
		}
		if status, page := b.authorize(id, redirect, "openid mcp:tools offline_access", challenge...); status != http.StatusOK || !strings.Contains(page, "login-login") {
			t.Errorf("%s: %d %.300s", name, status, page)
		}
	}
	for name, body := range map[string]map[string]any{
		"another host":  claudesBody(map[string]any{"redirect_uris": []string{"https://evil.example.com/cb"}}),
		"another home":  claudesBody(map[string]any{"client_uri": "https://evil.example.com/"}),
		"another scope": claudesBody(map[string]any{"scope": "service_account"}),
	} {
		if status, answer := b.register(body); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	// A client that was there before is not held to anything new.
	b.call(http.MethodPost, map[string]any{"clientId": "theirs", "publicClient": true, "redirectUris": []string{"https://theirs.example.com/cb"}, "webOrigins": []string{}},
		nil, "realms", b.realm, "clients")
	if status, page := b.authorize("theirs", "https://theirs.example.com/cb", "openid"); status != http.StatusOK || !strings.Contains(page, "login-login") {
		t.Errorf("a client of others: %d %.300s", status, page)
	}
}

func TestDriftOfTheWays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.dynamic()
		b.c.Keycloak.AllowVulnerable = true
		b.apply()
		find := func(provider string) componentRep {
			all, err := b.a.components(t.Context(), b.realm, registrationPolicy)
			if err != nil {
				t.Fatal(err)
			}
			return all[slices.IndexFunc(all, func(c componentRep) bool { return c.Provider == provider && c.SubType == anonymous })]
		}
		for resource, by := range map[string]func(){
			"registration-policy/trusted-hosts": func() {
				c := find(trustedHosts)
				c.Config = map[string][]string{trustedHosts: {"claude.ai", "partner.example.com"}, senderMatch: {"true"}, urisMatch: {"true"}}
				b.call(http.MethodPut, c, nil, "realms", b.realm, "components", c.ID)
			},
			"registration-policy/allowed-client-templates": func() {
				c := find(allowedScopes)
				c.Config = map[string][]string{allowedClientScopes: {}, "allow-default-scopes": {"true"}}
				b.call(http.MethodPut, c, nil, "realms", b.realm, "components", c.ID)
			},
			"realm-scope/mcp:tools": func() {
				b.call(http.MethodDelete, nil, nil, "realms", b.realm, offeredScopes, b.scope("mcp:tools").ID)
			},
			"client-policy/mcpwiz-pkce": func() {
				b.call(http.MethodPut, map[string]any{"policies": []any{}}, nil, "realms", b.realm, "client-policies", "policies")
			},
		} {
			by()
			p := b.look()
			if shown := shape(p); len(shown) != 1 || shown["keycloak/"+resource] == nil {
				t.Errorf("%s: %s", resource, told(p))
			}
			b.apply()
		}
		if hosts := find(trustedHosts).Config[trustedHosts]; !slices.Contains(hosts, "partner.example.com") {
			t.Errorf("a host that somebody has added is gone: %v", hosts)
		}
	})
}

func TestWaysThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client plan.Client
		says   string
	}{
		"machine":       {plan.Client{Profile: "m2m", Registration: plan.Dynamic}, "signs in by itself"},
		"no document":   {plan.Client{Profile: "claude-code", Registration: plan.MetadataDocument}, "knows no registration: metadata-document"},
		"not https":     {plan.Client{Profile: "document http://claude.example.com/client.json", Registration: plan.MetadataDocument}, "no https URL"},
		"introspection": {plan.Client{Profile: plan.Introspection, Registration: plan.Dynamic}, "leave registration out"},
		"with an id":    {plan.Client{Profile: "claude-ai", Registration: plan.Dynamic, ID: "claude"}, "clients[0].id: with registration: dynamic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Resources(nil, plan.Connection{Servers: []plan.Server{{URL: mcpURL}},
				Keycloak: plan.Keycloak{Issuer: "https://id.example.com/realms/mcp"}, Clients: []plan.Client{c.client}}, nil, profiles)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMetadataDocumentsWhereTheyAreOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.c.Clients = []plan.Client{{Profile: "document http://127.0.0.1:1/client.json", Registration: plan.MetadataDocument}}
		if c := b.refused("keycloak/client-profile/mcpwiz-metadata-documents"); !strings.Contains(c.Stop, "feature cimd is off") {
			t.Errorf("%+v", c)
		}
	})
}

// ofDocument serves a client's metadata document.
func ofDocument(t *testing.T) (document string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"client_id": document, "client_name": "Of a document", "redirect_uris": []string{"http://127.0.0.1/callback"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}, "token_endpoint_auth_method": "none"})
	}))
	t.Cleanup(s.Close)
	document = s.URL + "/client.json"
	return document
}

func TestMetadataDocuments(t *testing.T) {
	t.Parallel()
	eachWithFeatures(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		document := ofDocument(t)
		b.c.Clients = []plan.Client{{Profile: "claude-ai", Registration: plan.MetadataDocument}}
		if c := b.refused("keycloak/client-profile/mcpwiz-metadata-documents"); !strings.Contains(c.Stop, "jwt-bearer") || !strings.Contains(c.Propose, "26.8") {
			t.Errorf("%+v", c)
		}
		b.c.Clients = []plan.Client{{Profile: "document " + document, Registration: plan.MetadataDocument}, {Profile: "m2m"}}
		p := b.apply()
		const redirect = "http://127.0.0.1/callback"
		if status, to := b.authorize(document, redirect, "mcp:tools"); status != http.StatusFound || !strings.Contains(to, "code_challenge_method") {
			t.Errorf("without PKCE: %d %.300s", status, to)
		}
		if status, page := b.authorize(document, redirect, "openid mcp:tools offline_access", challenge...); status != http.StatusOK || !strings.Contains(page, "login-login") {
			t.Errorf("%d %.300s", status, page)
		}
		if status, _ := b.authorize("https://evil.example.com/client.json", redirect, "openid", challenge...); status != http.StatusBadRequest {
			t.Errorf("another document: %d", status)
		}
		b.proveResources()
		b.undo(p)
	})
}

// proveResources: with resource indicators on, a token is for the server whether or not a client names it. By password, for
// 26.7.3 answers client_credentials with a resource that is right with 500.
func (b *bench) proveResources() {
	b.t.Helper()
	b.call(http.MethodPost, map[string]any{"clientId": "names-it", "secret": "s", "standardFlowEnabled": false, "directAccessGrantsEnabled": true,
		"defaultClientScopes": []string{"basic", "mcp:tools"}, "webOrigins": []string{}}, nil, "realms", b.realm, "clients")
	form := url.Values{"grant_type": {"password"}, "client_id": {"names-it"}, "client_secret": {"s"}, "username": {"tester"}, "password": {b.kept("user/tester")}}
	for _, resource := range []string{"", mcpURL} {
		if resource != "" {
			form.Set("resource", resource)
		}
		status, answer := b.post("token", form)
		if status != http.StatusOK {
			b.t.Errorf("resource %q: %d %v", resource, status, answer)
		} else if aud := claimsOf(b.t, answer["access_token"])["aud"]; aud != mcpURL {
			b.t.Errorf("resource %q: aud %v", resource, aud)
		}
	}
	form.Set("resource", "https://elsewhere.example.com/mcp")
	if status, answer := b.post("token", form); status != http.StatusBadRequest || answer["error"] != "invalid_target" {
		b.t.Errorf("another resource: %d %v", status, answer)
	}
}

func TestVersionsWithAKnownHole(t *testing.T) {
	t.Parallel()
	for version, fixed := range map[string]bool{"26.4.7": false, "26.4.14": true, "26.4.14.redhat-00001": true, "26.5.6": false, "26.6.4": false, "26.6.5": true,
		"26.7.0": false, "26.7.3": true, "26.8.0": true, "26.8.1": true, "27.0.0": true, "25.0.6": false, "": false, "nightly": false} {
		if got := fixedIn(version, advisories.Registration.Fixed); got != fixed {
			t.Errorf("%q: %v", version, got)
		}
	}
}
