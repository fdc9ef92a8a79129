package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// setupKeys are the keys that setup uses.
var setupKeys = []string{"url", "issuer", "admin-url", "ca-file", "realm", "create-realm", "allow-vulnerable", "sign-in", "admin-user", "admin-client", "admin-realm",
	"scope", "client", "user", "tool-scope", "method-scope"}

type setupOptions struct {
	connection  connectionFlags
	dryRun, yes bool
}

func (p *program) setup() *cobra.Command {
	var o setupOptions
	c := &cobra.Command{
		Use:   "setup",
		Short: "Make Keycloak as the connection asks: realm, audience scope, clients, test users",
		Long: `setup plans what Keycloak lacks, shows it as a diff, and applies it one by one; each change is read again and compared. What
mcpwiz did not make it does not change, unless told to adopt it. A second run has nothing to do.

The administrator's password is taken from MCPWIZ_KEYCLOAK_PASSWORD, the file that MCPWIZ_KEYCLOAK_PASSWORD_FILE names, or a
prompt; a client's secret from MCPWIZ_KEYCLOAK_CLIENT_SECRET; a token from MCPWIZ_KEYCLOAK_TOKEN. Secrets that are made are
kept in mcpwiz.secrets.yaml beside the file.`,
		Example: `  mcpwiz setup -f mcpwiz.yaml
  mcpwiz setup -f mcpwiz.yaml --dry-run        # only show what would change
  mcpwiz setup --url https://mcp.example.com/mcp --issuer https://id.example.com/realms/mcp \
      --create-realm --admin-user admin --client claude-ai --client m2m,id=robot --user alice`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runSetup(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "stop at the plan")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "apply the plan without asking")
	return c
}

func (p *program) runSetup(ctx context.Context, o *setupOptions) error {
	o.connection.untouched = o.dryRun
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: o.connection.path()}
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.plan.Write(p.out); err != nil {
		return err
	}
	callbacks, err := p.newCallbacks(c, s.path)
	if err != nil {
		return err
	}
	if err := p.writeNewCallbacks(callbacks); err != nil {
		return err
	}
	if apply, err := s.agreed(ctx, o.dryRun, o.yes); !apply {
		if err == nil && !o.dryRun && s.plan.Empty() {
			err = s.settleBefore()
		}
		return err
	}
	if err := s.apply(ctx); err != nil {
		return err
	}
	p.say("\nKeycloak is as asked. Next:\n  %s", strings.Join(s.next(&o.connection), "\n  "))
	return nil
}

// agreed says of a plan that is shown what the account may do of it, and asks whether to apply it. A plan that can be applied
// in part only is not applied at all.
func (s *provisioning) agreed(ctx context.Context, dryRun, yes bool) (bool, error) {
	p, stopped := s.program, s.plan.Stopped()
	switch {
	case len(stopped) > 0:
		return false, failed(fmt.Errorf("%w: nothing was touched", plan.ErrStopped), proposals(stopped))
	case s.plan.Empty():
		return false, nil
	}
	may, err := s.tellPermission(ctx, true)
	switch {
	case err != nil || dryRun:
		return false, err
	case len(may.Lacks) > 0:
		return false, failed(errors.New("the account may not do all of it: nothing was touched"),
			"give it the roles (of client realm-management in the realm), or sign in as somebody who has them\nmcpwiz keycloak bootstrap makes an administrator of the realm's own that has just these")
	}
	if err := s.tellUnfinished(); err != nil || yes {
		return err == nil, err
	}
	if !p.asks() {
		return false, usage("--yes applies the plan, --dry-run only shows it", "there is no terminal to ask on whether to apply the plan")
	}
	ok, err := p.confirm(ctx, "Apply it?")
	if err == nil && !ok {
		p.say("Nothing was touched.")
		err = ended(exitFailed)
	}
	return ok, err
}

// tellPermission says which steps of the plan the account may do; that it may do all of them only where that is asked for.
func (s *provisioning) tellPermission(ctx context.Context, all bool) (plan.Permission, error) {
	may, err := s.admin.May(ctx, s.connection.Defaults().Keycloak.Realm, s.plan)
	if err == nil && may.Steps > 0 && (all || len(may.Lacks) > 0) {
		s.program.say("%s.", may)
	}
	return may, err
}

