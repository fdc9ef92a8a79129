package cloudflare

import (
	"cmp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const rulesOfATunnel = `tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef
ingress:
  - hostname: mcp.example.com
    path: ^/(realms|resources)/
    service: http://localhost:8180
  - hostname: mcp.example.com
    path: \.css$
    service: http://localhost:8181
  - hostname: mcp.example.com
    service: http://localhost:8800
  - hostname: "*.apps.example.com"
    service: https://localhost:9443
  - hostname: MCP.Upper.Example.com
    service: http://localhost:8802
  - hostname: bücher.example.com
    path: ^/a b$
    service: unix:/run/books.sock
  - path: healthz
    service: http_status:204
  - service: http_status:404
`

var requests = map[string]int{ // and the number of the rule that holds
	"https://mcp.example.com/realms/x/protocol": 0, "https://mcp.example.com/realms": 2, "https://mcp.example.com/a/realms/x": 2,
	"https://mcp.example.com/style.css": 1, "https://mcp.example.com/mcp": 2, "https://mcp.example.com": 2, "https://mcp.example.com:8443/mcp": 2,
	"https://one.apps.example.com/": 3, "https://a.b.apps.example.com/": 3, "https://apps.example.com/": 7, "https://apps.example.com/healthz/x": 6,
	"https://elsewhere.example/": 7, "https://mcp.upper.example.com/x": 4, "https://MCP.Upper.Example.com/x": 4, "https://Mcp.upper.example.com/x": 7,
	"https://xn--bcher-kva.example.com/a%20b": 5, "https://bücher.example.com/a%20b": 5, "https://bücher.example.com/a": 7, "https://MCP.example.com/mcp": 7,
}

func TestRulesMatchAsCloudflaredDoes(t *testing.T) {
	t.Parallel()
	in, err := ParseIngress([]byte(rulesOfATunnel))
	if err != nil {
		t.Fatal(err)
	}
	real := cmp.Or(os.Getenv("MCPWIZ_CLOUDFLARED"), onPath("cloudflared"))
	if real == "" {
		t.Log("no cloudflared on PATH or in MCPWIZ_CLOUDFLARED: only the table is compared")
	}
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, []byte(rulesOfATunnel), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range requests {
		u := parsed(t, url)
		n, _, ok := in.Match(u.Host, u.Path)
		if !ok || n != want {
			t.Errorf("%s: rule %d, want %d", url, n, want)
		}
		if real == "" {
			continue
		}
		out, err := exec.CommandContext(t.Context(), real, "tunnel", "--config", file, "ingress", "rule", url).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Matched rule #"+string(rune('0'+want))) {
			t.Errorf("%s: cloudflared says %s, %v, want rule %d", url, out, err, want)
		}
	}
}

func parsed(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func onPath(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// confirmedBy asks the real one, where it is there, whether it takes the rules too.
func confirmedBy(t *testing.T, real string, config []byte, ours error) {
	t.Helper()
	if real == "" {
		return
	}
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), real, "tunnel", "--config", file, "ingress", "validate").CombinedOutput()
	if (err == nil) != (ours == nil) {
		t.Errorf("%s: %v, and cloudflared: %v: %s", config, ours, err, out)
	}
}

func TestRulesThatCloudflaredRefuses(t *testing.T) {
	t.Parallel()
	real := cmp.Or(os.Getenv("MCPWIZ_CLOUDFLARED"), onPath("cloudflared"))
	for rules, says := range map[string]string{
		"- service: http_status:404": "", "- hostname: a.example\n  service: unix:/tmp/x\n- service: hello_world": "",
		"- hostname: a.example\n  service: http://localhost:1":                                        "the last rule must match everything",
		"- service: http://localhost:1\n- service: http_status:404":                                   "those after it never hold",
		"- hostname: a.example:443\n  service: http://localhost:1\n- service: http_status:404":        "has a port",
		"- hostname: a.*.example\n  service: http://localhost:1\n- service: http_status:404":          "wildcard",
		"- hostname: a.example\n  path: (\n  service: http://localhost:1\n- service: http_status:404": "path",
		"- hostname: a.example\n  service: http://localhost:1/mcp\n- service: http_status:404":        "cannot change the path",
		"- hostname: a.example\n  service: localhost:1\n- service: http_status:404":                   "scheme and a host",
		"- hostname: ::1\n  service: http://localhost:1\n- service: http_status:404":                  "", "- hostname: '*a.example'\n  service: ssh://h:22\n- service: bastion": "",
		"- hostname: a.example\n  service: http_status:4000\n- service: http_status:404":                  "no HTTP status",
		"- hostname: a.example\n  service: http://localhost:1\n- path: /x\n  service: http://localhost:1": "the last rule",
	} {
		config := []byte("ingress:\n" + rules)
		_, err := ParseIngress(config)
		confirmedBy(t, real, config, err)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", rules, err, says)
		}
	}
}

func FuzzIngress(f *testing.F) {
	f.Add([]byte(rulesOfATunnel), "mcp.example.com", "/mcp")
	f.Add([]byte("ingress: [{}]"), "", "")
	f.Fuzz(func(t *testing.T, config []byte, host, path string) {
		in, err := ParseIngress(config)
		n, r, ok := in.Match(host, path)
		if ok && in[n] != r {
			t.Errorf("rule %d is not %v", n, r)
		}
		if err == nil && len(in) > 0 && !ok {
			t.Errorf("rules that are valid leave %s%s without an answer", host, path)
		}
	})
}
