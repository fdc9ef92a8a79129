package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
	"github.com/mcpwiz/mcpwiz/server/expose"
)

func (p *program) exposeWays() *cobra.Command {
	return &cobra.Command{
		Use:   "ways",
		Short: "List the ways to a public url, and what each can carry",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			for i, row := range expose.Table() {
				if i > 0 {
					fmt.Fprintln(p.out)
				}
				fmt.Fprintf(p.out, "%s  (expose.way: %s)\n", row.Title, row.Name)
				for j, cell := range row.Cells {
					fmt.Fprintf(p.out, "  %-15s  %s\n", expose.Columns[j], cell)
				}
				way, _ := expose.Lookup(row.Name, expose.Local{})
				for _, note := range append(way.Caps().Notes(), way.Needs()...) {
					fmt.Fprintf(p.out, "  %s\n", note)
				}
			}
			return nil
		},
	}
}

func (p *program) exposeCheck() *cobra.Command {
	var f connectionFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Look whether the public url is one that its way can have, and what the way's own program here says of it",
		Long:  "check asks nobody but this machine; mcpwiz doctor asks from outside. It exits with 1 where something cannot work.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.untouched = true
			c, err := p.load(&f)
			if err != nil {
				return err
			}
			way, ok := expose.Lookup(c.Expose.Way, expose.Local{})
			if !ok {
				return usage(strings.Join(plan.Ways, ", "), "expose.way %q is not known", c.Expose.Way)
			}
			bad := false
			for _, s := range c.Servers {
				state, err := way.Check(cmd.Context(), s.URL)
				if err != nil {
					return err
				}
				fmt.Fprintf(p.out, "%s  by %s\n", s.URL, way.Caps().Title)
				if state.Agent != "" {
					fmt.Fprintf(p.out, "  %s\n", state.Agent)
				}
				for _, problem := range state.Problems {
					bad = true
					fmt.Fprintf(p.out, "  %s %s\n", p.mark(false), problem)
				}
			}
			if err := p.confirmRules(cmd.Context(), c); err != nil {
				return err
			}
			if bad {
				return ended(exitFailed)
			}
			return nil
		},
	}
	f.add(c, exposeKeys...)
	return c
}

// confirmRules has cloudflared read the rules that a tunnel of the connection gets, where it is there and there is a tunnel.
func (p *program) confirmRules(ctx context.Context, c plan.Connection) error {
	program, err := cloudflared.Find(p.env)
	if !c.Expose.ByAPI() || errors.Is(err, cloudflared.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	rules, urls, err := cloudflare.RulesFor(c)
	if err != nil {
		return err
	}
	if err := cloudflared.Confirm(ctx, program, rules, urls); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s cloudflared takes the rules, and leads %d urls as they should be\n", p.mark(true), len(urls))
	return err
}

func (p *program) exposeSnippet() *cobra.Command {
	var f connectionFlags
	c := &cobra.Command{
		Use:   "snippet " + strings.Join(expose.Kinds, "|"),
		Short: "Print what a proxy of your own needs to carry the server: streams, headers, documents",
		Example: `  mcpwiz expose snippet nginx -f mcpwiz.yaml
  mcpwiz expose snippet caddy --url https://mcp.example.com/mcp --listen 127.0.0.1:8080 --issuer https://id.example.com/realms/mcp`,
		Args: oneArg("proxy"),
		RunE: func(_ *cobra.Command, args []string) error {
			f.untouched = true
			c, err := p.load(&f)
			if err != nil {
				return err
			}
			s := c.Defaults().Servers[0]
			u, err := url.Parse(s.URL)
			if err != nil {
				return err
			}
			o := expose.Options{Host: u.Hostname(), Listen: s.Listen}
			if issuer, err := url.Parse(c.Keycloak.Issuer); err == nil && issuer.Hostname() == u.Hostname() {
				o.Keycloak = c.Expose.Keycloak
			}
			text, err := expose.Snippet(args[0], o)
			if err != nil {
				return usage("", "%w", err)
			}
			_, err = fmt.Fprint(p.out, text)
			return err
		},
	}
	f.add(c, exposeKeys...)
	c.ValidArgs = expose.Kinds
	return c
}

func (p *program) exposeUnit() *cobra.Command {
	var f connectionFlags
	var to string
	c := &cobra.Command{
		Use:   "unit",
		Short: "Print a systemd unit that runs the tunnel by itself, its token in a file",
		Example: `  mcpwiz expose unit -f mcpwiz.yaml > /etc/systemd/system/mcpwiz-tunnel.service
  mcpwiz expose unit -f mcpwiz.yaml --to /etc/systemd/system/mcpwiz-tunnel.service`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := p.exposed(&f)
			if err != nil {
				return err
			}
			program, err := cloudflared.Find(p.env)
			if errors.Is(err, cloudflared.ErrNone) {
				program, err = "/usr/bin/cloudflared", nil
				p.say("cloudflared is not on PATH here: the unit names %s", program)
			}
			if err != nil {
				return err
			}
			e := s.connection.Defaults().Expose
			token, err := filepath.Abs(runTokenPath(s.path, e))
			if err != nil {
				return err
			}
			if program, err = filepath.Abs(program); err != nil {
				return err
			}
			text, err := cloudflared.Unit(program, token, e.Tunnel)
			if err != nil {
				return usage("", "%w", err)
			}
			if to == "" {
				_, err = fmt.Fprint(p.out, text)
				return err
			}
			if err := renameio.WriteFile(to, []byte(text), 0o644); err != nil {
				return fmt.Errorf("write the unit: %w", err)
			}
			p.say("written to %s; systemctl daemon-reload && systemctl enable --now %s", to, filepath.Base(to))
			return nil
		},
	}
	f.add(c, exposeKeys...)
	c.Flags().StringVar(&to, "to", "", "write it to this `file`, whole")
	return c
}
