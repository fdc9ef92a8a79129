package cloudflaretest_test

import (
	"testing"

	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflare/cloudflaretest"
)

// agree holds the small edge and the reader of rules that mcpwiz plans by to each other: they are written apart, so that a mistake in
// one shows.
func agree(t *testing.T, hostname, pattern, service, host, path string) {
	t.Helper()
	ours := cloudflare.Ingress{{Hostname: hostname, Path: pattern, Service: service}, {Service: "http_status:404"}}
	i, ok, err := cloudflaretest.MatchIngress(map[string]any{"ingress": []any{
		map[string]any{"hostname": hostname, "path": pattern, "service": service}, map[string]any{"service": "http_status:404"},
	}}, host, path)
	if wrong := ours.Validate(); (wrong == nil) != (err == nil) {
		t.Errorf("%q %q %q: %v, and %v", hostname, pattern, service, wrong, err)
	}
	if err != nil {
		return
	}
	if j, _, is := ours.Match(host, path); i != j || ok != is {
		t.Errorf("%q %q for %q %q: rule %d, %v, and %d, %v", hostname, pattern, host, path, j, is, i, ok)
	}
}

func TestIngressAgrees(t *testing.T) {
	t.Parallel()
	hosts := []string{"a.example.com", "*.example.com", "*", "", "a.*.com", "*a.example.com", "a.example.com:80", "A.example.com"}
	for _, hostname := range hosts {
		for _, pattern := range []string{"", "^/mcp", "mcp$", "(", "^/(realms|resources)/"} {
			for _, service := range []string{"http://localhost:1", "http_status:404", "http_status:9", "localhost:1", "http://localhost:1/x", "unix:/x", "hello_world", "ssh://h:22", ""} {
				for _, host := range []string{"a.example.com", "a.example.com:443", "b.example.com", "example.com", "a.b.example.com", "[::1]:8", ""} {
					for _, path := range []string{"/mcp", "/x/mcp", "/realms/r", "/", ""} {
						agree(t, hostname, pattern, service, host, path)
					}
				}
			}
		}
	}
}

func FuzzIngressAgrees(f *testing.F) {
	f.Add("a.example.com", "^/mcp", "http://localhost:1", "a.example.com:443", "/mcp")
	f.Add("*.example.com", "(", "http_status:404", "[::1]:8", "")
	f.Fuzz(agree)
}
