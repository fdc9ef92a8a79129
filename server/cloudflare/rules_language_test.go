package cloudflare

import (
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// claude posts a message, as hosted Claude does.
var claude = visit{method: "POST", host: "mcp.example.com", path: "/mcp", agent: "Claude-User", from: hostedAt, country: hostedCountry}

func TestExpressionsOverAVisit(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]judged{
		`true`:                           {truth: yes},
		`not ssl`:                        {truth: no},
		`http.host eq "mcp.example.com"`: {truth: yes},
		`http.host in {"a.example.com" "mcp.example.com"}`:                                                         {truth: yes},
		`(http.host eq "www.example.com" and ip.src.country ne "CH")`:                                              {truth: no},
		`http.user_agent contains "Claude" && http.request.uri.path ne "/robots.txt"`:                              {truth: yes},
		`(http.request.uri.path ne "/robots.txt" and ((http.user_agent contains "GPTBot")))`:                       {truth: no},
		`lower(http.user_agent) contains "claude-user"`:                                                            {truth: yes},
		`starts_with(http.request.uri.path, "/mcp/")`:                                                              {truth: no},
		`ends_with(lower(http.host), ".EXAMPLE.com")`:                                                              {truth: no},
		`http.request.uri.path matches "^/m.p$"`:                                                                   {truth: yes},
		`http.request.full_uri wildcard r"https://*.EXAMPLE.com/*"`:                                                {truth: yes},
		`http.request.full_uri strict wildcard "https://*.EXAMPLE.com/*"`:                                          {truth: no},
		`len(http.request.uri.path) > 3 and http.request.method in {"POST" "PUT"}`:                                 {truth: yes},
		`len(http.request.uri.path) in {1..3}`:                                                                     {truth: no},
		`ip.src in {160.79.104.0/21}`:                                                                              {truth: yes},
		`not ip.src in {160.79.0.0/16 10.0.0.1}`:                                                                   {truth: no},
		`ip.src in {10.0.0.0/8 2001:db8::/32}`:                                                                     {truth: no},
		`ip.src eq 160.79.106.11`:                                                                                  {maybe, `ip.src eq 160.79.106.11`},
		`ip.src.country ne "CH"`:                                                                                   {truth: yes},
		`ip.geoip.country in {"CH" "DE"}`:                                                                          {truth: no},
		`http.host eq "mcp.example.com" and ip.src.asnum eq 396982`:                                                {maybe, `ip.src.asnum eq 396982`},
		`http.host eq "www.example.com" or cf.client.bot`:                                                          {maybe, `cf.client.bot`},
		`not (http.host eq "www.example.com" or cf.threat_score gt 10)`:                                            {maybe, `not (cf.threat_score gt 10)`},
		`(cf.client.bot or ip.src in $office) and http.host eq "mcp.example.com" and cf.bot_management.score < 30`: {maybe, `(cf.client.bot or ip.src in $office) and cf.bot_management.score < 30`},
		`any(http.request.headers["x-key"][*] eq "a") and http.host eq "mcp.example.com"`:                          {maybe, `any(http.request.headers["x-key"][*] eq "a")`},
		`http.request.headers["authorization"][0] eq "x"`:                                                          {maybe, `http.request.headers["authorization"][0] eq "x"`},
		`concat(http.host, http.request.uri.path) eq "mcp.example.com/mcp"`:                                        {truth: yes},
		`http.host eq "mcp.example.com" xor ssl`:                                                                   {truth: no},
		`cf.client.bot xor ssl`:                                                                                    {maybe, `not (cf.client.bot)`},
		`http.user_agent eq "a\"b\\\x41"`:                                                                          {truth: no},
		`http.user_agent eq r#"a"b"#`:                                                                              {truth: no},
		`a_function_to_come(http.host, 1) and ssl`:                                                                 {maybe, `a_function_to_come(http.host, 1)`},
		`not a good expression (`:                                                                                  {maybe, `not a good expression (`},
		`http.host eq`:                                                                                             {maybe, `http.host eq`},
		``:                                                                                                         {maybe, ``},
	} {
		if got := holds(expression, claude); got != want {
			t.Errorf("%s: %+v, want %+v", expression, got, want)
		}
	}
	if got := holds(`ip.src in {160.79.104.0/21}`, visit{}); got.truth != maybe {
		t.Errorf("of a visit from anywhere the network is known: %+v", got)
	}
	if got := holds(strings.Repeat("(", 2000)+"ssl"+strings.Repeat(")", 2000), claude); got.truth != maybe {
		t.Errorf("brackets without an end: %+v", got)
	}
}

func TestASurfaceHoldsForItsPathsAlone(t *testing.T) {
	t.Parallel()
	all := surfaces(plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp"}, {URL: "https://mcp.example.com/files"}, {URL: "https://root.example.com"}},
		Keycloak: plan.Keycloak{Issuer: "https://mcp.example.com/auth/realms/home"},
	})
	if len(all) != 2 || all[1].host != "root.example.com" {
		t.Fatalf("hosts: %+v", all)
	}
	for path, want := range map[string]truth{
		"/mcp": yes, "/mcp/": yes, "/mcp/x": yes, "/files": yes, "/mcpx": no, "/": no, "/register": yes, "/.well-known/x": yes,
		"/auth/realms/home/protocol/openid-connect/token": yes, "/auth/realms/home/clients-registrations/openid-connect": yes,
		"/auth/realms/home/login-actions/authenticate": no, "/auth/realms/other/protocol/openid-connect/token": no,
		"/auth/admin/": no, "/auth/resources/x.css": no,
	} {
		if got := holds(all[0].expression(), visit{host: "mcp.example.com", path: path}); got.truth != want {
			t.Errorf("%s: %+v of %s", path, got, all[0].expression())
		}
	}
	for path, want := range map[string]truth{"/": yes, "/x": no, "/.well-known/oauth-protected-resource": yes} {
		if got := holds(all[1].expression(), visit{host: "root.example.com", path: path}); got.truth != want {
			t.Errorf("%s: %+v of %s", path, got, all[1].expression())
		}
	}
	asks := 0
	for _, one := range all[0].asks {
		if one.path == "/files" {
			asks++
		}
	}
	if asks != 2 {
		t.Errorf("the second server is asked %d times: %+v", asks, all[0].asks)
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{`http.host eq "a" and not ip.src in {10.0.0.0/8 1..2}`, `any(x["a"][*] eq r#"b"#)`, `"\x4`, `((`, `a in $b`, `f(,)`, `1..`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := holds(s, claude)
		if got.truth != maybe && got.open != "" {
			t.Errorf("%q: certain, and yet open: %+v", s, got)
		}
		if c, err := parse(s); err == nil && c(claude) != got {
			t.Errorf("%q: %+v, then %+v", s, got, c(claude))
		}
	})
}
