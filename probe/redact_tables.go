package probe

import "strings"

// What may be told, by name. Everything else is told by its length and fingerprint alone.

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

// keptParams are the parameters, in queries, fragments and forms, whose values stay (RFC 6749, 7009, 7523, 7636, 8628, 8693,
// 8707, 9207; OpenID Connect Core 3.1.2.1; what Keycloak adds).
var keptParams = set(`
	response_type response_mode client_id redirect_uri scope resource audience prompt display max_age ui_locales acr_values
	code_challenge code_challenge_method grant_type error error_description error_uri iss token_type expires_in
	token_type_hint client_assertion_type subject_token_type actor_token_type requested_token_type issued_token_type
	kc_idp_hint kc_locale kc_action kc_action_status execution accepted cancel`)

// secretNames are the members, parameters and fields whose values are secrets wherever they stand, also in a document that
// is kept whole. Compared in lower case without "-" and "_".
var secretNames = set(`
	password passwd pwd passphrase passcode pin otp totp secret clientsecret apikey credential credentials privatekey
	accesstoken refreshtoken idtoken token logouttoken subjecttoken actortoken idtokenhint initialaccesstoken
	registrationaccesstoken softwarestatement assertion clientassertion code codeverifier devicecode usercode state
	sessionstate sessionid sessioncode sid nonce authorization cookie setcookie mcpsessionid tabid clientdata key`)

// tokenNames are the parameters and members that are told as Tokens.
var tokenNames = set(`access_token refresh_token id_token token subject_token actor_token assertion client_assertion
	id_token_hint logout_token`)

var withoutHyphens = strings.NewReplacer("-", "", "_", "")

func secretName(name string) bool {
	return secretNames[withoutHyphens.Replace(strings.ToLower(name))]
}

// keptHeaders are the header fields whose values stay. Those that hold URLs, cookies or credentials have rules of their own.
var keptHeaders = set(`
	Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Age Allow Alt-Svc Cache-Control Cache-Status Cf-Access-Aud
	Cf-Access-Domain Cf-Cache-Status Cf-Mitigated Cf-Ray Connection Content-Encoding Content-Language Content-Length
	Content-Type Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date Expect Expires Host Keep-Alive Last-Modified
	Mcp-Method Mcp-Name Mcp-Protocol-Version Ngrok-Error-Code Ngrok-Agent-Ips Origin Pragma Priority Proxy-Authenticate
	Referrer-Policy Retry-After Server Strict-Transport-Security Te Trailer Transfer-Encoding Upgrade
	Upgrade-Insecure-Requests User-Agent Vary Via Warning Www-Authenticate X-Accel-Buffering X-Amzn-Errortype
	X-Amzn-Remapped-Www-Authenticate X-Amzn-Waf-Action X-Cache X-Cache-Status X-Cdn X-Content-Type-Options X-Mcpwiz-Instance
	X-Envoy-Upstream-Service-Time X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto X-Frame-Options X-Powered-By
	X-Ratelimit-Limit X-Ratelimit-Remaining X-Ratelimit-Reset X-Requested-With X-Robots-Tag X-Served-By X-Vercel-Mitigated X-Xss-Protection`)

var keptHeaderPrefixes = []string{"Access-Control-", "Sec-Fetch-", "Sec-Ch-Ua"}

// urlHeaders hold one URL.
var urlHeaders = set(`Location Content-Location Referer`)

// textHeaders hold URLs within text.
var textHeaders = set(`Link Refresh`)

// cookieAttributes are those of Set-Cookie whose values stay (RFC 6265 section 4.1, and later drafts).
var cookieAttributes = set(`path domain expires max-age samesite secure httponly partitioned priority`)

// authSchemes are the schemes that are told of an Authorization header (RFC 9110 section 11.1).
var authSchemes = set(`basic bearer dpop digest negotiate mac hoba mutual`)

// keptClaims are the JWT claims whose values stay; hashedClaims are told by fingerprint; cnf is told to be there.
var (
	keptClaims   = set(`iss aud azp client_id exp nbf iat auth_time typ scope scp resource acr`)
	hashedClaims = set(`sub sid jti`)
)

// words are what protocols say that is no secret, even when somebody takes it for a password: it is not struck out
// elsewhere, since every document would be torn by it.
const words = `
	authorization_endpoint token_endpoint registration_endpoint introspection_endpoint revocation_endpoint jwks_uri
	authorization_servers bearer_methods_supported resource_documentation protected resource metadata openid-configuration
	oauth-protected-resource oauth-authorization-server well-known protocol openid-connect realms keycloak login-actions
	authenticate clients-registrations response_types_supported grant_types_supported subject_types_supported
	code_challenge_methods_supported token_endpoint_auth_methods_supported scopes_supported claims_supported
	client_secret_basic client_secret_post client_secret_jwt private_key_jwt tls_client_auth authorization_code
	client_credentials refresh_token access_token id_token implicit password device_code token-exchange
	urn:ietf:params:oauth:grant-type:jwt-bearer urn:openid:params:grant-type:ciba profile email address offline_access
	application/json text/event-stream application/x-www-form-urlencoded initialize notifications/initialized
	tools/list tools/call server/discover subscriptions/listen prompts/list resources/list session username
	invalid_token invalid_request invalid_client invalid_grant invalid_scope insufficient_scope unauthorized_client
	unsupported_grant_type access_denied server_error temporarily_unavailable consent_required login_required
	invalid_redirect_uri invalid_client_metadata redacted localhost 127.0.0.1 no-cache keep-alive gzip, deflate, br
	public confidential bearer-only account-console security-admin-console https:// http:// default current
	undefined string number integer boolean object array required properties description`

// commonplace reports whether a value is one of the words.
func commonplace(value string) bool {
	return len(value) <= longestWord && strings.Contains(words, strings.ToLower(value))
}

const longestWord = len("token_endpoint_auth_methods_supported") + 8
