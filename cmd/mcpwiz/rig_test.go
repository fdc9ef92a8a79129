package main

import (
	"bytes"
	"cmp"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/lab"
)

// A rig is a whole way on this machine: a Keycloak, provisioned, and an MCP server behind it.
type rig struct {
	// connection is the one that is right; the fault lies elsewhere.
	connection plan.Connection
	fault      fault
	secrets    *plan.Secrets
	server     *server.Server
	log        *bytes.Buffer
	stop       func()
}

// A fault is one of the lab's, or none.
type fault = lab.Fault

func newRig(t testing.TB, f fault) *rig { return newRigBehind(t, small(keycloaktest.Options{}), f) }

// newRigBehind makes one with what is changed of its connection.
func newRigBehind(t testing.TB, b behind, f fault, changes ...func(*plan.Connection)) *rig {
	t.Helper()
	var faulty atomic.Bool
	answers := f.OverServer(b.Handler)
	k := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if faulty.Load() {
			answers.ServeHTTP(w, r)
		} else {
			b.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(k.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{log: new(bytes.Buffer), fault: f}
	url := "http://" + l.Addr().String() + "/mcp"
	r.connection = plan.Connection{
		Servers:  []plan.Server{{URL: url, Listen: l.Addr().String()}},
		Keycloak: plan.Keycloak{Issuer: k.URL + "/realms/" + newRealm(), CreateRealm: true},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}},
		Users:    []plan.User{{Name: "alice"}},
	}
	for _, change := range changes {
		change(&r.connection)
	}
	r.provision(t, keycloak.Options{AdminURL: k.URL, User: b.user, Password: plan.Secret(b.password)})
	faulty.Store(true)
	t.Cleanup(func() { faulty.Store(false) }) // before the realm is deleted
	r.serve(t, l)
	return r
}

// but returns the connection with what a fault does to it.
func (r *rig) but(change func(*plan.Connection)) plan.Connection {
	c := r.connection
	c.Servers = slices.Clone(c.Servers)
	if change != nil {
		change(&c)
	}
	return c
}

func (r *rig) provision(t testing.TB, who keycloak.Options) {
	t.Helper()
	admin, err := keycloak.Login(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	if r.secrets, err = plan.LoadSecrets(""); err != nil {
		t.Fatal(err)
	}
	all, err := keycloak.Resources(admin, r.connection, r.secrets, profiles.Load)
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
	t.Cleanup(func() { // the realm is the first, and with it goes what is in it
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := all[0].Undo(ctx, p.Changes[0]); err != nil {
			t.Error(err)
		}
	})
}

func (r *rig) serve(t testing.TB, l net.Listener) {
	t.Helper()
	p := &program{err: r.log}
	s, err := p.server(r.but(r.fault.Served).Defaults(), p.logger("json"), func([]net.Addr) {}, func(o *server.Options) {
		o.Secret = func(client string) (string, error) {
			secret, _ := r.secrets.Get(plan.ClientSecret(client))
			return secret.Reveal(), nil
		}
	})
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
	resp, err := http.Get("http://" + l.Addr().String() + "/health") // answers when the keys were asked for
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// options are those of a handshake as a client of the connection makes it.
func (r *rig) options(t testing.TB, as string) client.Options {
	t.Helper()
	p, err := profiles.Load(as)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := r.connection.Client(as)
	secret, _ := r.secrets.Get(plan.ClientSecret(c.ID))
	o := client.Options{
		Target: r.connection.Servers[0].URL, Profile: p, Tool: probe.Tool{Name: "mcpwiz", Version: "test"}, Checks: checks.All,
		ClientID: cmp.Or(r.fault.ClientID, c.ID), ClientSecret: cmp.Or(r.fault.ClientSecret, secret.Reveal()),
	}
	if p.Grant != "client_credentials" {
		password, _ := r.secrets.Get(plan.UserPassword("alice"))
		o.SignIn = &browser.Headless{User: "alice",
			Password: func() (string, error) { return cmp.Or(r.fault.Password, password.Reveal()), nil },
			Consent:  func(context.Context, browser.ConsentPage) (bool, error) { return true, nil }}
	}
	return o
}

// handshake makes one as a client of the connection does.
func (r *rig) handshake(t testing.TB, as string, sink probe.Sink) probe.Summary {
	t.Helper()
	return emulated(t, r.options(t, as), sink)
}

func emulated(t testing.TB, o client.Options, sink probe.Sink) probe.Summary {
	t.Helper()
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
