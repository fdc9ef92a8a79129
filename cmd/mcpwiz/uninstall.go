package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

type uninstallOptions struct {
	connection        connectionFlags
	yes, othersInside bool
}

func (p *program) uninstall() *cobra.Command {
	var o uninstallOptions
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "Take everything back that mcpwiz has made, in Keycloak and then its files",
		Long: `uninstall undoes every run that the journal has, the last change first, and then removes the files that mcpwiz keeps beside
mcpwiz.yaml: secrets, journal, log. The file itself stays: it holds no secret, and setup makes all of it again. Without a
journal it deletes what bears mcpwiz's tag in the realm. What it cannot find it says. Users' tokens mcpwiz keeps none; those of
a client that is deleted end with it.`,
		Example: `  mcpwiz uninstall -f mcpwiz.yaml
  mcpwiz uninstall -f mcpwiz.yaml --yes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.runUninstall(c.Context(), &o) },
	}
	o.connection.add(c, setupKeys...)
	completed(c, "client", p.profileIDs)
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do it without asking")
	addOthersInside(c, &o.othersInside)
	return c
}

func (p *program) runUninstall(ctx context.Context, o *uninstallOptions) error {
	o.connection.untouched = true
	c, err := p.load(&o.connection)
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: o.connection.path()}
	here, elsewhere, err := s.past()
	if err != nil {
		return err
	}
	if len(elsewhere) > 0 {
		p.tellElsewhere(elsewhere)
		return failed(errors.New("the journal has changes of another place, which would be forgotten with it"),
			"mcpwiz undo --all for each, as told above, then uninstall")
	}
	files := s.ownFiles()
	if err := s.begin(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(plan.JournalPath(s.path)); errors.Is(err, fs.ErrNotExist) {
		if here, err = s.tagged(ctx); err != nil {
			return err
		}
	}
	if len(here)+len(files) == 0 {
		_, err := fmt.Fprintf(p.out, "There is nothing of mcpwiz's at %s, and no file of its own here.\n", s.place())
		return err
	}
	if err := s.tellUninstall(ctx, here, files); err != nil {
		return err
	}
	if ok, err := s.mayUndo(ctx, here, undoConsent{o.yes, o.othersInside, "Take it all back?"}); !ok {
		return err
	}
	if len(here) > 0 {
		if err := s.undo(ctx, here); err != nil {
			return err
		}
	}
	return errors.Join(s.removeFiles(), s.tellLeft(ctx))
}

// tellLeft tells what still bears our tag though the journal had nothing of it: another run's journal has, or a tool's export.
func (s *provisioning) tellLeft(ctx context.Context) error {
	found, err := s.admin.Tagged(ctx, s.connection.Defaults().Keycloak.Realm)
	if err == nil && len(found.Ours) > 0 {
		s.program.say("Left, for the journal had nothing of it, though it bears mcpwiz's tag: %s.\nmcpwiz uninstall once more deletes it.",
			strings.Join(found.Ours, ", "))
	}
	return err
}

func (s *provisioning) tellUninstall(ctx context.Context, here []plan.Past, files []string) error {
	if len(here) > 0 {
		if err := s.tellReversal(ctx, here); err != nil {
			return err
		}
	}
	for _, file := range files {
		if _, err := fmt.Fprintf(s.program.out, "- %s\n", file); err != nil {
			return err
		}
	}
	return nil
}

// tagged is what bears our tag, as the journal would have it.
func (s *provisioning) tagged(ctx context.Context) ([]plan.Past, error) {
	s.program.say("There is no journal at %s: what bears mcpwiz's tag is looked for.", plan.JournalPath(s.path))
	found, err := s.admin.Tagged(ctx, s.connection.Defaults().Keycloak.Realm)
	if err != nil {
		return nil, err
	}
	if len(found.Adopted) > 0 {
		s.program.say("Left alone, for without the journal nobody knows how they were before mcpwiz changed them: %s.", strings.Join(found.Adopted, ", "))
	}
	var all []plan.Past
	for _, name := range append(found.Ours, s.keptUsers(found.Ours)...) {
		all = append(all, plan.Past{Record: plan.Record{Place: s.place(), Change: plan.Change{Resource: name, Action: plan.Create}}, State: plan.Applied})
	}
	return all, nil
}

// keptUsers are test users of a realm of our own whose password is kept: a user bears no tag.
func (s *provisioning) keptUsers(ours []string) (names []string) {
	c := s.connection.Defaults()
	if !slices.Contains(ours, "keycloak/realm/"+c.Keycloak.Realm) {
		return nil
	}
	for _, u := range c.Users {
		if _, kept := s.secrets.Get(plan.UserPassword(u.Name)); kept {
			names = append(names, "keycloak/user/"+u.Name)
		}
	}
	return names
}

// ownFiles are those that mcpwiz keeps beside the connection's file and that are there.
func (s *provisioning) ownFiles() []string {
	journal := plan.JournalPath(s.path)
	var there []string
	for _, file := range []string{plan.SecretsPath(s.path), runTokenPath(s.path, s.connection.Defaults().Expose), filepath.Join(filepath.Dir(journal), "serve.log"), plan.LockPath(journal), journal} {
		if _, err := os.Stat(file); err == nil {
			there = append(there, file)
		}
	}
	return there
}

// removeFiles ends with the journal: broken off before, the same command goes on. It looks again, for undo has written one.
func (s *provisioning) removeFiles() error {
	for _, file := range s.ownFiles() {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove mcpwiz's own files: %w", err)
		}
		s.program.say("  %s %s  removed", s.program.mark(true), file)
	}
	// A folder in which somebody keeps something else stays.
	_ = os.Remove(filepath.Dir(plan.JournalPath(s.path)))
	if _, err := os.Stat(s.path); err == nil {
		s.program.say("%s stays: it holds no secret, and mcpwiz setup makes all of it again.", s.path)
	}
	return nil
}
