package keycloaktest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestCodesAreExchangedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		for name, one := range map[string]struct {
			changed           []string
			status            int
			code, description string
			consumed          bool
		}{
			"wrong verifier":   {[]string{"code_verifier", strings.Repeat("x", 43)}, 400, "invalid_grant", "PKCE verification failed: Code mismatch", true},
			"no verifier":      {[]string{"code_verifier", ""}, 400, "invalid_grant", "PKCE code verifier not specified", true},
			"short verifier":   {[]string{"code_verifier", "short"}, 400, "invalid_grant", "PKCE verification failed: Invalid code verifier", true},
			"other redirect":   {[]string{"redirect_uri", "https://evil.example/"}, 400, "invalid_grant", "Incorrect redirect_uri", true},
			"no redirect":      {[]string{"redirect_uri", ""}, 400, "invalid_grant", "Incorrect redirect_uri", true},
			"wrong secret":     {[]string{"client_secret", "nope"}, 401, "unauthorized_client", "Invalid client or Invalid client credentials", false},
			"no secret":        {[]string{"client_secret", ""}, 401, "unauthorized_client", "Invalid client or Invalid client credentials", false},
			"unknown client":   {[]string{"client_id", "nope"}, 401, "invalid_client", "Invalid client or Invalid client credentials", false},
			"another client's": {[]string{"client_id", "native"}, 400, "invalid_grant", "Auth error: Found different client_id in clientSession", true},
			"no code":          {[]string{"code", ""}, 400, "invalid_request", "Missing parameter: code", false},
			"garbage":          {[]string{"code", "nope"}, 400, "invalid_grant", "Code not valid", false},
		} {
			t.Run(name, func(t *testing.T) {
				b := b.in(t)
				code := b.walk(c, authQuery()).Get("code")
				b.exchange(code, one.changed...).hold(t, one.status, one.code, one.description)
				switch r := b.exchange(code); {
				case one.consumed:
					r.hold(t, http.StatusBadRequest, "invalid_grant", "Code not valid")
				case r.status != http.StatusOK:
					t.Errorf("the code was consumed: %s", r.text)
				}
			})
		}
		t.Run("replayed", func(t *testing.T) {
			b := b.in(t)
			code := b.walk(browser(t), authQuery()).Get("code")
			tokens := b.exchange(code).json(t)
			b.holdActive(t, tokens["access_token"], true)
			b.exchange(code).hold(t, http.StatusBadRequest, "invalid_grant", "Code not valid")
			b.holdActive(t, tokens["access_token"], false)
			b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Session doesn't have required client")
		})
	})
}

func TestTokenRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		wrongPassword := http.StatusBadRequest
		if kc.old {
			wrongPassword = http.StatusUnauthorized
		}
		const bad = "Invalid client or Invalid client credentials"
		for name, c := range map[string]struct {
			form              string
			status            int
			code, description string
		}{
			"nothing":          {"", 400, "invalid_request", "Missing form parameter: grant_type"},
			"unknown grant":    {"grant_type=nope&client_id=native", 400, "unsupported_grant_type", "Unsupported grant_type"},
			"no client":        {"grant_type=client_credentials", 401, "invalid_client", bad},
			"something twice":  {"grant_type=password&client_id=native&x=1&x=2", 400, "invalid_request", "duplicated parameter"},
			"public machine":   {"grant_type=client_credentials&client_id=native", 401, "unauthorized_client", "Public client not allowed to retrieve service account"},
			"no machine":       {"grant_type=client_credentials&client_id=claude&client_secret=" + secret, 401, "unauthorized_client", "Client not enabled to retrieve service account"},
			"machine's scope":  {"grant_type=client_credentials&client_id=machine&client_secret=" + secret + "&scope=nope", 400, "invalid_scope", "Invalid scopes: nope"},
			"empty scope":      {"grant_type=client_credentials&client_id=machine&client_secret=" + secret + "&scope=", 400, "invalid_scope", "Invalid scopes: "},
			"no direct access": {"grant_type=password&client_id=claude&client_secret=" + secret, 400, "unauthorized_client", "Client not allowed for direct access grants"},
			"wrong password":   {"grant_type=password&client_id=native&username=tester&password=nope", wrongPassword, "invalid_grant", "Invalid user credentials"},
			"unknown user":     {"grant_type=password&client_id=native&username=nope&password=nope", wrongPassword, "invalid_grant", "Invalid user credentials"},
			"no refresh token": {"grant_type=refresh_token&client_id=native", 400, "invalid_request", "No refresh token"},
			"garbage refresh":  {"grant_type=refresh_token&client_id=native&refresh_token=nope", 400, "invalid_grant", "Invalid refresh token"},
		} {
			t.Run(name, func(t *testing.T) {
				form, err := url.ParseQuery(c.form)
				if err != nil {
					t.Fatal(err)
				}
				r := b.in(t).post("token", form)
				r.hold(t, c.status, c.code, c.description)
				if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Pragma") != "no-cache" {
					t.Errorf("headers %v", r.header)
				}
			})
		}
		t.Run("JSON", func(t *testing.T) {
			sendJSON(t, http.MethodPost, b.at("token"), map[string]string{"grant_type": "password"}).
				hold(t, http.StatusBadRequest, "invalid_request", "Missing form parameter: grant_type")
		})
		t.Run("GET", func(t *testing.T) {
			get(t, b.at("token")).hold(t, http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed", "")
		})
		t.Run("basic", func(t *testing.T) {
			req := request(t, http.MethodPost, b.at("token"), strings.NewReader("grant_type=client_credentials"), "Content-Type", "application/x-www-form-urlencoded")
			req.SetBasicAuth("machine", secret)
			if r := send(t, plain, req); r.status != http.StatusOK {
				t.Errorf("%d %s", r.status, r.text)
			}
		})
		t.Run("preflight", func(t *testing.T) {
			r := send(t, plain, request(t, http.MethodOptions, b.at("token"), nil, "Origin", "http://localhost:6274", "Access-Control-Request-Method", "POST"))
			if r.status != http.StatusOK || r.header.Get("Access-Control-Allow-Origin") != "http://localhost:6274" ||
				r.header.Get("Access-Control-Allow-Methods") != "POST, OPTIONS" {
				t.Errorf("%d %v", r.status, r.header)
			}
		})
	})
}

func TestMachineTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		r := b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {secret}})
		answer := r.json(t)
		want := map[string]any{"exp": "some", "iat": "some", "jti": "trrtcc", "iss": b.issuer(), "aud": mcpURL, "sub": "some", "typ": "Bearer", "azp": "machine",
			"scope": "mcp:tools", "clientHost": "127.0.0.1", "clientAddress": "127.0.0.1", "client_id": "machine"}
		got := shape(claimsOf(t, answer["access_token"]))
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if in := answer["expires_in"].(float64); in < 298 || in > 300 {
			t.Errorf("expires_in %v", in)
		}
		delete(answer, "access_token")
		delete(answer, "expires_in")
		if d := cmp.Diff(map[string]any{"refresh_expires_in": 0.0, "token_type": "Bearer", "not-before-policy": 0.0, "scope": "mcp:tools"}, answer); d != "" {
			t.Error(d)
		}
	})
}

func TestTokensOfAClientThatMayEverything(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		r := b.post("token", url.Values{"grant_type": {"password"}, "client_id": {"native"}, "username": {"tester"}, "password": {password}, "scope": {"openid"}})
		answer := r.json(t)
		claims := shape(claimsOf(t, answer["access_token"]))
		roles, _ := claims["realm_access"].(map[string]any)["roles"].([]any)
		if claims["aud"] != "account" || claims["acr"] != "1" || len(roles) != 3 || claims["jti"] != "onrtro" || claims["scope"] != "email openid profile" ||
			claims["email"] != "tester@example.com" || claims["email_verified"] != true || claims["auth_time"] != nil {
			t.Errorf("%v", claims)
		}
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		tokens := b.tokens("openid mcp:tools email")
		first := b.refresh(tokens["refresh_token"]).json(t)
		second := b.refresh(tokens["refresh_token"]).json(t)
		if first["refresh_token"] == tokens["refresh_token"] || second["access_token"] == nil {
			t.Errorf("without rotation a refresh token stays good, and a new one comes: %v", second)
		}
		if claims := claimsOf(t, first["access_token"]); !strings.HasPrefix(claims["jti"].(string), "onrtrt:") || claims["aud"] != mcpURL || claims["sid"] != tokens["session_state"] {
			t.Errorf("claims %v", claims)
		}
		for asked, want := range map[string]string{"email": "email mcp:tools", "openid": "mcp:tools openid", "openid offline_access": "mcp:tools openid"} {
			if got := scopeSet(b.refresh(tokens["refresh_token"], "scope", asked).json(t)["scope"]); got != want && !(kc.old && asked == "email" && got == "email mcp:tools openid") {
				t.Errorf("asked for %q, got %q", asked, got)
			}
		}
		b.refresh(tokens["refresh_token"], "scope", "nope").hold(t, http.StatusBadRequest, "invalid_scope", "Invalid scopes: nope")
		b.refresh(tokens["access_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Invalid refresh token")
		b.refresh(tokens["id_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Invalid refresh token")
		b.refresh(tokens["refresh_token"], "client_id", "machine").hold(t, http.StatusBadRequest, "invalid_grant",
			"Invalid refresh token. Token client and authorized client don't match")
	})
}

