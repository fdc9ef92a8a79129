package checks

import "github.com/mcpwiz/mcpwiz/probe"

// What Cloudflare's API tells of a zone: one fact for each thing in it that can stand in the way of the server's paths, one for each
// event of its firewall at the server's host, and one that says how many these are.
const (
	edgeSetting    = "edge-setting"
	firewallEvent  = "firewall-event"
	firewallEvents = "firewall-events"
)

const cloudflareDocs = "https://developers.cloudflare.com/"

// edgeSettings are judged as they are: what was answered because of one is its symptom.
var edgeSettings = []*probe.Check{
	{
		ID: "edge.access-open", Title: "no Access application stands before what clients call",
		Doc: "An Access application asks whoever comes for a login in a browser, and programs have none: neither the endpoint nor the documents under /.well-known are reached. " +
			"It is read from the account: which application covers which of the server's paths, and what its policies decide; the most specific path wins, and nothing is inherited. " +
			"mcpwiz fix adds an application with the policy Bypass, Everyone for just these paths; or take the application off the hostname.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "cloudflare-one/access-controls/policies/app-paths/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: accessOpen,
	},
	{
		ID: "edge.managed-oauth-off", Title: "Access issues no tokens of its own on the server's host",
		Doc: "With Managed OAuth an Access application is an authorization server itself: it puts its own 401 in the place of the server's and answers /.well-known for it. " +
			"Next to another authorization server clients are sent to the wrong one, and the server refuses the tokens that they bring. It is on wherever the application's oauth_configuration does not say off. " +
			"Switch it off in the application, or let the server's paths past it.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "cloudflare-one/access-controls/applications/http-apps/managed-oauth/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: managedOAuthOff,
	},
	{
		ID: "edge.ai-bots-allowed", Title: "no rule against AI bots holds for the server's paths",
		Doc: "Block AI bots and AI Crawl Control know MCP clients by their User-Agent and count them as crawlers. " +
			"Discovery and login pass under another name, the first call with a token is answered with 403, and the client says nothing. The two are switched apart from each other. " +
			"mcpwiz fix lets the server's paths past them; by hand set Block AI bots to \"Do not block\" and allow the client in AI Crawl Control.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "bots/additional-configurations/block-ai-bots/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: aiBotsAllowed,
	},
	{
		ID: "edge.challenges-off", Title: "nothing in the zone challenges programs",
		Doc: "Bot Fight Mode, Super Bot Fight Mode and Under Attack mode answer programs with a page that only a browser passes. " +
			"Whom they take for one is Cloudflare's secret: clients that come from data centres mostly, so that it works from home. " +
			"Bot Fight Mode knows no exceptions and has to be off; the others are skipped for the server's paths by the rule that mcpwiz fix makes.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "bots/get-started/bot-fight-mode/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: challengesOff,
	},
	{
		ID: "edge.rules-let-in", Title: "the zone's own rules let clients through to the server's paths",
		Doc: "Custom rules, rate limits, IP access rules, redirects and Browser Integrity Check are the operator's own, made for people who browse. " +
			"Each is read and its expression tried on what the connection's clients send: method, path, User-Agent, and for hosted Claude the network that it comes from, which no request from here can show. " +
			"Exempt the server's paths in the rule that is named.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "ruleset-engine/rules-language/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: rulesLetIn,
	},
	{
		ID: "edge.passed-on", Title: "the zone is set to pass answers on as they are",
		Doc: "A cache rule keeps metadata that were mended long ago, Rocket Loader and e-mail obfuscation rewrite login pages, SSL mode Flexible sends a server that redirects to https into a loop, and a record that is not proxied goes past the tunnel. " +
			"Each shows now and then, and far from its cause. " +
			"Set what is named as it says.",
		Stage: probe.StageEdge, Level: probe.Should, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "cache/how-to/cache-rules/",
		Needs: []probe.Evidence{probe.OfFact(edgeSetting)}, Judge: passedOnAsIs,
	},
	{
		ID: "edge.no-refusal-logged", Title: "the edge's log has no refusal of the clients",
		Doc: "Cloudflare's firewall logs what it stops, with the product and the rule that did it, also of requests that were never made from here. " +
			"The last hour of the server's host is looked through: what was refused of this handshake, by ray id, and what was refused of clients that call themselves as this one does. " +
			"Mend the product that is named; the event is in Security, Events under its ray id.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge, OnRequest: true,
		Spec:  cloudflareDocs + "waf/analytics/security-events/",
		Needs: []probe.Evidence{probe.OfFact(firewallEvents)}, Judge: noRefusalLogged,
	},
}
