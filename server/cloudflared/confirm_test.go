package cloudflared

import (
	"os"
	"testing"

	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// The reader of rules that mcpwiz plans by is held to the real one, by whose opinion Confirm fails where they differ.
func TestTheRealOneTakesTheSameRules(t *testing.T) {
	t.Parallel()
	program, err := Find(os.LookupEnv)
	if err != nil {
		t.Skip("no cloudflared on PATH or in MCPWIZ_CLOUDFLARED")
	}
	rules := cloudflare.Ingress{
		{Hostname: "mcp.example.com", Path: `^/(realms|resources|\.well-known/oauth-authorization-server/realms)/`, Service: "http://localhost:8080"},
		{Hostname: "mcp.example.com", Path: `mcp$`, Service: "http://localhost:8800"},
		{Hostname: "mcp.example.com", Path: `^/a b/`, Service: "https://localhost:8443"},
		{Hostname: "*.example.com", Service: "unix:/run/x.sock"},
		{Service: "http_status:404"},
	}
	var urls []string
	for _, host := range []string{"mcp.example.com", "mcp.example.com:443", "a.example.com", "a.b.example.com", "example.com", "MCP.example.com"} {
		for _, path := range []string{"/mcp", "/x/mcp", "/mcp/", "/realms/r", "/realms", "/.well-known/oauth-authorization-server/realms/r", "/a%20b/c", "/a%2Fmcp", ""} {
			urls = append(urls, "https://"+host+path)
		}
	}
	for _, one := range urls {
		if err := Confirm(t.Context(), program, rules, []string{one}); err != nil {
			t.Error(err)
		}
	}
	end := cloudflare.Rule{Service: "http_status:404"}
	for _, bad := range []cloudflare.Ingress{
		{{Hostname: "a.example.com", Service: "http://localhost:1"}},
		{{Hostname: "a.example.com:80", Service: "http://localhost:1"}, end},
		{{Hostname: "*", Service: "http://localhost:1"}, end},
		{{Hostname: "a.*.com", Service: "http://localhost:1"}, end},
		{{Hostname: "a.example.com", Path: "(", Service: "http://localhost:1"}, end},
		{{Service: "http://localhost:1/mcp"}},
		{{Service: "localhost:1"}},
		{{Service: "http_status:9"}},
	} {
		if theirs, ours := Confirm(t.Context(), program, bad, nil), bad.Validate(); theirs == nil || ours == nil {
			t.Errorf("%+v: cloudflared: %v; mcpwiz: %v", bad, theirs, ours)
		}
	}
}
