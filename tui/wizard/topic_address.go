package wizard

import (
	"context"
	"net/url"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// addressPage is the page's name, tokenAt the step on it in which Cloudflare's token is asked for, or a quick tunnel is begun.
const (
	addressPage = "address"
	tokenAt     = 1
)

func (w *Walk) addressTopic() topic {
	return topic{
		name: addressPage,
		help: "The public URL is the name of your server: clients are given it, Keycloak puts it into tokens, and all of them compare it " +
			"byte for byte. With Cloudflare's API token the tunnel, its rules and the name in DNS stand in the plan with what Keycloak lacks, and " +
			"cloudflared runs beside the server; the token is kept nowhere. What else listens need not be reachable yet: a tunnel or a reverse " +
			"proxy can come later. mcpwiz expose ways tells what each way can carry, mcpwiz expose snippet what a proxy takes.",
		steps: w.addressSteps,
	}
}

func (w *Walk) addressSteps() []step {
	all := []step{w.howStep()}
	switch w.draft.way {
	case plan.WayCloudflare:
		return append(all, w.tokenStep(), w.nameStep())
	case plan.WayExistingTunnel:
		return append(all, w.tokenStep(), w.tunnelStep(), w.nameStep())
	case plan.WayQuickTunnel:
		return append(all, w.quickStep())
	}
	return append(all, w.urlStep())
}

func (w *Walk) howStep() step {
	d := w.draft
	return step{
		questions: []question{{
			name: "way", title: "How do clients reach your server?", text: &d.way, flag: "--expose", key: "expose.way", wrong: []string{"expose.way"},
			options: []option{
				{plan.WayOwn, "by a URL of my own, or on loopback"}, {plan.WayCloudflare, "by Cloudflare, with an API token"},
				{plan.WayExistingTunnel, "by a Cloudflare tunnel that is there"}, {plan.WayQuickTunnel, "by a quick tunnel, for a trial"},
				{plan.WayNgrok, "by ngrok"}, {plan.WayTailscale, "by Tailscale Funnel"},
			},
		}},
		info: func() string { return exposedInWords[d.way] },
	}
}

// exposedInWords say what each way does, and what it needs or lacks.
var exposedInWords = map[string]string{
	plan.WayOwn:            "a proxy or tunnel that you run; http on loopback for a rehearsal",
	plan.WayCloudflare:     "makes tunnel, rules and name; needs a zone there, cloudflared here",
	plan.WayExistingTunnel: "puts rules and name into a tunnel that is there; what it has stays",
	plan.WayQuickTunnel:    quickLimits,
	plan.WayNgrok:          "you run it; on its free plan users meet a page of warning",
	plan.WayTailscale:      "you run it; the name is the tailnet's, on 443, 8443 or 10000",
}

const quickLimits = "a new name at each start, 200 requests at a time, no SSE on GET"

func (w *Walk) urlStep() step {
	d := w.draft
	return step{
		questions: []question{
			{
				name: "public URL", title: "Which URL are clients given?", about: "https; http on loopback for a trial",
				example: "https://mcp.example.com/mcp", flag: "--url", key: "servers[0].url", wrong: []string{"servers[0].url"}, text: &d.url,
				follows: d.listenThere,
			},
			w.listenQuestion(),
		},
		live: w.serverLookup,
	}
}

func (w *Walk) listenQuestion() question {
	return question{
		name: "listen address", title: "Where does it listen?", about: "host:port on this machine", example: defaultListen,
		flag: "--listen", key: "servers[0].listen", wrong: []string{"servers[0].listen"}, text: &w.draft.listen,
	}
}

func (w *Walk) serverLookup() *lookup {
	d := w.draft
	way, listen, at := d.way, strings.TrimSpace(d.listen), d.publicURL()
	return &lookup{
		of: [4]string{listen, at, way}, asking: "asking " + at,
		run: func(ctx context.Context) Verdict { return w.o.Desk.CheckServer(ctx, way, listen, at) },
	}
}

// listenThere listens where a URL on loopback points to, unless another address was given.
func (d *draft) listenThere() {
	u, err := url.Parse(strings.TrimSpace(d.url))
	if err == nil && u.Port() != "" && probe.Loopback(u.Hostname()) && d.listen == d.listenAsked {
		d.listen, d.listenAsked = u.Host, u.Host
	}
}

// quickStep begins the tunnel: its name is part of all that comes.
func (w *Walk) quickStep() step {
	d := w.draft
	return step{
		questions: []question{w.listenQuestion()},
		live: func() *lookup {
			listen := strings.TrimSpace(d.listen)
			return &lookup{
				of: [4]string{listen}, asking: "waiting for the name of a quick tunnel", atEnter: true,
				run: func(ctx context.Context) Verdict {
					origin, v := w.o.Desk.QuickTunnel(ctx, listen)
					w.mu.Lock()
					defer w.mu.Unlock()
					w.origin = origin
					return v
				},
			}
		},
		info: func() string { return quickLimits },
		done: func() { d.quick = w.quickOrigin() + d.path() },
	}
}

func (w *Walk) quickOrigin() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.origin
}
