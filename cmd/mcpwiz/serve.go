package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/gateway"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// serveKeys are the keys that serve uses.
var serveKeys = []string{"url", "issuer", "listen", "name", "jwks-url", "ca-file", "scope", "client",
	"allowed-host", "allowed-origin", "tool-scope", "method-scope", "introspection", "front", "registration", "carry-keycloak", "admin-listen", "access-log",
	"upstream", "upstream-transport", "upstream-shared", "upstream-token-file", "upstream-header-file", "user-header", "observe",
	"expose", "tunnel-name"}

type serveOptions struct {
	connection connectionFlags
	log        string
	// stdio: the words after -- are the upstream's command.
	stdio bool
	// tunnel: cloudflared runs beside it.
	tunnel bool
}

func (p *program) serve() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve MCP behind OAuth on one port, and judge the clients that come",
		Long: `serve is an MCP server, or stands in front of one (--upstream), with everything that a client asks for in a handshake: the endpoint, resource metadata, the challenge,
token verification, a mirror of the authorization server's metadata, a registration facade, health. It judges what real
clients do with the doctor's checks and logs what fails; the log goes to stderr.`,
		Example: `  mcpwiz serve -f mcpwiz.yaml
  mcpwiz serve --issuer https://id.example.com/realms/mcp --url https://mcp.example.com/mcp
  mcpwiz serve -f mcpwiz.yaml --tunnel                                          # cloudflared beside it
  mcpwiz serve -f mcpwiz.yaml --upstream http://127.0.0.1:9000/mcp             # a server of your own behind it
  mcpwiz serve -f mcpwiz.yaml --upstream-stdio -- npx -y @modelcontextprotocol/server-everything
  mcpwiz serve --issuer http://127.0.0.1:8180/realms/mcp --url http://127.0.0.1:8080/mcp   # a rehearsal on this machine`,
		Args: func(c *cobra.Command, args []string) error { return o.command(args) },
		RunE: func(c *cobra.Command, _ []string) error { return p.runServe(c.Context(), &o) },
	}
	c.Flags().BoolVar(&o.stdio, "upstream-stdio", false, "servers[0].upstream.command: the words after -- are a command that speaks MCP over stdin and stdout")
	o.connection.add(c, serveKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVar(&o.tunnel, "tunnel", false, "run cloudflared beside it: the connection's tunnel, or a quick one; see mcpwiz expose")
	c.Flags().StringVar(&o.log, "log", "text", "`how` to log: text, json")
	completed(c, "log", func() []string { return []string{"text", "json"} })
	return c
}

// command takes the words after -- into the connection.
func (o *serveOptions) command(args []string) error {
	switch {
	case !o.stdio && len(args) > 0:
		return usage("a command to serve is given as --upstream-stdio -- COMMAND ARGS", "unexpected argument %q", args[0])
	case o.stdio && len(args) == 0:
		return usage("mcpwiz serve --upstream-stdio -- COMMAND ARGS", "--upstream-stdio without a command")
	case o.stdio:
		o.connection.over = append(o.connection.over, overlaid{set: func(c *plan.Connection, _ string) error {
			upstreamOf(c).Command = args
			return nil
		}})
	}
	return nil
}

func (p *program) runServe(ctx context.Context, o *serveOptions) error {
	if err := oneOf("log", o.log, "text", "json"); err != nil {
		return err
	}
	c, err := p.served(&o.connection)
	if err != nil {
		return err
	}
	c = c.Defaults()
	if !o.tunnel {
		return p.serveConnection(ctx, o, c)
	}
	t, err := p.tunnel(c, o.connection.path(), p.logger(o.log))
	if err != nil {
		return err
	}
	if t.QuickURL == "" {
		return tunnelBeside(ctx, t, func(ctx context.Context) error { return p.serveConnection(ctx, o, c) })
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
		c, err := p.served(&o.connection)
		if err != nil {
			return err
		}
		p.say("for this run the server is at %s; Keycloak has to know it too: mcpwiz setup %s, or mcpwiz up, which does both", c.Servers[0].URL, o.connection.flags(setupKeys...))
		return p.serveConnection(ctx, o, c.Defaults())
	})
}

// serveConnection serves until ctx ends.
func (p *program) serveConnection(ctx context.Context, o *serveOptions, c plan.Connection) error {
	s, err := p.server(c, p.logger(o.log), func(at []net.Addr) { p.greet(c, at) }, func(s *server.Options) {
		s.Secret = p.secretOf(o.connection.path())
		if o.connection.file != "" { // elsewhere there is no place of the connection's
			s.Differs = p.keepSightings(o.connection.file)
		}
	})
	if err != nil {
		return usage("", "%w", err)
	}
	err = s.Run(ctx)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return failed(err, "another program listens there; --listen 127.0.0.1:0 takes any free port")
	case err != nil:
		return err
	}
	p.say("stopped")
	return nil
}

// served returns the connection to serve. Without a file the authorization server need not be a Keycloak.
func (p *program) served(f *connectionFlags) (plan.Connection, error) {
	if f.file != "" {
		return p.load(f)
	}
	c, err := p.lay(f)
	switch {
	case err != nil:
		return c, err
	case len(c.Servers) == 0 || c.Servers[0].URL == "":
		return c, usage("--url is the resource identifier, e.g. https://mcp.example.com/mcp", "--url is missing")
	case c.Keycloak.Issuer == "":
		return c, usage("--issuer is the authorization server, e.g. https://id.example.com/realms/mcp", "--issuer is missing")
	}
	return c, p.knownProfiles(c)
}

