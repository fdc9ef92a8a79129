package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type demoOptions struct {
	keycloak    bool
	keycloakURL string
	adminUser   string
	version     string
	wide        bool
	wizard      bool
	background  backgroundFlags
}

func (p *program) demo() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Do all of it on this machine: Keycloak, setup, serve, emulate, doctor",
		Long: `demo provisions a Keycloak, serves MCP behind it, connects as Claude and as a machine do, and judges both. Nothing leaves this
machine, and nothing stays behind. The Keycloak is a small one in memory; with --keycloak it is a real one: that of KEYCLOAK_HOME,
or the Maven artifact, fetched by mvn, checked and kept in a cache; with --keycloak-url one that runs already, in a realm that is
deleted again (password from MCPWIZ_KEYCLOAK_PASSWORD or a prompt). It exits by the doctor's code.`,
		Example: `  mcpwiz demo
  mcpwiz demo --wizard
  mcpwiz demo --keycloak
  mcpwiz demo --keycloak-url http://127.0.0.1:8180`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runDemo(c.Context(), &o) },
	}
	f := c.Flags()
	f.BoolVar(&o.keycloak, "keycloak", false, "on a real Keycloak: KEYCLOAK_HOME, or the Maven artifact")
	f.StringVar(&o.version, "keycloak-version", "", "`version` of the real one (default: that of KEYCLOAK_HOME, or the newest known)")
	f.StringVar(&o.keycloakURL, "keycloak-url", "", "on the real Keycloak at this `URL`")
	f.StringVar(&o.adminUser, "admin-user", "admin", "`name` of the administrator at --keycloak-url")
	f.BoolVar(&o.wizard, "wizard", false, "open the wizard on it, everything filled in: Enter goes all the way")
	o.background.add(c)
	f.BoolVar(&o.wide, "wide", false, "open every stage, also those in which all is well")
	return c
}

// A demo is one run of it. What it tells is what was asked for, so its talk is data.
type demo struct {
	*program
	o   demoOptions
	dir string
	// cleanUp ends what was made, the last first.
	cleanUp []func(context.Context) error
}

func (p *program) runDemo(ctx context.Context, o *demoOptions) (err error) {
	talks := *p
	talks.err = p.out
	d := &demo{program: &talks, o: *o}
	defer func() { err = errors.Join(err, d.end(ctx)) }()
	if d.dir, err = os.MkdirTemp("", "mcpwiz-demo-"); err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	d.later(func(context.Context) error { return os.RemoveAll(d.dir) })
	who, err := d.startKeycloak(ctx)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("find a port for the demo's server: %w", err)
	}
	d.later(func(context.Context) error { return closed(l.Close()) })
	c := d.connection(who.AdminURL, l.Addr().String())
	if o.wizard {
		return d.walks(ctx, c, who, l)
	}
	if err := d.provision(ctx, c, who); err != nil {
		return err
	}
	if err := d.startServer(ctx, c, l); err != nil {
		return err
	}
	if err := d.emulates(ctx); err != nil {
		return err
	}
	return d.judges(ctx)
}

func (d *demo) later(end func(context.Context) error) { d.cleanUp = append(d.cleanUp, end) }

// end ends what was made, also after an interrupt.
func (d *demo) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	var all error
	for _, end := range slices.Backward(d.cleanUp) {
		all = errors.Join(all, end(ctx))
	}
	return all
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (d *demo) title(format string, args ...any) {
	title := fmt.Sprintf(format, args...)
	if d.colors() {
		title = "\x1b[1m" + title + "\x1b[0m"
	}
	d.say("%s", title)
}

func (d *demo) file() string { return filepath.Join(d.dir, defaultFile) }

// connection is what people would write into mcpwiz.yaml. The realm's name is taken by nobody.
func (d *demo) connection(keycloakURL, listen string) plan.Connection {
	realm := "mcpwiz-demo-" + strings.ToLower(rand.Text()[:6])
	return plan.Connection{
		Servers:  []plan.Server{{URL: "http://" + listen + "/mcp", Listen: listen, Name: "mcpwiz demo"}},
		Keycloak: plan.Keycloak{Issuer: keycloakURL + "/realms/" + realm, CreateRealm: true},
		Clients:  []plan.Client{{Profile: "claude-ai"}, {Profile: "m2m"}},
		Users:    []plan.User{{Name: "alice"}},
	}
}

