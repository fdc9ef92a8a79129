package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// The products of Cloudflare, as facts name them.
const (
	access         = "access"
	blockAIBots    = "block-ai-bots"
	aiCrawlControl = "ai-crawl-control"
	botFight       = "bot-fight-mode"
	contentBots    = "content-bots"
	superBotFight  = "super-bot-fight-mode"
	securityLevel  = "security-level"
	customRule     = "custom-rule"
	rateLimit      = "rate-limit"
	ipAccessRule   = "ip-access-rule"
	browserCheck   = "browser-check"
	redirectRule   = "redirect-rule"
	managedWAF     = "managed-waf"
	cacheRule      = "cache-rule"
	rocketLoader   = "rocket-loader"
	obfuscation    = "email-obfuscation"
	sslMode        = "ssl"
	dnsRecord      = "dns-record"
)

// judgedBy names the check that judges each product.
var judgedBy = map[string]string{
	access: "edge.access-open", contentBots: "edge.ai-bots-allowed", blockAIBots: "edge.ai-bots-allowed", aiCrawlControl: "edge.ai-bots-allowed",
	botFight: "edge.challenges-off", superBotFight: "edge.challenges-off", securityLevel: "edge.challenges-off",
	customRule: "edge.rules-let-in", rateLimit: "edge.rules-let-in", ipAccessRule: "edge.rules-let-in", browserCheck: "edge.rules-let-in",
	redirectRule: "edge.rules-let-in", managedWAF: "edge.rules-let-in",
	cacheRule: "edge.passed-on", rocketLoader: "edge.passed-on", obfuscation: "edge.passed-on", sslMode: "edge.passed-on", dnsRecord: "edge.passed-on",
}

// unlikely products stop only whom they take for something: without an answer that they gave they are a possibility.
var unlikely = []string{contentBots, botFight, superBotFight, rateLimit, managedWAF}

// titles are what the dashboard calls the products.
var titles = map[string]string{
	access: "Access application", contentBots: "the block of content bots", blockAIBots: "Block AI bots", aiCrawlControl: "AI Crawl Control", botFight: "Bot Fight Mode",
	superBotFight: "Super Bot Fight Mode", securityLevel: "Security Level", customRule: "custom rule", rateLimit: "rate limiting rule",
	ipAccessRule: "IP Access rule", browserCheck: "Browser Integrity Check", redirectRule: "redirect rule", managedWAF: "managed rules",
	cacheRule: "cache rule", rocketLoader: "Rocket Loader", obfuscation: "Email Address Obfuscation", sslMode: "SSL/TLS encryption mode",
	dnsRecord: "DNS record",
}

// mends say where the dashboard has it.
var mends = map[string]string{
	access: mendAccess, blockAIBots: mendBots, contentBots: "skip it for the server's paths by a custom rule (phase http_request_sbfm), or switch it off",
	aiCrawlControl: "allow the client in AI Crawl Control, or leave the server's paths out of its rule (Security > Security rules)",
	botFight:       "switch Bot Fight Mode off (Security > Settings): it knows no exceptions",
	superBotFight:  "skip Super Bot Fight Mode for the server's paths by a custom rule (phase http_request_sbfm)",
	securityLevel:  "end Under Attack mode, or skip Security Level for the server's paths by a custom rule",
	customRule:     "leave the server's paths out of the rule that is named (Security > Security rules), or let 160.79.104.0/21 through in it",
	rateLimit:      "leave the server's paths out of the rate limiting rule, or raise it: hosted clients share few addresses",
	ipAccessRule:   "take the rule away or allow 160.79.104.0/21 (Security > WAF > Tools)",
	browserCheck:   "skip Browser Integrity Check for the server's paths by a custom rule (product bic), or switch it off there by a configuration rule",
	redirectRule:   "leave the server's paths out of the redirect (Rules > Redirect Rules)",
	managedWAF:     "make an exception in the managed rules for the server's endpoint: tools take text that looks like an attack",
	cacheRule:      "leave the server's paths out of the cache rule (Caching > Cache Rules), and purge the cache",
	rocketLoader:   "switch Rocket Loader off (Speed > Optimization), or off for the login pages by a configuration rule",
	obfuscation:    "switch Email Address Obfuscation off for the login pages by a configuration rule",
	sslMode:        "set SSL/TLS > Overview to Full (strict); a tunnel needs no more",
	dnsRecord:      "make the record a proxied CNAME to <tunnel-id>.cfargotunnel.com: mcpwiz expose apply",
}

func productOf(f probe.Fact) string { return text(f.Data["product"]) }

func judgeOf(f probe.Fact) string {
	if productOf(f) == access && on(f.Data["managed_oauth"]) {
		return "edge.managed-oauth-off"
	}
	return judgedBy[productOf(f)]
}

func mendSetting(f probe.Fact) string {
	if judgeOf(f) == "edge.managed-oauth-off" {
		return mendManaged
	}
	return mends[productOf(f)]
}

// tellSetting says what a setting is and whom it stops: `custom rule "Block non-CH": block, at /mcp, User-Agent "Claude-User"`.
func tellSetting(f probe.Fact) string {
	parts := []string{titles[productOf(f)]}
	if name := text(f.Data["name"]); name != "" {
		parts[0] += " " + quoted(clipped(name, 80))
	}
	parts[0] += ": " + clipped(text(f.Data["state"]), 120)
	if paths := listed(f.Data["paths"]); len(paths) > 0 {
		parts = append(parts, "at "+list(few(paths, 3)))
	}
	if names := listed(f.Data["user_agents"]); len(names) > 0 {
		parts = append(parts, "User-Agent "+list(few(quotedAll(names), 3)))
	}
	if network := text(f.Data["network"]); network != "" {
		parts = append(parts, "from "+network)
	}
	if where := text(f.Data["where"]); where != "" {
		parts = append(parts, "where "+clipped(where, 160))
	}
	if by := text(f.Data["skipped_by"]); by != "" {
		parts = append(parts, "though "+quoted(clipped(by, 80))+" skips it")
	}
	return strings.Join(parts, ", ")
}

func quotedAll(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		if all[i] = quoted(name); name == "" {
			all[i] = nameless
		}
	}
	return all
}

// settingsTold names what was looked at and stands in nobody's way.
func settingsTold(facts []probe.Fact) string {
	var all []string
	for _, f := range facts {
		if one := fmt.Sprintf("%s: %s", titles[productOf(f)], clipped(text(f.Data["state"]), 60)); !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return strings.Join(few(all, 6), ", ")
}

// listed reads a list of texts of a fact, as it was noted or as a capture has it.
func listed(v any) []string {
	if all, ok := v.([]string); ok {
		return all
	}
	return stringsIn(v)
}
