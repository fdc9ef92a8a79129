package plan

import (
	"net/url"
	"slices"
	"strings"
)

// Expose says how the servers become reachable at their public urls.
type Expose struct {
	// Way is one of Ways; empty is own, the operator's own proxy or tunnel.
	Way string `yaml:"way,omitempty"`
	// Account and Zone are ids or names at Cloudflare. Empty: the zone that the url's host is in, and the account that it belongs to.
	Account string `yaml:"account,omitempty"`
	Zone    string `yaml:"zone,omitempty"`
	// Tunnel is the name of a tunnel, or the id of an existing one. Of one that mcpwiz makes it begins with OwnTunnel. Empty:
	// mcpwiz-<first label of the host>.
	Tunnel string `yaml:"tunnel,omitempty"`
	// Keycloak is the local address of Keycloak, where the tunnel carries it too: /realms, /resources and /.well-known, never
	// /admin. Empty: it does not.
	Keycloak string `yaml:"keycloak,omitempty"`
	// Rules is how far mcpwiz may go with what stands in a client's way: empty is what holds for our paths alone, settings also
	// settings of the whole zone.
	Rules string `yaml:"rules,omitempty"`
	// Adopt allows changes to records, rules and a tunnel of that name that mcpwiz did not make.
	Adopt bool `yaml:"adopt,omitempty"`
	// MetricsURL is where a running cloudflared tells of itself. Empty: found at localhost:20241 to 20245.
	MetricsURL string `yaml:"metrics_url,omitempty"`
}

// The ways to a public URL.
const (
	WayCloudflare     = "cloudflare"
	WayExistingTunnel = "existing-tunnel"
	WayQuickTunnel    = "quick-tunnel"
	WayNgrok          = "ngrok"
	WayTailscale      = "tailscale"
	WayOwn            = "own"
)

// Ways are all of them.
var Ways = []string{WayCloudflare, WayExistingTunnel, WayQuickTunnel, WayNgrok, WayTailscale, WayOwn}

// RulesSettings lets mcpwiz change settings of a whole zone.
const RulesSettings = "settings"

// EnvCloudflareToken is Cloudflare's API token; also with _FILE.
const EnvCloudflareToken = "MCPWIZ_CLOUDFLARE_TOKEN"

// ByAPI: mcpwiz has something to set up at Cloudflare.
func (e Expose) ByAPI() bool { return e.Way == WayCloudflare || e.Way == WayExistingTunnel }

// OwnTunnel is what the names of tunnels begin with that mcpwiz makes: the API keeps no other mark on one.
const OwnTunnel = "mcpwiz-"

func (e Expose) defaults(first string) Expose {
	if e.Way == WayCloudflare && e.Tunnel == "" {
		if u, err := url.Parse(first); err == nil {
			label, _, _ := strings.Cut(u.Hostname(), ".")
			e.Tunnel = OwnTunnel + label
		}
	}
	return e
}

func (v *validation) expose(c Connection) {
	e := c.Expose
	if e.Way != "" && !slices.Contains(Ways, e.Way) {
		v.say("expose.way: %q is not known: %s", e.Way, strings.Join(Ways, ", "))
	}
	if e.Rules != "" && e.Rules != RulesSettings {
		v.say("expose.rules: %q is not known: leave it out, or %s", e.Rules, RulesSettings)
	}
	if e.Way == WayExistingTunnel && e.Tunnel == "" {
		v.say("expose.tunnel: missing: the name or the id of the existing tunnel")
	}
	if e.Way == WayCloudflare && e.Tunnel != "" && !strings.HasPrefix(e.Tunnel, OwnTunnel) && !e.Adopt {
		v.say("expose.tunnel: %q must begin with %s, by which mcpwiz knows the tunnels that it makes: or expose.way: %s uses one of yours",
			e.Tunnel, OwnTunnel, WayExistingTunnel)
	}
	v.local("expose.keycloak", e.Keycloak)
	v.local("expose.metrics_url", e.MetricsURL)
	if !e.ByAPI() {
		return
	}
	for i, s := range c.Servers {
		if u, err := url.Parse(s.URL); err == nil && (u.Scheme != "https" || u.Port() != "" && u.Port() != "443") {
			v.say("servers[%d].url: %q cannot be exposed by %s: it must be https, on the standard port", i, s.URL, e.Way)
		}
	}
}
