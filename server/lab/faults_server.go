package lab

import (
	"bytes"
	"net/http"
	"strings"
)

var (
	keys    = ending("/certs")
	atToken = all(method(http.MethodPost), ending("/protocol/openid-connect/token"))
)

// serverFaults are those of the authorization server's documents.
var serverFaults = []Fault{
	{
		Name: "no-authorization-endpoint", Does: "the metadata name no authorization_endpoint",
		Where: AtServer, First: []string{"server-metadata.authorization-endpoint"},
		Server: []Layer{on(serverMetadata, drop("authorization_endpoint"))},
	},
	{
		Name: "no-token-endpoint", Does: "the metadata name no token_endpoint",
		Where: AtServer, First: []string{"server-metadata.token-endpoint"},
		Server: []Layer{on(serverMetadata, drop("token_endpoint"))},
	},
	{
		Name: "no-token-endpoint-machine", Does: "the metadata name no token_endpoint, and a machine comes",
		Where: AtServer, As: "m2m", First: []string{"server-metadata.token-endpoint"},
		Server: []Layer{on(serverMetadata, drop("token_endpoint"))},
	},
	{
		Name: "no-s256", Does: "the metadata do not list S256",
		Where: AtServer, First: []string{"server-metadata.pkce-s256"},
		Server: []Layer{on(serverMetadata, drop("code_challenge_methods_supported"))},
	},
	{
		Name: "plain-pkce", Does: "the metadata list plain alone",
		Where: AtServer, First: []string{"server-metadata.pkce-s256"},
		Server: []Layer{on(serverMetadata, set("code_challenge_methods_supported", []any{"plain"}))},
	},
	{
		Name: "no-code", Does: "response_types_supported has no code",
		Where: AtServer, First: []string{"server-metadata.response-type-code"},
		Server: []Layer{on(serverMetadata, set("response_types_supported", []any{"id_token", "token"}))},
	},
	{
		Name: "issuer-internal", Does: "issuer is the name by which Keycloak knows itself",
		Where: AtServer, First: []string{"server-metadata.issuer-matches"},
		Server: []Layer{on(serverMetadata, set("issuer", "http://keycloak:8080/realms/lab"))},
	},
	{
		Name: "issuer-letter-case", Does: "issuer is written in other letters than the realm",
		Where: AtServer, First: []string{"server-metadata.issuer-matches"},
		Server: []Layer{on(serverMetadata, set("issuer", strings.Replace(Issuer, "/lab", "/Lab", 1)))},
	},
	{
		Name: "issuer-by-http", Does: "issuer is http: the authorization server does not know that TLS is in front of it",
		Where: AtServer, First: []string{"server-metadata.issuer-matches"},
		Server: []Layer{on(serverMetadata, set("issuer", strings.Replace(Issuer, "https", "http", 1)))},
	},
	{
		Name: "endpoints-internal", Does: "all endpoints in the metadata are of an internal name",
		Where: AtServer, First: []string{"server-metadata.endpoints-public", "server-metadata.endpoints-https", "network.resolves"}, Heard: []string{"server-metadata.endpoints-https", "server-metadata.endpoints-public", "server-metadata.keys-usable", "network.connected"},
		Server: []Layer{on(serverMetadata, body(func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`_endpoint":"https://`+ServerHost), []byte(`_endpoint":"http://keycloak:8080`))
		}))},
	},
	{
		Name: "metadata-guarded", Does: "the authorization server's metadata want a login",
		Where: AtServer, First: []string{"server-metadata.public"},
		Server: []Layer{on(wellKnown, answer(401, asJSON, `{"error":"unauthorized"}`))},
	},
	{
		Name: "login-before-keycloak", Does: "a login page stands in front of all of the authorization server",
		Where: AtServer, First: []string{"server-metadata.public", "edge.no-login"},
		Server: []Layer{redirect(302, "https://login.example.com/")},
	},
	{
		Name: "metadata-page", Does: "the authorization server answers a page where its metadata lie",
		Where: AtServer, First: []string{"server-metadata.is-json"},
		Server: []Layer{on(wellKnown, answer(200, asHTML, "<!doctype html><title>Sign in</title>"))},
	},
	{
		Name: "metadata-bom", Does: "the metadata begin with a byte order mark",
		Where: AtServer, First: []string{"server-metadata.is-json"},
		Server: []Layer{on(wellKnown, body(func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }))},
	},
	{
		Name: "metadata-compressed-label", Does: "the metadata are labelled gzip and are not",
		Where: AtServer, First: []string{"server-metadata.is-json"}, Heard: []string{"network.answers-whole", "server-metadata.is-json"},
		Server: []Layer{on(wellKnown, header("Content-Encoding", "gzip"))},
	},
	{
		Name: "metadata-unavailable", Does: "the metadata are answered 503",
		Where: AtServer, First: []string{"server-metadata.served"},
		Server: []Layer{on(wellKnown, answer(503, asHTML, "<h1>Service Unavailable</h1>"))},
	},
	{
		Name: "no-metadata", Does: "the metadata are answered 404 in every place",
		Where: AtServer, First: []string{"server-metadata.found"},
		Server: []Layer{on(wellKnown, answer(404, asJSON, `{"error":"HTTP 404 Not Found"}`))},
	},
	{
		Name: "metadata-types", Does: "members of the metadata have other types: a string for a list, null for a URL",
		Where: AtServer, First: []string{"server-metadata.well-formed"},
		Server: []Layer{on(serverMetadata, set("scopes_supported", "openid mcp:tools")), on(serverMetadata, set("revocation_endpoint", nil))},
	},
	{
		Name: "no-auth-method", Does: "the token endpoint takes a client certificate alone",
		Where: AtServer, First: []string{"server-metadata.auth-methods"},
		Server: []Layer{on(serverMetadata, set("token_endpoint_auth_methods_supported", []any{"tls_client_auth"}))},
	},
	{
		Name: "keycloak-hangs-up", Does: "the authorization server cuts every request",
		Where: AtServer, First: []string{"network.connected"},
		Server: []Layer{hangUp},
	},
	{
		Name: "keys-unavailable", Does: "the keys are answered 503",
		Where: AtServer, First: []string{"server-metadata.keys-usable"},
		Server: []Layer{on(keys, answer(503, "text/plain", "not now"))},
	},
	{
		Name: "keys-unavailable-machine", Does: "the keys are answered 503, and a machine comes",
		Where: AtServer, As: "m2m", First: []string{"server-metadata.keys-usable"},
		Server: []Layer{on(keys, answer(503, "text/plain", "not now"))},
	},
	{
		Name: "no-keys", Does: "the set of keys is empty",
		Where: AtServer, First: []string{"server-metadata.keys-usable"},
		Server: []Layer{on(keys, set("keys", []any{}))},
	},
	{
		Name: "keys-page", Does: "a page is answered where the keys lie",
		Where: AtServer, First: []string{"server-metadata.keys-usable"},
		Server: []Layer{on(keys, answer(200, asHTML, "<h1>Sign in</h1>"))},
	},
}
