package cloudflare

import (
	"cmp"
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
  - path: healthz
    service: http_status:204
  - service: http_status:404
`

var requests = map[string]int{ // and the number of the rule that holds
	"https://mcp.example.com/realms/x/protocol": 0, "https://mcp.example.com/realms": 2, "https://mcp.example.com/a/realms/x": 2,
	"https://mcp.example.com/style.css": 1, "https://mcp.example.com/mcp": 2, "https://mcp.example.com": 2, "https://mcp.example.com:8443/mcp": 2,
	"https://one.apps.example.com/": 3, "https://a.b.apps.example.com/": 3, "https://apps.example.com/": 5, "https://apps.example.com/healthz/x": 4,
	"https://elsewhere.example/": 5,
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
		host, path, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
		n, _, ok := in.Match(host, "/"+path)
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

func onPath(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

func TestRulesThatCloudflaredRefuses(t *testing.T) {
	t.Parallel()
	for rules, says := range map[string]string{
		"- service: http_status:404": "", "- hostname: a.example\n  service: unix:/tmp/x\n- service: hello_world": "",
		"- hostname: a.example\n  service: http://localhost:1":                                            "the last rule must match everything",
		"- service: http://localhost:1\n- service: http_status:404":                                       "those after it never hold",
		"- hostname: a.example:443\n  service: http://localhost:1\n- service: http_status:404":            "has a port",
		"- hostname: a.*.example\n  service: http://localhost:1\n- service: http_status:404":              "wildcard",
		"- hostname: a.example\n  path: (\n  service: http://localhost:1\n- service: http_status:404":     "path",
		"- hostname: a.example\n  service: http://localhost:1/mcp\n- service: http_status:404":            "cannot change the path",
		"- hostname: a.example\n  service: localhost:1\n- service: http_status:404":                       "scheme and a host",
		"- hostname: a.example\n  service: http_status:4000\n- service: http_status:404":                  "no HTTP status",
		"- hostname: a.example\n  service: http://localhost:1\n- path: /x\n  service: http://localhost:1": "the last rule",
	} {
		_, err := ParseIngress([]byte("ingress:\n" + rules))
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
