package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// What emulate and doctor take from the environment; each also with _FILE, naming a file that holds it.
const (
	envUserPassword = "MCPWIZ_PASSWORD"
	envClientSecret = "MCPWIZ_CLIENT_SECRET"
	envOTP          = "MCPWIZ_OTP"
)

// defaultProfile is whom the doctor asks as when nobody is named.
const defaultProfile = "claude-ai"

// handshakeOptions say who behaves as whom, towards what. With a file it says all that the flags do not.
type handshakeOptions struct {
	target           string
	connection       connectionFlags
	as, clientID     string
	keyFile          string
	login, issuer    string
	browser, consent bool
	profiles         []string
	password         func() (plan.Secret, error)
	register         bool
	telling          tellingOptions
}

const handshakeHelp = `
The client's secret is taken from MCPWIZ_CLIENT_SECRET, the user's password from MCPWIZ_PASSWORD, a one-time code from MCPWIZ_OTP
(or from the file that the same name with _FILE names), else asked for on a terminal. With -f they come from
mcpwiz.secrets.yaml, and each client of the file makes its own handshake.`

func (o *handshakeOptions) add(p *program, c *cobra.Command) {
	o.connection.add(c)
	f := c.Flags()
	f.StringVar(&o.as, "as", "", "`profile` to behave as (default: "+defaultProfile+", or each client of the file); doctor compares A,B or all")
	f.StringArrayVar(&o.profiles, "profile", nil, "`file` with a profile, which stands in the place of one with its id; without --as it is whom to behave as")
	f.StringVar(&o.clientID, "client-id", "", "`id` of the client registered beforehand, with several clients PROFILE=ID; without it the client registers as its profile does")
	f.StringVar(&o.keyFile, "private-key", "", "`file` with the client's private key (PKCS #8 PEM) for private_key_jwt")
	f.StringVar(&o.login, "login", "", "log in as this `user`, walking the login pages without a browser")
	f.BoolVar(&o.browser, "browser", false, "log in with your own browser")
	f.BoolVar(&o.consent, "consent", false, "give consent in the user's name where the login asks for it")
	f.BoolVar(&o.register, "register", false, "without --login too, register as the client does (needs no user); it is deleted again where the answer says how, else it stays and is named")
	f.StringVar(&o.issuer, "issuer", "", "`URL` of the only authorization server that may see the password")
	completed(c, "as", func() []string { return append(p.profileIDs(), everyProfile) })
	o.telling.add(c)
}

// take reads the argument.
func (o *handshakeOptions) take(args []string) error {
	if len(args) > 0 {
		o.target = args[0]
	}
	if err := o.telling.check(); err != nil {
		return err
	}
	switch {
	case o.login != "" && o.browser:
		return usage("--login walks the pages by itself, --browser lets you do it", "--login and --browser exclude each other")
	case o.register && (o.clientID != "" || o.connection.file != ""):
		return usage("leave out --register, or who is registered already", "--register makes a client, and one is given")
	case o.target != "" && !strings.Contains(o.target, "://"):
		return withoutScheme(o.target)
	}
	return nil
}

// acts reports whether a flag is given that only a handshake has a use for.
func (o *handshakeOptions) acts() bool {
	return o.clientID != "" || o.keyFile != "" || o.login != "" || o.issuer != "" || o.browser || o.consent || o.register
}

// withoutScheme says what a URL lacks, and guesses the scheme that was meant: https, but on this machine.
func withoutScheme(target string) error {
	u, err := url.Parse("http://" + target)
	switch {
	case err != nil || u.Hostname() == "":
		return usage("e.g. https://mcp.example.com/mcp", "the MCP server's URL has neither a scheme nor a host that can be read")
	case u.User != nil: // it may be a password: not quoted
		return usage("e.g. https://mcp.example.com/mcp", "the MCP server's URL has no scheme, and bears a user or password")
	case !probe.Loopback(u.Hostname()):
		u.Scheme = "https"
	}
	return usage("did you mean "+u.String()+"?", "%q has no scheme", target)
}

// handshakes returns what is to be made, in order: one as the flags say, or one for each client of the file.
func (p *program) handshakes(ctx context.Context, o *handshakeOptions) ([]client.Options, error) {
	all, err := p.chosenHandshakes(ctx, o)
	source := "--issuer"
	if o.connection.file != "" {
		source = o.connection.file
	}
	for i := range all {
		expectIssuer(&all[i], o.issuer, source)
	}
	var said []*probe.Profile
	for _, h := range all {
		if !slices.Contains(said, h.Profile) {
			said = append(said, h.Profile)
			p.sayAge(h.Profile)
		}
	}
	return all, err
}