// walks opens the wizard with everything filled in.
func (d *demo) walks(ctx context.Context, c plan.Connection, who keycloak.Options, l net.Listener) error {
	c.Keycloak.Admin.User = who.User
	if err := errors.Join(c.Save(d.file()), l.Close()); err != nil {
		return err
	}
	if d.o.keycloakURL != "" {
		d.later(func(ctx context.Context) error { return unmake(ctx, c, who) })
	}
	o := &wizardOptions{background: d.o.background, secret: who.Password, trial: true}
	o.connection.file = d.file()
	return d.runWizard(ctx, o)
}

// unmake deletes the demo's realm, and with it what is in it.
func unmake(ctx context.Context, c plan.Connection, who keycloak.Options) error {
	admin, err := keycloak.Login(ctx, who)
	if err != nil {
		return err
	}
	secrets, err := plan.LoadSecrets("")
	if err != nil {
		return err
	}
	all, err := keycloak.Resources(admin, c, secrets, profiles.Load)
	if err != nil {
		return err
	}
	return gone(all[0].Undo(ctx, plan.Change{Action: plan.Create})) // the realm is the first
}

// gone: what somebody has deleted meanwhile need not be.
func gone(err error) error {
	if errors.Is(err, plan.ErrGone) {
		return nil
	}
	return err
}

// provision does what mcpwiz setup does.
func (d *demo) provision(ctx context.Context, c plan.Connection, who keycloak.Options) error {
	d.title("\nmcpwiz setup")
	if err := c.Save(d.file()); err != nil {
		return err
	}
	s := provisioning{program: d.program, connection: c, path: d.file(),
		signIn: func(context.Context, plan.Keycloak) (keycloak.Options, error) { return who, nil }}
	if err := s.look(ctx); err != nil {
		return err
	}
	if d.o.keycloakURL != "" { // the realm is the first, and with it goes what is in it
		change := s.plan.Changes[0]
		d.later(func(ctx context.Context) error { return gone(s.resources[0].Undo(ctx, change)) })
	}
	if err := s.apply(ctx); err != nil {
		return err
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	if !s.plan.Empty() {
		return errors.New("the second run of setup would change something again")
	}
	d.say("  a second run has nothing to do")
	return nil
}

// startServer does what mcpwiz serve does.
func (d *demo) startServer(ctx context.Context, c plan.Connection, l net.Listener) error {
	d.title("\nmcpwiz serve")
	c = c.Defaults()
	s, err := d.server(c, slog.New(slog.DiscardHandler), func([]net.Addr) {})
	if err != nil {
		return err
	}
	d.say("  %s", c.Servers[0].URL)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	d.later(func(context.Context) error {
		stop()
		return <-ended
	})
	return nil
}

// emulates does what mcpwiz emulate does, as either client.
func (d *demo) emulates(ctx context.Context) error {
	for _, as := range []string{"claude-ai", "m2m"} {
		d.title("\nmcpwiz emulate --as %s", as)
		all, err := d.handshakesAs(ctx, as)
		if err != nil {
			return err
		}
		n := &narration{to: d.out, told: map[int]string{}}
		if _, err := d.make(ctx, all, n.Sink); err != nil {
			return err
		}
	}
	return nil
}

// judges does what mcpwiz doctor does, and ends by its code.
func (d *demo) judges(ctx context.Context) error {
	d.title("\nmcpwiz doctor\n")
	all, err := d.handshakesAs(ctx, "")
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Probes = true
	}
	t := d.telling(tellingOptions{format: "text", wide: d.o.wide})
	return d.run(ctx, t, all, t.Sink)
}

// handshakesAs are those of the demo's file; alice's consent is hers to give, and she is ours.
func (d *demo) handshakesAs(ctx context.Context, as string) ([]client.Options, error) {
	o := handshakeOptions{as: as, consent: true}
	o.connection.file = d.file()
	return d.handshakes(ctx, &o)
}
