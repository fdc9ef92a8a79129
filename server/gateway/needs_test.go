package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOperationsTakeTheirOwnScopes(t *testing.T) {
	t.Parallel()
	needs := Needs{
		Tools:   map[string][]string{"delete_file": {"mcp:write"}, "drop": {"mcp:write", "mcp:admin"}},
		Methods: map[string][]string{"resources/read": {"mcp:read"}},
	}
	call := func(tool string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
	}
	for name, c := range map[string]struct {
		have, body string
		status     int
		scope      string // of the challenge
	}{
		"a tool without needs":       {"mcp:tools", call("echo"), 200, ""},
		"a tool, lacking":            {"mcp:tools", call("delete_file"), 403, `scope="mcp:tools mcp:write"`},
		"a tool, having":             {"mcp:tools mcp:write", call("delete_file"), 200, ""},
		"what it has is asked again": {"mcp:tools mcp:read openid", call("delete_file"), 403, `scope="mcp:tools mcp:read mcp:write"`},
		"one of two":                 {"mcp:tools mcp:write", call("drop"), 403, `scope="mcp:tools mcp:write mcp:admin"`},
		"a method, lacking":          {"mcp:tools", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x"}}`, 403, `scope="mcp:tools mcp:read"`},
		"a notification":             {"mcp:tools", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, 200, ""},
		"a response":                 {"mcp:tools", `{"jsonrpc":"2.0","id":1,"result":{"name":"delete_file"}}`, 200, ""},
		"in a batch":                 {"mcp:tools", `[` + call("echo") + `,` + call("delete_file") + `]`, 403, `scope="mcp:tools mcp:write"`},
		"escaped":                    {"mcp:tools", `{"jsonrpc":"2.0","id":1,"\u006dethod":"tools\/call","params":{"n\u0061me":"delete\u005ffile"}}`, 403, `scope="mcp:tools mcp:write"`},
		"the name deeper":            {"mcp:tools", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"name":"delete_file"},"name":"echo"}}`, 200, ""},

		"method twice":       {"mcp:tools", `{"method":"tools/list","method":"tools/call","params":{"name":"delete_file"}}`, 400, ""},
		"method in capitals": {"mcp:tools", `{"Method":"tools/call","params":{"name":"delete_file"}}`, 400, ""},
		"name twice":         {"mcp:tools", `{"method":"tools/call","params":{"name":"echo","name":"delete_file"}}`, 400, ""},
		"Name":               {"mcp:tools", `{"method":"tools/call","params":{"Name":"delete_file"}}`, 400, ""},
		"name is a number":   {"mcp:tools", `{"method":"tools/call","params":{"name":7}}`, 400, ""},
		"method is null":     {"mcp:tools", `{"method":null}`, 400, ""},
		"no params":          {"mcp:tools", `{"method":"tools/call"}`, 400, ""},
		"two messages":       {"mcp:tools", `{"method":"tools/list"}{"method":"tools/call","params":{"name":"delete_file"}}`, 400, ""},
		"no JSON":            {"mcp:tools", `method=tools/call`, 400, ""},
		"empty":              {"mcp:tools", ``, 400, ""},
		"unended":            {"mcp:tools", `{"method":"tools/list"`, 400, ""},
		"too large":          {"mcp:tools", `{"method":"` + strings.Repeat("x", MessageLimit) + `"}`, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := Guard{
				Resource: Resource{URL: target, Issuer: "https://id.example.com/realms/x", Scopes: []string{"mcp:tools"}},
				Verify: func(context.Context, string) (*Token, error) {
					return &Token{Scopes: strings.Fields(c.have)}, nil
				},
				Needs: needs,
			}
			passed := ""
			h := g.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				passed = string(b)
			}))
			r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer x")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Header().Get("WWW-Authenticate"), c.scope) {
				t.Errorf("answered %d, WWW-Authenticate %q, want %d with %q", w.Code, w.Header().Get("WWW-Authenticate"), c.status, c.scope)
			}
			if c.status == 403 && !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) {
				t.Errorf("no insufficient_scope: %q", w.Header().Get("WWW-Authenticate"))
			}
			if want := map[bool]string{true: c.body}[c.status == 200]; passed != want {
				t.Errorf("passed on %.100q, want %.100q", passed, want)
			}
		})
	}
}

func FuzzOperations(f *testing.F) {
	for _, seed := range []string{`{"method":"tools/call","params":{"name":"x"}}`, `[{"method":"a"},{}]`, `{"method":"a","method":"b"}`, `[[`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := operations(body)
		if err != nil && all != nil {
			t.Errorf("%d operations beside error %v", len(all), err)
		}
	})
}
