package lab

import (
	"net/http"
	"net/url"
	"strings"
)

var (
	atAuthorize = ending("/protocol/openid-connect/auth")
	atRegister  = ending("/clients-registrations/openid-connect")
)

// toClient changes the redirects that bring the authorization response.
func toClient(change func(*url.URL)) Layer {
	return location(func(u *url.URL) {
		if u.Query().Has("code") {
			change(u)
		}
	})
}

func query(u *url.URL, change func(url.Values)) {
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
}

func intoFragment(u *url.URL) {
	u.RawFragment = u.RawQuery
	u.Fragment, _ = url.PathUnescape(u.RawQuery) // it was written by a server
	u.RawQuery = ""
}

// signInFaults are those of registration and of the user's sign-in.
var signInFaults = []Fault{
	{
		Name: "client-unknown", Does: "the client id that was typed is nobody's",
		Where: AtClient, First: []string{"authorization.client-known"}, Unheard: passesBy, ClientID: "nobody",
	},
	{
		Name: "client-unknown-machine", Does: "the machine's client id is nobody's",
		Where: AtClient, As: "m2m", First: []string{"token.client-authenticated"}, Unheard: passesBy, ClientID: "nobody",
	},
	{
		Name: "wrong-secret", Does: "the client secret that was typed is wrong",
		Where: AtClient, First: []string{"token.client-authenticated"}, Unheard: passesBy, ClientSecret: "wrong",
	},
	{
		Name: "wrong-secret-machine", Does: "the machine's secret is wrong",
		Where: AtClient, As: "m2m", First: []string{"token.client-authenticated"}, Unheard: passesBy, ClientSecret: "wrong",
	},
	{
		Name: "wrong-password", Does: "the user's password is wrong",
		Where: AtClient, First: []string{"authorization.login-walked"}, Unheard: passesBy, Password: "wrong",
	},
	{
		Name: "redirect-not-registered", Does: "the client's redirect URI is not registered",
		Where: AtServer, First: []string{"authorization.redirect-accepted"}, Unheard: passesBy,
		Server: []Layer{on(atAuthorize, rewritten("redirect_uri", func([]string) []string { return []string{"https://claude.example/api/mcp/auth_callback"} }))},
	},
	{
		Name: "authorize-breaks", Does: "the authorization endpoint is answered 500",
		Where: AtServer, First: []string{"authorization.page-shown"}, Unheard: passesBy,
		Server: []Layer{on(atAuthorize, answer(500, asHTML, "<h1>Internal Server Error</h1>"))},
	},
	{
		Name: "access-denied", Does: "the authorization server refuses the user",
		Where: AtServer, First: []string{"authorization.code-issued"}, Unheard: passesBy,
		Server: []Layer{toClient(func(u *url.URL) {
			query(u, func(q url.Values) {
				q.Del("code")
				q.Set("error", "access_denied")
				q.Set("error_description", "the user is not in group mcp")
			})
		})},
	},
	{
		Name: "all-scopes-listed", Does: "the metadata list scopes that the client may not have, and it asks for all of them",
		Where: AtServer, As: "gemini-cli", First: []string{"authorization.scope-accepted"}, Unheard: passesBy,
		Server: []Layer{on(serverMetadata, set("scopes_supported", []any{"openid", "mcp:tools", "mcp:admin", "roles"}))},
	},
	{
		Name: "state-lost", Does: "state does not come back",
		Where: AtServer, First: []string{"authorization.state-kept"}, Unheard: passesBy,
		Server: []Layer{toClient(func(u *url.URL) { query(u, func(q url.Values) { q.Del("state") }) })},
	},
	{
		Name: "state-changed", Does: "state comes back in other letters",
		Where: AtServer, First: []string{"authorization.state-kept"}, Unheard: passesBy,
		Server: []Layer{toClient(func(u *url.URL) { query(u, func(q url.Values) { q.Set("state", strings.ToLower(q.Get("state"))+"=") }) })},
	},
	{
		Name: "iss-of-another", Does: "iss of the response is another issuer than the metadata's",
		Where: AtServer, As: "claude-code", First: []string{"authorization.iss-matches"}, Unheard: passesBy,
		Server: []Layer{toClient(func(u *url.URL) {
			query(u, func(q url.Values) { q.Set("iss", "https://keycloak.internal/realms/lab") })
		})},
	},
	{
		Name: "response-in-fragment", Does: "the code comes in the fragment, which no server sees",
		Where: AtServer, First: []string{"authorization.response-by-get"}, Unheard: passesBy,
		Server: []Layer{toClient(intoFragment)},
	},
	{
		Name: "response-by-post", Does: "the login is answered 307, so that the browser posts the password to the client",
		Where: AtServer, First: []string{"authorization.response-by-get"}, Unheard: passesBy,
		Server: []Layer{told(func(k *kept) {
			if strings.Contains(k.header.Get("Location"), "code=") {
				k.status = http.StatusTemporaryRedirect
			}
		}, false)},
	},
	{
		Name: "scope-on-demand", Does: "a scope that is granted on demand is wanted, and the authorization server does not hear of it",
		Where: AtServer, First: []string{"token.scope-granted"},
		Served: wants("mcp:tools", "profile"), Server: []Layer{deaf("scope")},
	},
	{
		Name: "scope-on-demand-machine", Does: "a scope that is granted on demand is wanted, the authorization server does not hear of it, and a machine comes",
		Where: AtServer, As: "m2m", First: []string{"token.scope-granted"},
		Served: wants("mcp:tools", "profile"), Server: []Layer{deaf("scope")},
	},
	{
		Name: "pkce-not-enforced", Does: "a code is handed out without PKCE",
		Where: AtServer, First: []string{"authorization.pkce-enforced"}, Warns: true, Unheard: isProbe,
		Server: []Layer{on(all(atAuthorize, bare("code_challenge")), answer(200, asHTML, "<form method=post action=login><input name=username></form>"))},
	},
	{
		Name: "any-redirect-taken", Does: "the authorization server sends codes to any redirect URI",
		Where: AtServer, First: []string{"authorization.bad-redirect-refused"}, Unheard: isProbe,
		Server: []Layer{on(all(atAuthorize, func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("redirect_uri"), "evil") }),
			answer(200, asHTML, "<form method=post action=login><input name=username></form>"))},
	},
	{
		Name: "registration-policy", Does: "a policy on trusted hosts refuses the registration",
		Where: AtServer, First: []string{"registration.policy-admits"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, oauthError(403, "insufficient_scope", "Policy 'Trusted Hosts' rejected request to client-registration service. Details: Host not trusted."))},
	},
	{
		Name: "registration-redirect", Does: "the redirect URI may not be registered",
		Where: AtServer, First: []string{"registration.redirects-allowed"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, oauthError(400, "invalid_redirect_uri", "redirect_uri is not allowed"))},
	},
	{
		Name: "registration-method", Does: "clients with a secret may not register",
		Where: AtServer, First: []string{"registration.auth-method-accepted"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, oauthError(400, "invalid_client_metadata", "token_endpoint_auth_method client_secret_post is not supported"))},
	},
	{
		Name: "registration-breaks", Does: "the registration is answered 500",
		Where: AtServer, First: []string{"registration.accepted"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, answer(500, asHTML, "<h1>Internal Server Error</h1>"))},
	},
	{
		Name: "registration-without-id", Does: "the registration is answered 201 without a client_id",
		Where: AtServer, First: []string{"registration.answer-valid"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, answer(201, asJSON, `{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}`))},
	},
	{
		Name: "registration-redirected", Does: "the registration endpoint is redirected, which makes a GET of the POST",
		Where: AtServer, First: []string{"registration.accepted"}, Unheard: passesBy, Registers: true,
		Server: []Layer{on(atRegister, redirect(301, Issuer+"/clients-registrations/openid-connect/"))},
	},
}

// bare requests lack a parameter.
func bare(parameter string) On {
	return func(r *http.Request) bool { return !r.URL.Query().Has(parameter) }
}
