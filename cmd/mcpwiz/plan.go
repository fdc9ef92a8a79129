package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// exitDrift: something would change.
const exitDrift = 5

type planOptions struct {
	connection connectionFlags
	format     string
	export     string
}

func (p *program) plan() *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what setup would change in Keycloak, and touch nothing",
		Long: `plan looks at Keycloak as setup does and shows as a diff what would be made and changed, field by field, and what is left alone.
It exits with 0 when nothing would change, with 5 when something would, and with 1 when the plan is stopped by what is not
mcpwiz's to change: so it tells in CI that somebody has changed Keycloak by hand.

--export writes it for those who manage Keycloak elsewhere, with placeholders where secrets belong: kcadm is a shell script of
what would change; realm is JSON for kc.sh import, or, for a realm that is there already, for keycloak-config-cli; terraform is
for the provider keycloak/keycloak. Both have all that the connection asks for.`,
		Example: `  mcpwiz plan -f mcpwiz.yaml
  mcpwiz plan -f mcpwiz.yaml --format json | jq '.changes[] | select(.action != "none")'
  mcpwiz plan -f mcpwiz.yaml --export kcadm > setup.sh`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runPlan(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	addFormat(c, &o.format, "text", "json")
	c.Flags().StringVar(&o.export, "export", "", "write it for another `tool`: kcadm, realm, terraform; exits with 0")
	completed(c, "export", func() []string { return keycloak.Exports })
	return c
}

func (p *program) runPlan(ctx context.Context, o *planOptions) error {
	if err := oneOf("format", o.format, "text", "json"); err != nil {
		return err
	}
	if o.export != "" {
		if err := oneOf("export", o.export, keycloak.Exports...); err != nil {
			return err
		}
		if o.format != "text" {
			return usage("leave --format out", "--export %s is in a form of its own", o.export)
		}
	}
	o.connection.untouched = true
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: o.connection.path()}
	if err := s.look(ctx); err != nil {
		return err
	}
	stopped := s.plan.Stopped()
	if o.export != "" {
		if len(stopped) > 0 {
			return failed(fmt.Errorf("%w: %s: %s", plan.ErrStopped, stopped[0].Resource, stopped[0].Stop), proposals(stopped))
		}
		return s.export(ctx, o.export)
	}
	callbacks, err := p.newCallbacks(c, s.path)
	if err != nil {
		return err
	}
	if o.format == "json" {
		d := newPlanDocument(c.Defaults().Keycloak.Issuer, s.plan)
		d.NewCallbacks = callbacks
		err = p.writeJSON(d)
	} else if err = s.plan.Write(p.out); err == nil {
		err = p.writeNewCallbacks(callbacks)
	}
	if err == nil && len(stopped) == 0 {
		_, err = s.tellPermission(ctx, false)
	}
	switch {
	case err != nil:
		return err
	case len(stopped) > 0:
		return failed(fmt.Errorf("%w: setup would touch nothing", plan.ErrStopped), proposals(stopped))
	case !s.plan.Empty():
		return ended(exitDrift)
	}
	return nil
}

// export writes the plan for another tool, and says what it leaves out.
func (s *provisioning) export(ctx context.Context, format string) error {
	e := keycloak.Export{Admin: s.admin, Connection: s.connection, Secrets: s.secrets, Profiles: s.program.profileOf, Plan: s.plan}
	skipped, err := e.Write(ctx, s.program.out, format)
	for _, one := range skipped {
		s.program.say("Not in the export: %s", one)
	}
	return err
}

// A planDocument is what programs read: members are only ever added.
type planDocument struct {
	Schema  string           `json:"schema"`
	Issuer  string           `json:"issuer"`
	Status  string           `json:"status"` // "empty", "changes" or "stopped"
	Changes []documentChange `json:"changes"`
	// NewCallbacks are those that clients came with and are not registered; they are no change, and do not count for the status.
	NewCallbacks []newCallback `json:"new_callbacks,omitempty"`
}

// A documentChange is one without what undo needs: that is for the journal, and in no stable order.
type documentChange struct {
	Resource string       `json:"resource"`
	Action   plan.Action  `json:"action"`
	Fields   []plan.Field `json:"fields"`
	Note     string       `json:"note,omitempty"`
	Stop     string       `json:"stop,omitempty"`
	Propose  string       `json:"propose,omitempty"`
}

func newPlanDocument(issuer string, p plan.Plan) planDocument {
	d := planDocument{Schema: "mcpwiz.plan/1", Issuer: issuer, Status: "changes", Changes: []documentChange{}}
	switch {
	case len(p.Stopped()) > 0:
		d.Status = "stopped"
	case p.Empty():
		d.Status = "empty"
	}
	for _, c := range p.Changes {
		action := c.Action
		if c.Empty() {
			action = plan.None
		}
		d.Changes = append(d.Changes, documentChange{c.Resource, action, append([]plan.Field{}, c.Fields...), c.Note, c.Stop, c.Propose})
	}
	return d
}
