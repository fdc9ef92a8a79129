package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type bootstrapOptions struct {
	connection  connectionFlags
	dryRun, yes bool
}

func (p *program) bootstrap() *cobra.Command {
	var o bootstrapOptions
	c := &cobra.Command{
		Use:   "bootstrap",
		Short: "Make an administrator of the realm's own, with the roles that setup needs and no others",
		Long: `bootstrap signs in once with a credential of master, makes the realm where the connection asks for one, and in it the client
mcpwiz-admin with a service account that has only the roles which the connection needs. It then signs in as that client and
says which of setup's steps it may do. From then on setup, plan and undo take its secret from mcpwiz.secrets.yaml, and nobody
has to keep the credential of master. mcpwiz undo takes it back.`,
		Example: `  mcpwiz keycloak bootstrap -f mcpwiz.yaml
  mcpwiz keycloak bootstrap -f mcpwiz.yaml --admin-user admin --admin-realm master --dry-run`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runBootstrap(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "stop at the plan")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "apply the plan without asking")
	return c
}

func (p *program) runBootstrap(ctx context.Context, o *bootstrapOptions) error {
	o.connection.untouched = o.dryRun
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, only: keycloakPrefix, connection: c, path: o.connection.path()}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if s.resources, err = keycloak.Bootstrap(s.admin, c, s.secrets, p.profileOf); err != nil {
		return usage("", "%w", err)
	}
	if s.plan, err = plan.Look(ctx, s.resources); err != nil {
		return err
	}
	if err := s.plan.Write(p.out); err != nil {
		return err
	}
	if apply, err := s.agreed(ctx, o.dryRun, o.yes); err != nil || o.dryRun || !apply && !s.plan.Empty() {
		return err
	} else if apply {
		if err := s.apply(ctx); err != nil {
			return err
		}
	}
	return s.proveAdministrator(ctx)
}

// proveAdministrator signs in as the new administrator and asks what it may do.
func (s *provisioning) proveAdministrator(ctx context.Context) error {
	p, k := s.program, s.connection.Defaults().Keycloak
	lesser := provisioning{program: p, only: keycloakPrefix, connection: s.connection, path: s.path, signIn: func(_ context.Context, k plan.Keycloak) (keycloak.Options, error) {
		secret, _ := s.secrets.Get(plan.ClientSecret(keycloak.AdminClient))
		return keycloak.Options{AdminURL: k.AdminURL, CAFile: k.CAFile, Realm: k.Realm, ClientID: keycloak.AdminClient, ClientSecret: secret}, nil
	}}
	if err := lesser.look(ctx); err != nil {
		return err
	}
	may, err := lesser.admin.May(ctx, k.Realm, lesser.plan)
	if err != nil {
		return err
	}
	if may.Steps > 0 {
		p.say("\n%s of mcpwiz setup.", may)
	}
	if len(may.Lacks) > 0 {
		return failed(fmt.Errorf("%s does not suffice", keycloak.AdminClient), "this is a mistake of mcpwiz: please tell it")
	}
	_, err = fmt.Fprintf(p.out, `
In mcpwiz.yaml, in the place of who signs in now:

keycloak:
  admin:
    client_id: %s
    realm: %s

Its secret is in %s: setup, plan and undo find it there.
Then forget the credential of %s:
  unset %s %s_FILE %s, and delete the file, if there is one
  was it made for Keycloak's first start: take KC_BOOTSTRAP_ADMIN_USERNAME and KC_BOOTSTRAP_ADMIN_PASSWORD out of Keycloak's environment,
  and delete that user in the realm master as soon as there is another administrator
mcpwiz itself has kept nothing of it.
`, keycloak.AdminClient, k.Realm, plan.SecretsPath(s.path), k.Admin.Realm, plan.EnvPassword, plan.EnvPassword, plan.EnvToken)
	return err
}
