package wizard

import (
	"context"
	"net/url"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

func (w *Walk) serverTopic() topic {
	return topic{
		name: "server",
		help: "The public URL is the name of your server: clients are given it, Keycloak puts it into tokens, and all of them compare it " +
			"byte for byte. What listens need not be reachable under it yet: a tunnel or a reverse proxy can come later.",
		steps: func() []step { return []step{w.serverStep()} },
	}
}

func (w *Walk) serverStep() step {
	d := w.draft
	return step{
		questions: []question{
			{
				name: "public URL", title: "Which URL are clients given?", about: "https; http on loopback for a trial",
				example: "https://mcp.example.com/mcp", flag: "--url", key: "servers[0].url", wrong: []string{"servers[0].url"}, text: &d.url,
				follows: d.listenThere,
			},
			{
				name: "listen address", title: "Where does it listen?", about: "host:port on this machine", example: defaultListen,
				flag: "--listen", key: "servers[0].listen", wrong: []string{"servers[0].listen"}, text: &d.listen,
			},
		},
		live: func() *lookup {
			listen, at := strings.TrimSpace(d.listen), strings.TrimSpace(d.url)
			return &lookup{
				of: [4]string{listen, at}, asking: "asking " + at,
				run: func(ctx context.Context) Verdict { return w.o.Desk.CheckServer(ctx, listen, at) },
			}
		},
	}
}

// listenThere listens where a URL on loopback points to, unless another address was given.
func (d *draft) listenThere() {
	u, err := url.Parse(strings.TrimSpace(d.url))
	if err == nil && u.Port() != "" && probe.Loopback(u.Hostname()) && d.listen == d.listenAsked {
		d.listen, d.listenAsked = u.Host, u.Host
	}
}
