package checks

import "github.com/mcpwiz/mcpwiz/probe"

const cloudflareErrors = "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/"

// edge is judged by kinds of interference, not by paths: what mends one kind mends it wherever it shows.
var edge = []*probe.Check{
	{
		ID: "edge.reaches-origin", Title: "the edge reaches the servers behind it",
		Doc: "A tunnel, CDN or proxy answers with a page of its own when nothing behind it does. " +
			"It shows as 530 with error 1033, as 502 or 504, or as an empty 404 of a tunnel that has no rule for the path, and no server's log has a line. " +
			"Start the tunnel and the server, and see that its rule names the port and scheme that the server listens on.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec: cloudflareErrors, Needs: []probe.Evidence{probe.Connection}, After: []string{"edge.tunnel-connected", "edge.tunnel-leads-somewhere"}, Judge: reachesOrigin,
	},
	{
		ID: "edge.no-login", Title: "no login stands in front of what clients call",
		Doc: "Clients call the endpoint and read /.well-known documents without a browser, so a login page in front of them ends everything. " +
			"It shows as a redirect to a sign-in page, or as a 401 on /.well-known that is not the server's own; Cloudflare Access on the whole hostname is the usual one. " +
			"Take the login off these paths: in Access a more specific application for each with the policy Bypass, Everyone.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec:  "https://developers.cloudflare.com/cloudflare-one/access-controls/policies/app-paths/",
		Needs: []probe.Evidence{probe.Connection}, Judge: noLogin,
	},
	{
		ID: "edge.not-blocked", Title: "no challenge or block is answered in a server's place",
		Doc: "Bot protection takes MCP clients for bots, which they are: they pass no challenge page and run no script. " +
			"It shows as 403 with \"Just a moment...\" or \"Your request was blocked.\", often only for one User-Agent: discovery and login pass, the first call with a token does not, and the client says nothing. " +
			"In Cloudflare set Block AI bots to \"Do not block\", switch Bot Fight Mode off, or skip both by a WAF rule for /mcp, /.well-known/* and the authorization server's paths.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec:  "https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/",
		Needs: []probe.Evidence{probe.Connection}, Judge: notBlocked,
	},
	{
		ID: "edge.not-limited", Title: "no rate limit stops the handshake",
		Doc: "A hosted client opens several connections at once, from few addresses that all its users share. " +
			"A limit per address answers 429, and connecting fails now and then. " +
			"Raise the limit for /mcp, /.well-known/* and the authorization server's paths, or exempt 160.79.104.0/21.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec: "https://www.rfc-editor.org/rfc/rfc6585#section-4", Needs: []probe.Evidence{probe.Connection}, Judge: notLimited,
	},
	{
		ID: "edge.user-agents-alike", Title: "no User-Agent is refused",
		Doc: "One client sends several User-Agents: hosted Claude python-httpx for discovery and the token, Claude-User for the calls, and some libraries none at all. " +
			"A rule against one of them breaks the handshake in its middle: the login succeeds and then nothing comes. " +
			"Take Claude-User off Block AI bots and AI Crawl Control, and let requests without a User-Agent pass Browser Integrity Check.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec:  "https://developers.cloudflare.com/bots/additional-configurations/block-ai-bots/",
		Needs: []probe.Evidence{probe.OfProbe("user-agent")}, Judge: agentsAlike,
	},
	{
		ID: "edge.not-cached", Title: "answers come from the server, not from a cache",
		Doc: "A cached 401 or answer of the endpoint belongs to somebody else, and cached metadata go on telling what was mended long ago. " +
			"It shows as an Age header or CF-Cache-Status: HIT. " +
			"Take \"Cache Everything\" off these paths, and answer the endpoint with Cache-Control: no-store.",
		Stage: probe.StageEdge, Level: probe.Should, Owner: probe.OwnerEdge,
		Spec: "https://www.rfc-editor.org/rfc/rfc9111#section-3.5", Needs: []probe.Evidence{probe.Connection}, Judge: notCached,
	},
	{
		ID: "edge.name-lasts", Title: "the hostname is one that lasts",
		Doc: "A quick tunnel has another name after every start, and the name is part of everything: resource, audience, redirect, and the connection saved in the client. " +
			"It works today and is gone after a restart. " +
			"Make a named tunnel with a hostname of your own: cloudflared tunnel create, then tunnel route dns.",
		Stage: probe.StageEdge, Level: probe.Should, Owner: probe.OwnerEdge,
		Spec:  "https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/do-more-with-tunnels/trycloudflare/",
		Needs: []probe.Evidence{probe.Connection}, Judge: nameLasts,
	}, {
		ID: "edge.own-answers", Title: "the server's paths are answered by the server",
		Doc: "An edge or another server on the same hostname may answer some of the server's paths, and each path looks right by itself. " +
			"mcpwiz serve marks each answer by X-Mcpwiz-Instance, so that one without the mark is known for somebody else's. " +
			"It shows as metadata or a 401 that no setting of the server changes. " +
			"Find the rule, page or route that takes the path, and let it go to the server.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-3.7", Needs: []probe.Evidence{probe.Connection}, Judge: ownAnswers,
	},
	{
		ID: "edge.headers-kept", Title: "headers arrive as they were sent",
		Doc: "A proxy that drops Authorization, Mcp-Session-Id, Accept or WWW-Authenticate makes both sides right and the connection wrong. " +
			"It shows as a server that says \"no token\" to a request that bears one, or asks for a session id that it never handed out. " +
			"Let the proxy pass these headers on in both directions.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec: "https://www.rfc-editor.org/rfc/rfc9110#section-7.6", Needs: []probe.Evidence{probe.Connection}, Judge: headersKept,
	},
	{
		ID: "edge.streams-whole", Title: "streams of events pass as they are",
		Doc: "What stands in between may compress a stream of events, which holds it back, or cut it when nothing comes for a while. " +
			"It shows as progress that arrives all at once, or as calls that die after 60, 100 or 125 seconds. " +
			"Leave text/event-stream alone there, and send a comment line at once and every 15 seconds.",
		Stage: probe.StageEdge, Level: probe.Should, Owner: probe.OwnerEdge,
		Spec: "https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes", Needs: []probe.Evidence{probe.Connection}, Judge: streamsWhole,
	},
	{
		ID: "edge.client-let-in", Title: "rules on country, network and address let the client in",
		Doc: "A rule on where requests come from judges the client's network: hosted Claude comes from 160.79.104.0/21 in the United States, wherever its user is. " +
			"It shows as a server that works from home while its log has no line from Claude, and nothing asked from another network can prove the contrary. " +
			"Look into the edge's log (Cloudflare: Security > Events), and let that range through.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec: "https://platform.claude.com/docs/en/api/ip-addresses", Needs: []probe.Evidence{probe.Connection}, Judge: clientLetIn,
	},
}
