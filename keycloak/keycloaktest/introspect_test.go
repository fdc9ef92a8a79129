package keycloaktest_test

import (
	"net/http"
	"net/url"
	"testing"
)

// introspect asks as the client whose id is the server's url.
func (b *bench) introspect(token any, changed ...string) reply {
	b.t.Helper()
	form := url.Values{"token": {token.(string)}, "client_id": {mcpURL}, "client_secret": {secret}}
	for i := 0; i+1 < len(changed); i += 2 {
		form.Set(changed[i], changed[i+1])
		if changed[i+1] == "" {
			form.Del(changed[i])
		}
	}
	return b.post("token/introspect", form)
}

func (b *bench) holdActive(t *testing.T, token any, want bool) {
	t.Helper()
	if got := b.introspect(token).json(t); got["active"] != want {
		t.Errorf("active %v, want %v", got, want)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		tokens := b.tokens("openid mcp:tools")
		got := b.introspect(tokens["access_token"]).json(t)
		for name, v := range map[string]any{"active": true, "client_id": "claude", "username": "tester", "token_type": "Bearer", "aud": mcpURL, "azp": "claude",
			"iss": b.issuer(), "typ": "Bearer"} {
			if got[name] != v {
				t.Errorf("%s: %v", name, got[name])
			}
		}
		// Since 26.4.12 and 26.7 only whom a token is for is told about it.
		if got := b.introspect(tokens["access_token"], "client_id", "claude").json(t)["active"]; got != kc.old {
			t.Errorf("to the client that has got it: active %v", got)
		}
		for name, token := range map[string]any{"refresh token": tokens["refresh_token"], "id token": tokens["id_token"]} {
			if got := b.introspect(token).json(t)["active"]; got != kc.old {
				t.Errorf("%s: active %v", name, got)
			}
		}
		b.holdActive(t, "garbage", false)
		b.holdActive(t, "", false)
		b.post("token/introspect", url.Values{"client_id": {mcpURL}, "client_secret": {secret}}).
			hold(t, http.StatusBadRequest, "invalid_request", "Token not provided.")
		b.introspect("x", "client_id", "native").hold(t, http.StatusForbidden, "invalid_request", "Client not allowed.")
		code, wrong, unknown := "invalid_client", "Client authentication failed.", "Invalid client or Invalid client credentials"
		if kc.old {
			code, wrong, unknown = "invalid_request", "Authentication failed.", "Authentication failed."
		}
		b.introspect("x", "client_secret", "nope").hold(t, http.StatusUnauthorized, code, wrong)
		b.introspect("x", "client_id", "nope").hold(t, http.StatusUnauthorized, code, unknown)
		b.introspect("x", "client_id", "").hold(t, http.StatusUnauthorized, code, unknown)
		if kc.old {
			return
		}
		var found []map[string]any
		b.read("/clients?clientId=claude", &found)
		b.must(http.StatusNoContent, http.MethodPut, b.realm+"/clients/"+found[0]["id"].(string), map[string]any{"webOrigins": []string{},
			"attributes": map[string]string{"allow.token.introspection.without.audience.check": "true"}})
		if got := b.introspect(tokens["access_token"], "client_id", "claude").json(t)["active"]; got != true {
			t.Error("the audience check is off, and it is made")
		}
	})
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		tokens := b.tokens("mcp:tools")
		revoke := func(token any, client string) reply {
			return b.post("revoke", url.Values{"client_id": {client}, "client_secret": {secret}, "token": {token.(string)}})
		}
		revoke(tokens["access_token"], "native").hold(t, http.StatusBadRequest, "invalid_request", "Unmatching clients")
		b.post("revoke", url.Values{"client_id": {"claude"}, "client_secret": {secret}}).hold(t, http.StatusBadRequest, "invalid_request", "Token not provided")
		revoke("garbage", "claude").hold(t, http.StatusOK, "invalid_token", "Invalid token")
		revoke("x", "nope").hold(t, http.StatusUnauthorized, "invalid_client", "Invalid client or Invalid client credentials")
		for range 2 {
			if r := revoke(tokens["access_token"], "claude"); r.status != http.StatusOK || r.text != "" {
				t.Errorf("%d %s", r.status, r.text)
			}
		}
		b.holdActive(t, tokens["access_token"], false)
		next := b.refresh(tokens["refresh_token"]).json(t)
		b.holdActive(t, next["access_token"], true)
		if r := revoke(tokens["refresh_token"], "claude"); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.text)
		}
		b.holdActive(t, next["access_token"], false)
		b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Session not active")
	})
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		ask := func(token any) reply {
			if token == nil {
				return get(t, b.at("userinfo"))
			}
			return get(t, b.at("userinfo"), "Authorization", "Bearer "+token.(string))
		}
		got := ask(b.tokens("openid email")["access_token"]).json(t)
		if got["email"] != "tester@example.com" || got["email_verified"] != true || got["sub"] == nil || len(got) != 3 {
			t.Errorf("%v", got)
		}
		realm := `Bearer realm="` + b.realm + `"`
		for name, c := range map[string]struct {
			token     any
			status    int
			challenge string
		}{
			"none":      {nil, 401, realm},
			"garbage":   {"x", 401, realm + `, error="invalid_token", error_description="Token verification failed"`},
			"no openid": {b.tokens("mcp:tools")["access_token"], 403, realm + `, error="insufficient_scope", error_description="Missing openid scope"`},
		} {
			if r := ask(c.token); r.status != c.status || r.header.Get("WWW-Authenticate") != c.challenge || r.text != "" {
				t.Errorf("%s: %d %v %s", name, r.status, r.header["Www-Authenticate"], r.text)
			}
		}
	})
}
