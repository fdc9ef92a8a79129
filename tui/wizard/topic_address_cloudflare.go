package wizard

import (
	"context"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func (w *Walk) tokenStep() step {
	d := w.draft
	q := question{
		name: "API token", title: "Cloudflare's API token", about: "not shown while you type", secret: true, text: &d.token,
		flag: plan.EnvCloudflareToken + " in the environment", wrong: []string{keyEdgeToken},
	}
	if d.token != "" {
		q.about = "given already; typing replaces it"
	}
	return step{
		questions: []question{q},
		live: func() *lookup {
			token := d.answers().EdgeToken
			return &lookup{of: [4]string{token.Reveal()}, asking: "asking Cloudflare", atEnter: true, run: func(ctx context.Context) Verdict {
				seen, v := w.o.Desk.CheckCloudflare(ctx, token)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.seen = seen
				return v
			}}
		},
		info: func() string { return "Cloudflare Tunnel: Edit, Zone: Read, DNS: Edit; it is kept nowhere" },
		done: func() { d.among(w.atCloudflare()) },
	}
}

// atCloudflare is what the token that was looked up last sees.
func (w *Walk) atCloudflare() Cloudflare {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *Walk) tunnelStep() step {
	d := w.draft
	q := question{
		name: "tunnel", title: "Which tunnel?", about: "what it carries already stays", text: &d.tunnel, flag: "--tunnel-name", key: "expose.tunnel",
		wrong: []string{"expose.tunnel"},
	}
	for _, t := range w.atCloudflare().Tunnels {
		q.options = append(q.options, option{t.Name, t.Name + ", " + t.State})
	}
	return step{questions: []question{q}, done: func() { d.among(w.atCloudflare()) }}
}

// nameStep makes the URL up of a zone and a name in it.
func (w *Walk) nameStep() step {
	d, seen := w.draft, w.atCloudflare()
	zone := question{
		name: "zone", title: "In which zone?", about: seen.May, text: &d.zone, flag: "--url", key: "servers[0].url", wrong: []string{"expose.zone"},
	}
	for _, z := range seen.within(d.way, d.tunnel) {
		zone.options = append(zone.options, option{z.Name, z.Name})
	}
	return step{
		questions: []question{
			zone,
			{
				name: "name", title: "By which name?", about: "one label, before the zone", example: defaultName, optional: true, text: &d.name,
				flag: "--url", key: "servers[0].url", wrong: []string{"servers[0].url"},
			},
			w.listenQuestion(),
		},
		live: func() *lookup {
			l := w.serverLookup()
			if strings.Contains(d.name, ".") {
				l.run = func(context.Context) Verdict {
					return Verdict{OK: true, Warn: true, Note: "Cloudflare's own certificate covers one label before " + d.zone + ": a deeper name needs one that is bought"}
				}
			}
			return l
		},
	}
}

// within are the zones that a way can use: those of the tunnel's account, where there is a tunnel.
func (c Cloudflare) within(way, tunnel string) []Zone {
	if way != plan.WayExistingTunnel {
		return c.Zones
	}
	for _, t := range c.Tunnels {
		if t.Name != tunnel {
			continue
		}
		var all []Zone
		for _, z := range c.Zones {
			if z.Account == t.Account {
				all = append(all, z)
			}
		}
		return all
	}
	return c.Zones
}
