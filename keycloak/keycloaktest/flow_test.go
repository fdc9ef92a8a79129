package keycloaktest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func decodePart(t *testing.T, part string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	return decodePart(t, strings.Split(token.(string), ".")[1])
}

// shape is a claim set without what differs each time.
func shape(claims map[string]any) map[string]any {
	all := map[string]any{}
	for name, v := range claims {
		switch name {
		case "exp", "iat", "auth_time", "sub", "sid", "at_hash":
			v = "some"
		case "jti":
			head, _, _ := strings.Cut(v.(string), ":")
			v = head
		case "scope":
			v = scopeSet(v)
		case "aud_x", "prov":
			continue // Keycloak's own, of refresh tokens since 26.7
		}
		all[name] = v
	}
	return all
}

func scopeSet(v any) string {
	all := strings.Fields(v.(string))
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		login := b.authorize(c, authQuery("scope", "openid mcp:tools profile"))
		login.holdPage(t, http.StatusOK, "login-login", "")
		wrong := b.submit(c, login, "username", "tester", "password", "nope", "credentialId", "")
		wrong.holdPage(t, http.StatusOK, "login-login", "Invalid username or password.")
		if find(formAction, wrong.text) == find(formAction, login.text) {
			t.Error("the form has the same address as the one before")
		}
		consent := b.follow(c, b.submit(c, wrong, "username", "tester", "password", password, "credentialId", ""))
		consent.holdPage(t, http.StatusOK, "login-login-oauth-grant", "")
		for _, text := range []string{"Grant Access to Claude", "Use the tools", "User profile"} {
			if !strings.Contains(consent.text, text) {
				t.Errorf("the consent page does not say %q", text)
			}
		}
		r := b.submit(c, consent, "accept", "Yes")
		got := sentTo(t, r, callback)
		if !strings.HasPrefix(r.header.Get("Location"), callback+"?state=st&session_state=") || got.Get("iss") != b.issuer() || got.Get("code") == "" {
			t.Errorf("sent to %s", r.header.Get("Location"))
		}
		b.holdTokens(t, b.exchange(got.Get("code")), got.Get("session_state"))
		// The session makes the next sign-in unnecessary, and the consent is remembered.
		if next := sentTo(t, b.authorize(c, authQuery()), callback); next.Get("code") == "" || next.Get("session_state") != got.Get("session_state") {
			t.Errorf("signed in again: %v", next)
		}
	})
}

