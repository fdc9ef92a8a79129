package main

import (
	"github.com/spf13/cobra"
)

// keycloak is about the Keycloak of a connection itself, where setup is about what the connection asks of it.
func (p *program) keycloak() *cobra.Command {
	c := &cobra.Command{
		Use:   "keycloak",
		Short: "Look after Keycloak itself: a lesser administrator, secrets, clients that pile up",
		Example: `  mcpwiz keycloak bootstrap -f mcpwiz.yaml              # so that nobody has to keep the password of master
  mcpwiz keycloak rotate-secret claude -f mcpwiz.yaml   # a new secret for a client
  mcpwiz keycloak prune-clients -f mcpwiz.yaml          # what has registered itself again and again`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.bootstrap(), p.rotateSecret(), p.pruneClients())
	return c
}
