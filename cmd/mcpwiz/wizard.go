package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

type wizardOptions struct {
	connection         connectionFlags
	dryRun, accessible bool
	background         backgroundFlags
	// secret is the administrator's, where it is known without asking.
	secret plan.Secret
	// trial: nothing stays behind, so that there is nothing to go on with.
	trial bool
}

// wizardKeys are those of setup and serve.
func wizardKeys() []string {
	all := slices.Concat(setupKeys, serveKeys)
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *program) wizard() *cobra.Command {
	var o wizardOptions
	c := &cobra.Command{
		Use:   "wizard",
		Short: "Walk through all of it on pages: ask, plan, apply, serve, connect",
		Long: `wizard asks where your server and Keycloak are and who connects, shows the plan as a diff, applies it and proves it, serves,
connects as the client does, and waits for the real one. It writes mcpwiz.yaml, so that setup -f and serve -f do the same
without a question; every answer has its flag here, and the pages' help (f1) names it.

Where the run before did not come to its end, the first page offers to go on where it stopped, or to put back what was before;
and what a handshake finds wrong it mends with the resource that the finding names, and makes the handshake again.

On a terminal that cannot show pages (TERM=dumb), with ACCESSIBLE set, and with --accessible it asks the same in plain lines.
The administrator's secret and Cloudflare's API token are taken from where setup takes them, else asked for; they are written nowhere.`,
		Example: `  mcpwiz wizard
  mcpwiz wizard -f mcpwiz.yaml              # start from a file
  mcpwiz wizard --dry-run                   # touch nothing, write nothing: end with the plan
  mcpwiz wizard --url http://127.0.0.1:8080/mcp --issuer http://127.0.0.1:8180/realms/mcp --create-realm   # a trial on this machine`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runWizard(c.Context(), &o) },
	}
	o.connection.add(c, wizardKeys()...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "stop at the plan, and write nothing")
	c.Flags().BoolVar(&o.accessible, "accessible", false, "ask in plain lines, for screen readers")
	o.background.add(c)
	return c
}

// backgroundFlags say what the terminal is like, so that it need not be asked.
type backgroundFlags struct{ light, dark bool }

func (f *backgroundFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.light, "light", false, "the terminal's background is light")
	c.Flags().BoolVar(&f.dark, "dark", false, "the terminal's background is dark")
}

func (f backgroundFlags) check() error {
	if f.light && f.dark {
		return usage("one of them, or neither: then the terminal is asked", "--light and --dark exclude each other")
	}
	return nil
}

// withoutPages are the commands that do the same where there is no terminal.
const withoutPages = `mcpwiz setup -f mcpwiz.yaml --yes, then mcpwiz serve -f mcpwiz.yaml; mcpwiz wizard --help names the flags for each answer
mcpwiz wizard --accessible takes the answers as lines`

// runWizard shows pages, or asks in lines where pages cannot be shown or read.
func (p *program) runWizard(ctx context.Context, o *wizardOptions) error {
	if err := o.background.check(); err != nil {
		return err
	}
	t, usable := p.pagesOn(o.background)
	if !usable && !o.accessible {
		return usage(withoutPages, "the wizard needs a terminal to ask on")
	}
	from, err := p.beginning(ctx, o)
	if err != nil {
		return err
	}
	d := p.newDesk(from.Path, from.own)
	if len(from.Unfinished) > 0 {
		d.before = from.Unfinished[0].Run
	}
	from.Desk = d.desk(t.Copy)
	if o.accessible || p.setting("ACCESSIBLE") != "" || p.setting("TERM") == "dumb" {
		err = p.inLines(ctx, d, from.Options)
	} else {
		err = p.onPages(ctx, d, t, from.Options, o.trial)
	}
	return errors.Join(err, d.close())
}

// pagesOn returns the terminal of in and out, where both are one.
func (p *program) pagesOn(f backgroundFlags) (tui.Terminal, bool) {
	out, ok := p.out.(*os.File)
	t := tui.Terminal{In: p.in, Out: out, Env: p.env, Light: f.light, Dark: f.dark, ASCII: p.ascii}
	return t, ok && p.in != nil && tui.Usable(p.in, out)
}

