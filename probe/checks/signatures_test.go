package checks

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// An edgeAnswer is an answer as it comes from the network.
type edgeAnswer struct {
	status int
	header map[string]string
	media  string
	body   string
}

// exchange is the answer seen through a tap, as every other.
func (a edgeAnswer) exchange(t *testing.T) *probe.Exchange {
	t.Helper()
	var seen *probe.Exchange
	tap := &probe.Tap{To: func(x probe.Exchange) { seen = &x }}
	via := tap.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Server": {"cloudflare"}, "Cf-Ray": {"98a1b2c3d4e5f607-FRA"}}
		if a.media != "" {
			h.Set("Content-Type", a.media)
		}
		for name, v := range a.header {
			h.Set(name, v)
		}
		return &http.Response{StatusCode: a.status, Proto: "HTTP/2.0", Header: h, Body: io.NopCloser(strings.NewReader(a.body)),
			ContentLength: int64(len(a.body)), Request: r}, nil
	}))
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://mcp.example.com/mcp", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := via.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	tap.Close()
	if seen == nil {
		t.Fatal("nothing was seen")
	}
	return seen
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func page(title, text string) string {
	return "<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + text + "</h1></body></html>"
}

func problem(code, kind string) string {
	return `{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-` + kind + `-errors/error-` + code +
		`/","title":"Error ` + code + `","status":403,"error_code":` + code + `,"ray_id":"98a1b2c3d4e5f607","cloudflare_error":true}`
}

func small(title string) string {
	return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
}

const (
	asHTML    = "text/html; charset=UTF-8"
	asText    = "text/plain; charset=UTF-8"
	asJSON    = "application/json; charset=utf-8"
	asProblem = "application/problem+json; charset=utf-8"
	asPlan    = "text/markdown; charset=utf-8"
)

// Every product that answers in a server's place is known by what it answers, in each form in which it does.
func TestEveryProductOfCloudflareIsRecognised(t *testing.T) {
	t.Parallel()
	managed := `Bearer realm="OAuth", error="invalid_token", resource_metadata="https://mcp.example.com/.well-known/cloudflare-access-protected-resource/mcp"`
	for name, want := range map[string]struct {
		edgeAnswer
		kind kind
		says string
	}{
		"access": {edgeAnswer{302, map[string]string{
			"Location":         "https://home.cloudflareaccess.com/cdn-cgi/access/login/mcp.example.com?kid=1&meta=eyJhIjoxfQ&redirect_url=%2Fmcp",
			"Www-Authenticate": `Cloudflare-Access resource_metadata="https://mcp.example.com/.well-known/cloudflare-access-protected-resource/mcp"`}, "", ""},
			loginPage, "login page of Cloudflare Access"},
		"access, no place to go":         {edgeAnswer{401, map[string]string{"Www-Authenticate": `Cloudflare-Access`}, "", ""}, loginPage, "login of Cloudflare Access"},
		"managed oauth":                  {edgeAnswer{401, map[string]string{"Www-Authenticate": managed}, asJSON, `{"error":"invalid_token"}`}, loginPage, "Managed OAuth"},
		"access, denied":                 {edgeAnswer{403, map[string]string{"Cf-Access-Error": "user is not allowed"}, asHTML, page("Forbidden", "x")}, loginPage, "refused by a policy"},
		"block ai bots":                  {edgeAnswer{403, nil, asText, "Your request was blocked."}, blocked, "block of AI clients"},
		"bot fight mode":                 {edgeAnswer{403, map[string]string{"Cf-Mitigated": "challenge"}, asHTML, page("Just a moment...", "")}, challenged, "cf-mitigated"},
		"challenge, its header stripped": {edgeAnswer{403, nil, asHTML, page("Just a moment...", "")}, challenged, "challenge page"},
		"custom rule, html":              {edgeAnswer{403, nil, asHTML, page("Attention Required! | Cloudflare", "Sorry, you have been blocked")}, blocked, "block page"},
		"custom rule, json":              {edgeAnswer{403, nil, asProblem, problem("1020", "1xxx")}, blocked, "1020"},
		"custom rule, markdown":          {edgeAnswer{403, nil, asPlan, "# Error 1020: Access denied\n\nRay ID: 98a1"}, blocked, "1020"},
		"a block without a number":       {edgeAnswer{403, nil, asHTML, page("Access denied", "Cloudflare Ray ID: 98a1")}, blocked, "ray id"},
		"anthropic's firewall":           {edgeAnswer{403, nil, asHTML, page("Attention Required! | Cloudflare", "Sorry, you have been blocked You are unable to access anthropic.com")}, blocked, "Anthropic's own"},
		"integrity check, text":          {edgeAnswer{403, nil, asText, "error code: 1010"}, blocked, "1010"},
		"integrity check, json":          {edgeAnswer{403, nil, asJSON, problem("1010", "1xxx")}, blocked, "1010"},
		"integrity check, html":          {edgeAnswer{403, nil, asHTML, page("Access denied | mcp.example.com | Cloudflare", "Error 1010")}, blocked, "1010"},
		"rate limit":                     {edgeAnswer{429, map[string]string{"Retry-After": "30"}, asText, "error code: 1015"}, limited, "1015"},
		"rate limit, json":               {edgeAnswer{429, nil, asJSON, problem("1015", "1xxx")}, limited, "1015"},
		"asn":                            {edgeAnswer{403, nil, asText, "error code: 1005"}, walled, "1005"},
		"address":                        {edgeAnswer{403, nil, asHTML, page("Access denied", "Error 1006")}, walled, "1006"},
		"country":                        {edgeAnswer{403, nil, asProblem, problem("1009", "1xxx")}, walled, "1009"},
		"by its address":                 {edgeAnswer{403, nil, asText, "error code: 1003"}, down, "1000 to 1004"},
		"dns points at cloudflare":       {edgeAnswer{403, nil, asText, "error code: 1000"}, down, "1000"},
		"cname of another":               {edgeAnswer{403, nil, asText, "error code: 1014"}, down, "1014"},
		"tunnel's record without tunnel": {edgeAnswer{530, nil, asText, "error code: 1016"}, down, "1016"},
		"tunnel down":                    {edgeAnswer{530, nil, asText, "error code: 1033"}, down, "1033"},
		"tunnel down, html":              {edgeAnswer{530, nil, asHTML, page("Cloudflare Tunnel error | mcp.example.com | Cloudflare", "Error 1033 Ray ID")}, down, "1033"},
		"tunnel down, markdown":          {edgeAnswer{530, nil, asPlan, "# Error 1033: Cloudflare Tunnel error"}, down, "1033"},
		"origin refused":                 {edgeAnswer{502, nil, asHTML, page("mcp.example.com | 502: Bad gateway", "x")}, down, "reached the tunnel"},
		"origin refused, json":           {edgeAnswer{502, nil, asJSON, problem("502", "5xx")}, down, "RFC 9457"},
		"catch-all":                      {edgeAnswer{404, nil, "", ""}, unrouted, "404"},
		"no ingress":                     {edgeAnswer{503, nil, "", ""}, unrouted, "503"},
		"520":                            {edgeAnswer{520, nil, asText, "error code: 520"}, down, "520 to 523"},
		"522":                            {edgeAnswer{522, nil, asText, "error code: 522"}, down, "520 to 523"},
		"524":                            {edgeAnswer{524, nil, asText, "error code: 524"}, down, "524"},
		"525":                            {edgeAnswer{525, nil, asText, "error code: 525"}, down, "525 or 526"},
		"526, json":                      {edgeAnswer{526, nil, asJSON, problem("526", "5xx")}, down, "525 or 526"},
		"worker":                         {edgeAnswer{500, nil, asText, "error code: 1101"}, down, "Worker"},
		"body too large":                 {edgeAnswer{413, nil, "text/html", small("413 Request Entity Too Large")}, blocked, "too large"},
		"url too large":                  {edgeAnswer{414, nil, "text/html", small("414 Request-URI Too Large")}, blocked, "too large"},
		"headers too large":              {edgeAnswer{431, nil, "text/html", small("Request Header Fields Too Large")}, blocked, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ok := edgeOf(want.exchange(t))
			if !ok || !s.Self || s.Kind != want.kind || !strings.Contains(s.Name, want.says) || s.Mend == "" {
				t.Errorf("taken for %q (%s, by itself %v), want %s that says %q", s.Name, s.Kind, s.Self, want.kind, want.says)
			}
		})
	}
}

