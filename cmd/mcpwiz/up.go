package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
)

type upOptions struct {
	connection connectionFlags
	yes, once  bool
	consent    bool
	login, log string
}

func (p *program) up() *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "up",
		Short: "Do all of it: set up Keycloak and the public url, serve with the tunnel, and judge it from outside",
		Long: `up plans what Keycloak and Cloudflare lack, applies it after you agree, serves, runs the tunnel beside the server, waits until the
public url is answered by this server, makes the doctor's handshakes through it, prints what to type into each client, and goes
on serving. With expose.way quick-tunnel the url is the tunnel's, for this run.

Secrets come from where setup, expose and doctor take them.`,
		Example: `  mcpwiz up -f mcpwiz.yaml
  mcpwiz up -f mcpwiz.yaml --yes --once       # in CI: ends with the doctor's verdict and exit code`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runUp(c.Context(), &o) },
	}
	o.connection.add(c, append(append([]string{}, setupKeys...), "jwks-url", "metrics-url")...)
	completed(c, "client", p.profileIDs)
	f := c.Flags()
	f.BoolVarP(&o.yes, "yes", "y", false, "apply the plan without asking")
	f.BoolVar(&o.once, "once", false, "end with the doctor's verdict instead of serving on")
	f.StringVar(&o.login, "login", "", "log in as this `user`, walking the login pages without a browser; a test user of the file does by itself")
	f.BoolVar(&o.consent, "consent", false, "give consent in the user's name where the login asks for it")
	f.StringVar(&o.log, "log", "text", "`how` to log: text, json")
	return c
}

func (p *program) runUp(ctx context.Context, o *upOptions) error {
	if err := oneOf("log", o.log, "text", "json"); err != nil {
		return err
	}
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	u := &upRun{program: p, o: o, flags: o.connection.flags(setupKeys...)}
	if c.Expose.Way != plan.WayQuickTunnel {
		if c, err = u.provision(ctx); err != nil {
			return err
		}
		if !c.Expose.ByAPI() {
			return u.serve(ctx, c)
		}
		t, err := p.tunnel(c, o.connection.path(), p.logger(o.log))
		if err != nil {
			return err
		}
		return tunnelBeside(ctx, t, func(ctx context.Context) error { return u.serve(ctx, c) })
	}
	t, err := p.tunnel(c, o.connection.path(), p.logger(o.log))
	if err != nil {
		return err
	}
	p.say("%s", quickLimits)
	known := quickURL(t)
	return tunnelBeside(ctx, t, func(ctx context.Context) error {
		select {
		case origin := <-known:
			if err := o.connection.at(origin, c); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		c, err := u.provision(ctx)
		if err != nil {
			return err
		}
		return u.serve(ctx, c)
	})
}

// An upRun is one call of up.
type upRun struct {
	*program
	o *upOptions
	// flags are those that it was called with: a quick tunnel's url is not among them.
	flags string
}

// provision does what setup does, and keeps the token that the tunnel runs with.
func (u *upRun) provision(ctx context.Context) (plan.Connection, error) {
	c, err := u.load(&u.o.connection)
	if err != nil {
		return c, err
	}
	s := provisioning{program: u.program, connection: c, path: u.o.connection.path()}
	if err := s.look(ctx); err != nil {
		return c, err
	}
	if err := s.plan.Write(u.out); err != nil {
		return c, err
	}
	apply, err := s.agreed(ctx, false, u.o.yes)
	if err != nil {
		return c, err
	}
	if apply {
		if err := s.apply(ctx); err != nil {
			return c, err
		}
	}
	if s.site != nil {
		if _, err := s.keepRunToken(ctx); err != nil {
			return c, err
		}
	}
	return c.Defaults(), nil
}

// serve serves, judges from outside, and goes on serving unless it is to be once.
func (u *upRun) serve(ctx context.Context, c plan.Connection) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ready := make(chan struct{})
	s, err := u.server(c, u.logger(u.o.log), func([]net.Addr) { close(ready) }, func(s *server.Options) {
		s.Secret = u.secretOf(u.o.connection.path())
		s.Differs = u.keepSightings(u.o.connection.path())
	})
	if err != nil {
		return usage("", "%w", err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(serving) }()
	select {
	case <-ready:
	case err := <-served:
		if ctx.Err() == nil {
			return err
		}
		u.tellLeftBehind()
		return errors.Join(err, ctx.Err())
	}
	verdict := u.prove(ctx, c)
	if u.o.once || ctx.Err() != nil {
		stop()
		verdict = errors.Join(verdict, <-served)
		u.tellLeftBehind()
		return verdict
	}
	u.say("\nServing on. Ctrl-C stops it.")
	err = <-served
	u.tellLeftBehind()
	return err
}

// prove judges from outside, once the public urls lead here, and tells the values.
func (u *upRun) prove(ctx context.Context, c plan.Connection) error {
	for _, one := range c.Servers {
		u.await(ctx, one.URL)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	verdict := u.judge(ctx)
	if ctx.Err() == nil {
		u.tellValues(c)
	}
	return verdict
}

// tellLeftBehind says what does not end with the server.
func (u *upRun) tellLeftBehind() {
	u.say("stopped; what is set up stays: mcpwiz up %[1]s serves again, mcpwiz undo %[1]s takes it back", u.flags)
}

// upWait is how long the public url may take until it leads here: a name and a tunnel are new at first.
const upWait = time.Minute

// await waits until a url is answered by this server, or says that it is not: why not the doctor says better.
func (u *upRun) await(whole context.Context, target string) {
	at, err := url.Parse(target)
	if err != nil {
		return
	}
	at.Path = "/.well-known/oauth-protected-resource" + strings.TrimSuffix(at.Path, "/")
	ctx, cancel := context.WithTimeout(whole, upWait)
	defer cancel()
	for {
		if answeredHere(ctx, at.String()) {
			return
		}
		select {
		case <-ctx.Done():
			if whole.Err() == nil {
				u.say("%s is not answered by this server after %s; the doctor says why:", target, upWait)
			}
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func answeredHere(ctx context.Context, at string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.Header.Get("X-Mcpwiz-Instance") != ""
}

// judge does what doctor -f does.
func (u *upRun) judge(ctx context.Context) error {
	o := doctorOptions{handshakeOptions: handshakeOptions{connection: u.o.connection, login: u.o.login, consent: u.o.consent, telling: tellingOptions{format: "text"}}}
	all, err := u.examinations(ctx, &o)
	if err != nil {
		return err
	}
	t := u.telling(o.telling)
	return u.run(ctx, t, all, t.Sink)
}

// tellValues says what to type into each client; secrets are left to mcpwiz credentials.
func (u *upRun) tellValues(c plan.Connection) {
	for _, one := range c.Defaults().Clients {
		if one.Profile == plan.Introspection {
			continue
		}
		if one.RegistersItself() {
			u.say("\n%s: %s", one.Profile, one.Server)
			continue
		}
		r, err := keycloak.RegistrationOf(c, one, u.profileOf)
		if err != nil {
			continue
		}
		u.say("\n%s: %s\n  client id  %s", one.Profile, one.Server, one.ID)
		if r.Secret {
			u.say("  secret     %s", fmt.Sprintf("mcpwiz credentials %s %s", quoted(one.ID), u.o.connection.flags(credentialsKeys...)))
		}
	}
}