func TestOfflineAccess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		c := browser(t)
		tokens := b.exchange(b.walk(c, authQuery("scope", "mcp:tools offline_access")).Get("code")).json(t)
		claims := claimsOf(t, tokens["refresh_token"])
		if tokens["refresh_expires_in"] != 0.0 || claims["typ"] != "Offline" || claims["exp"] != nil {
			t.Errorf("%v %v", tokens["refresh_expires_in"], claims)
		}
		if jti := claimsOf(t, tokens["access_token"])["jti"].(string); !strings.HasPrefix(jti, "ofrtac:") {
			t.Error(jti)
		}
		// The sign-in itself went into the offline session.
		b.authorize(c, authQuery()).holdPage(t, http.StatusOK, "login-login", "")
		again := b.refresh(tokens["refresh_token"]).json(t)
		b.holdActive(t, again["access_token"], true)
		b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"offlineSessionMaxLifespanEnabled": true})
		if got := b.refresh(tokens["refresh_token"]).json(t)["refresh_expires_in"]; got != 2592000.0 {
			t.Errorf("with an end: %v", got)
		}
		b.post("revoke", url.Values{"client_id": {"claude"}, "client_secret": {secret}, "token": {tokens["refresh_token"].(string)}})
		b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Offline user session not found")
		b.holdActive(t, again["access_token"], false)
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})
		tokens := b.tokens("mcp:tools")
		newest := b.refresh(tokens["refresh_token"]).json(t)
		b.refresh(tokens["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Maximum allowed refresh token reuse exceeded")
		b.refresh(newest["refresh_token"]).hold(t, http.StatusBadRequest, "invalid_grant", "Session doesn't have required client")
	})
}

// signer is a client that proves itself with a key (RFC 7523).
type signer struct {
	key    *ecdsa.PrivateKey
	claims map[string]any
}

func (b *bench) signer() signer {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.create("clients", map[string]any{"clientId": "signer", "clientAuthenticatorType": "client-jwt", "serviceAccountsEnabled": true, "standardFlowEnabled": false,
		"attributes": map[string]string{"use.jwks.string": "true", "jwks.string": string(set)}})
	return signer{key, map[string]any{"iss": "signer", "sub": "signer", "aud": b.issuer()}}
}

// ask signs in with an assertion whose claims are changed; nil leaves one out.
func (s signer) ask(b *bench, kid string, changed map[string]any) reply {
	b.t.Helper()
	now := time.Now().Unix()
	claims := maps.Clone(s.claims)
	claims["exp"], claims["iat"], claims["jti"] = now+60, now, rand.Text()
	for name, v := range changed {
		claims[name] = v
		if v == nil {
			delete(claims, name)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		b.t.Fatal(err)
	}
	options := &jose.SignerOptions{}
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	by, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key}, options)
	if err != nil {
		b.t.Fatal(err)
	}
	jws, err := by.Sign(payload)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post("token", url.Values{"grant_type": {"client_credentials"}, "client_assertion": {text},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		s := b.signer()
		for name, c := range map[string]struct {
			kid     string
			changed map[string]any
			refused string // "" when it is not
		}{
			"issuer":              {"k1", nil, ""},
			"no kid":              {"", nil, ""},
			"issuer in a list":    {"k1", map[string]any{"aud": []string{b.issuer()}}, ""},
			"token endpoint":      {"k1", map[string]any{"aud": b.at("token")}, ""},
			"issuer with a slash": {"k1", map[string]any{"aud": b.issuer() + "/"}, "Invalid token audience"},
			"two audiences":       {"k1", map[string]any{"aud": []string{b.issuer(), b.at("token")}}, "Multiple audiences not allowed"},
			"no jti":              {"k1", map[string]any{"jti": nil}, "Token jti claim is required"},
			"unknown kid":         {"k2", nil, "Unable to load public key"},
			"over":                {"k1", map[string]any{"exp": 1000000000, "iat": 999999990}, "Token is not active"},
			"for ever and no iat": {"k1", map[string]any{"exp": 4000000000, "iat": nil}, "Token expiration is too far in the future and iat claim not present in token"},
		} {
			t.Run(name, func(t *testing.T) {
				r := s.ask(b.in(t), c.kid, c.changed)
				if c.refused != "" {
					r.hold(t, http.StatusBadRequest, "invalid_client", c.refused)
				} else if r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.text)
				}
			})
		}
		t.Run("twice", func(t *testing.T) {
			b := b.in(t)
			once := map[string]any{"jti": rand.Text()}
			if r := s.ask(b, "k1", once); r.status != http.StatusOK {
				t.Fatal(r.text)
			}
			s.ask(b, "k1", once).hold(t, http.StatusBadRequest, "invalid_client", "Token reuse detected")
		})
		t.Run("secret instead", func(t *testing.T) {
			b.in(t).post("token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"signer"}, "client_secret": {"x"}}).
				hold(t, http.StatusBadRequest, "invalid_client", "Parameter client_assertion_type is missing")
		})
		t.Run("of a client with a secret", func(t *testing.T) {
			s := s
			s.claims = map[string]any{"iss": "machine", "sub": "machine", "aud": b.issuer()}
			s.ask(b.in(t), "k1", nil).hold(t, http.StatusUnauthorized, "invalid_client", "Invalid client or Invalid client credentials")
		})
	})
}
