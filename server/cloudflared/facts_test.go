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
	told := func(target, issuer, resource string) []probe.Fact {
		t.Helper()
		var all []probe.Fact
		err := Facts(target, issuer, at, resource)(t.Context(), time.Time{}, time.Time{}, func(f probe.Fact) { all = append(all, f) })
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	one := told("https://mcp.example.com/mcp", "https://mcp.example.com/realms/x", "")
	if len(one) != 1 || one[0].Data["connections"].(int) == 0 || len(one[0].Data["paths"].([]any)) != 4 {
		t.Fatalf("told %+v", one)
	}
	for service, listens := range one[0].Data["listens"].(map[string]any) {
		if listens != "yes" {
			t.Errorf("%s listens: %v", service, listens)
		}
	}
	if got := told("https://other.example.com/mcp", "", ""); len(got) != 0 {
		t.Errorf("of a host that it does not carry: %+v", got)
	}
	if got := told("https://other.example.com/mcp", "", "cloudflare/ingress/x"); len(got) != 1 || got[0].Data["paths"].([]any)[0].(map[string]any)["service"] != "http_status:404" {
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
	byPath := Running{Ingress: cloudflare.Ingress{{Hostname: "*.example.com", Path: "^/a b$", Service: "hello_world"}, {Service: "http_status:404"}}}
	if !byPath.carries("mcp.example.com") || byPath.carries("mcp.example.net") {
		t.Error("a host with rules for some paths alone is carried, another is not")
	}
	to, err := url.Parse("https://mcp.example.com/a%20b")
	if err != nil {
		t.Fatal(err)
	}
	if first := byPath.fact(t.Context(), to, "", "").Data["paths"].([]any)[0].(map[string]any); first["rule"] != 1 || first["path"] != "/a%20b" {
		t.Errorf("a path is matched as it is decoded: %v", first)
	}
	if err := Facts("https://x.example/", "", "http://127.0.0.1:1", "")(t.Context(), time.Time{}, time.Time{}, func(probe.Fact) { t.Error("told of nobody") }); err != nil {
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
