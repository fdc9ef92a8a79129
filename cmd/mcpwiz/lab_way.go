package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/lab"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// A laboratory has what all ways of the lab share: a Keycloak with a client for each profile, and a user.
type laboratory struct {
	*program
	keycloak   http.Handler
	connection plan.Connection
	secrets    *plan.Secrets
}

const labUser = "alice"

// laboratory sets one up, on a small Keycloak in memory.
func (p *program) laboratory(ctx context.Context) (*laboratory, error) {
	password := plan.NewSecret()
	k, err := keycloaktest.Start(keycloaktest.Options{BaseURL: "https://" + lab.ServerHost, AdminPassword: password.Reveal()})
	if err != nil {
		return nil, err
	}
	defer k.Close()
	l := &laboratory{program: p, keycloak: lab.Lists(k.Keycloak, "openid", "mcp:tools", "offline_access"), connection: plan.Connection{
		Servers:  []plan.Server{{URL: lab.Target}},
		Keycloak: plan.Keycloak{Issuer: lab.Issuer, CreateRealm: true, AdminURL: k.URL},
		Users:    []plan.User{{Name: labUser}},
	}}
	for _, id := range profiles.IDs() {
		l.connection.Clients = append(l.connection.Clients, plan.Client{Profile: id})
	}
	l.connection = l.connection.Defaults()
	return l, l.provision(ctx, keycloak.Options{AdminURL: k.URL, User: "admin", Password: password})
}

func (l *laboratory) provision(ctx context.Context, who keycloak.Options) error {
	admin, err := keycloak.Login(ctx, who)
	if err != nil {
		return err
	}
	if l.secrets, err = plan.LoadSecrets(""); err != nil {
		return err
	}
	all, err := keycloak.Resources(admin, l.connection, l.secrets, profiles.Load)
	if err != nil {
		return err
	}
	for _, r := range all {
		change, err := r.Plan(ctx)
		if err != nil {
			return fmt.Errorf("plan %s: %w", r.Name(), err)
		}
		if err := r.Apply(ctx, change); err != nil {
			return fmt.Errorf("apply %s: %w", r.Name(), err)
		}
	}
	return nil
}

// A way is one of them, with a fault or without.
type way struct {
	*laboratory
	fault  lab.Fault
	stand  *lab.Range
	server *server.Server
}

// way puts one up; the server judges what it overhears by these checks.
func (l *laboratory) way(f lab.Fault, by []*probe.Check) (*way, error) {
	stand, err := lab.Stand(f, l.keycloak)
	if err != nil {
		return nil, err
	}
	c := l.connection
	c.Servers = slices.Clone(c.Servers)
	if f.Served != nil {
		f.Served(&c)
	}
	w := &way{laboratory: l, fault: f, stand: stand}
	w.server, err = l.server(c, slog.New(slog.DiscardHandler), func([]net.Addr) {}, func(o *server.Options) {
		o.Transport, o.Over, o.Checks = stand.Transport(), f.OverOrigin, by
	})
	if err != nil {
		return nil, errors.Join(err, stand.Close())
	}
	if err := stand.Serve(w.server.Handler()); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// warm has the server ask the authorization server, as it does when it starts.
func (w *way) warm(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, lab.Target, nil)
	if err != nil {
		return err
	}
	r.URL.Path = "/health"
	w.server.Handler().ServeHTTP(unread{}, r)
	return nil
}

// unread is an answer that nobody reads.
type unread http.Header

func (u unread) Header() http.Header         { return http.Header(u) }
func (u unread) Write(b []byte) (int, error) { return len(b), nil }
func (u unread) WriteHeader(int)             {}

func (w *way) close() error { return errors.Join(w.server.Close(), w.stand.Close()) }

// options are those of a handshake as a client makes it: the doctor's where it probes.
func (w *way) options(as string, probes bool) (client.Options, error) {
	o, err := w.handshake(w.fault.Typed(), as)
	if err != nil {
		return o, err
	}
	o.Log, o.Probes = nil, probes
	o.Network = &client.Network{Dial: w.stand.Dial, Resolver: w.stand.Resolver(), Roots: w.stand.Roots()}
	if w.fault.Registers {
		o.Register = true
	} else {
		c, _ := w.connection.Client(as)
		secret, _ := w.secrets.Get(plan.ClientSecret(c.ID))
		o.ClientID, o.ClientSecret = cmp.Or(w.fault.ClientID, c.ID), secret.Reveal()
		if o.ClientSecret != "" {
			o.ClientSecret = cmp.Or(w.fault.ClientSecret, o.ClientSecret)
		}
	}
	if o.Profile.Grant != "client_credentials" {
		password, _ := w.secrets.Get(plan.UserPassword(labUser))
		o.SignIn = &browser.Headless{User: labUser, Issuer: lab.Issuer,
			Password: func() (string, error) { return cmp.Or(w.fault.Password, password.Reveal()), nil },
			Consent:  func(context.Context, browser.ConsentPage) (bool, error) { return true, nil }}
	}
	return o, nil
}

// provoked makes the doctor's handshake, and returns what it finds.
func (w *way) provoked(ctx context.Context, as string, sink probe.Sink) (*report.Report, error) {
	return w.makes(ctx, as, true, sink)
}

func (w *way) makes(ctx context.Context, as string, probes bool, sink probe.Sink) (*report.Report, error) {
	o, err := w.options(as, probes)
	if err != nil {
		return nil, err
	}
	e, err := client.New(o)
	if err != nil {
		return nil, err
	}
	told := report.NewCollector(checks.All)
	_, err = e.Run(ctx, func(e probe.Event) {
		told.Sink(e)
		if sink != nil {
			sink(e)
		}
	})
	if err != nil {
		return nil, err
	}
	return told.Reports()[0], nil
}

// overheard makes the client's handshake, without a probe, and returns what the server heard of it.
func (w *way) overheard(ctx context.Context, as string) ([]record.Handshake, error) {
	if err := w.warm(ctx); err != nil {
		return nil, err
	}
	if _, err := w.makes(ctx, as, false, nil); err != nil {
		return nil, err
	}
	if err := w.close(); err != nil { // then the witness has been told everything
		return nil, err
	}
	return w.server.Handshakes(), nil
}