// tellUnfinished says that the run before did not come to its end, unless that is at work still.
func (s *provisioning) tellUnfinished() error {
	before, err := s.unfinished()
	if err != nil || len(before) == 0 {
		return err
	}
	if err := s.journal().Free(); err != nil {
		return failed(err, hintLocked)
	}
	s.program.say("The run of %s did not come to its end: this one goes on where it stopped; mcpwiz undo goes back instead.",
		before[0].Time.Local().Format(time.DateTime))
	return nil
}

// settleBefore ends the run before, where it was killed so late that nothing is left to do, and says so.
func (s *provisioning) settleBefore() error {
	before, err := s.unfinished()
	if err != nil || len(before) == 0 {
		return err
	}
	err = s.settle(s.journal())
	switch {
	case errors.Is(err, plan.ErrLocked): // about to say so itself
		return nil
	case err == nil:
		s.program.say("The run of %s did not come to its end, but all of it is in place.", before[0].Time.Local().Format(time.DateTime))
	}
	return err
}

const hintLocked = "nothing was touched: wait until it is done, then the same command looks again"

func proposals(stopped []plan.Change) string {
	var all []string
	for _, c := range stopped {
		all = append(all, c.Resource+": "+c.Propose)
	}
	return strings.Join(all, "\n")
}

// A provisioning is what setup and demo do with a connection.
type provisioning struct {
	program    *program
	connection plan.Connection
	// path is the connection's file, beside which secrets and journal are kept.
	path string
	// signIn says who signs in; nil asks the environment and the person.
	signIn func(context.Context, plan.Keycloak) (keycloak.Options, error)

	admin     *keycloak.Admin
	secrets   *plan.Secrets
	resources []plan.Resource
	plan      plan.Plan
}

// look signs in and plans.
func (s *provisioning) look(ctx context.Context) (err error) {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.plan, err = plan.Look(ctx, s.resources)
	return err
}

// begin signs in.
func (s *provisioning) begin(ctx context.Context) (err error) {
	if s.secrets, err = plan.LoadSecrets(plan.SecretsPath(s.path)); err != nil {
		return err
	}
	signIn := s.signIn
	if signIn == nil {
		signIn = func(ctx context.Context, k plan.Keycloak) (keycloak.Options, error) {
			return s.program.administrator(ctx, k, s.secrets)
		}
	}
	who, err := signIn(ctx, s.connection.Defaults().Keycloak)
	if err != nil {
		return err
	}
	if s.admin, err = s.program.login(ctx, who); err != nil {
		return err
	}
	if err := s.admin.Learn(ctx); err != nil {
		return err
	}
	if s.resources, err = keycloak.Resources(s.admin, s.connection, s.secrets, s.program.profileOf); err != nil {
		return usage("", "%w", err)
	}
	return nil
}

// login asks for the one-time code where the account may need one and there is somebody to ask: Keycloak refuses a missing
// one as it refuses a wrong password.
func (p *program) login(ctx context.Context, who keycloak.Options) (*keycloak.Admin, error) {
	admin, err := keycloak.Login(ctx, who)
	if !keycloak.MayLackCode(err) || who.User == "" || who.OneTimeCode != "" || !p.asks() {
		return admin, err
	}
	code, asked := p.ask(ctx, "Keycloak refuses it. One-time code of "+who.User+", if the account has a second factor:")
	if asked != nil || code == "" {
		return nil, errors.Join(err, asked)
	}
	who.OneTimeCode = plan.Secret(code)
	return keycloak.Login(ctx, who)
}

