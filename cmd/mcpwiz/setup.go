package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// setupKeys are the keys that setup uses.
var setupKeys = []string{"url", "issuer", "admin-url", "ca-file", "realm", "create-realm", "allow-vulnerable", "sign-in", "admin-user", "admin-client", "admin-realm",
	"scope", "client", "user", "tool-scope", "method-scope", "front", "listen", "expose", "account", "zone", "tunnel-name", "expose-keycloak", "edge-rules", "adopt-edge"}

type setupOptions struct {
	connection  connectionFlags
	dryRun, yes bool
}

func (p *program) setup() *cobra.Command {
	var o setupOptions
	c := &cobra.Command{
		Use:   "setup",
		Short: "Make Keycloak as the connection asks: realm, audience scope, clients, test users; and its public url at Cloudflare",
		Long: `setup plans what Keycloak lacks, shows it as a diff, and applies it one by one; each change is read again and compared. What
mcpwiz did not make it does not change, unless told to adopt it. A second run has nothing to do. With expose.way cloudflare or
existing-tunnel the tunnel, its rules and the names stand in the same plan; see mcpwiz expose.

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
	if s.site != nil {
		if _, err := s.keepRunToken(ctx); err != nil {
			return err
		}
	}
	p.say("\n%s as asked. Next:\n  %s", s.what(), strings.Join(s.next(&o.connection), "\n  "))
	return nil
}

// what is what setup sees to.
func (s *provisioning) what() string {
	switch {
	case s.site == nil:
		return "Keycloak is"
	case s.only == cloudflarePrefix:
		return "Cloudflare is"
	}
	return "Keycloak and Cloudflare are"
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
	lacks, err := s.tellPermission(ctx, true)
	switch {
	case err != nil || dryRun:
		return false, err
	case len(lacks) > 0:
		return false, failed(errors.New("not all of it may be done: nothing was touched"), wayOut(lacks))
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

// tellPermission says which steps of the plan the account and the API token may do; that they may do all of them only where that is
// asked for. It returns what lacks.
func (s *provisioning) tellPermission(ctx context.Context, all bool) (lacks []plan.Lack, err error) {
	asked, err := s.may(ctx, s.plan)
	for _, may := range asked {
		if may.Steps > 0 && (all || len(may.Lacks) > 0) {
			s.program.say("%s.", may)
		}
		lacks = append(lacks, may.Lacks...)
	}
	return lacks, err
}

// may asks who signs in which steps of a plan it may do.
func (s *provisioning) may(ctx context.Context, p plan.Plan) ([]plan.Permission, error) {
	var asked []plan.Permission
	if s.site != nil { // without one there is nothing but rules, and those say themselves what they lack
		may, err := s.site.May(ctx, of(p, cloudflarePrefix))
		if err != nil {
			return nil, err
		}
		asked = append(asked, may)
	}
	if s.admin != nil {
		may, err := s.admin.May(ctx, s.connection.Defaults().Keycloak.Realm, of(p, keycloakPrefix))
		if err != nil {
			return nil, err
		}
		asked = append(asked, may)
	}
	return asked, nil
}

// What the names of resources begin with.
const (
	keycloakPrefix   = "keycloak/"
	cloudflarePrefix = "cloudflare/"
)

// of returns the changes of a plan whose resources are of one kind.
func of(p plan.Plan, prefix string) (part plan.Plan) {
	for _, c := range p.Changes {
		if strings.HasPrefix(c.Resource, prefix) {
			part.Changes = append(part.Changes, c)
		}
	}
	return part
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

// wayOut says how to come by what lacks.
func wayOut(lacks []plan.Lack) string {
	var hints []string
	if slices.ContainsFunc(lacks, func(l plan.Lack) bool { return strings.HasPrefix(l.Resource, cloudflarePrefix) }) {
		hints = append(hints, "edit the token in Cloudflare's dashboard, My Profile, API Tokens, or make one that has the permissions")
	}
	if slices.ContainsFunc(lacks, func(l plan.Lack) bool { return strings.HasPrefix(l.Resource, keycloakPrefix) }) {
		hints = append(hints, "give the account the roles (of client realm-management in the realm), or sign in as somebody who has them",
			"mcpwiz keycloak bootstrap makes an administrator of the realm's own that has just these")
	}
	return strings.Join(hints, "\n")
}

const hintLocked = "nothing was touched: wait until it is done, then the same command looks again"

func proposals(stopped []plan.Change) string {
	var all []string
	for _, c := range stopped {
		all = append(all, c.Resource+": "+c.Propose)
	}
	return strings.Join(all, "\n")
}

// next are the commands that come after setup.
func (s *provisioning) next(f *connectionFlags) []string {
	var all []string
	for _, c := range s.connection.Defaults().Clients {
		if c.Profile != plan.Introspection && !c.RegistersItself() {
			all = append(all, fmt.Sprintf("mcpwiz credentials %s %s", quoted(c.ID), f.flags(credentialsKeys...)))
		}
	}
	serve := "mcpwiz serve " + f.flags(serveKeys...)
	if s.runToken != "" {
		serve += " --tunnel"
	}
	return append(all, serve)
}
