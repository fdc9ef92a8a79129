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

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// exposeKeys are the keys that expose uses.
var exposeKeys = []string{"url", "listen", "issuer", "expose", "account", "zone", "tunnel-name", "expose-keycloak", "edge-rules", "adopt-edge", "metrics-url"}

func (p *program) expose() *cobra.Command {
	c := &cobra.Command{
		Use:   "expose",
		Short: "Make the servers reachable at their public urls: tunnel, rules and names at Cloudflare, or what a proxy needs",
		Long: `expose sees to the public url alone: setup does it along with Keycloak. With expose.way cloudflare it makes a tunnel by API, rules
that carry the MCP servers and, when expose.keycloak says so, Keycloak without its administration, and the names; with
existing-tunnel it puts its rules among those that are there. What is another's is shown and never overwritten unasked.

Cloudflare's API token is taken from MCPWIZ_CLOUDFLARE_TOKEN, the file that MCPWIZ_CLOUDFLARE_TOKEN_FILE names, or a prompt.`,
		Example: `  mcpwiz expose plan -f mcpwiz.yaml --expose cloudflare
  mcpwiz expose apply -f mcpwiz.yaml
  mcpwiz expose status -f mcpwiz.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(p.exposeWays(), p.exposeCheck(), p.exposePlan(), p.exposeApply(), p.exposeStatus(), p.exposeUndo(), p.exposeUnit(), p.exposeSnippet())
	return c
}

// exposed is what the subcommands work with: the connection, at Cloudflare alone.
func (p *program) exposed(f *connectionFlags) (provisioning, error) {
	f.untouched = true
	c, err := p.load(f)
	if err != nil {
		return provisioning{}, err
	}
	if !c.Expose.ByAPI() {
		return provisioning{}, usage("--expose cloudflare makes a tunnel, --expose existing-tunnel --tunnel-name NAME uses one; or expose.way in mcpwiz.yaml",
			"the connection is not exposed by Cloudflare's API (expose.way is %q)", c.Expose.Way)
	}
	return provisioning{program: p, connection: c, path: f.path(), only: cloudflarePrefix}, nil
}

func (p *program) exposePlan() *cobra.Command {
	var f connectionFlags
	var format string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what expose would change at Cloudflare, and touch nothing",
		Long:  "plan exits with 0 when nothing would change, with 5 when something would, and with 1 when it is stopped by what is not mcpwiz's to change.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			s, err := p.exposed(&f)
			if err != nil {
				return err
			}
			return s.showExpose(c.Context(), format)
		},
	}
	f.add(c, exposeKeys...)
	addFormat(c, &format, "text", "json")
	return c
}

func (s *provisioning) showExpose(ctx context.Context, format string) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	stopped := s.plan.Stopped()
	if format == "json" {
		d := newPlanDocument(s.connection.Defaults().Keycloak.Issuer, s.plan)
		if err := s.program.writeJSON(d); err != nil {
			return err
		}
	} else if err := s.plan.Write(s.program.out); err != nil {
		return err
	}
	if len(stopped) > 0 {
		return failed(fmt.Errorf("%w: apply would touch nothing", plan.ErrStopped), proposals(stopped))
	}
	if _, err := s.tellPermission(ctx, false); err != nil {
		return err
	}
	if !s.plan.Empty() {
		return ended(exitDrift)
	}
	return nil
}

func (p *program) exposeApply() *cobra.Command {
	var f connectionFlags
	var yes bool
	c := &cobra.Command{
		Use:   "apply",
		Short: "Make at Cloudflare what the connection asks for, and keep the token that the tunnel runs with",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.exposed(&f)
			if err != nil {
				return err
			}
			return s.applyExpose(c.Context(), &f, yes)
		},
	}
	f.add(c, exposeKeys...)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "apply the plan without asking")
	return c
}

func (s *provisioning) applyExpose(ctx context.Context, f *connectionFlags, yes bool) error {
	p := s.program
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.plan.Write(p.out); err != nil {
		return err
	}
	apply, err := s.agreed(ctx, false, yes)
	if err != nil || !apply && !s.plan.Empty() {
		return err
	}
	if apply {
		if err := s.apply(ctx); err != nil {
			return err
		}
	}
	file, err := s.keepRunToken(ctx)
	if err != nil {
		return err
	}
	if file == "" {
		p.say("\n%s as asked. The tunnel runs where its configuration and its credentials are.", s.what())
		return nil
	}
	p.say("\n%s as asked. Next, one of:\n  mcpwiz serve %s --tunnel\n  cloudflared tunnel run --token-file %s", s.what(), f.flags(serveKeys...), quoted(file))
	return nil
}

// runTokenPath is where the token is kept that the connection's tunnel runs with.
func runTokenPath(path string, e plan.Expose) string {
	name := strings.Map(func(c rune) rune {
		if c == '/' || c == filepath.Separator || c < ' ' {
			return '-'
		}
		return c
	}, e.Tunnel)
	return filepath.Join(filepath.Dir(plan.JournalPath(path)), "tunnel-"+name+".token")
}

// keepRunToken fetches the token that the tunnel runs with, and keeps it for its owner alone. A locally managed tunnel has its
// credentials where it was made.
func (s *provisioning) keepRunToken(ctx context.Context) (string, error) {
	t, err := s.site.Tunnel(ctx)
	if err != nil || t == nil || t.Local {
		return "", errors.Join(err, errNoRunToken(t == nil))
	}
	token, err := s.edge.RunToken(ctx, s.site.Account.ID, t.ID)
	if err != nil {
		return "", err
	}
	file := runTokenPath(s.path, s.connection.Defaults().Expose)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("keep the token that the tunnel runs with: %w", err)
	}
	if err := renameio.WriteFile(file, []byte(token.Reveal()+"\n"), 0o600, renameio.IgnoreUmask()); err != nil {
		return "", fmt.Errorf("keep the token that the tunnel runs with: %w", err)
	}
	s.runToken = file
	return file, nil
}

func errNoRunToken(missing bool) error {
	if missing {
		return errors.New("the tunnel is not there")
	}
	return nil
}

func (p *program) exposeUndo() *cobra.Command {
	var f connectionFlags
	var yes bool
	c := &cobra.Command{
		Use:   "undo",
		Short: "Put back what was changed at Cloudflare; mcpwiz undo does it along with Keycloak",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.exposed(&f)
			if err != nil {
				return err
			}
			return s.undoExpose(c.Context(), yes)
		},
	}
	f.add(c, exposeKeys...)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "undo it without asking")
	return c
}

func (s *provisioning) undoExpose(ctx context.Context, yes bool) error {
	here, _, err := s.past()
	if err != nil {
		return err
	}
	if len(here) == 0 {
		_, err := fmt.Fprintln(s.program.out, "Nothing to undo at Cloudflare.")
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.tellReversal(ctx, here); err != nil {
		return err
	}
	if ok, err := s.mayUndo(ctx, here, undoConsent{yes, false, "Undo it?"}); !ok {
		return err
	}
	return s.undo(ctx, here)
}

// forgetRunToken removes the token of a tunnel that is gone.
func (s *provisioning) forgetRunToken(undone []plan.Past) error {
	e := s.connection.Defaults().Expose
	gone := slices.ContainsFunc(undone, func(one plan.Past) bool {
		return one.Change.Resource == cloudflarePrefix+"tunnel/"+e.Tunnel && one.Change.Action == plan.Create
	})
	if !gone {
		return nil
	}
	if err := os.Remove(runTokenPath(s.path, e)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the token of a tunnel that is gone: %w", err)
	}
	return nil
}
