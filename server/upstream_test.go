package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// An MCP server of somebody else's, with one tool that tells its name and what its caller was called.
func somebodyElses(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := sdk.NewServer(&sdk.Implementation{Name: name, Version: "1"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "who"}, func(_ context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
		h := r.Extra.Header
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf("%s %q %q", name, h.Get("X-User"), h.Get("Authorization"))}}}, nil, nil
	})
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, nil)
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	return up
}

// Two servers of somebody else's on one port by path: each is its own resource, with its own metadata and audience.
func TestServersOfSomebodyElsesShareAPort(t *testing.T) {
	t.Parallel()
	files, github := somebodyElses(t, "files"), somebodyElses(t, "github")
	r := start(t, func(o *server.Options) {
		e := o.Endpoints[0]
		o.Endpoints = nil
		for path, at := range map[string]string{"/files/mcp": files.URL, "/github/mcp": github.URL} {
			e.URL = "https://mcp.example.com" + path
			e.Upstream = &server.Upstream{URL: at, User: gateway.UserHeaders{Subject: "X-User"}}
			o.Endpoints = append(o.Endpoints, e)
		}
	})
	for _, name := range []string{"files", "github"} {
		path := "/" + name + "/mcp"
		own := "https://mcp.example.com" + path
		metadata := object(t, r.do(t, http.MethodGet, "/.well-known/oauth-protected-resource"+path, "", ""))
		if metadata["resource"] != own {
			t.Errorf("%s: metadata of %v", name, metadata["resource"])
		}
		for _, version := range []string{"2025-06-18", "2025-11-25"} {
			session, err := r.connect(t, r.issuer.Token(own, map[string]any{"sub": "alice"}), path, version)
			if err != nil {
				t.Fatal(err)
			}
			result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "who"})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := result.Content[0].(*sdk.TextContent).Text, name+` "alice" ""`; got != want {
				t.Errorf("%s, %s: %s, want %s", name, version, got, want)
			}
			if err := session.Close(); err != nil {
				t.Error(err)
			}
		}
		other := r.issuer.Token(strings.Replace(own, name, map[string]string{"files": "github", "github": "files"}[name], 1), nil)
		if resp := r.do(t, http.MethodPost, path, other, `{"jsonrpc":"2.0","id":1,"method":"ping"}`); resp.StatusCode != 401 {
			t.Errorf("%s: a token for the other server is answered %d", name, resp.StatusCode)
		}
	}
}

func TestAnObservedUpstreamTakesItsPortAlone(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	t.Cleanup(up.Close)
	o := server.Options{Endpoints: []server.Endpoint{
		{Listen: "127.0.0.1:1", URL: target, Issuer: "https://id.example.com", Upstream: &server.Upstream{URL: up.URL + "/inner", Observe: true}},
		{Listen: "127.0.0.1:1", URL: target + "2", Issuer: "https://id.example.com"},
	}}
	if _, err := server.New(o); err == nil || !strings.Contains(err.Error(), "alone") {
		t.Errorf("two on the port of one that is observed: %v", err)
	}
	r := start(t, func(o *server.Options) {
		o.Endpoints[0].Upstream = &server.Upstream{URL: up.URL + "/inner", Observe: true}
	})
	for path, want := range map[string]string{"/mcp": "/inner", "/.well-known/oauth-protected-resource": "/.well-known/oauth-protected-resource", "/token": "/token"} {
		resp := r.do(t, http.MethodGet, path, "", "")
		got := make([]byte, 100)
		n, _ := resp.Body.Read(got)
		if string(got[:n]) != want {
			t.Errorf("%s is answered by %q", path, got[:n])
		}
	}
	for wait := time.Now().Add(10 * time.Second); len(r.server.Handshakes()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(wait) {
			t.Fatal("the witness has seen nothing")
		}
	}
}
