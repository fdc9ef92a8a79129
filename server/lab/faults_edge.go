package lab

import "net/http"

const (
	challengePage = `<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={}</script></body></html>`
	blockedPage   = `<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: <strong>9a0b1c2d3e4f5a6b</strong></p></body></html>`
)

// cloudflare answers as that edge does.
func cloudflare(status int, media, body string, header ...string) Layer {
	return answer(status, media, body, append(header, "Server", "cloudflare", "CF-RAY", "9a0b1c2d3e4f5a6b-FRA")...)
}

var edgeFaults = []Fault{
	{
		Name: "managed-challenge", Does: "a challenge page stands in front of everything",
		Where: AtEdge, First: []string{"edge.not-blocked"}, Unheard: neverArrives,
		Edge: []Layer{cloudflare(403, asHTML, challengePage, "cf-mitigated", "challenge")},
	},
	{
		Name: "firewall", Does: "a firewall rule blocks the endpoint",
		Where: AtEdge, First: []string{"edge.not-blocked"}, Unheard: neverArrives,
		Edge: []Layer{on(endpoint, cloudflare(403, asHTML, blockedPage))},
	},
	{
		Name: "ai-bots-blocked", Does: "Block AI bots stops Claude-User with a token, after the login has succeeded",
		Where: AtEdge, First: []string{"edge.not-blocked", "edge.user-agents-alike"}, Unheard: neverArrives,
		Edge: []Layer{on(all(endpoint, agent("Claude-User")), cloudflare(403, "text/plain", "Your request was blocked."))},
	},
	{
		Name: "authenticated-blocked", Does: "requests with a token are blocked, those without one are let through",
		Where: AtEdge, First: []string{"edge.not-blocked"}, Unheard: neverArrives,
		Edge: []Layer{on(known, cloudflare(403, "text/plain", "Your request was blocked."))},
	},
	{
		Name: "openai-blocked", Does: "Bot Fight Mode stops openai-mcp, and Claude gets through",
		Where: AtEdge, First: []string{"edge.user-agents-alike"}, Warns: true, Unheard: neverArrives,
		Edge: []Layer{on(agent("openai-mcp"), cloudflare(403, asHTML, challengePage, "cf-mitigated", "challenge"))},
	},
	{
		Name: "browser-signature", Does: "Browser Integrity Check refuses python-httpx with error 1010",
		Where: AtEdge, First: []string{"edge.not-blocked", "edge.user-agents-alike"}, Unheard: neverArrives,
		Edge: []Layer{on(agent("python-httpx"), cloudflare(403, "text/plain", "error code: 1010"))},
	},
	{
		Name: "access-login", Does: "Cloudflare Access asks for a login in front of everything",
		Where: AtEdge, First: []string{"edge.no-login"}, Unheard: neverArrives,
		Edge: []Layer{cloudflare(302, asHTML, "", "Location", "https://lab.cloudflareaccess.com/cdn-cgi/access/login/"+Host, "Cf-Access-Domain", Host)},
	},
	{
		Name: "access-on-well-known", Does: "Cloudflare Access stands in front of /.well-known alone",
		Where: AtEdge, First: []string{"edge.no-login"}, Unheard: neverArrives,
		Edge: []Layer{on(wellKnown, cloudflare(302, asHTML, "", "Location", "https://lab.cloudflareaccess.com/cdn-cgi/access/login/"+Host, "Cf-Access-Domain", Host))},
	},
	{
		Name: "proxy-login", Does: "oauth2-proxy asks for a login in front of everything",
		Where: AtEdge, First: []string{"edge.no-login"}, Unheard: neverArrives,
		Edge: []Layer{redirect(302, "https://"+Host+"/oauth2/sign_in?rd=%2Fmcp")},
	},
	{
		Name: "tunnel-down", Does: "the tunnel has no connection: error 1033",
		Where: AtEdge, First: []string{"edge.reaches-origin"}, Unheard: neverArrives,
		Edge: []Layer{cloudflare(530, "text/plain", "error code: 1033")},
	},
	{
		Name: "bad-gateway", Does: "the tunnel reaches no server: 502",
		Where: AtEdge, First: []string{"edge.reaches-origin"}, Unheard: neverArrives,
		Edge: []Layer{cloudflare(502, "text/plain", "error code: 502")},
	},
	{
		Name: "nginx-bad-gateway", Does: "nginx reaches no server: 502",
		Where: AtEdge, First: []string{"edge.reaches-origin"}, Unheard: neverArrives,
		Edge: []Layer{answer(502, asHTML, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx/1.27.0</center></body></html>", "Server", "nginx/1.27.0")},
	},
	{
		Name: "no-route", Does: "the tunnel has no rule for /.well-known",
		Where: AtEdge, First: []string{"edge.own-answers", "edge.reaches-origin", "resource-metadata.found"}, Unheard: neverArrives,
		Edge: []Layer{on(wellKnown, cloudflare(404, "", ""))},
	},
	{
		Name: "rate-limit", Does: "every request is answered 429",
		Where: AtEdge, First: []string{"edge.not-limited"}, Unheard: neverArrives,
		Edge: []Layer{cloudflare(429, "text/plain", "error code: 1015", "Retry-After", "30")},
	},
	{
		Name: "rate-limit-in-between", Does: "calls with a token are answered 429",
		Where: AtEdge, First: []string{"edge.not-limited"}, Unheard: neverArrives,
		Edge: []Layer{on(known, answer(429, asJSON, `{"message":"API rate limit exceeded"}`, "Retry-After", "60"))},
	},
	{
		Name: "challenge-cached", Does: "the 401 of the endpoint comes from a cache",
		Where: AtEdge, First: []string{"edge.not-cached"}, Warns: true, Unheard: "the cache stands in front of the server",
		Edge: []Layer{on(stranger, header("Age", "86400", "CF-Cache-Status", "HIT"))},
	},
	{
		Name: "old-metadata-cached", Does: "resource metadata of last week come from a cache",
		Where: AtEdge, First: []string{"edge.not-cached"}, Warns: true, Unheard: "the cache stands in front of the server",
		Edge: []Layer{on(resourceMetadata, header("Age", "604800", "X-Cache", "HIT"))},
	},
	{
		Name: "token-stripped", Does: "a proxy takes the Authorization header off",
		Where: AtEdge, First: []string{"edge.headers-kept"}, Heard: []string{}, Unheard: "who serves sees requests without a token, as of any stranger",
		Edge: []Layer{without("Authorization")},
	},
	{
		Name: "session-stripped", Does: "a proxy takes the session id off requests",
		Where: AtEdge, As: "claude-code", First: []string{"edge.headers-kept", "session.survives", "initialize.session-id-usable"}, Unheard: "to who serves, the client opened no session",
		Origin: []Layer{legacy},
		Edge:   []Layer{without("Mcp-Session-Id")},
	},
	{
		Name: "challenge-renamed", Does: "a gateway renames WWW-Authenticate, and the metadata lie where they are looked for",
		Where: AtEdge, First: []string{"challenge.bearer"}, Warns: true, Unheard: "the gateway stands in front of the server",
		Edge: []Layer{on(stranger, told(func(k *kept) {
			k.header.Set("X-Amzn-Remapped-Www-Authenticate", k.header.Get("WWW-Authenticate"))
			k.header.Del("WWW-Authenticate")
		}, false))},
	},
	{
		Name: "registration-blocked", Does: "a firewall in front of the authorization server blocks bodies with URLs in them",
		Where: AtEdge, First: []string{"edge.not-blocked"}, Unheard: neverArrives, Registers: true,
		Server: []Layer{on(all(atRegister, method(http.MethodPost)), cloudflare(403, asHTML, blockedPage))},
	},
	{
		Name: "quick-tunnel", Does: "the server is published by a quick tunnel, whose name is new after each start",
		Where: AtEdge, First: []string{"edge.name-lasts"}, Warns: true, URL: "https://calm-river.trycloudflare.com/mcp",
		Served: served("https://calm-river.trycloudflare.com/mcp"), Network: func(n *Network) { n.Alias("calm-river.trycloudflare.com", Host) },
		Server: issued(anyGrant, claim("aud", "https://calm-river.trycloudflare.com/mcp")),
	},
}