func (p *program) chosenHandshakes(ctx context.Context, o *handshakeOptions) ([]client.Options, error) {
	ids, err := p.putProfiles(o.profiles)
	if err != nil {
		return nil, err
	}
	if o.as == "" && len(ids) > 0 && o.connection.file == "" {
		o.as = strings.Join(ids, ",")
	}
	if o.several() {
		return p.severalHandshakes(ctx, o)
	}
	if o.connection.file != "" {
		return p.fileHandshakes(ctx, o)
	}
	if o.target == "" {
		return nil, usage("e.g. https://mcp.example.com/mcp, or -f mcpwiz.yaml", "which MCP server?")
	}
	as := o.as
	if as == "" {
		as = defaultProfile
	}
	h, err := p.handshake(o.target, as)
	if err != nil {
		return nil, err
	}
	h.ClientID = o.clientID
	if err := p.authenticate(ctx, o, &h); err != nil {
		return nil, err
	}
	if err := p.signIn(ctx, o, &h); err != nil {
		return nil, err
	}
	return []client.Options{h}, nil
}

// handshake is what every handshake begins with.
func (p *program) handshake(target, as string) (client.Options, error) {
	behaves, err := p.profile(as)
	return client.Options{Target: target, Profile: behaves, Tool: tool(), Checks: checks.All, Log: p.say}, err
}

// authenticate takes the client's secret or key from where it is given.
func (p *program) authenticate(ctx context.Context, o *handshakeOptions, h *client.Options) error {
	if o.keyFile != "" {
		key, err := os.ReadFile(o.keyFile)
		if err != nil {
			return usage("", "read the private key: %w", err)
		}
		h.PrivateKey = string(key)
		return nil
	}
	if h.ClientID == "" {
		return nil
	}
	var ask func() (plan.Secret, error)
	machine := h.Profile.Grant == "client_credentials"
	if machine {
		ask = p.prompt(ctx, "Secret of client "+h.ClientID)
	}
	secret, err := plan.Ask(p.env, o.secretName(h.Profile.ID), ask)
	switch {
	case errors.Is(err, plan.ErrNoSecret) && machine:
		return usage("or --private-key FILE", "client %s needs its secret: %w", h.ClientID, err)
	case err != nil && !errors.Is(err, plan.ErrNoSecret):
		return err
	}
	h.ClientSecret = secret.Reveal()
	return nil
}

// signIn decides how the user's part is done. Without any nobody signs in.
func (p *program) signIn(ctx context.Context, o *handshakeOptions, h *client.Options) error {
	machine := h.Profile.Grant == "client_credentials"
	switch {
	case o.register && machine:
		return usage("leave --register out and give --client-id", "the client is %s: it uses client_credentials and never registers", h.Profile.ID)
	case o.login == "" && !o.browser:
		h.Register = o.register
		return nil
	case machine:
		return usage("leave --login and --browser out", "nobody signs in where the client is %s: it uses client_credentials", h.Profile.ID)
	case o.browser:
		h.SignIn = p.ownBrowser()
	default:
		password, err := p.userPassword(ctx, o)
		if errors.Is(err, plan.ErrNoSecret) {
			return usage("", "the password of %s is %w", o.login, err)
		}
		if err != nil {
			return err
		}
		h.SignIn = p.headless(o, o.login, password)
	}
	h.Register = h.ClientID == ""
	return nil
}

// run makes the handshakes, tells what is found, and ends as they did.
func (p *program) run(ctx context.Context, t *telling, all []client.Options, sink probe.Sink) error {
	sums, err := p.make(ctx, all, sink)
	if ctx.Err() != nil {
		p.say("interrupted: this is what was seen until then")
		return errors.Join(t.close(), ended(exitInterrupted))
	}
	if err != nil {
		return errors.Join(err, t.close())
	}
	return finish(t, sums...)
}

// make makes the handshakes one after the other. One that cannot begin does not keep the next from it.
func (p *program) make(ctx context.Context, all []client.Options, sink probe.Sink) ([]probe.Summary, error) {
	var sums []probe.Summary
	var failures error
	for _, o := range all {
		e, err := client.New(o)
		if err != nil {
			return nil, usage("", "%w", err)
		}
		sum, err := e.Run(ctx, sink)
		for _, left := range e.Left() {
			p.say("left behind: %s", left)
		}
		if ctx.Err() != nil {
			return sums, ctx.Err()
		}
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s as %s: %w", o.Target, o.Profile.ID, err))
		}
		sums = append(sums, sum)
	}
	return sums, failures
}