// What a server says through an edge is the server's, whatever it says.
func TestAServersAnswersAreNotTheEdges(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]edgeAnswer{
		"its challenge": {401, map[string]string{"Www-Authenticate": `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"`}, asJSON, `{"error":"invalid_token"}`},
		"its refusal":   {403, nil, asJSON, `{"error":"insufficient_scope"}`},
		"its error":     {500, nil, asJSON, `{"error":"error 1010"}`},
		"its limit":     {429, nil, asJSON, `{"error":"slow down"}`},
		"its own 413":   {413, nil, "text/html", strings.ReplaceAll(small("413 Request Entity Too Large"), "cloudflare", "nginx")},
		"an empty 403, cloudflared's (access.required) or its own": {403, nil, "", ""},
		"its 404": {404, nil, asText, "404 page not found"},
	} {
		if s, _ := edgeOf(a.exchange(t)); s.Self && name != "its error" {
			t.Errorf("%s is taken for %q", name, s.Name)
		}
	}
}

// Whatever comes, it is told apart the same way twice, and only what is there is recognised.
func FuzzSignature(f *testing.F) {
	f.Add(403, "text/plain", "Your request was blocked.", "Cf-Mitigated", "challenge")
	f.Add(530, "text/html", page("x", "Error 1033"), "Location", "https://home.cloudflareaccess.com/")
	f.Add(429, "application/problem+json", problem("1015", "1xxx"), "Www-Authenticate", "Cloudflare-Access")
	f.Add(404, "", "", "Cf-Access-Error", "")
	f.Add(413, "text/html", small("413 Request Entity Too Large"), "Server", "nginx")
	f.Fuzz(func(t *testing.T, status int, media, body, name, field string) {
		if status < 200 || status > 599 || http.CanonicalHeaderKey(name) == "" || strings.ContainsAny(name+field+media, "\r\n\x00") || len(body) > 4096 {
			return
		}
		x := edgeAnswer{status, map[string]string{name: field}, media, body}.exchange(t)
		first, ok := edgeOf(x)
		second, again := edgeOf(x)
		switch {
		case ok != again || first.Name != second.Name || first.Kind != second.Kind:
			t.Errorf("taken for %q, then for %q", first.Name, second.Name)
		case first.Self && (first.Name == "" || first.Mend == "" || interference[first.Kind] == ""):
			t.Errorf("%+v tells not what to do", first)
		}
	})
}
