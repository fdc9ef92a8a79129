package lab

import (
	"net/http"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

var (
	endpoint = path("/mcp")
	stranger = all(endpoint, method(http.MethodPost), not(bearing))
	known    = all(endpoint, method(http.MethodPost), bearing)
)

const (
	challengeOf  = `Bearer resource_metadata="https://` + Host + `/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`
	passesBy     = "it goes on between the client, its user's browser and the authorization server"
	neverArrives = "the request never arrives"
	isProbe      = "no client asks so: it is a probe of the doctor's"
)

// opens is what a server says that opens the protocol in either era.
var opens = map[string]any{
	"protocolVersion": "2025-11-25", "supportedVersions": []any{"2026-07-28", "2025-11-25"}, "capabilities": map[string]any{"tools": map[string]any{}},
	"serverInfo": map[string]any{"name": "lab", "version": "1"},
}

// originFaults are those of the MCP server before a token is asked for.
var originFaults = []Fault{
	{
		Name: "no-challenge", Does: "the 401 has no WWW-Authenticate, and no resource metadata lie at their well-known places",
		Where: AtOrigin, First: []string{"challenge.bearer", "resource-metadata.found"},
		Origin: []Layer{on(stranger, header("WWW-Authenticate", "")), on(resourceMetadata, answer(404, asJSON, `{"error":"not_found"}`)), on(serverMetadata, answer(404, asJSON, `{"error":"not_found"}`))},
	},
	{
		Name: "forbidden-without-token", Does: "a request without a token is answered 403",
		Where: AtOrigin, First: []string{"challenge.status-401"},
		Origin: []Layer{on(stranger, answer(403, asJSON, `{"error":"forbidden"}`))},
	},
	{
		Name: "basic-challenge", Does: "the 401 asks for Basic, and no resource metadata are there",
		Where: AtOrigin, First: []string{"challenge.bearer"},
		Origin: []Layer{on(stranger, header("WWW-Authenticate", `Basic realm="mcp"`)), on(resourceMetadata, answer(404, asJSON, `{"error":"not_found"}`))},
	},
	{
		Name: "preflight-refused", Does: "OPTIONS is answered 401 as all else is, and the client runs in a web page",
		Where: AtOrigin, As: "inspector", First: []string{"challenge.preflight"}, Warns: true, Unheard: "the command line asks for no page",
		Origin: []Layer{on(all(endpoint, method(http.MethodOptions)), answer(401, asJSON, `{"error":"invalid_token"}`, "WWW-Authenticate", "Bearer"))},
	},
	{
		Name: "unreadable-challenge", Does: "the challenge has two schemes in one, unquoted",
		Where: AtOrigin, First: []string{"challenge.readable"}, Warns: true,
		Origin: []Layer{on(stranger, header("WWW-Authenticate", "Bearer resource_metadata=https://"+Host+"/.well-known/oauth-protected-resource/mcp, scope=mcp:tools realm"))},
	},
	{
		Name: "relative-metadata-url", Does: "resource_metadata in the challenge is no absolute URL",
		Where: AtOrigin, First: []string{"challenge.names-metadata"}, Warns: true,
		Origin: []Layer{on(stranger, header("WWW-Authenticate", `Bearer resource_metadata="/.well-known/oauth-protected-resource/mcp"`))},
	},
	{
		Name: "internal-metadata-url", Does: "the challenge names the host by which the server knows itself",
		Where: AtOrigin, First: []string{"challenge.metadata-url-public"},
		Origin: []Layer{on(stranger, header("WWW-Authenticate", `Bearer resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp"`))},
	},
	{
		Name: "wrong-path", Does: "the URL that was typed is that of the site, not of the endpoint",
		Where: AtClient, First: []string{"challenge.endpoint-found"}, Unheard: "nothing is served at that path, so nobody listens there",
		URL: "https://" + Host + "/",
	},
	{
		Name: "endpoint-gone", Does: "the endpoint is answered 404",
		Where: AtOrigin, First: []string{"challenge.endpoint-found"},
		Origin: []Layer{on(endpoint, answer(404, asJSON, `{"detail":"Not Found"}`))},
	},
	{
		Name: "endpoint-breaks", Does: "every request to the endpoint is answered 500",
		Where: AtOrigin, First: []string{"challenge.status-401"},
		Origin: []Layer{on(endpoint, answer(500, asHTML, "<h1>Internal Server Error</h1>"))},
	},
	{
		Name: "posts-not-taken", Does: "the endpoint takes GET alone, as those of the old HTTP+SSE transport do",
		Where: AtOrigin, First: []string{"challenge.endpoint-found", "challenge.status-401"},
		Origin: []Layer{on(all(endpoint, method(http.MethodPost)), answer(405, asJSON, `{"error":"method not allowed"}`, "Allow", "GET"))},
	},
	{
		Name: "host-refused", Does: "the guard against DNS rebinding does not know the public host name",
		Where: AtOrigin, First: []string{"challenge.host-accepted"},
		Origin: []Layer{on(endpoint, answer(421, "text/plain", "Invalid Host header"))},
	},
	{
		Name: "host-renamed", Does: "a proxy puts its own Host in the place of the public one",
		Where: AtEdge, First: []string{"challenge.host-accepted"}, Heard: []string{"challenge.host-accepted"},
		Edge: []Layer{asked(func(r *http.Request) { r.Host = "mcp-service:8080" })},
	},
	{
		Name: "slash-redirect", Does: "/mcp is redirected to /mcp/ by 301, which makes a GET of the POST",
		Where: AtOrigin, First: []string{"network.not-redirected"},
		Origin: []Layer{on(endpoint, redirect(301, Target+"/"))},
	},
	{
		Name: "insecure-redirect", Does: "the server behind TLS redirects to http",
		Where: AtOrigin, First: []string{"network.not-redirected"},
		Origin: []Layer{on(endpoint, redirect(307, "http://"+Host+"/mcp/"))},
	},
	{
		Name: "other-host-redirect", Does: "the endpoint is redirected to another host, which takes the token off",
		Where: AtOrigin, First: []string{"network.not-redirected"},
		Origin: []Layer{on(endpoint, redirect(308, "https://www.lab.example/mcp"))},
	},
}

// documentFaults are those of the resource metadata.
var documentFaults = []Fault{
	{
		Name: "no-resource-metadata", Does: "the resource metadata are answered 404 in every place",
		Where: AtOrigin, First: []string{"resource-metadata.found"},
		Origin: []Layer{on(wellKnown, answer(404, asJSON, `{"error":"not_found"}`))},
	},
	{
		Name: "resource-metadata-guarded", Does: "the resource metadata want a token",
		Where: AtOrigin, First: []string{"resource-metadata.public"},
		Origin: []Layer{on(resourceMetadata, answer(401, asJSON, `{"error":"unauthorized"}`, "WWW-Authenticate", "Bearer"))},
	},
	{
		Name: "resource-metadata-page", Does: "a single-page application answers for the resource metadata",
		Where: AtOrigin, First: []string{"resource-metadata.is-json"},
		Origin: []Layer{on(resourceMetadata, answer(200, asHTML, "<!doctype html><title>app</title><div id=root></div>"))},
	},
	{
		Name: "resource-metadata-bom", Does: "the resource metadata begin with a byte order mark",
		Where: AtOrigin, First: []string{"resource-metadata.is-json"},
		Origin: []Layer{on(resourceMetadata, body(func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }))},
	},
	{
		Name: "resource-metadata-cut", Does: "the resource metadata end in their middle",
		Where: AtOrigin, First: []string{"resource-metadata.is-json"},
		Origin: []Layer{on(resourceMetadata, body(func(b []byte) []byte { return b[:len(b)/2] }))},
	},
	{
		Name: "resource-metadata-break", Does: "the resource metadata are answered 500",
		Where: AtOrigin, First: []string{"resource-metadata.served"},
		Origin: []Layer{on(resourceMetadata, answer(500, "text/plain", "panic: nil pointer"))},
	},
	{
		Name: "resource-slash", Does: "resource has a slash at its end that the URL has not",
		Where: AtOrigin, First: []string{"resource-metadata.names-target"}, As: "claude-code",
		Origin: []Layer{on(resourceMetadata, set("resource", Target+"/"))},
	},
	{
		Name: "resource-local", Does: "resource is the address by which the server knows itself",
		Where: AtOrigin, First: []string{"resource-metadata.names-target"},
		Origin: []Layer{on(resourceMetadata, set("resource", "http://localhost:8080/mcp"))},
	},
	{
		Name: "resource-by-http", Does: "resource is http: the server does not know that TLS is in front of it",
		Where: AtOrigin, First: []string{"resource-metadata.names-target"},
		Origin: []Layer{on(resourceMetadata, set("resource", strings.Replace(Target, "https", "http", 1)))},
	},
	{
		Name: "resource-of-another", Does: "the resource metadata are those of another server",
		Where: AtOrigin, First: []string{"resource-metadata.names-target"},
		Origin: []Layer{on(resourceMetadata, set("resource", "https://other.example.com/mcp"))},
	},
	{
		Name: "no-authorization-servers", Does: "the resource metadata name no authorization server",
		Where: AtOrigin, First: []string{"resource-metadata.names-authorization-server"},
		Origin: []Layer{on(resourceMetadata, drop("authorization_servers"))},
	},
	{
		Name: "empty-authorization-servers", Does: "authorization_servers is an empty list",
		Where: AtOrigin, First: []string{"resource-metadata.names-authorization-server"},
		Origin: []Layer{on(resourceMetadata, set("authorization_servers", []any{}))},
	},
	{
		Name: "authorization-servers-text", Does: "authorization_servers is a string, not a list",
		Where: AtOrigin, First: []string{"resource-metadata.well-formed", "resource-metadata.names-authorization-server"},
		Origin: []Layer{on(resourceMetadata, set("authorization_servers", Issuer))},
	},
	{
		Name: "first-server-dead", Does: "the first of two authorization servers is gone, and clients use no other",
		Where: AtOrigin, First: []string{"network.resolves"}, Unheard: "who serves asks the authorization server that it was told of",
		Origin: []Layer{on(resourceMetadata, set("authorization_servers", []any{"https://old.lab.example/realms/lab", Issuer}))},
	},
	{
		Name: "bearer-in-body", Does: "the resource metadata take tokens in the body alone",
		Where: AtOrigin, First: []string{"resource-metadata.bearer-by-header"},
		Origin: []Layer{on(resourceMetadata, set("bearer_methods_supported", []any{"body"}))},
	},
	{
		Name: "issuer-slash", Does: "the MCP server is told an issuer with a slash too many",
		Where: AtOrigin, First: []string{"server-metadata.issuer-matches"},
		Served: func(c *plan.Connection) { c.Keycloak.Issuer += "/" },
	},
	{
		Name: "issuer-slash-machine", Does: "the MCP server is told an issuer with a slash too many, and a machine comes",
		Where: AtOrigin, As: "m2m", First: []string{"server-metadata.issuer-matches"},
		Served: func(c *plan.Connection) { c.Keycloak.Issuer += "/" },
	},
	{
		Name: "issuer-gone", Does: "the MCP server names a realm that is not there",
		Where: AtOrigin, First: []string{"server-metadata.found"},
		Served: func(c *plan.Connection) { c.Keycloak.Issuer += "-gone" },
	},
	{
		Name: "scope-nobody-grants", Does: "the MCP server wants a scope that the authorization server does not know",
		Where: AtOrigin, First: []string{"authorization.scope-accepted"}, Unheard: passesBy,
		Served: wants("mcp:tools", "mcp:admin"),
	},
	{
		Name: "scope-nobody-grants-machine", Does: "the MCP server wants a scope that the authorization server does not know, and a machine comes",
		Where: AtOrigin, As: "m2m", First: []string{"token.scope-accepted"}, Unheard: passesBy,
		Served: wants("mcp:tools", "mcp:admin"),
	},
}

// wants has the MCP server want scopes of its own.
func wants(scopes ...string) func(*plan.Connection) {
	return func(c *plan.Connection) { c.Servers[0].Scopes = scopes }
}
