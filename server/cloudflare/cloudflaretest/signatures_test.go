package cloudflaretest

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// A signature is how a product shows from outside, once it is on.
type signature struct {
	name string
	on   func(e *exposed)
	// agent that is stopped; "" is claude's.
	agent, path, accept string
	status              int
	header, value, body string
	// source of the event; "" for none.
	source string
	// mend is a change that lets the same request through again.
	mend func(e *exposed)
}

const claudeUser = "Claude-User"

var skipOurs = map[string]any{
	"action": "skip", "expression": `(http.host eq "` + aHost + `")`, "enabled": true,
	"action_parameters": map[string]any{"phases": []any{"http_request_sbfm"}, "products": []any{"bic", "uaBlock", "securityLevel"}, "ruleset": "current"},
}

// firstRule puts a rule before all others.
func firstRule(rule map[string]any) func(e *exposed) {
	return func(e *exposed) {
		r := changed(rule, map[string]any{"position": map[string]any{"index": 1}})
		var s struct{ ID string }
		b, err := e.Do("GET", e.zone("/rulesets/phases/"+PhaseCustom+"/entrypoint"), nil)
		if err != nil {
			e.rule(PhaseCustom, rule)
			return
		}
		e.get(b, &s)
		e.do("POST", e.zone("/rulesets/"+s.ID+"/rules"), r)
	}
}

func block(expression string) func(e *exposed) {
	return func(e *exposed) {
		e.rule(PhaseCustom, map[string]any{"action": "block", "expression": expression, "description": "mine"})
	}
}

func address(mode, target, value string) func(e *exposed) {
	return func(e *exposed) {
		e.do("POST", e.zone("/firewall/access_rules/rules"), map[string]any{"mode": mode, "configuration": map[string]any{"target": target, "value": value}})
	}
}

