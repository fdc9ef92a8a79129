package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/tui"
)

func (p *program) exposeStatus() *cobra.Command {
	var f connectionFlags
	var format string
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell how the servers are exposed: tunnel, names, what is not as asked, what stands in a client's way",
		Long:  "status exits with 0 when all is as asked and nothing stops a client for certain, else with 1.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			s, err := p.exposed(&f)
			if err != nil {
				return err
			}
			return s.exposeStatus(c.Context(), format)
		},
	}
	f.add(c, exposeKeys...)
	addFormat(c, &format, "text", "json")
	return c
}

// An exposeDocument is what programs read: members are only ever added.
type exposeDocument struct {
	Schema  string           `json:"schema"`
	Account string           `json:"account"`
	Tunnel  *exposeTunnel    `json:"tunnel"` // null where there is none
	Hosts   []exposeHost     `json:"hosts"`
	Changes []documentChange `json:"changes"`
	// InTheWay are facts of kind edge-setting.
	InTheWay []map[string]any `json:"in_the_way"`
}

type exposeTunnel struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Local  bool   `json:"local"`
}

type exposeHost struct {
	Host string `json:"host"`
	Zone string `json:"zone"`
}

func (s *provisioning) exposeStatus(ctx context.Context, format string) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	d := exposeDocument{Schema: "mcpwiz.expose/1", Account: s.site.Account.Name, Hosts: []exposeHost{}, Changes: []documentChange{}, InTheWay: []map[string]any{}}
	t, err := s.site.Tunnel(ctx)
	if err != nil {
		return err
	}
	if t != nil {
		d.Tunnel = &exposeTunnel{t.ID, t.Name, t.Status, t.Local}
	}
	for _, host := range s.site.Hosts() {
		d.Hosts = append(d.Hosts, exposeHost{host, s.site.Zones[host].Name})
	}
	for _, c := range newPlanDocument("", s.plan).Changes {
		if c.Action != plan.None {
			d.Changes = append(d.Changes, c)
		}
	}
	stops := false
	now := time.Now()
	err = s.edge.Settings(s.connection, "")(ctx, now.Add(-time.Hour), now, func(f probe.Fact) {
		if f.Kind == cloudflare.SettingKind {
			d.InTheWay = append(d.InTheWay, f.Data)
			stops = stops || f.Data["applies"] == true
		}
	})
	if err != nil {
		return err
	}
	if format == "json" {
		err = s.program.writeJSON(d)
	} else {
		err = s.program.writeExpose(d)
	}
	if err == nil && (stops || len(d.Changes) > 0) {
		err = ended(exitFailed)
	}
	return err
}

func (p *program) writeExpose(d exposeDocument) error {
	out := p.out
	fmt.Fprintf(out, "account  %s\n", tui.Plain(d.Account))
	if d.Tunnel == nil {
		fmt.Fprintln(out, "tunnel   none")
	} else {
		fmt.Fprintf(out, "tunnel   %s  %s\n", tui.Plain(d.Tunnel.Name), d.Tunnel.Status)
	}
	for _, h := range d.Hosts {
		fmt.Fprintf(out, "name     %s in zone %s\n", h.Host, h.Zone)
	}
	for _, c := range d.Changes {
		said := c.Note
		if c.Stop != "" {
			said = c.Stop
		}
		fmt.Fprintf(out, "differs  %s: to %s  %s\n", c.Resource, c.Action, tui.Plain(said))
	}
	for _, f := range d.InTheWay {
		mark := "may stop"
		switch f["applies"] {
		case true:
			mark = "stops   "
		case false:
			continue
		}
		fmt.Fprintf(out, "%s %s: %s\n", mark, tui.Plain(fmt.Sprint(f["product"])), tui.Plain(fmt.Sprint(f["state"])))
	}
	_, err := fmt.Fprint(out)
	return err
}
