package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
	"github.com/mcpwiz/mcpwiz/server/cloudflared"
	"github.com/mcpwiz/mcpwiz/tui"
)

func (p *program) exposeStatus() *cobra.Command {
	var f connectionFlags
	var format string
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell how the servers are exposed: tunnel, names, what is not as asked, what stands in a client's way",
		Long: `status asks Cloudflare's API, and the connectors of this host that tell of themselves (at expose.metrics_url, else at localhost:20241
to 20245; that of serve --tunnel is in serve's log, and in what the API says of the tunnel). It exits with 0 when all is as asked
and nothing stops a client for certain, else with 1.

--format json is one object of schema mcpwiz.expose/1, whose members are only ever added: account; tunnel {id, name, status, local},
null where there is none; connectors [{metrics, version, id, connections, tunnel, ours}]; hosts [{host, zone}]; changes, those of
mcpwiz expose plan; in_the_way, what of Cloudflare's settings may stop a client: {product, state, resource, applies, ...}, where
applies is true for what does, false for what does not, and absent where that cannot be told.`,
		Args: noArgs,
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
	Schema     string            `json:"schema"`
	Account    string            `json:"account"`
	Tunnel     *exposeTunnel     `json:"tunnel"` // null where there is none
	Connectors []exposeConnector `json:"connectors"`
	Hosts      []exposeHost      `json:"hosts"`
	Changes    []documentChange  `json:"changes"`
	// InTheWay are facts of kind edge-setting.
	InTheWay []map[string]any `json:"in_the_way"`
}

type exposeTunnel struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Local  bool   `json:"local"`
}

// An exposeConnector is a cloudflared on this host; ours: it runs the connection's tunnel.
type exposeConnector struct {
	Metrics     string `json:"metrics"`
	Version     string `json:"version"`
	ID          string `json:"id"`
	Connections int    `json:"connections"`
	Tunnel      string `json:"tunnel"`
	Ours        bool   `json:"ours"`
}

type exposeHost struct {
	Host string `json:"host"`
	Zone string `json:"zone"`
}

func (s *provisioning) exposeStatus(ctx context.Context, format string) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	d, err := s.exposeDocument(ctx)
	if err != nil {
		return err
	}
	if format == "json" {
		err = s.program.writeJSON(d)
	} else {
		err = s.program.writeExpose(d)
	}
	if err == nil && !d.content() {
		err = ended(exitFailed)
	}
	return err
}

// exposeDocument is what there is, after a look.
func (s *provisioning) exposeDocument(ctx context.Context) (exposeDocument, error) {
	d := exposeDocument{Schema: "mcpwiz.expose/1", Account: s.site.Account.Name, Connectors: []exposeConnector{}, Hosts: []exposeHost{},
		Changes: []documentChange{}, InTheWay: []map[string]any{}}
	t, err := s.site.Tunnel(ctx)
	if err != nil {
		return d, err
	}
	if t != nil {
		d.Tunnel = &exposeTunnel{t.ID, t.Name, t.Status, t.Local}
	}
	running, err := cloudflared.Local(ctx, s.connection.Expose.MetricsURL)
	if err != nil && !errors.Is(err, cloudflared.ErrNotRunning) {
		return d, err
	}
	for _, r := range running {
		d.Connectors = append(d.Connectors, exposeConnector{r.Metrics, r.Version, r.Connector, r.Connections, r.Tunnel, t != nil && r.Tunnel == t.ID})
	}
	for _, host := range s.site.Hosts() {
		d.Hosts = append(d.Hosts, exposeHost{host, s.site.Zones[host].Name})
	}
	for _, c := range newPlanDocument("", s.plan).Changes {
		if c.Action != plan.None {
			d.Changes = append(d.Changes, c)
		}
	}
	now := time.Now()
	err = s.edge.Settings(s.connection, "")(ctx, now.Add(-time.Hour), now, func(f probe.Fact) {
		if f.Kind == cloudflare.SettingKind {
			d.InTheWay = append(d.InTheWay, f.Data)
		}
	})
	return d, err
}

// content: all is as asked, and nothing stops a client for certain.
func (d exposeDocument) content() bool {
	for _, f := range d.InTheWay {
		if f["applies"] == true {
			return false
		}
	}
	return len(d.Changes) == 0
}

func (p *program) writeExpose(d exposeDocument) error {
	var b strings.Builder
	row := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	row("account  %s", tui.Plain(d.Account))
	if d.Tunnel == nil {
		row("tunnel   none")
	} else {
		row("tunnel   %s  %s", tui.Plain(d.Tunnel.Name), d.Tunnel.Status)
	}
	for _, c := range d.Connectors {
		of := "this tunnel"
		if !c.Ours {
			of = "another tunnel"
		}
		row("here     cloudflared %s with %d connections of %s  %s", tui.Plain(c.Version), c.Connections, of, tui.Plain(c.Metrics))
	}
	for _, h := range d.Hosts {
		row("name     %s in zone %s", h.Host, h.Zone)
	}
	for _, c := range d.Changes {
		said := c.Note
		if c.Stop != "" {
			said = c.Stop
		}
		row("differs  %s: to %s  %s", c.Resource, c.Action, tui.Plain(said))
	}
	for _, f := range d.InTheWay {
		mark := "may stop"
		switch f["applies"] {
		case true:
			mark = "stops   "
		case false:
			continue
		}
		row("%s %s: %s", mark, tui.Plain(fmt.Sprint(f["product"])), tui.Plain(fmt.Sprint(f["state"])))
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}
