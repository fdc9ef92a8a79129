package checks

var cloudflare = map[string]string{"Server": "cloudflare"}

// errorDocument is in every error that Cloudflare tells programs, whatever its number.
var errorDocument = []string{`"cloudflare_error":true`, "/http-status-codes/cloudflare-1xxx-errors/", "/http-status-codes/cloudflare-5xx-errors/"}

// tooLarge are the titles of its pages about sizes; a server behind it that says so signs with its own name instead.
var tooLarge = []string{"request entity too large cloudflare", "request-uri too large cloudflare", "request header fields too large cloudflare",
	"request header or cookie too large cloudflare"}

// signatures are tried in order: the surest sign first, the mere presence of an edge last. Cloudflare writes Server and
// CF-Ray on every answer, the origin's too, so that these alone prove nothing of who spoke.
var signatures = []signature{
	{Edge: "Cloudflare Access", Name: "the login page of Cloudflare Access", Kind: loginPage, Self: true, Product: []string{access}, Mend: mendAccess,
		Header: map[string]string{"Location": "cloudflareaccess.com/"}},
	{Edge: "Cloudflare Access", Name: "the challenge of Cloudflare Access, which issues tokens itself there (Managed OAuth)", Kind: loginPage, Self: true, Product: []string{access}, Mend: mendManaged,
		Status: []int{401}, Header: map[string]string{"Www-Authenticate": "cloudflare-access-protected-resource"}},
	{Edge: "Cloudflare Access", Name: "the login of Cloudflare Access", Kind: loginPage, Self: true, Product: []string{access}, Mend: mendAccess,
		Header: map[string]string{"Www-Authenticate": "cloudflare-access"}},
	{Edge: "Cloudflare Access", Name: "refused by a policy of Cloudflare Access", Kind: loginPage, Self: true, Product: []string{access}, Mend: mendAccess,
		Header: map[string]string{"Cf-Access-Error": ""}},
	{Edge: "Cloudflare Access", Name: "the login page of Cloudflare Access", Kind: loginPage, Self: true, Product: []string{access}, Mend: mendAccess,
		Header: map[string]string{"Cf-Access-Domain": ""}},

	{Edge: "Cloudflare", Name: "a challenge page of Cloudflare (cf-mitigated: challenge)", Kind: challenged, Self: true, Product: []string{securityLevel, customRule, botFight, superBotFight, rateLimit, ipAccessRule}, Mend: mendChallenge,
		Header: map[string]string{"Cf-Mitigated": "challenge"}},
	{Edge: "Cloudflare", Name: "a challenge page of Cloudflare", Kind: challenged, Self: true, Product: []string{securityLevel, customRule, botFight, superBotFight, rateLimit, ipAccessRule}, Mend: mendChallenge,
		Status: []int{403, 503}, Says: []string{"just a moment...", "checking your browser before accessing", "enable javascript and cookies to continue"}},
	{Edge: "Anthropic", Name: "Anthropic's own firewall, on what the call says", Kind: blocked, Self: true,
		Mend: "nothing of yours stops it: put what looks like an attack in the tool's arguments another way", Status: []int{403},
		Says: []string{"unable to access anthropic.com", "unable to access claude.ai", "unable to access claude.com"}},
	{Edge: "Cloudflare", Name: `Cloudflare's block of AI clients ("Your request was blocked.")`, Kind: blocked, Self: true, Product: []string{blockAIBots, aiCrawlControl, customRule}, Mend: mendBots,
		Status: []int{403}, Header: cloudflare, Says: []string{"your request was blocked."}},
	{Edge: "Cloudflare", Name: "Cloudflare error 1010, Browser Integrity Check", Kind: blocked, Self: true, Product: []string{browserCheck},
		Mend: "switch Browser Integrity Check off for these paths (Rules > Configuration Rules), or skip it by a WAF rule (product bic)",
		Code: []int{1010}},
	{Edge: "Cloudflare", Name: "Cloudflare error 1015, rate limited", Kind: limited, Self: true, Product: []string{rateLimit}, Mend: mendLimit, Code: []int{1015}},
	{Edge: "Cloudflare", Name: "Cloudflare's block by country (error 1009)", Kind: walled, Self: true, Product: []string{ipAccessRule, customRule}, Mend: mendNetwork, Code: []int{1009}},
	{Edge: "Cloudflare", Name: "Cloudflare's block by network (error 1005)", Kind: walled, Self: true, Product: []string{ipAccessRule, customRule}, Mend: mendNetwork, Code: []int{1005}},
	{Edge: "Cloudflare", Name: "Cloudflare's block by address (error 1006 to 1008, 1012, 1106)", Kind: walled, Self: true, Product: []string{ipAccessRule, customRule}, Mend: mendNetwork,
		Code: []int{1006, 1007, 1008, 1012, 1106}},
	{Edge: "Cloudflare", Name: "Cloudflare's block by a firewall rule (error 1020)", Kind: blocked, Self: true, Product: []string{aiCrawlControl, customRule, superBotFight, managedWAF, ipAccessRule}, Mend: mendRule,
		Code: []int{1020}},
	{Edge: "Cloudflare", Name: "Cloudflare's block page", Kind: blocked, Self: true, Product: []string{aiCrawlControl, customRule, superBotFight, managedWAF, ipAccessRule}, Mend: mendRule,
		Status: []int{403}, Says: []string{"sorry, you have been blocked", "attention required! | cloudflare"}},

	{Edge: "Cloudflare", Name: "Cloudflare error 1033, the tunnel is down", Kind: down, Self: true, Mend: mendTunnel, Code: []int{1033}},
	{Edge: "Cloudflare", Name: "Cloudflare error 1016, the name points at no origin", Kind: down, Self: true,
		Mend: "route the name to the tunnel again: cloudflared tunnel route dns <tunnel> <hostname>", Code: []int{1016}},
	{Edge: "Cloudflare", Name: "Cloudflare's name or host configuration error (1000 to 1004, 1013, 1014, 1018, 1023, 1034)", Kind: down, Self: true,
		Mend: "make the name a proxied CNAME to <tunnel-id>.cfargotunnel.com in this zone",
		Code: []int{1000, 1001, 1002, 1003, 1004, 1013, 1014, 1018, 1023, 1034}},
	{Edge: "Cloudflare", Name: "an exception in a Cloudflare Worker on this route (error 1101 or 1102)", Kind: down, Self: true,
		Mend: "take the Worker's route off this hostname, or mend the Worker", Code: []int{1101, 1102}},
	{Edge: "Cloudflare", Name: "a 530 of Cloudflare, the origin or its tunnel is not there", Kind: down, Self: true, Mend: mendTunnel, Status: []int{530}},
	{Edge: "Cloudflare", Name: "Cloudflare's 524, the origin did not answer in time", Kind: down, Self: true,
		Mend: "answer within 100 seconds: send the response headers at once and a comment line every 15 s on a stream", Status: []int{524}, Header: cloudflare},
	{Edge: "Cloudflare", Name: "Cloudflare could not speak TLS with the origin (525 or 526)", Kind: down, Self: true,
		Mend: "give the origin a certificate that the zone's SSL mode accepts, or use a tunnel", Status: []int{525, 526}, Header: cloudflare},
	{Edge: "Cloudflare", Name: "Cloudflare could not connect to the origin (520 to 523)", Kind: down, Self: true,
		Mend: "open the origin's port to Cloudflare and see that it listens there, or use a tunnel", Status: []int{520, 521, 522, 523}, Header: cloudflare},
	{Edge: "Cloudflare", Name: "Cloudflare reached the tunnel but not the server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 504}, Header: cloudflare, NotJSON: true},
	{Edge: "cloudflared", Name: "cloudflared has no ingress rule for it (empty 503)", Kind: unrouted, Self: true, Mend: mendIngress,
		Status: []int{503}, Header: cloudflare, Empty: true},
	{Edge: "cloudflared", Name: "cloudflared's last ingress rule, http_status:404 (empty, no content type)", Kind: unrouted, Self: true, Mend: mendIngress,
		Status: []int{404}, Header: cloudflare, Empty: true},
	{Edge: "Cloudflare", Name: "Cloudflare's error 1200, too many requests wait for the origin", Kind: limited, Self: true, Mend: mendOrigin, Code: []int{1200}},
	{Edge: "Cloudflare", Name: "an error document of Cloudflare (RFC 9457), a limit", Kind: limited, Self: true, Mend: mendNumber, Status: []int{429}, Says: errorDocument},
	{Edge: "Cloudflare", Name: "an error document of Cloudflare (RFC 9457), a block", Kind: blocked, Self: true, Mend: mendNumber, Status: []int{401, 403, 406}, Says: errorDocument},
	{Edge: "Cloudflare", Name: "an error document of Cloudflare (RFC 9457)", Kind: down, Self: true, Mend: mendNumber,
		Status: []int{400, 404, 409, 500, 502, 503, 504}, Says: errorDocument},
	{Edge: "Cloudflare", Name: "too large for Cloudflare (16 kB in a URL or a header, 32 kB in all headers, 100 MB in a body)", Kind: blocked, Self: true,
		Mend: "send less: a token that large has roles or claims in it that nobody needs", Status: []int{400, 413, 414, 431}, Header: cloudflare, Says: tooLarge},
	{Edge: "Cloudflare", Name: "a page of Cloudflare with a ray id, a block", Kind: blocked, Self: true, Product: []string{aiCrawlControl, customRule, superBotFight, managedWAF, ipAccessRule}, Mend: mendRule, Status: []int{401, 403},
		Header: cloudflare, Says: []string{"cloudflare ray id"}},
	{Edge: "Cloudflare", Name: "a page of Cloudflare with a ray id", Kind: down, Self: true, Mend: mendNumber, Status: []int{409, 500, 502, 503, 504},
		Header: cloudflare, Says: []string{"cloudflare ray id"}},
	{Edge: "Cloudflare", Name: "an error page of Cloudflare (cf-error-type)", Kind: down, Self: true,
		Mend: "look the error up under Cloudflare's error headers", Header: map[string]string{"Cf-Error-Type": ""}},

	{Edge: "ngrok", Name: "ngrok says that the tunnel is offline or refused", Kind: down, Self: true, Mend: "start the ngrok agent again",
		Header: map[string]string{"Ngrok-Error-Code": ""}},
	{Edge: "Amazon API Gateway", Name: "Amazon API Gateway's own refusal", Kind: blocked, Self: true,
		Mend: "let the API's authorizer leave these paths alone, and add a route for them", Status: []int{401, 403},
		Header: map[string]string{"X-Amzn-Errortype": ""}},
	{Edge: "CloudFront", Name: "CloudFront's own error page", Kind: blocked, Self: true, Mend: "look at the distribution's WAF and geographic restrictions",
		Status: []int{403}, Header: map[string]string{"Server": "cloudfront"}},
	{Edge: "an Amazon load balancer", Name: "an Amazon load balancer that reached no target", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503, 504}, Header: map[string]string{"Server": "awselb"}},
	{Edge: "Akamai", Name: "Akamai's block page", Kind: blocked, Self: true, Mend: "exempt these paths in the Akamai bot and WAF policies",
		Status: []int{403}, Header: map[string]string{"Server": "akamaighost"}},
	{Edge: "Akamai", Name: "Akamai's block page", Kind: blocked, Self: true, Mend: "exempt these paths in the Akamai bot and WAF policies",
		Status: []int{403}, Says: []string{"errors.edgesuite.net"}},
	{Edge: "AWS WAF", Name: "a challenge of AWS WAF", Kind: challenged, Self: true, Mend: "exempt these paths from the web ACL's Challenge and CAPTCHA rules",
		Header: map[string]string{"X-Amzn-Waf-Action": ""}},
	{Edge: "Vercel", Name: "a challenge page of Vercel's firewall", Kind: challenged, Self: true, Mend: "add a bypass rule for these paths (Firewall > Rules), or switch Attack Challenge Mode off",
		Header: map[string]string{"X-Vercel-Mitigated": ""}},
	{Edge: "Vercel", Name: "Vercel's deployment protection", Kind: loginPage, Self: true, Mend: "switch Deployment Protection off for this domain (Settings > Deployment Protection)",
		Status: []int{401, 403}, Header: map[string]string{"Server": "vercel"}, Says: []string{"vercel authentication", "authentication required"}, NotJSON: true},
	{Edge: "DataDome", Name: "a challenge of DataDome", Kind: challenged, Self: true, Mend: "exempt these paths in DataDome", Status: []int{401, 403},
		Header: map[string]string{"X-Datadome": ""}},
	{Edge: "Sucuri", Name: "Sucuri's block page", Kind: blocked, Self: true, Mend: "allow these paths under Firewall > Access Control", Says: []string{"sucuri website firewall"}},
	{Edge: "DDoS-Guard", Name: "a challenge of DDoS-Guard", Kind: challenged, Self: true, Mend: "exempt these paths from its checks", Status: []int{403},
		Header: map[string]string{"Server": "ddos-guard"}},
	{Edge: "Anubis", Name: "a challenge of Anubis", Kind: challenged, Self: true, Mend: "add an ALLOW rule for these paths to Anubis's bot policy",
		Says: []string{"making sure you're not a bot", "protected by anubis"}},
	{Edge: "CrowdSec", Name: "CrowdSec's block or captcha", Kind: blocked, Self: true, Mend: "see cscli alerts list, and whitelist these paths or the client's network",
		Says: []string{"crowdsec access forbidden", "crowdsec captcha", "crowdsec ban"}},
	{Edge: "Azure Front Door", Name: "Azure Front Door's block page", Kind: blocked, Self: true, Mend: "exempt these paths in its WAF policy",
		Status: []int{403}, Says: []string{"the request is blocked."}, Header: map[string]string{"X-Azure-Ref": ""}},
	{Edge: "a web application firewall", Name: "the block page of a web application firewall", Kind: blocked, Self: true,
		Mend: "look into the firewall's log for the rule, and exempt /mcp, /.well-known/* and the authorization server's paths from it", Status: []int{403, 406, 501},
		NotJSON: true, Says: []string{"web application firewall", "mod_security", "modsecurity", "the requested url was rejected. please consult", "your support id is", "request rejected by the security"}},
	{Edge: "a bot check", Name: "a page that asks for proof of a person", Kind: challenged, Self: true,
		Mend: "exempt /mcp, /.well-known/* and the authorization server's paths from bot protection", Status: []int{403, 405, 429, 503},
		NotJSON: true, Says: []string{"verify you are human", "verifying you are human", "verify that you are not a robot", "are you a robot?", "complete the captcha", "solve the captcha", "prove you are human"}},
	{Edge: "Imperva", Name: "Imperva's challenge page", Kind: challenged, Self: true, Mend: "exempt these paths from Imperva's bot protection",
		Says: []string{"incapsula incident id", "_incapsula_resource"}},
	{Edge: "nginx", Name: "nginx reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503, 504}, Header: map[string]string{"Server": "nginx"}, NotJSON: true},
	{Edge: "nginx", Name: "nginx reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 504}, Says: []string{"nginx"}, NotJSON: true},
	{Edge: "Envoy", Name: "Envoy reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503, 504}, Says: []string{"upstream connect error", "no healthy upstream", "upstream request timeout"}},
	{Edge: "Traefik", Name: "Traefik reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 504}, Says: []string{"bad gateway", "gateway timeout"}, Header: map[string]string{"Server": "traefik"}},
	{Edge: "Google Cloud's load balancer", Name: "Google Cloud's load balancer reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503, 504}, Header: map[string]string{"Via": "1.1 google"}, NotJSON: true},
	{Edge: "Fastly", Name: "Fastly reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503, 504}, Says: []string{"guru meditation", "fastly error", "first byte timeout", "backend fetch failed"}},
	{Edge: "HAProxy", Name: "HAProxy reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{503}, Says: []string{"no server is available to handle this request"}},
	{Edge: "Caddy", Name: "Caddy reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502}, Header: map[string]string{"Server": "caddy"}, NotJSON: true},
	{Edge: "Apache", Name: "Apache reached no server behind it", Kind: down, Self: true, Mend: mendOrigin,
		Status: []int{502, 503}, Header: map[string]string{"Server": "apache"}, NotJSON: true},

	{Edge: "Cloudflare", Kind: passedOn, Header: cloudflare},
	{Edge: "CloudFront", Kind: passedOn, Header: map[string]string{"X-Amz-Cf-Id": ""}},
	{Edge: "nginx", Kind: passedOn, Header: map[string]string{"Server": "nginx"}},
	{Edge: "Caddy", Kind: passedOn, Header: map[string]string{"Server": "caddy"}},
}

const (
	mendAccess = "remove the Access application from this hostname, or add a more specific one for the path with the policy " +
		"Bypass, Everyone; with an authorization server of your own leave Access Managed OAuth off"
	mendManaged = "switch Managed OAuth off in this Access application, or let clients pass it: with an authorization server of your own both are at odds. " +
		"Take the application off the hostname, or add a more specific one for each path with the policy Bypass, Everyone"
	mendChallenge = "switch Bot Fight Mode off (Security > Bots), or add a WAF skip rule for /mcp, /.well-known/* and the " +
		"authorization server's paths (phases http_request_sbfm; products bic, uaBlock, securityLevel)"
	mendBots = `set "Block AI bots" (Security > Bots) to "Do not block" and allow Claude-User in AI Crawl Control`
	mendRule = "find the rule under Security > Events by its ray id, and exempt /mcp, /.well-known/* and the authorization " +
		"server's paths for 160.79.104.0/21"
	mendNetwork = "let the client's network through (Claude: 160.79.104.0/21) under Security > WAF > Tools (IP Access rules) or in the custom rule"
	mendNumber  = "look its error_code up at developers.cloudflare.com/support/troubleshooting/http-status-codes, and its ray_id under Security > Events"
	mendLimit   = "raise the rate limiting rule for these paths: hosted clients share few addresses"
	mendTunnel  = "start the tunnel: cloudflared tunnel run <tunnel>, and look at cloudflared tunnel info <tunnel>"
	mendOrigin  = "start the server, and see that the proxy forwards to the scheme and port it listens on"
	mendIngress = "add an ingress rule for this hostname without a path, so that /mcp and /.well-known/* reach one port"
)
