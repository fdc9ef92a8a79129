package lab

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

const pastTools = "once a page of tools has come, what follows is only counted"

// legacy has the server know the protocol of the sessions' era alone.
var legacy = on(all(verified, calling("server/discover")), rpcError(404, -32601, "Method not found"))

// verified requests have what looks like a token of the authorization server's.
var verified = all(endpoint, method(http.MethodPost), bearingJWT)

// laterCalls come after the protocol was opened.
var laterCalls = all(verified, not(calling("initialize", "notifications/initialized", "server/discover")))

var protocolFaults = []Fault{
	{
		Name: "every-token-refused", Does: "the verifier refuses every token: it misses a claim",
		Where: AtOrigin, First: []string{"initialize.token-accepted"},
		Origin: []Layer{on(known, answer(401, asJSON, `{"error":"invalid_token","error_description":"token missing expiration"}`,
			"WWW-Authenticate", `Bearer error="invalid_token", error_description="token missing expiration"`))},
	},
	{
		Name: "user-forbidden", Does: "a rule on roles refuses the user",
		Where: AtOrigin, First: []string{"initialize.token-accepted"},
		Origin: []Layer{on(verified, answer(403, asJSON, `{"error":"forbidden","message":"role mcp-user is missing"}`))},
	},
	{
		Name: "more-scope-wanted", Does: "the MCP server wants a scope that it names only to those who have a token",
		Where: AtOrigin, First: []string{"initialize.token-accepted"},
		Origin: []Layer{on(verified, answer(403, asJSON, `{"error":"insufficient_scope"}`,
			"WWW-Authenticate", `Bearer error="insufficient_scope", scope="mcp:tools mcp:admin", resource_metadata="https://`+Host+`/.well-known/oauth-protected-resource/mcp"`))},
	},
	{
		Name: "garbage-accepted", Does: "any token opens the protocol",
		Where: AtOrigin, First: []string{"initialize.garbage-token-refused"}, Unheard: isProbe,
		Origin: []Layer{on(all(known, not(bearingJWT)), rpcResult(opens))},
	},
	{
		Name: "audience-not-checked", Does: "tokens for another resource are let in",
		Where: AtOrigin, First: []string{"initialize.wrong-audience-refused"}, Unheard: isProbe,
		Origin: []Layer{on(all(known, foreign), rpcResult(opens))},
		Server: []Layer{on(atAuthorize, rewritten("scope", func(v []string) []string { return []string{strings.Join(append(v, "openid"), " ")} }))},
	},
	{
		Name: "version-refused", Does: "an unknown protocol version is refused instead of negotiated",
		Where: AtOrigin, As: "claude-code", First: []string{"initialize.version-negotiated"},
		Origin: []Layer{legacy, on(all(verified, calling("initialize")), rpcError(400, -32602, "Unsupported protocol version"))},
	},
	{
		Name: "discover-breaks", Does: "server/discover is answered 500, so that no client falls back to initialize",
		Where: AtOrigin, First: []string{"initialize.discover-falls-back"},
		Origin: []Layer{on(all(verified, calling("server/discover")), answer(500, asHTML, "<h1>Server Error</h1>"))},
	},
	{
		Name: "page-for-protocol", Does: "the endpoint answers a page to those who have a token",
		Where: AtOrigin, First: []string{"initialize.content-type", "initialize.discover-falls-back"},
		Origin: []Layer{on(verified, answer(200, asHTML, "<!doctype html><title>MCP</title>"))},
	},
	{
		Name: "unlabelled-protocol", Does: "MCP answers are labelled text/plain",
		Where: AtOrigin, First: []string{"initialize.content-type"},
		Origin: []Layer{on(verified, told(func(k *kept) { asObject(k); k.header.Set("Content-Type", "text/plain") }, true))},
	},
	{
		Name: "protocol-breaks", Does: "opening the protocol with a good token ends with an internal error",
		Where: AtOrigin, First: []string{"initialize.answers", "initialize.discover-falls-back"},
		Origin: []Layer{on(verified, rpcError(200, -32603, "Internal error"))},
	},
	{
		Name: "sessions-forgotten", Does: "a second replica does not know the session of the first",
		Where: AtOrigin, As: "claude-code", First: []string{"session.survives"},
		Origin: []Layer{legacy, on(all(laterCalls, inSession), rpcError(404, -32001, "Session not found"))},
	},
	{
		Name: "session-id-empty", Does: "the session id is empty",
		Where: AtOrigin, As: "claude-code", First: []string{"initialize.session-id-usable"},
		Origin: []Layer{legacy, on(all(verified, calling("initialize")), told(func(k *kept) { k.header["Mcp-Session-Id"] = []string{""} }, false))},
	},
	{
		Name: "tools-break", Does: "tools/list ends with an error",
		Where: AtOrigin, First: []string{"tools.listed"},
		Origin: []Layer{on(all(known, calling("tools/list")), rpcError(200, -32603, "backend unavailable"))},
	},
	{
		Name: "tools-time-out", Does: "tools/list is answered 504 by the server's own proxy",
		Where: AtOrigin, First: []string{"tools.listed", "edge.reaches-origin"},
		Origin: []Layer{on(all(known, calling("tools/list")), answer(504, asHTML, "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center></body></html>"))},
	},
	{
		Name: "no-tools", Does: "the list of tools is empty",
		Where: AtOrigin, First: []string{"tools.listed"}, Warns: true,
		Origin: []Layer{on(all(known, calling("tools/list")), result(func(r map[string]any) { r["tools"] = []any{} }))},
	},
	{
		Name: "tools-no-list", Does: "tools is an object, not a list",
		Where: AtOrigin, First: []string{"tools.listed", "tools.schema-valid"},
		Origin: []Layer{on(all(known, calling("tools/list")), result(func(r map[string]any) { r["tools"] = map[string]any{} }))},
	},
	{
		Name: "tool-without-schema", Does: "a tool has null for its input schema",
		Where: AtOrigin, First: []string{"tools.schema-valid"},
		Origin: []Layer{on(all(known, calling("tools/list")), eachTool(func(i int, t map[string]any) {
			if i == 0 {
				t["inputSchema"] = nil
			}
		}))},
	},
	{
		Name: "tools-alike", Does: "two tools have the same name",
		Where: AtOrigin, First: []string{"tools.schema-valid"},
		Origin: []Layer{on(all(known, calling("tools/list")), eachTool(func(_ int, t map[string]any) { t["name"] = "whoami" }))},
	},
	{
		Name: "pages-without-end", Does: "the list of tools has another page, and always the same",
		Where: AtOrigin, First: []string{"tools.pagination-ends"}, Unheard: pastTools,
		Origin: []Layer{
			on(all(known, calling("tools/list")), firstPage),
			on(all(known, calling("tools/list")), result(func(r map[string]any) { r["nextCursor"] = "more" })),
		},
	},
	{
		Name: "cursor-null", Does: "the last page of tools has null for nextCursor",
		Where: AtOrigin, First: []string{"tools.pagination-ends"},
		Origin: []Layer{on(all(known, calling("tools/list")), result(func(r map[string]any) { r["nextCursor"] = nil }))},
	},
	{
		Name: "calls-break", Does: "a tool call is answered by a page",
		Where: AtOrigin, First: []string{"tools.call-answers"}, Unheard: pastTools,
		Origin: []Layer{on(all(known, calling("tools/call")), answer(500, asHTML, "<h1>Server Error (500)</h1>"))},
	},
	{
		Name: "stream-breaks", Does: "GET on the endpoint is answered 500 with a token",
		Where: AtOrigin, As: "claude-code", First: []string{"session.stream-or-405"}, Unheard: pastTools,
		Origin: []Layer{legacy, on(all(endpoint, method(http.MethodGet), bearing), answer(500, "text/plain", "no stream"))},
	},
}

// foreign requests bear a JWT that is not for the lab's server.
func foreign(r *http.Request) bool {
	claims := claimsOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	aud, _ := claims["aud"].([]any)
	return claims != nil && claims["aud"] != Target && !slices.Contains(aud, any(Target))
}

// firstPage is answered whatever cursor is asked for.
var firstPage = asked(func(r *http.Request) {
	var m map[string]any
	if json.Unmarshal(content(r), &m) != nil {
		return
	}
	if params, ok := m["params"].(map[string]any); ok {
		delete(params, "cursor")
	}
	put(r, string(encode(m)))
})

// eachTool changes the tools of a list.
func eachTool(change func(int, map[string]any)) Layer {
	return result(func(r map[string]any) {
		tools, _ := r["tools"].([]any)
		for i, t := range tools {
			if one, ok := t.(map[string]any); ok {
				change(i, one)
			}
		}
	})
}