func (b *bench) holdTokens(t *testing.T, r reply, session string) {
	t.Helper()
	answer := r.json(t)
	if r.status != http.StatusOK || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", r.status, r.header, r.text)
	}
	for name, most := range map[string]float64{"expires_in": 300, "refresh_expires_in": 1800} {
		if got := answer[name].(float64); got > most || got < most-2 { // a second may pass between
			t.Errorf("%s: %v", name, got)
		}
	}
	want := map[string]any{"token_type": "Bearer", "not-before-policy": 0.0, "session_state": session}
	for name, v := range want {
		if d := cmp.Diff(v, answer[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	user := map[string]any{"name": "Test Er", "preferred_username": "tester", "given_name": "Test", "family_name": "Er"}
	of := func(more map[string]any) map[string]any {
		all := map[string]any{"exp": "some", "iat": "some", "iss": b.issuer(), "sub": "some", "azp": "claude", "sid": "some"}
		for name, v := range more {
			all[name] = v
		}
		return all
	}
	access := of(user)
	for name, v := range map[string]any{"aud": mcpURL, "typ": "Bearer", "jti": "onrtac", "auth_time": "some", "scope": "mcp:tools openid profile"} {
		access[name] = v
	}
	if d := cmp.Diff(access, shape(claimsOf(t, answer["access_token"]))); d != "" {
		t.Errorf("access token: %s", d)
	}
	id := of(user)
	for name, v := range map[string]any{"aud": "claude", "typ": "ID", "auth_time": "some", "at_hash": "some"} {
		id[name] = v
	}
	gotID := shape(claimsOf(t, answer["id_token"]))
	delete(gotID, "jti")
	if d := cmp.Diff(id, gotID); d != "" {
		t.Errorf("id token: %s", d)
	}
	refresh := of(map[string]any{"aud": b.issuer(), "typ": "Refresh", "scope": "basic mcp:tools openid profile"})
	gotRefresh := shape(claimsOf(t, answer["refresh_token"]))
	delete(gotRefresh, "jti")
	if d := cmp.Diff(refresh, gotRefresh); d != "" {
		t.Errorf("refresh token: %s", d)
	}
	b.holdSignature(t, answer["access_token"].(string))
}

// holdSignature finds the key by its kid, as every client does.
func (b *bench) holdSignature(t *testing.T, token string) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(get(t, b.at("certs")).text), &set); err != nil {
		t.Fatal(err)
	}
	header := decodePart(t, strings.Split(token, ".")[0])
	keys := set.Key(header["kid"].(string))
	if header["alg"] != "RS256" || header["typ"] != "JWT" || len(keys) != 1 || keys[0].Use != "sig" || len(set.Keys) != 2 {
		t.Fatalf("header %v, keys %v", header, set)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(keys[0]); err != nil {
		t.Error(err)
	}
}

func TestRefusedConsent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		consent := b.follow(c, b.submit(c, b.authorize(c, authQuery()), "username", "tester", "password", password))
		r := b.submit(c, consent, "cancel", "No")
		want := callback + "?error=access_denied&state=st&iss=" + url.QueryEscape(b.issuer())
		if r.status != http.StatusFound || r.header.Get("Location") != want {
			t.Errorf("%d to %s", r.status, r.header.Get("Location"))
		}
		b.authorize(c, authQuery()).holdPage(t, http.StatusOK, "login-login", "")
	})
}

func TestSignInUnderOtherCircumstances(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.create("users", map[string]any{"username": "bare", "enabled": true, "credentials": []any{map[string]any{"type": "password", "value": password}}})
		b.create("users", map[string]any{"username": "off", "enabled": false, "email": "off@example.com", "firstName": "O", "lastName": "Ff",
			"credentials": []any{map[string]any{"type": "password", "value": password}}})
		b.create("users", map[string]any{"username": "new", "enabled": true, "email": "new@example.com", "firstName": "N", "lastName": "Ew",
			"credentials": []any{map[string]any{"type": "password", "value": "first", "temporary": true}}})

		t.Run("without cookies", func(t *testing.T) {
			b := b.in(t)
			id, told := b.submit(plain, b.authorize(plain, nativeQuery()), "username", "tester", "password", password).page()
			if id != "login-error" || !strings.HasPrefix(told, "Restart login cookie not found.") {
				t.Errorf("%s: %s", id, told)
			}
		})
		t.Run("disabled", func(t *testing.T) {
			b, c := b.in(t), browser(t)
			b.submit(c, b.authorize(c, nativeQuery()), "username", "off", "password", password).
				holdPage(t, http.StatusOK, "login-login", "Account is disabled, contact your administrator.")
		})
		t.Run("profile first", func(t *testing.T) {
			b, c := b.in(t), browser(t)
			page := b.follow(c, b.submit(c, b.authorize(c, nativeQuery()), "username", "bare", "password", password))
			page.holdPage(t, http.StatusOK, "login-login-update-profile", "Please specify this field.")
			r := b.submit(c, page, "email", "bare@example.com", "firstName", "B", "lastName", "Are")
			if sentTo(t, r, "http://127.0.0.1:4711/callback").Get("code") == "" {
				t.Error(r.header.Get("Location"))
			}
		})
		t.Run("password first", func(t *testing.T) {
			b, c := b.in(t), browser(t)
			page := b.follow(c, b.submit(c, b.authorize(c, nativeQuery()), "username", "new", "password", "first"))
			page.holdPage(t, http.StatusOK, "login-login-update-password", "You need to change your password to activate your account.")
			r := b.submit(c, page, "password-new", password, "password-confirm", password)
			if sentTo(t, r, "http://127.0.0.1:4711/callback").Get("code") == "" {
				t.Error(r.header.Get("Location"))
			}
		})
		t.Run("by e-mail", func(t *testing.T) {
			b, c := b.in(t), browser(t)
			r := b.submit(c, b.authorize(c, nativeQuery()), "username", "Tester@example.com", "password", password)
			if sentTo(t, r, "http://127.0.0.1:4711/callback").Get("code") == "" {
				t.Error(r.header.Get("Location"))
			}
		})
	})
}

