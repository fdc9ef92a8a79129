package keycloaktest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Where the client or its redirect URI is in doubt, the user sees a page.
var authorizePages = map[string]struct {
	query url.Values
	told  string
}{
	"no client":         {authQuery("client_id", ""), "Invalid Request"},
	"two clients":       {with(authQuery(), "client_id", "native"), "Invalid Request"},
	"unknown client":    {authQuery("client_id", "nope"), "Client not found."},
	"url as client":     {authQuery("client_id", "https://claude.ai/oauth/mcp-oauth-client-metadata"), "Client not found."},
	"disabled client":   {authQuery("client_id", "off"), "Client disabled."},
	"other redirect":    {authQuery("redirect_uri", "https://evil.example/"), "Invalid parameter: redirect_uri"},
	"slash at the end":  {authQuery("redirect_uri", callback+"/"), "Invalid parameter: redirect_uri"},
	"query added":       {authQuery("redirect_uri", callback+"?a=b"), "Invalid parameter: redirect_uri"},
	"fragment":          {authQuery("redirect_uri", callback+"#x"), "Invalid parameter: redirect_uri"},
	"no redirect":       {authQuery("redirect_uri", ""), "Invalid parameter: redirect_uri"},
	"port of localhost": {nativeQuery("redirect_uri", "http://127.0.0.1:4711/other"), "Invalid parameter: redirect_uri"},
	"IPv6":              {nativeQuery("redirect_uri", "http://[::1]:4711/callback"), "Invalid parameter: redirect_uri"},
	"no flow at all":    {authQuery("client_id", "admin-cli"), "Invalid parameter: redirect_uri"},
	"request object":    {authQuery("request", "x"), "Invalid Request"},
	"max_age":           {authQuery("max_age", "soon"), "Invalid Request"},
}

// Every other mistake is told to the client: what stands before state and iss.
var authorizeErrors = map[string]struct {
	query url.Values
	told  string
}{
	"no response type":      {authQuery("response_type", ""), "?error=invalid_request&error_description=Missing+parameter%3A+response_type"},
	"unknown response type": {authQuery("response_type", "nope"), "?error=unsupported_response_type"},
	"implicit flow": {authQuery("response_type", "token"), "#error=unauthorized_client&error_description=Client+is+not+allowed+to+initiate+browser+login+" +
		"with+given+response_type.+Implicit+flow+is+disabled+for+the+client."},
	"unknown mode":         {authQuery("response_mode", "nope"), "?error=invalid_request&error_description=Invalid+parameter%3A+response_mode"},
	"fragment mode":        {authQuery("response_mode", "fragment", "scope", "nope"), "#error=invalid_scope&error_description=Invalid+scopes%3A+nope"},
	"unknown scope":        {authQuery("scope", "openid nope"), "?error=invalid_scope&error_description=Invalid+scopes%3A+openid+nope"},
	"scope not assigned":   {authQuery("scope", "mcp:tools address"), "?error=invalid_scope&error_description=Invalid+scopes%3A+mcp%3Atools+address"},
	"two spaces":           {authQuery("scope", "openid  mcp:tools"), "?error=invalid_scope&error_description=Invalid+scopes%3A+openid++mcp%3Atools"},
	"empty scope":          {with(authQuery("scope", ""), "scope", ""), "?error=invalid_scope&error_description=Invalid+scopes%3A+"},
	"no PKCE":              {authQuery("code_challenge", "", "code_challenge_method", ""), "?error=invalid_request&error_description=Missing+parameter%3A+code_challenge_method"},
	"no method":            {authQuery("code_challenge_method", ""), "?error=invalid_request&error_description=Missing+parameter%3A+code_challenge_method"},
	"no challenge":         {authQuery("code_challenge", ""), "?error=invalid_request&error_description=Missing+parameter%3A+code_challenge"},
	"plain":                {authQuery("code_challenge_method", "plain"), "?error=invalid_request&error_description=Invalid+parameter%3A+code+challenge+method+is+not+matching+the+configured+one"},
	"short challenge":      {authQuery("code_challenge", "short"), "?error=invalid_request&error_description=Invalid+parameter%3A+code_challenge"},
	"two resources":        {with(authQuery("resource", mcpURL), "resource", mcpURL), "?error=invalid_request&error_description=duplicated+parameter"},
	"nobody is signed in":  {authQuery("prompt", "none"), "?error=login_required"},
	"method, no challenge": {nativeQuery("code_challenge", ""), "?error=invalid_request&error_description=Missing+parameter%3A+code_challenge"},
	"unknown method":       {nativeQuery("code_challenge_method", "S512"), "?error=invalid_request&error_description=Invalid+parameter%3A+code_challenge_method"},
}

