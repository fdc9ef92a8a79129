package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/keycloak"
)

type pruneOptions struct {
	connection connectionFlags
	yes        bool
}

func (p *program) pruneClients() *cobra.Command {
	var o pruneOptions
	c := &cobra.Command{
		Use:   "prune-clients",
		Short: "Delete clients that have registered themselves again and again and are used by nobody",
		Long: `prune-clients lists the clients that have registered themselves more than once, with the callbacks of a client that mcpwiz
knows, and deletes those of them through which nobody is signed in; one of each always stays. Many clients register anew at
each connection, until Keycloak's limit of 200 clients keeps everybody out. What is deleted cannot be brought back: a client
that still uses its id has to be connected anew.`,
		Example: `  mcpwiz keycloak prune-clients -f mcpwiz.yaml`,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return p.runPruneClients(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "delete them without asking")
	return c
}

func (p *program) runPruneClients(ctx context.Context, o *pruneOptions) error {
	o.connection.untouched = true
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	callbacks, err := p.callbacks()
	if err != nil {
		return err
	}
	s := provisioning{program: p, only: keycloakPrefix, connection: c, path: o.connection.path()}
	if err := s.begin(ctx); err != nil {
		return err
	}
	realm := c.Defaults().Keycloak.Realm
	all, surplus, err := s.admin.Duplicates(ctx, realm, callbacks)
	if err != nil {
		return err
	}
	if err := p.writeDuplicates(all, surplus); err != nil || len(surplus) == 0 {
		return err
	}
	if !o.yes {
		if !p.asks() {
			return usage("--yes deletes them without asking", "there is no terminal to ask on whether to delete them")
		}
		if ok, err := p.confirm(ctx, fmt.Sprintf("Delete %d clients?", len(surplus))); err != nil || !ok {
			p.say("Nothing was touched.")
			if err == nil {
				err = ended(exitFailed)
			}
			return err
		}
	}
	for _, one := range surplus {
		if err := s.admin.Prune(ctx, realm, one); err != nil {
			return err
		}
		p.say("  %s %s  deleted", p.mark(true), one.ID)
	}
	return nil
}

// callbacks are those of all clients that are known.
func (p *program) callbacks() ([]string, error) {
	shelf, err := p.shelf()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, id := range shelf.IDs() {
		profile, err := shelf.Load(id)
		if err != nil {
			return nil, err
		}
		all = append(all, profile.Authorize.RedirectURIs...)
		all = append(all, profile.Authorize.Registered...)
	}
	return all, nil
}

// writeDuplicates lists them: = stays, - is to be deleted. What a stranger has registered does not reach the terminal raw.
func (p *program) writeDuplicates(all, surplus []keycloak.Registered) error {
	gone := map[string]bool{}
	for _, one := range surplus {
		gone[one.ID] = true
	}
	for _, one := range all {
		mark, used := "=", fmt.Sprintf("%d sessions", one.Sessions)
		if gone[one.ID] {
			mark = "-"
		}
		if _, err := fmt.Fprintf(p.out, "%s %.80s  %.60q  %.120q  %s\n", mark, one.ID, one.Name, strings.Join(one.RedirectURIs, " "), used); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.out, "No client has registered itself more than once.")
		return err
	}
	_, err := fmt.Fprintf(p.out, "%d have registered more than once, %d of them to delete.\n", len(all), len(surplus))
	return err
}
