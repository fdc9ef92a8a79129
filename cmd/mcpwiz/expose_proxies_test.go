package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/expose"
	"github.com/mcpwiz/mcpwiz/server/expose/proxytest"
)

// proxied is a handshake with a whole way behind one of Debian's proxies, which carries Keycloak too.
func proxied(t *testing.T, kind string, change func(string) string) client.Options {
	t.Helper()
	const host = "mcp.example.com"
	const user, password = "admin", "canary-admin-password"
	k := httptest.NewServer(keycloaktest.New(keycloaktest.Options{BaseURL: "https://" + host, AdminUser: user, AdminPassword: password}))
	t.Cleanup(k.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	text, err := expose.Snippet(kind, expose.Options{Host: host, Listen: l.Addr().String(), Keycloak: k.URL})
	if err != nil {
		t.Fatal(err)
	}
	p := proxytest.Start(t, kind, host, change(text))
	outside := &http.Transport{TLSClientConfig: p.TLS(), DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !strings.HasSuffix(addr, ":443") {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		return p.Dial(ctx, network, addr)
	}}
	t.Cleanup(outside.CloseIdleConnections)
	r := &rig{log: new(bytes.Buffer), connection: plan.Connection{
		Servers:  []plan.Server{{URL: "https://" + host + "/mcp", Listen: l.Addr().String()}},
		Keycloak: plan.Keycloak{Issuer: "https://" + host + "/realms/mcp", CreateRealm: true},
		Clients:  []plan.Client{{Profile: "claude-ai"}},
		Users:    []plan.User{{Name: "alice"}},
	}}
	r.provision(t, keycloak.Options{AdminURL: k.URL, User: user, Password: password})
	serveOver(t, r, l, outside)
	o := r.options(t, "claude-ai")
	o.Probes, o.Origin, o.Transport = true, "http://"+l.Addr().String(), outside
	return o
}

// serveOver serves a rig's connection with calls to the authorization server by the way that clients take.
func serveOver(t *testing.T, r *rig, l net.Listener, via http.RoundTripper) {
	t.Helper()
	p := &program{err: r.log}
	s, err := p.server(r.connection.Defaults(), p.logger("json"), func([]net.Addr) {}, func(o *server.Options) { o.Transport = via })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// examined makes the handshake, and returns what is found.
func examined(t *testing.T, o client.Options) (probe.Summary, []probe.Finding) {
	t.Helper()
	told := report.NewCollector(checks.All)
	sum := emulated(t, o, told.Sink)
	return sum, told.Reports()[0].Findings
}

// With its snippet each proxy is one that the doctor has nothing to say of, and behind which nothing changes.
func TestDoctorThroughProxies(t *testing.T) {
	t.Parallel()
	for _, kind := range proxytest.Kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sum, findings := examined(t, proxied(t, kind, func(s string) string { return s }))
			if sum.Status != probe.Healthy {
				t.Errorf("%s", sum.Status)
			}
			for _, f := range findings {
				compares := f.Check == "edge.leads-to-origin" || f.Check == "edge.answers-kept" || f.Check == "edge.answer-headers-kept"
				if f.Outcome == probe.Failed || f.Stage == probe.StageEdge && f.Outcome == probe.Warned || compares && f.Outcome != probe.Passed {
					t.Errorf("%s: %s %s", f.Check, f.Outcome, f.Detail)
				}
			}
		})
	}
}

// What a proxy does besides is told as its doing.
func TestDoctorTellsWhatAProxyDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, before, then, check, says string }{
		"a rule against dotfiles": {"nginx", "location ^~ / {", "location ~ /\\. { return 404; }\n    location / {", "edge.answers-kept", "404"},
		"a challenge taken off":   {"haproxy", "    server mcpwiz ", "    http-response del-header WWW-Authenticate\n    server mcpwiz ", "edge.answer-headers-kept", "WWW-Authenticate is taken off"},
		"CORS of its own":         {"apache", "    ProxyTimeout 3600\n", "    ProxyTimeout 3600\n    Header always set Access-Control-Allow-Origin \"https://evil.example\"\n", "edge.answer-headers-kept", "Access-Control-Allow-Origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, findings := examined(t, proxied(t, c.kind, func(s string) string {
				if !strings.Contains(s, c.before) {
					t.Fatalf("the snippet has no %q:\n%s", c.before, s)
				}
				return strings.Replace(s, c.before, c.then, 1)
			}))
			for _, f := range findings {
				if f.Check == c.check && (f.Outcome == probe.Passed || !strings.Contains(f.Detail, c.says) || f.Owner != probe.OwnerEdge) {
					t.Errorf("%s of %s: %s %s", f.Check, f.Owner, f.Outcome, f.Detail)
				}
			}
		})
	}
}
