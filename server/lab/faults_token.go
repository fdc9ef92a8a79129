package lab

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var (
	redeeming = granting("authorization_code")
	renewing  = granting("refresh_token")
	byMachine = granting("client_credentials")
)

// tokenFaults are those of the token endpoint and of what it issues.
var tokenFaults = []Fault{
	{
		Name: "token-wants-json", Does: "the token endpoint takes JSON alone",
		Where: AtServer, First: []string{"token.endpoint-speaks-oauth"}, Unheard: passesBy,
		Server: []Layer{on(atToken, answer(415, asJSON, `{"error":"Unsupported Media Type"}`))},
	},
	{
		Name: "token-page", Does: "the token endpoint answers a page",
		Where: AtServer, First: []string{"token.endpoint-speaks-oauth"}, Unheard: passesBy,
		Server: []Layer{on(atToken, answer(200, asHTML, "<!doctype html><title>Sign in</title>"))},
	},
	{
		Name: "token-error-as-200", Does: "the token endpoint answers 200 with an error",
		Where: AtServer, First: []string{"token.endpoint-speaks-oauth", "token.issued", "token.answer-valid"}, Unheard: passesBy,
		Server: []Layer{on(all(atToken, redeeming), answer(200, asJSON, `{"ok":false,"error":"bad_code"}`))},
	},
	{
		Name: "code-refused", Does: "the code is refused: the verifier does not arrive whole",
		Where: AtServer, First: []string{"token.code-accepted"}, Unheard: passesBy,
		Server: []Layer{on(atToken, rewritten("code_verifier", func(v []string) []string {
			if len(v) == 0 {
				return v
			}
			return []string{"~" + v[0][1:]}
		}))},
	},
	{
		Name: "resource-refused", Does: "the resource parameter is refused with invalid_target",
		Where: AtServer, First: []string{"token.resource-accepted"}, Unheard: passesBy,
		Server: []Layer{on(all(atToken, redeeming, not(nonsense("client_id"))), oauthError(400, "invalid_target", "resource is not known"))},
	},
	{
		Name: "machine-grant-off", Does: "the client may not use client_credentials",
		Where: AtServer, As: "m2m", First: []string{"token.m2m-grant-enabled"}, Unheard: passesBy,
		Server: []Layer{on(all(atToken, byMachine, not(nonsense("client_id"))), oauthError(401, "unauthorized_client", "Client not enabled to retrieve service account"))},
	},
	{
		Name: "no-token-type", Does: "the token answer has no token_type",
		Where: AtServer, First: []string{"token.answer-valid"}, Unheard: passesBy,
		Server: []Layer{on(atToken, drop("token_type"))},
	},
	{
		Name: "lifetime-as-text", Does: "expires_in is a string",
		Where: AtServer, First: []string{"token.answer-valid"}, Unheard: passesBy,
		Server: []Layer{on(atToken, set("expires_in", "900"))},
	},
	{
		Name: "audience-of-another", Does: "tokens are for another server",
		Where: AtServer, First: []string{"token.audience-names-target"},
		Server: issued(anyGrant, claim("aud", "https://other.example.com/mcp")),
	},
	{
		Name: "audience-of-another-machine", Does: "a machine's tokens are for another server",
		Where: AtServer, As: "m2m", First: []string{"token.audience-names-target"},
		Server: issued(anyGrant, claim("aud", "https://other.example.com/mcp")),
	},
	{
		Name: "no-audience", Does: "tokens have no audience",
		Where: AtServer, First: []string{"token.audience-names-target"},
		Server: issued(anyGrant, claim("aud", nil)),
	},
	{
		Name: "audience-slash", Does: "the audience has a slash at its end that the URL has not",
		Where: AtServer, First: []string{"token.audience-names-target"},
		Server: issued(anyGrant, claim("aud", []any{Target + "/"})),
	},
	{
		Name: "token-issuer-internal", Does: "tokens are issued under the internal name of Keycloak",
		Where: AtServer, First: []string{"token.issuer-matches"},
		Server: issued(anyGrant, claim("iss", "http://keycloak:8080/realms/lab")),
	},
	{
		Name: "token-without-scope", Does: "the token lacks the scope that the MCP server wants",
		Where: AtServer, First: []string{"token.scope-granted"},
		Server: append(issued(anyGrant, claim("scope", "openid profile")), on(atToken, set("scope", "openid profile"))),
	},
	{
		Name: "token-without-subject", Does: "the token has no sub",
		Where: AtServer, First: []string{"token.sub-present"}, Warns: true,
		Server: issued(anyGrant, claim("sub", nil)),
	},
	{
		Name: "unknown-key", Does: "tokens are signed with a key that is not published",
		Where: AtServer, First: []string{"token.signature-verifies"},
		Server: []Layer{reissued(anyGrant, func(claims map[string]any) string { return signed(claims, jose.ES256, signing(), "unpublished") })},
	},
	{
		Name: "shared-key", Does: "tokens are signed with HS256",
		Where: AtServer, First: []string{"token.signature-verifies"},
		Server: []Layer{reissued(anyGrant, func(claims map[string]any) string {
			return signed(claims, jose.HS256, slices.Repeat([]byte("lab"), 16), "shared")
		})},
	},
	{
		Name: "clock-ahead", Does: "the authorization server's clock is ten minutes ahead",
		Where: AtServer, First: []string{"token.clock"},
		Server: issued(anyGrant, shifted(10*time.Minute, "iat", "nbf", "exp", "auth_time")),
	},
	{
		Name: "clock-behind", Does: "the authorization server's clock is an hour behind",
		Where: AtServer, First: []string{"token.clock"}, Heard: []string{"initialize.token-accepted"},
		Server: issued(anyGrant, shifted(-time.Hour, "iat", "nbf", "exp", "auth_time")),
	},
	{
		Name: "clock-behind-machine", Does: "the authorization server's clock is an hour behind, and a machine comes",
		Where: AtServer, As: "m2m", First: []string{"token.clock"}, Heard: []string{"initialize.token-accepted"},
		Server: issued(anyGrant, shifted(-time.Hour, "iat", "nbf", "exp", "auth_time")),
	},
	{
		Name: "token-too-large", Does: "the token bears so many roles that no header line takes it",
		Where: AtServer, First: []string{"token.size"}, Warns: true,
		Server: issued(anyGrant, claim("groups", strings.Repeat("/a-group-of-many ", 500))),
	},
	{
		Name: "token-short-lived", Does: "tokens live no longer than the client's margin",
		Where: AtServer, As: "claude-code", First: []string{"token.lifetime"}, Warns: true, Unheard: passesBy,
		Server: []Layer{on(atToken, set("expires_in", 60))},
	},
	{
		Name: "no-refresh-token", Does: "no refresh token is issued",
		Where: AtServer, First: []string{"token.refresh-issued"}, Warns: true, Unheard: passesBy,
		Server: []Layer{on(atToken, drop("refresh_token"))},
	},
	{
		Name: "refresh-refused", Does: "a fresh refresh token is refused",
		Where: AtServer, First: []string{"token.refresh-works"}, Unheard: passesBy,
		Server: []Layer{on(all(atToken, renewing), oauthError(400, "invalid_grant", "Maximum allowed refresh token reuse exceeded"))},
	},
	{
		Name: "renewed-for-another", Does: "the renewed token is for another server",
		Where: AtServer, First: []string{"token.audience-names-target", "session.refresh-continues"},
		Server: issued(renewing, claim("aud", "https://other.example.com/mcp")),
	},
	{
		Name: "dead-refresh", Does: "a dead refresh token is answered 500",
		Where: AtServer, First: []string{"token.dead-refresh-invalid-grant"}, Unheard: isProbe,
		Server: []Layer{on(all(atToken, renewing, nonsense("refresh_token")), answer(500, asJSON, `{"error":"unknown_error"}`))},
	},
	{
		Name: "unknown-client-422", Does: "an unknown client is answered 422, so that no client registers anew",
		Where: AtServer, First: []string{"token.unknown-client-invalid-client"}, Unheard: isProbe,
		Server: []Layer{on(all(atToken, nonsense("client_id")), answer(422, asJSON, `{"detail":"unknown client"}`))},
	},
	{
		Name: "token-server-down", Does: "the token endpoint is answered 502",
		Where: AtServer, First: []string{"token.issued", "edge.reaches-origin"}, Unheard: passesBy,
		Server: []Layer{on(atToken, answer(502, asHTML, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"))},
	},
}

// nonsense requests have a value that the doctor made up.
func nonsense(field string) On {
	return func(r *http.Request) bool {
		id, _, basic := r.BasicAuth()
		return strings.HasPrefix(form(r).Get(field), "mcpwiz-") || basic && field == "client_id" && strings.HasPrefix(id, "mcpwiz-")
	}
}
