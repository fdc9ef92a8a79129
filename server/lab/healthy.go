package lab

import (
	"net/http"
	"net/url"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

var opaqueServer, opaqueOrigin = opaque()

// Healthy are servers of which each client takes another kind, with nothing wrong in them.
var Healthy = []Fault{
	{Name: "plain", Does: "as mcpwiz serves it"},
	{
		Name: "root-metadata", Does: "the resource metadata lie at the root alone, where the challenge points",
		Origin: []Layer{
			on(stranger, header("WWW-Authenticate", `Bearer resource_metadata="https://`+Host+`/.well-known/oauth-protected-resource", scope="mcp:tools"`)),
			on(path("/.well-known/oauth-protected-resource/mcp"), answer(404, asJSON, `{"error":"not_found"}`)),
		},
	},
	{
		Name: "openid-discovery", Does: "the authorization server's metadata lie at the OpenID place alone",
		Server: []Layer{on(all(serverMetadata, not(ending("/openid-configuration"))), answer(404, asJSON, `{"error":"HTTP 404 Not Found"}`))},
	},
	{
		Name: "oauth-metadata", Does: "the authorization server's metadata lie at the place of RFC 8414 alone",
		Server: []Layer{on(all(serverMetadata, not(path("/.well-known/oauth-authorization-server/realms/lab"))), answer(404, asJSON, `{"error":"HTTP 404 Not Found"}`))},
	},
	{
		Name: "opaque-tokens", Does: "access tokens are references, looked up by introspection",
		Server: []Layer{opaqueServer}, Origin: []Layer{opaqueOrigin},
	},
	{
		Name: "json-answers", Does: "MCP answers are JSON, never a stream",
		Origin: []Layer{on(known, told(asObject, true))},
	},
	{
		Name: "sessions", Does: "the server knows the protocol with sessions alone",
		Origin: []Layer{legacy},
	},
	{
		Name: "no-stream", Does: "sessions, and GET is answered 405",
		Origin: []Layer{legacy, on(all(endpoint, method(http.MethodGet), bearing), answer(405, asJSON, `{"error":"method not allowed"}`, "Allow", "POST"))},
	},
	{
		Name: "no-session-end", Does: "sessions, and DELETE is answered 405",
		Origin: []Layer{legacy, on(all(endpoint, method(http.MethodDelete)), answer(405, asJSON, `{"error":"method not allowed"}`, "Allow", "GET, POST"))},
	},
	{
		Name: "behind-cloudflare", Does: "an edge adds its headers and its address",
		Edge: []Layer{
			asked(func(r *http.Request) {
				r.Header.Set("CF-Connecting-IP", "160.79.104.7")
				r.Header.Set("CF-Ray", "9a0b1c2d3e4f5a6b-FRA")
			}),
			header("Server", "cloudflare", "CF-RAY", "9a0b1c2d3e4f5a6b-FRA", "CF-Cache-Status", "DYNAMIC"),
		},
	},
	{
		Name: "behind-nginx", Does: "a proxy adds its headers and names another Server",
		Edge: []Layer{header("Server", "nginx/1.27.0", "X-Frame-Options", "DENY", "Strict-Transport-Security", "max-age=31536000")},
	},
	{
		Name: "cloudflare-before-keycloak", Does: "the edge stands in front of the authorization server too",
		Server: []Layer{header("Server", "cloudflare", "CF-RAY", "9a0b1c2d3e4f5a6b-FRA", "CF-Cache-Status", "DYNAMIC")},
	},
	{
		Name: "other-signature", Does: "tokens are signed with ES256",
		Server: issued(anyGrant, func(map[string]any) {}),
	},
	{
		Name: "many-audiences", Does: "tokens are for several resources",
		Server: issued(anyGrant, claim("aud", []any{"account", Target, "https://other.example.com/mcp"})),
	},
	{
		Name: "at-the-root", Does: "the endpoint is the root of its host", URL: "https://" + Host + "/",
		Served: served("https://" + Host + "/"), Server: issued(anyGrant, claim("aud", "https://"+Host+"/")),
	},
	{
		Name: "deep-path", Does: "the endpoint lies three levels deep", URL: "https://" + Host + "/v1/tenants/mcp",
		Served: served("https://" + Host + "/v1/tenants/mcp"), Server: issued(anyGrant, claim("aud", "https://"+Host+"/v1/tenants/mcp")),
	},
	{
		Name: "no-mirror", Does: "the MCP server has no copy of the authorization server's metadata",
		Origin: []Layer{on(serverMetadata, answer(404, asJSON, `{"error":"not_found"}`))},
	},
	{
		Name: "no-iss", Does: "the authorization server neither promises iss nor sends it",
		Server: []Layer{on(serverMetadata, drop("authorization_response_iss_parameter_supported")), location(noIss)},
	},
	{
		Name: "ipv4-alone", Does: "neither name has an AAAA record",
		Network: func(n *Network) { n.At(Host).AAAA, n.At(ServerHost).AAAA = nil, nil },
	},
	{
		Name: "scope-in-metadata", Does: "the challenge names no scope, the resource metadata do",
		Origin: []Layer{on(stranger, header("WWW-Authenticate", `Bearer resource_metadata="https://`+Host+`/.well-known/oauth-protected-resource/mcp"`))},
	},
	{
		Name: "two-servers", Does: "the resource metadata name a second authorization server",
		Origin: []Layer{on(resourceMetadata, set("authorization_servers", []any{Issuer, "https://" + ServerHost + "/realms/other"}))},
	},
	{
		Name: "named", Does: "the server has a name for people", Served: func(c *plan.Connection) { c.Servers[0].Name = "Lab – Müller & Söhne" },
	},
}

func noIss(u *url.URL) {
	query(u, func(q url.Values) { q.Del("iss") })
}
