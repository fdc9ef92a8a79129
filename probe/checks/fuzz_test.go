package checks

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A server answers with whatever it likes: no judge breaks on it, whatever stands in the place of a document, a challenge,
// a token answer or a message, and the same trace is judged the same.
func FuzzJudges(f *testing.F) {
	f.Add(`Bearer resource_metadata="https://mcp.example.com/x", scope="a b"`,
		[]byte(`{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://a.example"]}`),
		[]byte(`{"issuer":"https://a.example","authorization_endpoint":"https://a.example/auth","token_endpoint":"https://a.example/token"}`),
		[]byte(`{"access_token":"x","expires_in":"900"}`), 401)
	f.Add("Basic, Bearer", []byte(`{"resource":[1],"authorization_servers":{"a":null}}`),
		[]byte(`{"issuer":1,"authorization_endpoint":"%","jwks_uri":[],"scopes_supported":[null,""]}`),
		[]byte(`{"result":{"tools":[{"inputSchema":7}],"nextCursor":{}},"error":[]}`), 200)
	f.Add(`Bearer error="`, []byte(`[]`), []byte(`null`), []byte(`{"error":"invalid_client","error_description":{}}`), 400)
	f.Fuzz(func(t *testing.T, challenge string, resource, server, answer []byte, status int) {
		first := judgedOf(fuzzed(challenge, resource, server, answer, status))
		second := judgedOf(fuzzed(challenge, resource, server, answer, status))
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("judged twice:\n%s", cmp.Diff(first, second))
		}
	})
}

func judgedOf(xs []probe.Exchange) []probe.Finding {
	open := probe.Opening{Target: "https://mcp.example.com/mcp", Checks: All, Quiet: time.Hour, At: xs[0].Start}
	s := probe.NewSession(open, func(probe.Event) {})
	for _, x := range xs {
		s.Add(x)
	}
	s.Close()
	return s.Findings()
}

// fuzzed is a handshake whose answers are those given.
func fuzzed(challenge string, resource, server, answer []byte, status int) []probe.Exchange {
	decoded := func(data []byte) any {
		var v any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return nil
		}
		return v
	}
	var all []probe.Exchange
	add := func(method, url, rpc, grant string, status int, v any) {
		n := int64(len(all) + 1)
		header := http.Header{"Www-Authenticate": {challenge}, "Content-Type": {"application/json"}}
		x := probe.Exchange{
			ID: n, Start: time.Date(2026, 11, 1, 12, 0, int(n), 0, time.UTC),
			Request:  probe.Message{Method: method, URL: url, Header: http.Header{}},
			Response: &probe.Response{Status: status, Header: header, Body: probe.Body{Type: "application/json", JSON: v}},
		}
		if rpc != "" {
			x.Request.Body = probe.Body{Type: "application/json", JSON: map[string]any{"method": rpc, "id": 1}}
		}
		if grant != "" {
			form := map[string][]string{"grant_type": {grant}, "client_id": {"c"}, "resource": {"r"}}
			x.Request.Body = probe.Body{Type: "application/x-www-form-urlencoded", Form: form}
		}
		all = append(all, x)
	}
	add("POST", "https://mcp.example.com/mcp", "initialize", "", status, decoded(answer))
	add("GET", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp", "", "", 200, decoded(resource))
	add("GET", "https://a.example/.well-known/oauth-authorization-server", "", "", 200, decoded(server))
	add("GET", "https://a.example/jwks", "", "", status, decoded(answer))
	add("POST", "https://a.example/register", "", "", status, decoded(answer))
	add("GET", "https://a.example/auth?response_type=code&client_id=c&redirect_uri=x&code_challenge=y", "", "", status, decoded(answer))
	add("GET", "https://claude.ai/api/mcp/auth_callback?code=x&iss="+challenge, "", "", 200, nil)
	for _, grant := range []string{"authorization_code", "client_credentials", "refresh_token"} {
		add("POST", "https://a.example/token", "", grant, status, decoded(answer))
	}
	for _, rpc := range []string{"server/discover", "initialize", "tools/list", "tools/call"} {
		add("POST", "https://mcp.example.com/mcp", rpc, "", status, decoded(answer))
		all[len(all)-1].Request.Header.Set("Authorization", "Bearer [redacted 9 0123456789ab]")
	}
	return all
}
