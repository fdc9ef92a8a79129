package cloudflaretest

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// visitOf is a visit with what the table below asks for.
func visitOf() *visit {
	r := httptest.NewRequest("POST", "https://mcp.example.com/mcp/tools?q=a+b", nil)
	r.Header.Set("User-Agent", "Claude-User/1.0")
	r.Header.Set("X-Key", "abc")
	return &visit{c: New(Options{}), r: r, host: "mcp.example.com", scheme: "https", body: []byte("select 1"), from: Visitor{IP: netip.MustParseAddr("160.79.104.9"), Country: "US", ASN: 399358}}
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	v := visitOf()
	for expression, want := range map[string]bool{
		`http.host eq "mcp.example.com"`:                                     true,
		`http.host == "x"`:                                                   false,
		`http.host ne "x"`:                                                   true,
		`http.host in {"a.example.com" "mcp.example.com"}`:                   true,
		`not http.host in {"a" "b"}`:                                         true,
		`http.host contains "example"`:                                       true,
		`http.host wildcard "*.Example.com"`:                                 true,
		`http.host strict wildcard "*.Example.com"`:                          false,
		`http.request.uri.path eq "/mcp/tools"`:                              true,
		`starts_with(http.request.uri.path, "/mcp/")`:                        true,
		`ends_with(http.request.uri.path, "/mcp/")`:                          false,
		`http.request.uri.path matches "^/mcp(/|$)"`:                         true,
		`http.request.uri.path ~ r"^/m\w+/"`:                                 true,
		`http.request.uri.query contains "q="`:                               true,
		`http.request.uri eq "/mcp/tools?q=a+b"`:                             true,
		`http.request.full_uri eq "https://mcp.example.com/mcp/tools?q=a+b"`: true,
		`http.user_agent contains "Claude-User"`:                             true,
		`lower(http.user_agent) contains "claude-user"`:                      true,
		`http.user_agent eq "Claude-User/1.0" and ssl`:                       true,
		`ip.src in {160.79.104.0/21}`:                                        true,
		`ip.src in {10.0.0.0/8 160.79.104.9}`:                                true,
		`ip.src eq 160.79.104.9`:                                             true,
		`ip.src ne 160.79.104.9`:                                             false,
		`ip.geoip.country ne "CH"`:                                           true,
		`ip.src.country in {"US" "DE"}`:                                      true,
		`ip.geoip.asnum eq 399358`:                                           true,
		`ip.geoip.asnum in {1..5 399000..400000}`:                            true,
		`http.request.method eq "POST"`:                                      true,
		`http.request.method in {"GET" "HEAD"}`:                              false,
		`http.request.headers["x-key"][0] eq "abc"`:                          true,
		`http.request.headers["x-none"][0] eq "abc"`:                         false,
		`cf.client.bot`:                                                      false,
		`not cf.client.bot`:                                                  true,
		`!cf.client.bot && true`:                                             true,
		`cf.verified_bot_category eq "AI Assistant"`:                         true,
		`len(http.host) gt 5`:                                                true,
		`http.request.body.size ge 8`:                                        true,
		`true or false and false`:                                            true,
		`(true or false) and false`:                                          false,
		`true xor true`:                                                      false,
		`true ^^ false`:                                                      true,
		`not (true and false)`:                                               true,
		`http.host eq "a\"b"`:                                                false,
		`http.request.uri.path ne "/robots.txt" and ((http.user_agent contains "GPTBot") or (http.user_agent contains "Claude-User"))`: true,
	} {
		holds, err := parseExpression(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := holds(v); got != want {
			t.Errorf("%s is %v", expression, got)
		}
	}
}

func TestBadExpressions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		``: "(1:1)", `http.hots eq "x"`: "unknown identifier", `http.host eq`: "expected a field", `http.host eq 5`: "kind text", `http.host eq "x`: "missing ending quote",
		`(true`: `expected ")"`, `true true`: "unrecognized input", `http.host`: "expected an operator", `http.host in {"x"`: "expected a field", `ip.src in {300.1.1.1/8}`: "unknown identifier",
		`ip.src eq "1.2.3.4"`: "kind address", `http.host matches "("`: "regex parse error", `http.host in $list`: "unknown list", `http.host eq "\q"`: "invalid escape",
		`starts_with(http.host "x")`: `expected ","`, `ssl contains "x"`: "kind truth", strings.Repeat("(", 200) + "true": "too deep", strings.Repeat("x", 5000): "4096", `http.host eq #`: "unrecognized input",
	} {
		if _, err := parseExpression(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", expression, err, want)
		}
	}
}

// No expression makes the parser or what it made fail.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`http.host eq "a" and not (ip.src in {10.0.0.0/8} or starts_with(http.request.uri.path, "/x"))`, `http.request.headers["a"][0] wildcard r#"*"#`,
		`ip.geoip.asnum in {1..5}`, `lower(upper(http.host)) contains "\x41"`, `((true ^^ false))`,
	} {
		f.Add(s)
	}
	v := visitOf()
	f.Fuzz(func(t *testing.T, s string) {
		if holds, err := parseExpression(s); err == nil {
			holds(v)
		} else if err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

// What readIngress takes has an answer for every request.
func FuzzIngress(f *testing.F) {
	f.Add("a.example.com", "^/mcp", "http://localhost:1", "a.example.com:443", "/mcp")
	f.Add("*.example.com", "(", "http_status:404", "[::1]:8", "")
	f.Add("", "", "unix:/x", "", "/")
	f.Fuzz(func(t *testing.T, hostname, pattern, service, host, path string) {
		rules, err := readIngress(map[string]any{"ingress": []any{
			map[string]any{"hostname": hostname, "path": pattern, "service": service}, map[string]any{"service": "http_status:404"},
		}})
		if err != nil {
			return
		}
		if i, ok := matchIngress(rules, host, path); !ok || i > 1 {
			t.Errorf("%d, %v", i, ok)
		}
	})
}
