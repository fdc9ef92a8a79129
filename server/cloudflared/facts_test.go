package cloudflared

import (
	"net"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
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
	if err := Facts("https://x.example/", "", "http://127.0.0.1:1", "")(t.Context(), time.Time{}, time.Time{}, func(probe.Fact) { t.Error("told of nobody") }); err != nil {
		t.Error(err)
	}
}
