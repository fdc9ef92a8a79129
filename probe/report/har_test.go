package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// The secrets of the archive of these tests: none may be told, in any form of a report.
var harSecrets = []string{"canary-code-0001", "canary-verifier-000000000000000000000000000002", "canary-refresh-0003", "canary-cookie-0004",
	"canary-session-0005", "canary-password-0006", "canary-state-0007", "canary-api-key-0008"}

// har is an archive as a browser writes it: a login in which everything is secret, among the page's own requests.
func har(t *testing.T) []byte {
	t.Helper()
	token := strings.Join([]string{b64(`{"alg":"RS256","kid":"k"}`), b64(`{"iss":"` + issuer + `","aud":"` + mcp + `","sub":"alice","exp":1793535600}`), b64("canary-signature-0009")}, ".")
	entry := func(n int, method, url, post string, head map[string]string, status int, answer string, reply map[string]string) map[string]any {
		list := func(h map[string]string) (all []any) {
			for name, value := range h {
				all = append(all, map[string]any{"name": name, "value": value})
			}
			return all
		}
		e := map[string]any{
			"startedDateTime": began.Add(time.Duration(n) * time.Second).Format(time.RFC3339Nano), "time": 84.5,
			"timings":  map[string]any{"dns": 1, "connect": 20, "ssl": 12, "send": 1, "wait": 50, "receive": 2, "blocked": -1},
			"request":  map[string]any{"method": method, "url": url, "httpVersion": "h2", "headers": list(head), "cookies": []any{map[string]any{"name": "s", "value": harSecrets[3]}}},
			"response": map[string]any{"status": status, "httpVersion": "h2", "headers": list(reply), "content": map[string]any{"text": answer, "mimeType": reply["content-type"]}},
		}
		if post != "" {
			e["request"].(map[string]any)["postData"] = map[string]any{"mimeType": head["content-type"], "text": post}
		}
		return e
	}
	js := map[string]string{"content-type": "application/json"}
	form := map[string]string{"content-type": "application/x-www-form-urlencoded", "cookie": "s=" + harSecrets[3]}
	bearer := map[string]string{"content-type": "application/json", "authorization": "Bearer " + token, "mcp-session-id": harSecrets[4], ":authority": "mcp.example.com"}
	all := []any{
		// A secret stands where no one takes it for one, before it is known as one.
		entry(0, "GET", mcp+"/page/"+harSecrets[0], "", nil, 404, "no page "+harSecrets[2], map[string]string{"content-type": "text/plain"}),
		entry(1, "POST", mcp, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`, js, 401, "", map[string]string{"www-authenticate": challenge}),
		entry(2, "GET", resource.Request.URL, "", nil, 200, `{"resource":"`+mcp+`","authorization_servers":["`+issuer+`"]}`, js),
		entry(3, "GET", "https://auth.example.com/.well-known/oauth-authorization-server/realms/mcp", "", nil, 200,
			`{"issuer":"`+issuer+`","authorization_endpoint":"`+issuer+`/auth","token_endpoint":"`+issuer+`/token"}`, map[string]string{"content-type": "application/json", "content-encoding": "gzip"}),
		entry(4, "GET", "https://claude.ai/api/me?key="+harSecrets[7], "", nil, 200, `{"secret":"`+harSecrets[7]+`"}`, js),
		entry(5, "GET", issuer+"/auth?response_type=code&client_id=claude&state="+harSecrets[6], "", form, 200, "<html><title>Sign in</title></html>", map[string]string{"content-type": "text/html"}),
		entry(6, "POST", issuer+"/login", "username=alice&password="+harSecrets[5], form, 302, "", map[string]string{"location": "https://claude.ai/api/mcp/auth_callback?code=" + harSecrets[0] + "&state=" + harSecrets[6], "set-cookie": "s=" + harSecrets[3]}),
		entry(7, "GET", "https://claude.ai/api/mcp/auth_callback?code="+harSecrets[0]+"&state="+harSecrets[6], "", nil, 0, "", nil),
		entry(8, "POST", issuer+"/token", "grant_type=authorization_code&code="+harSecrets[0]+"&code_verifier="+harSecrets[1], form, 200,
			`{"access_token":"`+token+`","refresh_token":"`+harSecrets[2]+`","token_type":"Bearer","expires_in":300}`, js),
		entry(9, "POST", mcp, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, bearer, 200,
			"event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[]}}\n\n", map[string]string{"content-type": "text/event-stream"}),
	}
	text, err := json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "creator": map[string]any{"name": "WebInspector", "version": "537.36"}, "entries": all}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// An archive is judged as a capture is, and none of its secrets gets past the tap: not even where it stood before it was known.
func TestHAR(t *testing.T) {
	t.Parallel()
	c, told := NewCollector(checks.All), []string{}
	var lines, text, page, md bytes.Buffer
	l, x := NewLines(&lines), NewText(&text, TextOptions{Checks: checks.All, Wide: true, Verbose: true})
	_, err := Read(bytes.NewReader(har(t)), ReadOptions{Checks: checks.All, Tool: us, Profile: claude, Told: func(s string) { told = append(told, s) }},
		func(e probe.Event) { c.Sink(e); l.Sink(e); x.Sink(e) })
	if err != nil {
		t.Fatal(err)
	}
	r := c.Reports()[0]
	if r.Target != mcp || r.Source != probe.Read || r.CapturedBy == nil || r.CapturedBy.Name != "WebInspector" {
		t.Errorf("target %s, source %s, captured by %v", r.Target, r.Source, r.CapturedBy)
	}
	if want := []string{"1 of 10 requests are to others than the MCP server and its authorization server: they are left out"}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if err := WriteHTML(&page, PageOptions{Answered: checks.Answered}, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteMarkdown(&md, r); err != nil {
		t.Fatal(err)
	}
	all := lines.String() + text.String() + page.String() + md.String()
	for _, secret := range append(harSecrets, b64("canary-signature-0009")) {
		if at := strings.Index(all, secret); at >= 0 {
			t.Errorf("%s is told: %.200q", secret, all[max(at-150, 0):])
		}
	}
	outcomes := map[string]probe.Outcome{}
	for _, f := range r.Findings {
		outcomes[f.Check] = f.Outcome
	}
	for check, want := range map[string]probe.Outcome{
		"server-metadata.authorization-endpoint": probe.Passed, "server-metadata.is-json": probe.Passed,
		"resource-metadata.names-target": probe.Passed, "token.audience-names-target": probe.Passed,
	} {
		if outcomes[check] != want {
			t.Errorf("%s: %s, want %s", check, outcomes[check], want)
		}
	}
	if n := len(r.Exchanges); n != 9 {
		t.Fatalf("%d exchanges", n)
	}
	if x := r.Exchanges[1]; !x.Start.Equal(began.Add(time.Second)) || x.Timing.TLS != 12 || x.Timing.Connect != 8 || x.Timing.Total != 84.5 {
		t.Errorf("exchange 2 was at %s, %+v", x.Start, x.Timing)
	}
	if x := r.Exchanges[6]; x.Error == nil || x.Response != nil {
		t.Errorf("what was not answered: %+v", x)
	}
}

func TestHARTarget(t *testing.T) {
	t.Parallel()
	entry := func(method, url, post string, status int, header, answer string) string {
		return fmt.Sprintf(`{"startedDateTime":"2026-11-01T12:00:00Z","request":{"method":%q,"url":%q,"postData":{"text":%q}},
			"response":{"status":%d,"headers":[{"name":"www-authenticate","value":%q}],"content":{"text":%q}}}`, method, url, post, status, header, answer)
	}
	for name, c := range map[string]struct{ entry, given, want, fails string }{
		"a message":  {entry: entry("POST", mcp, `{"jsonrpc":"2.0","method":"initialize"}`, 200, "", ""), want: mcp},
		"a batch":    {entry: entry("POST", mcp, `[{"jsonrpc":"2.0","method":"initialize"}]`, 200, "", ""), want: mcp},
		"metadata":   {entry: entry("GET", resource.Request.URL, "", 200, "", `{"resource":"`+mcp+`"}`), want: mcp},
		"challenge":  {entry: entry("GET", mcp, "", 401, challenge, ""), want: mcp},
		"given":      {entry: entry("GET", mcp+"/x", "", 200, "", ""), given: mcp, want: mcp},
		"none":       {entry: entry("GET", mcp, "", 200, "", ""), fails: "no request in it is to an MCP endpoint"},
		"elsewhere":  {entry: entry("GET", mcp, "", 200, "", ""), given: "https://other.example/mcp", fails: "none of its 1 requests is to https://other.example/mcp"},
		"not an URL": {entry: entry("GET", mcp, "", 200, "", "") + "," + entry("POST", "https://mcp.example.com/%zz", `{"jsonrpc":"2.0"}`, 200, "", ""), given: mcp, want: mcp},
		"failures":   {entry: strings.Replace(entry("POST", mcp, `{"jsonrpc":"2.0"}`, 0, "", ""), `"content"`, `"_error":"net::ERR_NAME_NOT_RESOLVED","content"`, 1), want: mcp},
	} {
		got := NewCollector(checks.All)
		_, err := Read(strings.NewReader("\ufeff"+`{"log":{"creator":{},"entries":[`+c.entry+`]}}`), ReadOptions{Checks: checks.All, Tool: us, Target: c.given}, got.Sink)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got.Reports()[0].Target != c.want:
			t.Errorf("%s: %v", name, err)
		case name == "failures" && got.Reports()[0].Exchanges[0].Error.Kind != "dns":
			t.Errorf("%s: %+v", name, got.Reports()[0].Exchanges[0].Error)
		}
	}
}
