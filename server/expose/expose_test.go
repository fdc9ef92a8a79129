package expose_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/expose"
)

var update = flag.Bool("update", false, "write the golden snippets")

func TestSnippets(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]expose.Options{
		"whole":    {Host: "mcp.example.com"},
		"shared":   {Host: "www.example.com", Endpoints: []string{"/mcp", "/tools/mcp/"}, Listen: "127.0.0.1:9000"},
		"keycloak": {Host: "mcp.example.com", Endpoints: []string{"/mcp"}, Listen: "[::1]:8080", Keycloak: "http://127.0.0.1:8180"},
	} {
		for _, kind := range expose.Kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				got, err := expose.Snippet(kind, o)
				if err != nil {
					t.Fatal(err)
				}
				if kind == "traefik" {
					dec := yaml.NewDecoder(strings.NewReader(got))
					dec.KnownFields(true)
					if err := dec.Decode(new(traefik)); err != nil {
						t.Errorf("Traefik could not read it: %v\n%s", err, got)
					}
				}
				golden(t, "testdata/"+name+"."+kind, got)
			})
		}
	}
}

// traefik is as much of its file provider's configuration as a snippet has.
type traefik struct {
	HTTP struct {
		Routers map[string]struct {
			EntryPoints []string `yaml:"entryPoints"`
			Rule        string
			Service     string
			Priority    int
			TLS         struct {
				CertResolver string `yaml:"certResolver"`
			}
		}
		Services map[string]struct {
			LoadBalancer struct {
				PassHostHeader     bool `yaml:"passHostHeader"`
				ResponseForwarding struct {
					FlushInterval string `yaml:"flushInterval"`
				} `yaml:"responseForwarding"`
				ServersTransport string `yaml:"serversTransport"`
				Servers          []struct{ URL string }
			} `yaml:"loadBalancer"`
		}
		ServersTransports map[string]struct {
			ForwardingTimeouts struct {
				DialTimeout           string `yaml:"dialTimeout"`
				ResponseHeaderTimeout string `yaml:"responseHeaderTimeout"`
				IdleConnTimeout       string `yaml:"idleConnTimeout"`
			} `yaml:"forwardingTimeouts"`
		} `yaml:"serversTransports"`
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// A stream is silent for long: what each proxy has for a limit is above 70 seconds, however long the test has.
func TestSilenceIsAllowed(t *testing.T) {
	t.Parallel()
	for kind, limits := range map[string][]string{
		"nginx":   {"proxy_read_timeout 1h;", "proxy_send_timeout 1h;", "proxy_buffering off;"},
		"caddy":   {"read_timeout 1h", "flush_interval -1"},
		"traefik": {"readTimeout: 1h", "writeTimeout: 0s", "responseHeaderTimeout: 0s"},
		"haproxy": {"timeout client 1h", "timeout server 1h"},
		"apache":  {"ProxyTimeout 3600", "timeout=3600", "flushpackets=on"},
	} {
		got, err := expose.Snippet(kind, expose.Options{Host: "mcp.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range limits {
			if !strings.Contains(got, limit) {
				t.Errorf("%s has no %q:\n%s", kind, limit, got)
			}
		}
	}
}

// Nothing that comes from outside becomes a line of configuration.
func TestSnippetRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]expose.Options{
		"no host": {}, "a host with a port": {Host: "mcp.example.com:443"}, "an address": {Host: "192.0.2.1"}, "a host with a line": {Host: "a.example\nroot /;"},
		"listen without a port": {Host: "a.example", Listen: "127.0.0.1"}, "listen with a line": {Host: "a.example", Listen: "h:1;\n}"},
		"an endpoint with a blank": {Host: "a.example", Endpoints: []string{"/a b"}}, "one that goes up": {Host: "a.example", Endpoints: []string{"/a/.."}},
		"one with a brace": {Host: "a.example", Endpoints: []string{"/{x}"}}, "one that is no path": {Host: "a.example", Endpoints: []string{"mcp"}},
		"Keycloak with a path": {Host: "a.example", Keycloak: "http://127.0.0.1:8180/auth"}, "with a password": {Host: "a.example", Keycloak: "http://u:p@127.0.0.1"},
		"by https": {Host: "a.example", Keycloak: "https://127.0.0.1:8443"}, "no URL": {Host: "a.example", Keycloak: "127.0.0.1:8180"},
	} {
		for _, kind := range expose.Kinds {
			if got, err := expose.Snippet(kind, o); err == nil {
				t.Errorf("%s: %s takes it:\n%s", name, kind, got)
			}
		}
	}
	if _, err := expose.Snippet("iis", expose.Options{Host: "a.example"}); err == nil {
		t.Error("there is a snippet for iis")
	}
}

func TestTableHasEveryWay(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range expose.Table() {
		names = append(names, r.Name)
		w, ok := expose.Lookup(r.Name, expose.Local{})
		if !ok || len(r.Cells) != len(expose.Columns) || r.Title == "" || len(w.Needs()) == 0 {
			t.Errorf("%s: %+v", r.Name, r)
		}
	}
	if d := cmp.Diff(plan.Ways, names); d != "" {
		t.Errorf("ways (-of the connection +of the table):\n%s", d)
	}
	if w, ok := expose.Lookup("", expose.Local{}); !ok || w.Name() != plan.WayOwn {
		t.Error("without a way it is not one's own")
	}
}

// Programs answer on this machine as the ways' own do.
func local(t *testing.T) expose.Local {
	t.Helper()
	serve := func(pages map[string]string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page, ok := pages[r.URL.Path]
			if !ok {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write([]byte(page))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	return expose.Local{
		Ngrok: serve(map[string]string{"/api/tunnels": `{"tunnels":[{"name":"command_line","public_url":"https://calm-owl.ngrok-free.app","proto":"https",
			"config":{"addr":"http://localhost:8080","inspect":true}}],"uri":"/api/tunnels"}`}),
		Cloudflared: []string{
			serve(map[string]string{"/quicktunnel": `{"hostname":""}`, "/config": `{"version":3,"config":{"ingress":[
				{"hostname":"mcp.example.com","path":"^/mcp","service":"http://localhost:8080"},{"hostname":"*.wild.example","service":"http://localhost:1"},{"service":"http_status:404"}]}}`}),
			serve(map[string]string{"/quicktunnel": `{"hostname":"Calm-Sea.trycloudflare.com"}`}),
		},
		Funnel: func(context.Context) ([]byte, error) {
			return []byte(`{"TCP":{"443":{"HTTPS":true}},"Web":{"node.tail1.ts.net:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:8080"},"/kc":{"Proxy":"http://127.0.0.1:8180"}}},
				"node.tail1.ts.net:8443":{"Handlers":{"/mcp":{"Proxy":"http://127.0.0.1:9000"}}},"node.tail1.ts.net:10000":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:9001"}}}},
				"AllowFunnel":{"node.tail1.ts.net:443":true,"node.tail1.ts.net:8443":true}}`), nil
		},
	}
}

func TestWaysLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		way, url, to string
		is           bool
		problems     int
	}{
		{plan.WayCloudflare, "https://mcp.example.com/mcp", "http://localhost:8080", true, 0},
		{plan.WayExistingTunnel, "https://a.wild.example/mcp", "http://localhost:1", true, 0},
		{plan.WayCloudflare, "https://other.example.com/mcp", "", false, 0},
		{plan.WayCloudflare, "http://mcp.example.com:8080/mcp", "http://localhost:8080", true, 2},
		{plan.WayQuickTunnel, "https://calm-sea.trycloudflare.com/mcp", "", true, 0},
		{plan.WayQuickTunnel, "https://old-sea.trycloudflare.com/mcp", "", false, 1},
		{plan.WayQuickTunnel, "https://mcp.example.com/mcp", "", false, 2},
		{plan.WayNgrok, "https://calm-owl.ngrok-free.app/mcp", "http://localhost:8080", true, 0},
		{plan.WayNgrok, "https://mcp.example.com/mcp", "", false, 0},
		{plan.WayTailscale, "https://node.tail1.ts.net/mcp", "http://127.0.0.1:8080", true, 0},
		{plan.WayTailscale, "https://node.tail1.ts.net/kc/x", "http://127.0.0.1:8180", true, 1},
		{plan.WayTailscale, "https://node.tail1.ts.net:8443/mcp", "http://127.0.0.1:9000", true, 1},
		{plan.WayTailscale, "https://node.tail1.ts.net:10000/mcp", "http://127.0.0.1:9001", false, 1},
		{plan.WayTailscale, "https://mcp.example.com:9443/mcp", "", false, 2},
		{plan.WayOwn, "https://mcp.example.com/mcp", "", false, 0},
		{plan.WayOwn, "http://192.0.2.1/mcp", "", false, 2},
		{plan.WayOwn, "https://nas.local/mcp", "", false, 1},
	} {
		w, _ := expose.Lookup(c.way, local(t))
		s, err := w.Check(t.Context(), c.url)
		if err != nil {
			t.Errorf("%s %s: %v", c.way, c.url, err)
			continue
		}
		if s.Is != c.is || s.To != c.to || len(s.Problems) != c.problems || s.Agent == "" {
			t.Errorf("%s %s: %+v", c.way, c.url, s)
		}
	}
}

// A program that is not there is no error: the way may be on another machine.
func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	l := expose.Local{Ngrok: dead.URL, Cloudflared: []string{dead.URL}, Funnel: func(context.Context) ([]byte, error) { return nil, errors.New("not on PATH") }}
	for _, w := range expose.All(l) {
		s, err := w.Check(t.Context(), "https://mcp.example.com/mcp")
		if err != nil || s.Is || s.Agent == "" {
			t.Errorf("%s: %+v, %v", w.Name(), s, err)
		}
		if _, err := w.Check(t.Context(), "https://user:hunter2@[bad/"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", w.Name(), err)
		}
	}
}

// What programs say is not to be trusted to be what it should.
func FuzzLocal(f *testing.F) {
	f.Add([]byte(`{"tunnels":[{"public_url":"%"}]}`))
	f.Add([]byte(`{"Web":{"mcp.ts.net:443":{"Handlers":{"":{"Proxy":""}}}},"AllowFunnel":null}`))
	f.Add([]byte(`{"config":{"ingress":[{"hostname":"*"}]}}`))
	f.Fuzz(func(t *testing.T, said []byte) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(said) }))
		defer s.Close()
		l := expose.Local{Ngrok: s.URL, Cloudflared: []string{s.URL}, Funnel: func(context.Context) ([]byte, error) { return bytes.Clone(said), nil }}
		for _, w := range expose.All(l) {
			if _, err := w.Check(t.Context(), "https://mcp.ts.net/mcp"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