func (p *program) logger(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.err, nil))
	}
	return slog.New(slog.NewTextHandler(p.err, nil))
}

// server puts together what serves a connection, with what is changed of it; ready is told the addresses when requests are
// answered there.
func (p *program) server(c plan.Connection, log *slog.Logger, ready func([]net.Addr), changes ...func(*server.Options)) (*server.Server, error) {
	o := server.Options{Tool: tool(), Logger: log, Checks: checks.All, Recognise: p.recognise,
		Front: c.Serving.Front, RegisterBehind: c.Serving.Registration == plan.RegisterKeycloak, CarryKeycloak: c.Serving.CarryKeycloak, AdminListen: c.Serving.AdminListen}
	if c.Serving.AccessLog != "" {
		o.AccessLog = p.logger(c.Serving.AccessLog)
	}
	for _, change := range changes {
		change(&o)
	}
	for _, s := range c.Servers {
		e, err := p.endpoint(c, s)
		if err != nil {
			return nil, err
		}
		o.Endpoints = append(o.Endpoints, e)
	}
	var s *server.Server
	var at []net.Addr
	o.Ready = func(addr net.Addr) {
		if at = append(at, addr); len(at) == len(s.Listens()) {
			ready(at)
		}
	}
	s, err := server.New(o)
	return s, err
}

// recognise tells whose behaviour an overheard client's is. A machine may call itself what it likes.
func (p *program) recognise(c record.Client) *probe.Profile {
	s, err := p.shelf()
	if err != nil {
		return nil
	}
	if c.Machine {
		if one, err := s.Load(machine); err == nil {
			return one
		}
	}
	return s.Recognise(c.UserAgent, c.Name)
}

// machine is the profile of a client that takes tokens for itself.
const machine = "m2m"

func (p *program) endpoint(c plan.Connection, s plan.Server) (server.Endpoint, error) {
	e := server.Endpoint{
		Listen: s.Listen, URL: s.URL, Name: s.Name, Issuer: c.Keycloak.Issuer, JWKSURL: c.Keycloak.JWKSURL, CAFile: c.Keycloak.CAFile,
		Scopes: s.Scopes, Needs: gateway.Needs{Tools: s.ToolScopes, Methods: s.MethodScopes}, AllowedHosts: s.AllowedHosts, AllowedOrigins: s.AllowedOrigins,
	}
	if e.Listen == "" {
		e.Listen = loopbackOf(s.URL)
	}
	if u := s.Upstream; u != nil {
		e.Upstream = &server.Upstream{URL: u.URL, SSE: u.Transport == plan.SSE, Command: u.Command, Shared: u.Shared,
			TokenFile: u.TokenFile, HeaderFile: u.HeaderFile, Observe: u.Observe, User: gateway.UserHeaders{
				Subject: u.UserHeaders[plan.UserSubject], Client: u.UserHeaders[plan.UserClient], Scopes: u.UserHeaders[plan.UserScopes],
			}}
	}
	if c.Serving.Introspection {
		i := slices.IndexFunc(c.Clients, func(one plan.Client) bool { return one.Profile == plan.Introspection && one.Server == s.URL })
		if i < 0 {
			return e, fmt.Errorf("server.introspection: no client asks for %s: add one of profile %s to clients, which setup makes", s.URL, plan.Introspection)
		}
		e.Introspect = c.Clients[i].ID
	}
	for _, client := range c.Clients {
		if client.Server != s.URL || client.RegistersItself() {
			continue
		}
		r, err := keycloak.RegistrationOf(c, client, p.profileOf)
		if err != nil {
			return e, err
		}
		if !r.Secret && !r.Key {
			e.Public = gateway.PublicClient{ID: client.ID, RedirectURIs: r.RedirectURIs}
			break
		}
	}
	return e, nil
}

// secretOf returns the secrets of clients as the environment has them, else those kept beside a connection's file.
func (p *program) secretOf(path string) func(string) (string, error) {
	return func(client string) (string, error) {
		given, err := plan.Ask(p.env, plan.EnvIntrospection, nil)
		if !errors.Is(err, plan.ErrNoSecret) {
			return given.Reveal(), err
		}
		secrets, err := plan.LoadSecrets(plan.SecretsPath(path))
		if err != nil {
			return "", err
		}
		kept, ok := secrets.Get(plan.ClientSecret(client))
		if !ok {
			return "", fmt.Errorf("no secret of client %s is kept in %s, and none is given by %s", client, plan.SecretsPath(path), plan.EnvIntrospection)
		}
		return kept.Reveal(), nil
	}
}

// loopbackOf returns where a url on loopback wants to be served, "" for any other.
func loopbackOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.Port() == "" || !probe.Loopback(u.Hostname()) {
		return ""
	}
	return u.Host
}

// greet says what is served where, and what comes next.
func (p *program) greet(c plan.Connection, at []net.Addr) {
	var where []string
	for _, a := range at {
		where = append(where, a.String())
	}
	p.say("listening at %s for", strings.Join(where, ", "))
	for _, s := range c.Servers {
		p.say("  %s  (issuer %s, scope %s)", s.URL, c.Keycloak.Issuer, strings.Join(s.Scopes, " "))
		if loopbackOf(s.URL) == "" {
			p.say("  next: bring %s to that address (a tunnel, a reverse proxy), then", origins(s.URL))
		}
		p.say("  mcpwiz doctor %s", s.URL)
	}
	p.say("Ctrl-C stops it.")
}

func origins(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return fmt.Sprintf("%s://%s", u.Scheme, u.Host)
}