// apply applies the plan, tells how far it is, and on the way out what is in place.
func (s *provisioning) apply(ctx context.Context) error {
	p, made := s.program, 0
	err := s.applyPlan(ctx, s.plan, func(at plan.Progress) {
		switch {
		case !at.Done || at.Change.Empty():
		case at.Err != nil:
			p.say("  %s %s", p.mark(false), at.Change.Resource)
		default:
			made++
			p.say("  %s %s  %s", p.mark(true), at.Change.Resource, pastOf[at.Change.Action])
		}
	})
	if err == nil {
		return nil
	}
	hint := fmt.Sprintf("%d of %d changes are in place; what was changed is in %s\nthe same command goes on where this one stopped",
		made, changes(s.plan), plan.JournalPath(s.path))
	if made > 0 {
		hint += "\nmcpwiz undo puts back what was"
	}
	if ctx.Err() != nil {
		p.say("%s", hint)
		return err
	}
	switch {
	case errors.Is(err, plan.ErrMoved):
		hint = "somebody else changes Keycloak at the same time\n" + hint
	case errors.Is(err, plan.ErrLocked):
		hint = hintLocked
	}
	return failed(err, hint)
}

// applyPlan makes the changes of a plan that look made.
func (s *provisioning) applyPlan(ctx context.Context, p plan.Plan, told func(plan.Progress)) error {
	return plan.Apply(ctx, s.resources, p, s.journal(), told)
}

// journal is that of a new run.
func (s *provisioning) journal() *plan.Journal {
	j := plan.OpenJournal(plan.JournalPath(s.path))
	j.Place = s.place()
	return j
}

var pastOf = map[plan.Action]string{plan.Create: "made", plan.Update: "changed", plan.Delete: "deleted"}

func changes(of plan.Plan) int {
	n := 0
	for _, c := range of.Changes {
		if !c.Empty() {
			n++
		}
	}
	return n
}

// next are the commands that come after setup.
func (s *provisioning) next(f *connectionFlags) []string {
	var all []string
	for _, c := range s.connection.Defaults().Clients {
		if c.Profile != plan.Introspection && !c.RegistersItself() {
			all = append(all, fmt.Sprintf("mcpwiz credentials %s %s", quoted(c.ID), f.flags(credentialsKeys...)))
		}
	}
	return append(all, "mcpwiz serve "+f.flags(serveKeys...))
}

// administrator takes who signs in to the Admin API from the connection, and the secret from wherever it is given; that of a
// client which mcpwiz has made is kept.
func (p *program) administrator(ctx context.Context, k plan.Keycloak, secrets *plan.Secrets) (keycloak.Options, error) {
	o := keycloak.Options{AdminURL: k.AdminURL, CAFile: k.CAFile, Realm: k.Admin.Realm, User: k.Admin.User, ClientID: k.Admin.ClientID}
	token, err := plan.Ask(p.env, plan.EnvToken, nil)
	switch {
	case err == nil:
		o.User, o.ClientID, o.Token = "", "", token
		return o, nil
	case !errors.Is(err, plan.ErrNoSecret):
		return o, err
	case o.ClientID != "":
		prompt := p.prompt(ctx, "Secret of the admin client "+o.ClientID)
		if secret, kept := secrets.Get(plan.ClientSecret(o.ClientID)); kept {
			prompt = func() (plan.Secret, error) { return secret, nil }
		}
		o.ClientSecret, err = plan.Ask(p.env, plan.EnvClientSecret, prompt)
	case o.User != "":
		if o.Password, err = plan.Ask(p.env, plan.EnvPassword, p.prompt(ctx, "Keycloak password of "+o.User)); err == nil {
			o.OneTimeCode, err = p.givenCode()
		}
	default:
		return o, usage("--admin-user NAME, or keycloak.admin.user in mcpwiz.yaml; or --admin-client, or a token in "+plan.EnvToken,
			"nobody is named who signs in to Keycloak at %s", k.AdminURL)
	}
	if errors.Is(err, plan.ErrNoSecret) {
		return o, usage("", "the secret of %s%s is %w", o.User, o.ClientID, err)
	}
	return o, err
}

// givenCode is the administrator's one-time code, where one is given.
func (p *program) givenCode() (plan.Secret, error) {
	code, err := plan.Ask(p.env, plan.EnvCode, nil)
	if errors.Is(err, plan.ErrNoSecret) {
		return "", nil
	}
	return code, err
}
