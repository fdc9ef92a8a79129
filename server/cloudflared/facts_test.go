package cloudflared

import (
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

func TestFactsOfAConnector(t *testing.T) {
	t.Parallel()
	r := newRig(t, "small")
	r.start(t)
	at := ""
	eventually(t, r, "connected", func() bool {
		return r.told(func(s State) bool { at = s.Metrics; return s.Phase == Connected })
	})
	told := func(target, issuer, metrics, tunnel string) []probe.Fact {
		t.Helper()
		var all []probe.Fact
		err := Facts(Subject{target, issuer, metrics, tunnel, "cloudflare/ingress/x"})(t.Context(), time.Time{}, time.Time{}, func(f probe.Fact) { all = append(all, f) })
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	one := told("https://mcp.example.com/mcp", "https://mcp.example.com/realms/x", at, "")
	if len(one) != 1 || one[0].Data["connections"].(int) == 0 || len(one[0].Data["paths"].([]any)) != 5 {
		t.Fatalf("told %+v", one)
	}
	for service, listens := range one[0].Data["listens"].(map[string]any) {
		if listens != "yes" {
			t.Errorf("%s listens: %v", service, listens)
		}
	}
	if got := told("https://other.example.com/mcp", "", at, ""); len(got) != 1 || got[0].Data["paths"].([]any)[0].(map[string]any)["service"] != "http_status:404" {
		t.Errorf("of a host that it should carry: %+v", got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	service := "http://" + l.Addr().String()
	l.Close()
	if got := listens(t.Context(), service); got != "no" {
		t.Errorf("where nobody listens: %s", got)
	}
	if got := listens(t.Context(), "ssh://127.0.0.1"); got != "unknown" {
		t.Errorf("a service without a port: %s", got)
	}
	for _, s := range []struct {
		of    Subject
		means bool
	}{
		{Subject{Resource: "x", Tunnel: "a"}, true}, {Subject{Resource: "x", Tunnel: "b"}, false}, {Subject{Resource: "x"}, false},
		{Subject{Metrics: "http://127.0.0.1:1"}, false}, {Subject{Tunnel: "a"}, false},
	} {
		if got := s.of.means(Running{Tunnel: "a"}); got != s.means {
			t.Errorf("%+v means the tunnel a: %t", s.of, got)
		}
	}
	both := Running{Ingress: cloudflare.Ingress{{Hostname: "mcp.example.com", Service: "http://a:1"}, {Hostname: "id.example.com", Path: "^/realms/", Service: "http://b:1"}, {Service: "http_status:404"}}}
	mcp := &url.URL{Scheme: "https", Host: "mcp.example.com", Path: "/mcp"}
	if n := both.needs(mcp, "https://id.example.com/realms/x"); len(n) != 5 || both.leads(n[2])["rule"] != 3 || both.leads(n[3])["rule"] != 2 {
		t.Errorf("an authorization server of another name in the same tunnel: %+v", n)
	}
	if n := both.needs(mcp, "https://elsewhere.example.net/realms/x"); len(n) != 2 {
		t.Errorf("an authorization server elsewhere: %+v", n)
	}
	if led := (Running{}).leads(need{"server", "x.example", "/"}); led["rule"] != 0 || led["service"] != "http_status:503" {
		t.Errorf("without rules: %v", led)
	}
	byPath := Running{Ingress: cloudflare.Ingress{{Hostname: "*.example.com", Path: "^/a b$", Service: "hello_world"}, {Service: "http_status:404"}}}
	if !byPath.carries("mcp.example.com") || byPath.carries("mcp.example.net") {
		t.Error("a host with rules for some paths alone is carried, another is not")
	}
	to, err := url.Parse("https://mcp.example.com/a%20b")
	if err != nil {
		t.Fatal(err)
	}
	if first := byPath.fact(t.Context(), to, Subject{}).Data["paths"].([]any)[0].(map[string]any); first["rule"] != 1 || first["path"] != "/a%20b" {
		t.Errorf("a path is matched as it is decoded: %v", first)
	}
	if err := Facts(Subject{Target: "https://x.example/", Metrics: "http://127.0.0.1:1"})(t.Context(), time.Time{}, time.Time{}, func(probe.Fact) { t.Error("told of nobody") }); err != nil {
		t.Error(err)
	}
}

// The real cloudflared where there is one, else the small one, is of the same opinion on every rule that we write.
func TestRulesAreConfirmed(t *testing.T) {
	t.Parallel()
	program, err := Find(os.LookupEnv)
	if err != nil {
		t.Skip("no cloudflared on PATH or in MCPWIZ_CLOUDFLARED: the scripts of cmd/mcpwiz ask the small one")
	}
	for _, c := range []plan.Connection{
		{Servers: []plan.Server{{URL: "https://mcp.example.com/mcp"}}, Keycloak: plan.Keycloak{Issuer: "https://mcp.example.com/realms/x"}, Expose: plan.Expose{Keycloak: "http://127.0.0.1:8180"}},
		{Servers: []plan.Server{{URL: "https://mcp.example.com/a/mcp", Listen: ":1"}, {URL: "https://mcp.example.com/b/mcp", Listen: ":2"}},
			Keycloak: plan.Keycloak{Issuer: "https://id.example.com/auth/realms/x"}, Expose: plan.Expose{Keycloak: "http://127.0.0.1:8180"}},
	} {
		rules, urls, err := cloudflare.RulesFor(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := Confirm(t.Context(), program, rules, urls); err != nil {
			t.Error(err)
		}
	}
	if err := Confirm(t.Context(), program, cloudflare.Ingress{{Hostname: "a.example", Service: "http://localhost:1"}}, nil); err == nil {
		t.Error("rules without an end are confirmed")
	}
}
