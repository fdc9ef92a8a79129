package wizard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

const (
	defaultName = "mcp"
	defaultPath = "/mcp"
)

// Whether the tunnel carries Keycloak too.
const (
	carriedToo = "yes"
	carriedNot = "no"
)

func (d *draft) exposeOf(a Answers) {
	e := a.Connection.Expose
	d.way, d.tunnel, d.token = cmp.Or(e.Way, plan.WayOwn), e.Tunnel, a.EdgeToken.Reveal()
	if d.way == plan.WayQuickTunnel {
		d.quick = d.url
	}
}

func (d *draft) byAPI() bool { return plan.Expose{Way: d.way}.ByAPI() }

// publicURL is made up of what the way asks for.
func (d *draft) publicURL() string {
	switch {
	case d.way == plan.WayQuickTunnel:
		return d.quick
	case d.byAPI() && d.zone != "":
		host := strings.TrimSpace(d.zone)
		if name := strings.Trim(strings.TrimSpace(d.name), "."); name != "" {
			host = name + "." + host
		}
		return "https://" + host + d.path()
	}
	return strings.TrimSpace(d.url)
}

// path is that of the URL that was typed or there.
func (d *draft) path() string {
	u, err := url.Parse(strings.TrimSpace(d.url))
	if err != nil || u.Host == "" {
		return defaultPath
	}
	return u.EscapedPath()
}

// among takes zone, name and tunnel out of what a token sees, as far as they are not chosen of it: the zone that the URL's host is in,
// else the first.
func (d *draft) among(seen Cloudflare) {
	if d.way == plan.WayExistingTunnel && len(seen.Tunnels) > 0 && !slices.ContainsFunc(seen.Tunnels, func(t Tunnel) bool { return t.Name == d.tunnel }) {
		d.tunnel = seen.Tunnels[0].Name
	}
	zones := seen.within(d.way, d.tunnel)
	if len(zones) == 0 || slices.ContainsFunc(zones, func(z Zone) bool { return z.Name == d.zone }) {
		return
	}
	host := ""
	if u, err := url.Parse(d.publicURL()); err == nil {
		host = u.Hostname()
	}
	best := ""
	for _, z := range zones {
		if (host == z.Name || strings.HasSuffix(host, "."+z.Name)) && len(z.Name) > len(best) {
			best = z.Name
		}
	}
	if best == "" {
		d.zone, d.name = zones[0].Name, cmp.Or(d.name, defaultName)
		return
	}
	d.zone, d.name = best, strings.TrimSuffix(strings.TrimSuffix(host, best), ".")
}

// exposeNow keeps what nobody is asked about.
func (d *draft) exposeNow() plan.Expose {
	was := d.start.Connection.Expose
	e := was
	if d.way != plan.WayOwn || was.Way != "" {
		e.Way = d.way
	}
	if was.Way != d.way {
		e.Account, e.Zone, e.Tunnel = "", "", ""
	}
	if d.way == plan.WayExistingTunnel {
		e.Tunnel = strings.TrimSpace(d.tunnel)
	}
	if e.Zone != "" && d.zone != "" {
		e.Zone = d.zone
	}
	switch base, _ := baseOf(d.keycloak); {
	case d.carries():
		e.Keycloak = originOf(base)
	case d.carriable():
		e.Keycloak = ""
	}
	return e
}

// carriedOf has the address of a Keycloak that the tunnel carries be that on this side.
func (d *draft) carriedOf(c plan.Connection, public string) {
	d.carried = carriedToo
	if !c.Expose.ByAPI() {
		return
	}
	if c.Expose.Keycloak != "" && len(c.Servers) > 0 && originOf(public) == originOf(c.Servers[0].URL) {
		d.keycloak = strings.TrimRight(c.Expose.Keycloak, "/") + pathOf(public)
	} else if c.Keycloak.Issuer != "" {
		d.carried = carriedNot
	}
}

// carriable: clients reach the server by a tunnel, and Keycloak not without one.
func (d *draft) carriable() bool {
	base, _ := baseOf(d.keycloak)
	u, err := url.Parse(base)
	return err == nil && u.Host != "" && d.byAPI() && (u.Scheme == "http" || probe.Loopback(u.Hostname()))
}

func (d *draft) carries() bool { return d.carried == carriedToo && d.carriable() }

// carriedAt is where clients reach a Keycloak that the tunnel carries: beside the server.
func (d *draft) carriedAt() string {
	base, _ := baseOf(d.keycloak)
	return originOf(d.publicURL()) + pathOf(base)
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func pathOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// carriedStep asks whether a Keycloak that clients cannot reach is carried beside the server.
func (w *Walk) carriedStep() step {
	d := w.draft
	return step{
		questions: []question{{
			name: "Keycloak in public", title: "How do clients reach Keycloak?", text: &d.carried, flag: "--expose-keycloak, --issuer and --admin-url",
			key: "expose.keycloak", wrong: []string{"expose.keycloak", "keycloak.issuer"},
			options: []option{{carriedToo, "by the same tunnel, /admin aside"}, {carriedNot, "not by it"}},
		}},
		info: func() string {
			if d.carries() {
				return "start it with --hostname " + d.carriedAt() + " --proxy-headers xforwarded"
			}
			return "a client from the internet does not reach " + d.keycloak
		},
	}
}