// in returns the bench for a part of the test.
func (b *bench) in(t *testing.T) *bench {
	part := *b
	part.t = t
	return &part
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		b.walk(c, authQuery())
		if got := sentTo(t, b.authorize(c, authQuery("prompt", "none")), callback); got.Get("code") == "" {
			t.Errorf("none: %v", got)
		}
		if got := sentTo(t, b.authorize(c, authQuery("prompt", "none", "scope", "mcp:tools email")), callback); got.Get("error") != "interaction_required" {
			t.Errorf("none, with more to grant: %v", got)
		}
		again := b.authorize(c, authQuery("prompt", "login"))
		again.holdPage(t, http.StatusOK, "login-login", "Please re-authenticate to continue")
		if strings.Contains(again.text, `name="username"`) {
			t.Error("login: asks for the name again")
		}
		if got := sentTo(t, b.submit(c, again, "password", password, "credentialId", ""), callback); got.Get("code") == "" {
			t.Errorf("login: %v", got)
		}
		b.follow(c, b.authorize(c, authQuery("prompt", "consent"))).holdPage(t, http.StatusOK, "login-login-oauth-grant", "")
		// What is granted already is not asked for again.
		more := b.follow(c, b.authorize(c, authQuery("scope", "mcp:tools email")))
		more.holdPage(t, http.StatusOK, "login-login-oauth-grant", "")
		if !strings.Contains(more.text, "Email address") || strings.Contains(more.text, "Use the tools") {
			t.Error("the consent page names what it need not, or not what it must")
		}
	})
}

func TestLogout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		code := b.walk(c, authQuery()).Get("code")
		tokens := b.exchange(code).json(t)
		confirm := send(t, c, request(t, http.MethodGet, b.at("logout"), nil))
		confirm.holdPage(t, http.StatusOK, "login-logout-confirm", "Do you want to log out?")
		b.submit(c, confirm).holdPage(t, http.StatusOK, "login-info", "You are logged out")
		b.authorize(c, authQuery()).holdPage(t, http.StatusOK, "login-login", "")
		b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Session not active")

		tokens = b.exchange(b.walk(c, authQuery()).Get("code")).json(t)
		at := b.at("logout") + "?id_token_hint=" + tokens["id_token"].(string)
		send(t, c, request(t, http.MethodGet, at, nil)).holdPage(t, http.StatusOK, "login-info", "You are logged out")
		for query, told := range map[string]string{"?id_token_hint=x": "Invalid parameter: id_token_hint",
			"?client_id=claude&post_logout_redirect_uri=https://evil.example/": "Invalid redirect uri"} {
			get(t, b.at("logout")+query).holdPage(t, http.StatusBadRequest, "login-error", told)
		}

		tokens = b.tokens("mcp:tools")
		form := url.Values{"client_id": {"claude"}, "client_secret": {secret}, "refresh_token": {tokens["refresh_token"].(string)}}
		if r := b.post("logout", form); r.status != http.StatusNoContent {
			t.Errorf("by refresh token: %d %s", r.status, r.text)
		}
		b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Session not active")
	})
}
