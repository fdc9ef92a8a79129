package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type rotateOptions struct {
	connection connectionFlags
	client     string
	yes        bool
}

func (p *program) rotateSecret() *cobra.Command {
	var o rotateOptions
	c := &cobra.Command{
		Use:   "rotate-secret CLIENT",
		Short: "Give a client a new secret, or a new key",
		Long: `rotate-secret makes a new secret for a client of the connection, or a new key for one that signs in with a key, keeps it in
mcpwiz.secrets.yaml and gives it to Keycloak. Who uses the present one is refused from then on; tokens that are out stay good
until they are over. mcpwiz-admin is the client that mcpwiz keycloak bootstrap has made.`,
		Example: `  mcpwiz keycloak rotate-secret claude -f mcpwiz.yaml`,
		Args:    oneArg("client"),
		RunE: func(c *cobra.Command, args []string) error {
			o.client = args[0]
			return p.runRotateSecret(c.Context(), &o)
		},
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do it without asking")
	return c
}

func (p *program) runRotateSecret(ctx context.Context, o *rotateOptions) error {
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, only: keycloakPrefix, connection: c, path: o.connection.path()}
	if err := s.begin(ctx); err != nil {
		return err
	}
	one, err := keycloak.Rotation(s.admin, c, s.secrets, p.profileOf, o.client)
	if err != nil {
		return usage("", "%w", err)
	}
	s.resources = []plan.Resource{one}
	if s.plan, err = plan.Look(ctx, s.resources); err != nil {
		return err
	}
	if err := s.plan.Write(p.out); err != nil {
		return err
	}
	if apply, err := s.agreed(ctx, false, o.yes); !apply {
		return err
	}
	if err := s.apply(ctx); err != nil {
		return err
	}
	if o.client != keycloak.AdminClient {
		p.say("\nGive it to the client:\n  mcpwiz credentials %s %s", quoted(o.client), o.connection.flags(credentialsKeys...))
	}
	return nil
}
