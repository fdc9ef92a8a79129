package keycloaktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func (b *bench) registrations() string { return b.issuer() + "/clients-registrations/openid-connect" }

func (b *bench) register(m map[string]any, headers ...string) reply {
	b.t.Helper()
	return sendJSON(b.t, http.MethodPost, b.registrations(), m, headers...)
}

// wish is what hosted Claude asks for, with some members changed; nil leaves one out.
func wish(changed ...any) map[string]any {
	m := map[string]any{"client_name": "Claude", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": "client_secret_post", "scope": "mcp:tools offline_access", "redirect_uris": []string{callback}}
	for i := 0; i+1 < len(changed); i += 2 {
		m[changed[i].(string)] = changed[i+1]
		if changed[i+1] == nil {
			delete(m, changed[i].(string))
		}
	}
	return m
}

// policy changes what registration is held to.
func (b *bench) policy(provider string, config map[string][]string) reply {
	b.t.Helper()
	var all []map[string]any
	b.read("/components?type=org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy", &all)
	for _, one := range all {
		if one["providerId"] == provider && one["subType"] == "anonymous" {
			one["config"] = config
			return b.call(http.MethodPut, b.realm+"/components/"+one["id"].(string), one)
		}
	}
	b.t.Fatalf("no policy %s", provider)
	return reply{}
}

// relax lets Claude register, and nobody else.
func (b *bench) relax() {
	b.t.Helper()
	for provider, config := range map[string]map[string][]string{
		"trusted-hosts":            {"trusted-hosts": {"claude.ai", "*.claude.com"}, "host-sending-registration-request-must-match": {"false"}, "client-uris-must-match": {"true"}},
		"allowed-client-templates": {"allowed-client-scopes": {"openid", "mcp:tools", "offline_access"}, "allow-default-scopes": {"true"}},
	} {
		if r := b.policy(provider, config); r.status != http.StatusNoContent {
			b.t.Fatalf("%s: %d %s", provider, r.status, r.text)
		}
	}
}

func rejected(policy, details string) string {
	return fmt.Sprintf("Policy '%s' rejected request to client-registration service. Details: %s", policy, details)
}

func TestRegistrationIsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		// In what order the real one asks its policies is random, so only one refuses.
		b.register(wish("scope", nil)).hold(t, http.StatusForbidden, "insufficient_scope", rejected("Trusted Hosts", "Host not trusted."))
		sendJSON(t, http.MethodPost, b.registrations(), "{").hold(t, http.StatusBadRequest, "invalid_request", "Cannot parse the JSON")
		if r := b.register(wish("resource", mcpURL)); r.status != http.StatusBadRequest ||
			!strings.HasPrefix(r.json(t)["error"].(string), `Invalid json representation for OIDCClientRepresentation. Unrecognized field "resource" at line 1 column `) {
			t.Errorf("%d %s", r.status, r.text)
		}
		postForm(t, b.registrations(), nil).hold(t, http.StatusUnsupportedMediaType, "The content-type header value did not match the value in @Consumes", "")
		b.register(wish(), "Authorization", "Bearer x").hold(t, http.StatusUnauthorized, "invalid_token", "Failed decode token")
		b.relax()
		fragment := "A redirect URI must not contain an URL fragment"
		if kc.old {
			fragment = "Redirect URIs must not contain an URI fragment"
		}
		for name, c := range map[string]struct {
			wish              map[string]any
			status            int
			code, description string
		}{
			"other host":       {wish("redirect_uris", []string{"https://evil.example/"}), 403, "insufficient_scope", rejected("Trusted Hosts", "URI doesn't match any trusted host or trusted domain")},
			"loopback":         {wish("redirect_uris", []string{"http://localhost:8000/cb"}), 403, "insufficient_scope", rejected("Trusted Hosts", "URI doesn't match any trusted host or trusted domain")},
			"other client_uri": {wish("client_uri", "https://github.com/x"), 403, "insufficient_scope", rejected("Trusted Hosts", "URL doesn't match any trusted host or trusted domain")},
			"other scope":      {wish("scope", "mcp:tools nope"), 403, "insufficient_scope", rejected("Allowed Client Scopes", "Not permitted to use specified clientScope")},
			"unknown method":   {wish("token_endpoint_auth_method", "nope"), 400, "invalid_client_metadata", "Client metadata invalid"},
			"key without keys": {wish("token_endpoint_auth_method", "private_key_jwt"), 400, "invalid_client_metadata", "Client metadata invalid"},
			"id given":         {wish("client_id", "mine"), 400, "invalid_client_metadata", "Client Identifier included"},
			"fragment":         {wish("redirect_uris", []string{"https://claude.ai/x#y"}), 400, "invalid_redirect_uri", fragment},
			"no URI":           {wish("redirect_uris", []string{"notauri"}), 500, "unknown_error", "For more on this error consult the server log."},
		} {
			t.Run(name, func(t *testing.T) { b.in(t).register(c.wish).hold(t, c.status, c.code, c.description) })
		}
		b.policy("max-clients", map[string][]string{"max-clients": {"1"}})
		b.register(wish()).hold(t, http.StatusForbidden, "insufficient_scope", rejected("Max Clients Limit", "It's allowed to have max 1 clients per realm"))
		if r := b.policy("trusted-hosts", map[string][]string{"host-sending-registration-request-must-match": {"false"}, "client-uris-must-match": {"false"}}); r.status != http.StatusBadRequest {
			t.Errorf("no check at all: %d", r.status)
		}
		if r := b.policy("allowed-client-templates", map[string][]string{"allowed-client-scopes": {"nope"}}); r.json(t)["errorMessage"] != "Client scopes not allowed: [nope]" {
			t.Errorf("unknown scope: %s", r.text)
		}
	})
}

func TestRegisteredClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.relax()
		post := "client_secret_post"
		if kc.old {
			post = "client_secret_basic"
		}
		for name, c := range map[string]struct {
			wish            map[string]any
			method          string
			secret          bool
			scope, optional string
			defaults        string
			grants          string
		}{
			"as Claude asks": {wish(), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"public":         {wish("token_endpoint_auth_method", "none"), "none", false, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"no method":      {wish("token_endpoint_auth_method", nil), "client_secret_basic", true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"no scope": {wish("scope", nil), post, true, "address microprofile-jwt offline_access organization phone", "address microprofile-jwt offline_access organization phone",
				"acr basic email profile roles web-origins", "authorization_code refresh_token"},
			"openid":          {wish("scope", "openid mcp:tools"), post, true, "mcp:tools", "mcp:tools", "basic", "authorization_code refresh_token"},
			"no grants":       {wish("grant_types", nil), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"unknown grant":   {wish("grant_types", []string{"authorization_code", "nope"}), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code"},
			"wildcard":        {wish("redirect_uris", []string{"https://claude.ai/*"}), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"domain":          {wish("redirect_uris", []string{"https://claude.com/cb", "https://a.claude.com/cb"}), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
			"further members": {wish("application_type", "native", "software_id", "x", "contacts", []string{"a@b.c"}), post, true, "mcp:tools offline_access", "mcp:tools offline_access", "basic", "authorization_code refresh_token"},
		} {
			t.Run(name, func(t *testing.T) {
				b := b.in(t)
				r := b.register(c.wish)
				if r.status != http.StatusCreated {
					t.Fatalf("%d %s", r.status, r.text)
				}
				got := r.json(t)
				if got["token_endpoint_auth_method"] != c.method || (got["client_secret"] != nil) != c.secret || scopeSet(got["scope"]) != c.scope ||
					set(got["grant_types"]) != c.grants || set(got["response_types"]) != "code none" || got["registration_client_uri"] != r.header.Get("Location") {
					t.Errorf("%s", r.text)
				}
				var found []map[string]any
				b.read("/clients?clientId="+got["client_id"].(string), &found)
				is := found[0]
				if is["id"] != got["client_id"] || is["consentRequired"] != true || is["fullScopeAllowed"] != false || is["publicClient"] != !c.secret ||
					set(is["optionalClientScopes"]) != c.optional || set(is["defaultClientScopes"]) != c.defaults {
					t.Errorf("%v", is)
				}
			})
		}
	})
}

func set(v any) string {
	var all []string
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return scopeSet(strings.Join(all, " "))
}

func TestRegistrationsAreManaged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.relax()
		made := b.register(wish()).json(t)
		uri := made["registration_client_uri"].(string)
		bearer := func(token any) []string { return []string{"Authorization", "Bearer " + token.(string)} }
		token := made["registration_access_token"]
		read := get(t, uri, bearer(token)...).json(t)
		if read["registration_access_token"] != token || read["client_secret"] != made["client_secret"] {
			t.Error("reading renews the token, or tells another secret")
		}
		const view, update = "Not authorized to view client. Not valid token or client credentials provided.",
			"Not authorized to update client. Maybe missing token or bad token type."
		get(t, uri).hold(t, http.StatusUnauthorized, "invalid_token", view)
		get(t, uri, bearer("x")...).hold(t, http.StatusUnauthorized, "invalid_token", "Failed decode token")
		delete(read, "registration_client_uri")
		delete(read, "registration_access_token")
		read["client_name"] = "another"
		changed := sendJSON(t, http.MethodPut, uri, read, bearer(token)...)
		if got := changed.json(t); changed.status != http.StatusOK || got["client_name"] != "another" || got["client_secret"] != made["client_secret"] {
			t.Fatalf("%d %s", changed.status, changed.text)
		}
		get(t, uri, bearer(token)...).hold(t, http.StatusUnauthorized, "invalid_token", view)
		token = changed.json(t)["registration_access_token"]
		if r := sendJSON(t, http.MethodDelete, uri, nil, bearer(token)...); r.status != http.StatusNoContent {
			t.Errorf("%d %s", r.status, r.text)
		}
		sendJSON(t, http.MethodDelete, uri, nil, bearer(token)...).hold(t, http.StatusUnauthorized, "invalid_token", update)
		get(t, uri, bearer(token)...).hold(t, http.StatusUnauthorized, "invalid_token", view)
	})
}

func TestRegistrationFromPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.relax()
		const origin = "http://localhost:6274"
		r := b.register(wish(), "Origin", origin)
		if kc.old {
			if r.status != http.StatusCreated {
				t.Errorf("%d %s", r.status, r.text)
			}
			return
		}
		r.hold(t, http.StatusForbidden, "Invalid origin", "")
		b.policy("registration-web-origins", map[string][]string{"web-origins": {origin}})
		if r := b.register(wish(), "Origin", origin); r.status != http.StatusCreated || r.header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("%d %v %s", r.status, r.header, r.text)
		}
	})
}
