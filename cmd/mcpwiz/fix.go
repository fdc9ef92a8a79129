package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/tui"
)

type fixOptions struct {
	handshakeOptions
	yes, dryRun bool
}

func (p *program) fix() *cobra.Command {
	var o fixOptions
	c := &cobra.Command{
		Use:   "fix",
		Short: "Put right in Keycloak and at Cloudflare exactly what the doctor's findings name, and prove it",
		Long: `fix makes the doctor's handshakes and looks into Keycloak as its administrator, and into Cloudflare where a token is given
(MCPWIZ_CLOUDFLARE_TOKEN). Of all that the connection asks for it plans only
the resources that a finding names, shows them as a diff, and after you agree applies them and judges again. What only a hand can
put right is told with what to do. mcpwiz undo goes back.

Secrets come from where setup and doctor take them. It exits with 0 when nothing that failed is left, else with 1.`,
		Example: `  mcpwiz fix -f mcpwiz.yaml
  mcpwiz fix -f mcpwiz.yaml --dry-run     # what is wrong, and what would change
  mcpwiz fix -f mcpwiz.yaml --login alice --consent --yes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runFix(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	f := c.Flags()
	f.StringVar(&o.login, "login", "", "log in as this `user`, walking the login pages without a browser; a test user of the file does by itself")
	f.BoolVar(&o.consent, "consent", false, "give consent in the user's name where the login asks for it")
	f.BoolVar(&o.dryRun, "dry-run", false, "stop at the plan")
	f.BoolVarP(&o.yes, "yes", "y", false, "apply the plan without asking")
	return c
}

func (p *program) runFix(ctx context.Context, o *fixOptions) error {
	o.connection.untouched = true
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: o.connection.path()}
	if err := s.begin(ctx); err != nil {
		return err
	}
	r := repair{provisioning: &s, options: o}
	wrong, err := r.examine(ctx)
	if err != nil {
		return err
	}
	if len(wrong) == 0 {
		_, err := fmt.Fprintln(p.out, "Nothing is wrong that could be seen.")
		return err
	}
	chosen, planned, err := r.choose(ctx, wrong)
	if err != nil {
		return err
	}
	if err := r.tell(wrong, chosen); err != nil {
		return err
	}
	if planned.Empty() {
		p.say("Nothing of it is mcpwiz's to change.")
		return leftWrong(wrong)
	}
	if err := planned.Write(p.out); err != nil || o.dryRun {
		return err
	}
	if ok, err := r.mayFix(ctx); !ok {
		return err
	}
	all := s.resources
	s.resources, s.plan = chosen, planned
	if err := s.apply(ctx); err != nil {
		return err
	}
	s.resources = all
	return r.prove(ctx, wrong)
}

// A repair is what fix does with a connection.
type repair struct {
	*provisioning
	options *fixOptions
}

// examine makes the handshakes, looks into Keycloak, and returns what is wrong: each finding once, though several handshakes may
// have come to it.
func (r *repair) examine(ctx context.Context) ([]probe.Finding, error) {
	p := r.program
	all, err := r.handshakes(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Probes = true
	}
	if err := r.inform(ctx, all); err != nil {
		return nil, err
	}
	informOfTunnel(r.connection.Defaults(), r.path, all)
	if r.edge != nil {
		informOfEdge(r.edge, r.connection, all)
	}
	told := report.NewCollector(checks.All)
	if _, err := p.make(ctx, all, told.Sink); err != nil {
		return nil, err
	}
	var wrong []probe.Finding
	for _, one := range told.Reports() {
		for _, f := range one.Findings {
			same := func(g probe.Finding) bool { return g.Check == f.Check && g.Detail == f.Detail }
			if (f.Outcome == probe.Failed || f.Outcome == probe.Warned) && !slices.ContainsFunc(wrong, same) {
				wrong = append(wrong, f)
			}
		}
	}
	return wrong, nil
}

// handshakes are those of the connection's clients; where none can be made, one as a stranger.
func (r *repair) handshakes(ctx context.Context) ([]client.Options, error) {
	o := r.options.handshakeOptions
	c := r.connection.Defaults()
	o.issuer = c.Keycloak.Issuer
	var all []client.Options
	for _, one := range c.Clients {
		if !o.chooses(one) || one.RegistersItself() {
			continue
		}
		h, err := r.program.fileHandshake(ctx, &o, c, r.secrets, one)
		if err != nil {
			return nil, fmt.Errorf("client %s: %w", one.ID, err)
		}
		all = append(all, h)
	}
	if len(all) == 0 {
		h, err := r.program.handshake(c.Servers[0].URL, defaultProfile)
		return []client.Options{h}, err
	}
	return all, nil
}

// choose plans the resources that findings name. What the plan refuses is left out, and told.
func (r *repair) choose(ctx context.Context, wrong []probe.Finding) (chosen []plan.Resource, planned plan.Plan, err error) {
	for _, one := range r.resources {
		if !names(wrong, one.Name()) {
			continue
		}
		insist(one)
		p, err := plan.Look(ctx, []plan.Resource{one})
		if err != nil {
			return nil, planned, err
		}
		if stopped := p.Stopped(); len(stopped) > 0 {
			r.program.say("%s is left alone: %s\n  instead: %s", one.Name(), stopped[0].Stop, stopped[0].Propose)
			continue
		}
		if !p.Empty() {
			chosen, planned.Changes = append(chosen, one), append(planned.Changes, p.Changes...)
		}
	}
	return chosen, planned, nil
}

// insist tells a resource that a finding names it, which shows more than a look at the settings does.
func insist(one plan.Resource) {
	if by, ok := one.(interface{ Insist() }); ok {
		by.Insist()
	}
}

func names(found []probe.Finding, resource string) bool {
	return slices.ContainsFunc(found, func(f probe.Finding) bool { return slices.Contains(f.Resources(), resource) })
}

// mendedBy are the resources of a finding that are among those chosen.
func mendedBy(f probe.Finding, chosen []plan.Resource) []string {
	return slices.DeleteFunc(f.Resources(), func(name string) bool {
		return !slices.ContainsFunc(chosen, func(r plan.Resource) bool { return r.Name() == name })
	})
}

// tell says what is wrong, and what of it the plan puts right.
func (r *repair) tell(wrong []probe.Finding, chosen []plan.Resource) error {
	p := r.program
	for _, f := range wrong {
		by := mendedBy(f, chosen)
		fmt.Fprintf(p.out, "%s %s\n    seen  %s\n", p.markOf(f), f.Check, tui.Plain(f.Detail))
		switch {
		case len(by) > 0:
			fmt.Fprintf(p.out, "    by    %s\n", strings.Join(by, ", "))
		case f.Because != "":
			fmt.Fprintf(p.out, "    for   %s\n", f.Because)
		case f.Remedy != "":
			fmt.Fprintf(p.out, "    mend  %s\n", tui.Plain(f.Remedy))
		}
	}
	_, err := fmt.Fprintln(p.out)
	return err
}

// markOf is that of a finding that did not pass.
func (p *program) markOf(f probe.Finding) string {
	if f.Outcome == probe.Warned {
		return "!"
	}
	return p.mark(false)
}

func (r *repair) mayFix(ctx context.Context) (bool, error) {
	p := r.program
	if r.options.yes {
		return true, nil
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

// prove judges again, and tells of each thing that was wrong what has become of it.
func (r *repair) prove(ctx context.Context, before []probe.Finding) error {
	p := r.program
	after, err := r.examine(ctx)
	if err != nil {
		return errors.Join(errors.New("what was changed is in place, and could not be proved"), err)
	}
	fmt.Fprintln(p.out)
	for _, f := range before {
		if !slices.ContainsFunc(after, func(g probe.Finding) bool { return g.Check == f.Check }) {
			fmt.Fprintf(p.out, "%s %s\n", p.mark(true), f.Check)
		}
	}
	for _, f := range after {
		fmt.Fprintf(p.out, "%s %s  %s\n", p.markOf(f), f.Check, tui.Plain(f.Detail))
		if f.Remedy != "" && f.Because == "" {
			fmt.Fprintf(p.out, "    mend  %s\n", tui.Plain(f.Remedy))
		}
	}
	return leftWrong(after)
}

// leftWrong ends with 1 where something failed.
func leftWrong(all []probe.Finding) error {
	if slices.ContainsFunc(all, func(f probe.Finding) bool { return f.Outcome == probe.Failed }) {
		return ended(exitFailed)
	}
	return nil
}