// A begun is what the wizard starts from; own says that the file at Path is to be replaced.
type begun struct {
	wizard.Options
	own bool
}

// beginning collects the answers that are there already: in the file, the flags, the environment.
func (p *program) beginning(ctx context.Context, o *wizardOptions) (begun, error) {
	b := begun{Options: wizard.Options{DryRun: o.dryRun}}
	if err := p.chooseFile(ctx, o); err != nil {
		return b, err
	}
	b.Path = o.connection.path()
	if info, err := os.Stat(filepath.Dir(b.Path)); err != nil || !info.IsDir() {
		return b, usage("", "there is no directory %s for %s", filepath.Dir(b.Path), filepath.Base(b.Path))
	}
	if _, err := p.shelf(); err != nil {
		return b, err
	}
	from := o.connection
	if _, err := os.Stat(b.Path); errors.Is(err, fs.ErrNotExist) {
		from.file = ""
	}
	b.own, from.untouched = from.file != "", o.dryRun
	if from.given() {
		var err error
		if b.Start.Connection, err = p.lay(&from); err != nil {
			return b, err
		}
		if err := p.knownProfiles(b.Start.Connection); err != nil {
			return b, usage("", "%s cannot be started from:\n%w", from.source(), err)
		}
	}
	if b.own {
		var err error
		if b.Unfinished, err = (&provisioning{connection: b.Start.Connection, path: b.Path}).unfinished(); err != nil {
			return b, err
		}
	}
	token, err := p.givenToken()
	if err != nil {
		return b, err
	}
	b.Start.EdgeToken = token
	b.Start.AdminSecret = o.secret
	if o.secret != "" {
		b.Start.AdminBy = wizard.ByPassword
		return b, nil
	}
	return b, p.givenSecret(&b.Start)
}

// chooseFile asks whether to start from the file that is here. One that is there is never overwritten unasked.
func (p *program) chooseFile(ctx context.Context, o *wizardOptions) error {
	if o.connection.file != "" {
		return nil
	}
	if _, err := os.Stat(defaultFile); err != nil {
		return nil
	}
	other := freeName()
	if !p.asks() {
		return usage("-f "+defaultFile+" starts from it, -f "+other+" begins another", "there is a %s here", defaultFile)
	}
	line, err := p.ask(ctx, fmt.Sprintf("There is a %s here. Start from it? (n begins %s) [Y/n]", defaultFile, other))
	if err != nil {
		return err
	}
	o.connection.file = defaultFile
	if line == "n" || line == "N" || line == "no" {
		o.connection.file = other
	}
	return nil
}

// freeName is a name for another connection that no file has.
func freeName() string {
	for n := 2; ; n++ {
		name := fmt.Sprintf("mcpwiz-%d.yaml", n)
		if _, err := os.Stat(name); err != nil {
			return name
		}
	}
}

// givenToken is Cloudflare's from the environment, where it is.
func (p *program) givenToken() (plan.Secret, error) {
	token, err := plan.Ask(p.env, plan.EnvCloudflareToken, nil)
	switch {
	case err == nil:
		return token, nil
	case !errors.Is(err, plan.ErrNoSecret):
		return "", usage("", "%w", err)
	}
	return "", nil
}

// givenSecret takes the administrator's secret from the environment, where it is; the wizard asks for the rest.
func (p *program) givenSecret(a *wizard.Answers) error {
	admin := a.Connection.Keycloak.Admin
	for _, way := range []struct {
		env, by string
		fits    bool
	}{
		{plan.EnvToken, wizard.ByToken, true},
		{plan.EnvClientSecret, wizard.ByClient, admin.ClientID != ""},
		{plan.EnvPassword, wizard.ByPassword, admin.ClientID == ""},
	} {
		if !way.fits {
			continue
		}
		secret, err := plan.Ask(p.env, way.env, nil)
		switch {
		case err == nil:
			a.AdminSecret, a.AdminBy = secret, way.by
			return nil
		case !errors.Is(err, plan.ErrNoSecret):
			return usage("", "%w", err)
		}
	}
	return nil
}