// And these are none.
var authorizeFine = map[string]url.Values{
	"as Claude does":         authQuery(),
	"one resource":           authQuery("resource", mcpURL),
	"no scope":               authQuery("scope", ""),
	"no state":               authQuery("state", ""),
	"scope twice":            authQuery("scope", "openid mcp:tools mcp:tools"),
	"any loopback port":      nativeQuery(),
	"no port":                nativeQuery("redirect_uri", "http://localhost/callback"),
	"no PKCE, not asked for": nativeQuery("code_challenge", "", "code_challenge_method", ""),
	"unknown prompt":         authQuery("prompt", "nope"),
	"no redirect, no openid": authQuery("redirect_uri", "", "scope", "mcp:tools"),
}

func with(q url.Values, name, value string) url.Values {
	q.Add(name, value)
	return q
}

func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.create("clients", map[string]any{"clientId": "off", "enabled": false, "redirectUris": []string{callback}})
		for name, c := range authorizePages {
			t.Run(name, func(t *testing.T) {
				b.in(t).authorize(plain, c.query).holdPage(t, http.StatusBadRequest, "login-error", c.told)
			})
		}
		for name, c := range authorizeErrors {
			t.Run(name, func(t *testing.T) {
				r := b.in(t).authorize(plain, c.query)
				want := c.query.Get("redirect_uri") + c.told + "&state=st&iss=" + url.QueryEscape(b.issuer())
				if got := r.header.Get("Location"); r.status != http.StatusFound || got != want {
					t.Errorf("%d to %q, want %q", r.status, got, want)
				}
			})
		}
		for name, q := range authorizeFine {
			t.Run(name, func(t *testing.T) {
				b.in(t).authorize(plain, q).holdPage(t, http.StatusOK, "login-login", "")
				b.in(t).postPage(q).holdPage(t, http.StatusOK, "login-login", "")
			})
		}
	})
}

func (b *bench) postPage(q url.Values) reply {
	b.t.Helper()
	return b.post("auth", q)
}

func TestCookiesOfASignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		r := b.authorize(plain, authQuery())
		shapes := map[string]string{}
		for _, k := range r.header["Set-Cookie"] {
			name, rest, _ := strings.Cut(k, "=")
			_, attributes, _ := strings.Cut(rest, ";")
			shapes[name] = attributes
		}
		path := "Version=1;Path=/realms/" + b.realm + "/;"
		for name, want := range map[string]string{"AUTH_SESSION_ID": path + "Secure;HttpOnly;SameSite=None",
			"KC_AUTH_SESSION_HASH": path + "Max-Age=60;Secure;SameSite=None", "KC_RESTART": path + "Secure;HttpOnly;SameSite=None"} {
			if shapes[name] != want {
				t.Errorf("%s: %q, want %q", name, shapes[name], want)
			}
		}
		for name, want := range map[string]string{"Content-Type": "text/html;charset=utf-8", "Cache-Control": "no-store, must-revalidate, max-age=0",
			"X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer", "Content-Language": "en",
			"Content-Security-Policy": "frame-src 'self'; frame-ancestors 'self'; object-src 'none';"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}

func TestRealmsThatRefuse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, kc target) {
		b := newBench(t, kc)
		b.provision()
		b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"enabled": false})
		b.authorize(plain, authQuery()).holdPage(t, http.StatusBadRequest, "login-error", "Realm not enabled")
		b.post("token", url.Values{"grant_type": {"password"}}).hold(t, http.StatusForbidden, "access_denied", "Realm not enabled")
		for _, at := range []string{"", "/.well-known/openid-configuration", "/protocol/openid-connect/certs"} {
			if r := get(t, b.issuer()+at); r.status != http.StatusOK {
				t.Errorf("disabled %q: %d", at, r.status)
			}
		}
		b.must(http.StatusNoContent, http.MethodPut, b.realm, map[string]any{"enabled": true, "sslRequired": "all"})
		b.authorize(plain, authQuery()).holdPage(t, http.StatusBadRequest, "login-error", "HTTPS required")
		for _, r := range []reply{b.post("token", url.Values{"grant_type": {"password"}}), get(t, b.issuer()+"/.well-known/openid-configuration"),
			b.post("token/introspect", url.Values{"token": {"x"}}), b.register(map[string]any{"redirect_uris": []string{callback}}), get(t, b.at("certs"))} {
			r.hold(t, http.StatusForbidden, "invalid_request", "HTTPS required")
		}
		if r := get(t, b.issuer()); r.status != http.StatusOK {
			t.Errorf("realm: %d", r.status)
		}
		get(t, kc.base+"/realms/nope-"+b.realm+"/protocol/openid-connect/auth").hold(t, http.StatusNotFound, "Realm does not exist", "")
	})
}
