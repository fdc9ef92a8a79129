package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
)

// A rig is a whole way on this machine: a small Keycloak, provisioned, and an MCP server behind it.
type rig struct {
	connection plan.Connection
	secrets    *plan.Secrets
	server     *server.Server
	log        *bytes.Buffer
	stop       func()
}

// A fault is what is wrong with one.
type fault struct {
	// keycloak is laid over Keycloak's answers once it is provisioned.
	keycloak func(http.Handler) http.Handler
	// audience is the url that Keycloak puts into tokens instead of the server's.
	audience string
}

func newRig(t *testing.T, f fault) *rig {
	t.Helper()
	small := keycloaktest.New(keycloaktest.Options{AdminPassword: "canary-admin"})
	var answers http.Handler = small
	k := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers.ServeHTTP(w, r) }))
	t.Cleanup(k.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{log: new(bytes.Buffer)}
	url := "http://" + l.Addr().String() + "/mcp"
	r.connection = plan.Connection{
		Servers:  []plan.Server{{URL: url, Listen: l.Addr().String()}},
		Keycloak: plan.Keycloak{Issuer: k.URL + "/realms/rig", CreateRealm: true},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}},
		Users:    []plan.User{{Name: "alice"}},
	}
	r.provision(t, f, k.URL)
	if f.keycloak != nil {
		answers = f.keycloak(small)
	}
	r.serve(t, l)
	return r
}

func (r *rig) provision(t *testing.T, f fault, keycloakURL string) {
	t.Helper()
	c := r.connection
	if f.audience != "" {
		c.Servers = []plan.Server{{URL: f.audience}}
	}
	admin, err := keycloak.Login(t.Context(), keycloak.Options{AdminURL: keycloakURL, User: "admin", Password: "canary-admin"})
	if err != nil {
		t.Fatal(err)
	}
	if r.secrets, err = plan.LoadSecrets(""); err != nil {
		t.Fatal(err)
	}
	all, err := keycloak.Resources(admin, c, r.secrets, profiles.Load)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), all, p, plan.OpenJournal(t.TempDir()+"/journal"), nil); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) serve(t *testing.T, l net.Listener) {
	t.Helper()
	p := &program{err: r.log}
	s, err := p.server(r.connection.Defaults(), p.logger("json"), func([]net.Addr) {})
	if err != nil {
		t.Fatal(err)
	}
	r.server = s
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
}

// handshake makes one as a client of the connection does.
func (r *rig) handshake(t *testing.T, as string, probes bool, sink probe.Sink) probe.Summary {
	t.Helper()
	p, err := profiles.Load(as)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := r.connection.Client(as)
	secret, _ := r.secrets.Get(plan.ClientSecret(c.ID))
	o := client.Options{
		Target: r.connection.Servers[0].URL, Profile: p, Tool: probe.Tool{Name: "mcpwiz", Version: "test"}, Checks: checks.All,
		ClientID: c.ID, ClientSecret: secret.Reveal(), Probes: probes,
	}
	if p.Grant != "client_credentials" {
		password, _ := r.secrets.Get(plan.UserPassword("alice"))
		o.SignIn = &browser.Headless{User: "alice", Password: func() (string, error) { return password.Reveal(), nil },
			Consent: func(context.Context, browser.ConsentPage) (bool, error) { return true, nil }}
	}
	e, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := e.Run(t.Context(), sink)
	if err != nil {
		t.Fatal(err)
	}
	if left := e.Left(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	return sum
}

// without takes a member out of every metadata document.
func without(member string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/.well-known/") {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			var doc map[string]any
			if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &doc) != nil {
				w.WriteHeader(answer.Code)
				return
			}
			delete(doc, member)
			body, err := json.Marshal(doc)
			if err != nil {
				panic(err)
			}
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(body)
		})
	}
}