var signatures = []signature{
	{name: "nothing on", on: func(*exposed) {}, status: 200, body: `{"path":"/mcp"}`},
	{
		name: "Access", on: func(e *exposed) { e.app(nil) }, status: 302, header: "Location", value: "https://home.cloudflareaccess.com/cdn-cgi/access/login/" + aHost + "?", source: "access",
		mend: func(e *exposed) { e.app(map[string]any{"domain": aHost + "/mcp", "policies": []any{bypass}}) },
	},
	{
		name: "Access says where its metadata are", on: func(e *exposed) { e.app(nil) }, status: 302, source: "access",
		header: "Www-Authenticate", value: `Cloudflare-Access resource_metadata="https://mcp.example.com/.well-known/cloudflare-access-protected-resource/mcp"`,
	},
	{
		name: "Managed OAuth", on: func(e *exposed) { e.app(map[string]any{"oauth_configuration": map[string]any{"enabled": true}}) }, status: 401, source: "access",
		header: "Www-Authenticate", value: `Bearer realm="OAuth", error="invalid_token", resource_metadata="https://mcp.example.com/.well-known/cloudflare-access-protected-resource/mcp"`,
		body: `"error":"invalid_token"`,
	},
	{
		name: "Access, service tokens only", on: func(e *exposed) {
			e.app(map[string]any{"policies": []any{machines}, "service_auth_401_redirect": true})
		},
		path: "/.well-known/oauth-protected-resource", status: 401, source: "access",
		mend: func(e *exposed) { e.app(map[string]any{"domain": aHost + "/.well-known/*", "policies": []any{bypass}}) },
	},
	{
		name: "Access, denied", on: func(e *exposed) {
			e.app(map[string]any{"policies": []any{map[string]any{"name": "no", "decision": "deny", "include": everyone}}})
		}, status: 403, header: "Cf-Access-Error", value: "access_denied", source: "access",
	},
	{
		name: "Block AI bots", on: func(e *exposed) { e.bots("ai_bots_protection", "block") }, status: 403, body: "Your request was blocked.", source: "firewallManaged",
		mend: firstRule(skipOurs),
	},
	{
		name: "Block AI bots lets python-httpx through", on: func(e *exposed) { e.bots("ai_bots_protection", "block") }, agent: "python-httpx/0.28.1", status: 200,
	},
	{
		name: "AI Crawl Control", on: func(e *exposed) {
			if err := e.BlockAICrawlers("example.com", "Claude-User", "GPTBot"); err != nil {
				e.t.Fatal(err)
			}
		}, status: 403, accept: "text/html", body: "Sorry, you have been blocked", source: "firewallCustom", mend: firstRule(skipOurs),
	},
	{
		name: "Bot Fight Mode", on: func(e *exposed) { e.bots("fight_mode", true) }, status: 403, header: "Cf-Mitigated", value: "challenge", body: "Just a moment...", source: "botFight",
		mend: func(e *exposed) { e.bots("fight_mode", false) },
	},
	{
		name: "Bot Fight Mode lets listed addresses past", on: func(e *exposed) { e.bots("fight_mode", true); address("whitelist", "ip_range", "198.51.100.0/24")(e) }, status: 200,
	},
	{
		name: "Under Attack", on: func(e *exposed) { e.set("security_level", "under_attack") }, status: 403, header: "Cf-Mitigated", value: "challenge", source: "securitylevel",
		mend: firstRule(skipOurs),
	},
	{
		name: "a configuration rule sets the level", on: func(e *exposed) {
			e.set("security_level", "under_attack")
			e.rule(PhaseConfig, map[string]any{"action": "set_config", "expression": "true", "action_parameters": map[string]any{"security_level": "medium"}})
		}, status: 200,
	},
	{
		name: "a rule against a country", on: block(`ip.geoip.country ne "CH"`), status: 403, accept: "application/json", header: "Content-Type", value: "application/json",
		body: `"error_code":1020`, source: "firewallCustom", mend: firstRule(skipOurs),
	},
	{name: "Browser Integrity Check", on: func(*exposed) {}, agent: "none", status: 403, body: "error code: 1010", source: "bic", mend: firstRule(skipOurs)},
	{name: "Browser Integrity Check off", on: func(e *exposed) { e.set("browser_check", "off") }, agent: "Python-urllib/3.12", status: 200},
	{
		name: "rate limit", on: func(e *exposed) {
			e.rule(PhaseRateLimit, map[string]any{"action": "block", "expression": `http.request.uri.path eq "/mcp"`, "ratelimit": map[string]any{
				"characteristics": []any{"ip.src", "cf.colo.id"}, "period": 10, "requests_per_period": 1, "mitigation_timeout": 30,
			}})
			e.ask("POST", "https://"+aHost+"/mcp", claudeUser)
		}, status: 429, header: "Retry-After", value: "3", body: "1015", source: "ratelimit",
	},
	{name: "blocked address", on: address("block", "ip", "198.51.100.7"), status: 403, body: "1006", source: "ip"},
	{name: "blocked AS", on: address("block", "asn", "AS64500"), status: 403, body: "1005", source: "ip"},
	{name: "blocked country", on: address("block", "country", "US"), status: 403, body: "1009", source: "ip"},
	{
		name: "User Agent Blocking", on: func(e *exposed) {
			e.do("POST", e.zone("/firewall/ua_rules"), map[string]any{"mode": "block", "configuration": map[string]any{"target": "ua", "value": claudeUser}})
		}, status: 403, body: "1010", source: "uaBlock", mend: firstRule(skipOurs),
	},
	{name: "the connector is gone", on: func(e *exposed) { e.connector.Close() }, status: 530, body: "error code: 1033"},
	{name: "the tunnel has no rules", on: func(e *exposed) { e.do("PUT", e.tunnel+"/configurations", map[string]any{"config": map[string]any{}}) }, status: 503, body: ""},
	{name: "record gone", on: func(e *exposed) {
		e.do("DELETE", e.zone("/dns_records/"+e.firstRecord()), nil)
		e.record("CNAME", aHost, "00000000-0000-4000-a000-000000000000.cfargotunnel.com")
	}, status: 530, body: "1016"},
	{name: "record points to Cloudflare", on: func(e *exposed) {
		e.do("DELETE", e.zone("/dns_records/"+e.firstRecord()), nil)
		e.record("A", aHost, "104.16.1.1")
	}, status: 403, body: "1000"},
	{name: "no rule for the path", on: func(e *exposed) {
		e.ingress(map[string]any{"hostname": aHost, "path": "^/other", "service": "http://127.0.0.1:1"})
	}, status: 404, body: ""},
	{name: "origin refuses", on: func(e *exposed) { e.ingress(map[string]any{"hostname": aHost, "service": "http://127.0.0.1:1"}) }, status: 502, body: "502"},
	{name: "cloudflared wants Access", on: func(e *exposed) {
		e.ingress(map[string]any{"hostname": aHost, "service": "http://127.0.0.1:1", "originRequest": map[string]any{"access": map[string]any{"required": true, "teamName": "home", "audTag": []any{"x"}}}})
	}, status: 403, body: ""},
	{name: "redirected to another host", on: func(e *exposed) {
		e.rule(PhaseRedirect, map[string]any{"action": "redirect", "expression": `http.host eq "` + aHost + `"`, "action_parameters": map[string]any{"from_value": map[string]any{
			"status_code": 301, "target_url": map[string]any{"expression": `concat("https://www.example.com", http.request.uri.path)`},
		}}})
	}, status: 301, header: "Location", value: "https://www.example.com/mcp"},
}

func (e *exposed) firstRecord() string {
	var l []struct{ ID string }
	e.get(e.do("GET", e.zone("/dns_records"), nil), &l)
	return l[0].ID
}

func (e *exposed) ingress(rules ...any) {
	e.do("PUT", e.tunnel+"/configurations", map[string]any{"config": map[string]any{"ingress": append(rules, map[string]any{"service": "http_status:404"})}})
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	for _, s := range signatures {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := expose(t, Options{Visitor: func(*http.Request) Visitor {
				return Visitor{IP: netip.MustParseAddr("198.51.100.7"), Country: "US", ASN: 64500}
			}})
			s.on(e)
			try := func(status int) (*http.Response, string) {
				path, agent := s.path, s.agent
				if path == "" {
					path = "/mcp"
				}
				switch agent {
				case "":
					agent = claudeUser
				case "none":
					agent = ""
				}
				res := e.ask("POST", "https://"+aHost+path, agent, "Accept", s.accept)
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != status {
					t.Errorf("%d %s, %v; want %d", res.StatusCode, body, err, status)
				}
				return res, string(body)
			}
			res, body := try(s.status)
			if s.header != "" && !strings.HasPrefix(res.Header.Get(s.header), s.value) || !strings.Contains(body, s.body) || s.body == "" && s.status == 404 && body != "" {
				t.Errorf("%v %s", res.Header, body)
			}
			if got := e.sources(res.Header.Get("Cf-Ray")); got != s.source {
				t.Errorf("recorded %q, want %q", got, s.source)
			}
			if s.mend != nil {
				s.mend(e)
				try(200)
			}
		})
	}
}
