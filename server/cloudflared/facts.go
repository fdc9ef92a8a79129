package cloudflared

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/cloudflare"
)

// FactKind is the kind of fact that Facts tells.
const FactKind = "tunnel"

// Facts tells of the connectors on this host that carry a target: how they stand, what each path that a client needs is led to, and
// whether something listens there. Of one that knows nothing of the host nothing is told, unless resource names what of the
// connection's would have it do so.
func Facts(target, issuer, metrics, resource string) probe.Informant {
	return func(ctx context.Context, _, _ time.Time, note func(probe.Fact)) error {
		all, err := Local(ctx, metrics)
		if errors.Is(err, ErrNotRunning) {
			return nil
		}
		if err != nil {
			return err
		}
		u, err := url.Parse(target)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.carries(u.Hostname()) || resource != "" {
				note(one.fact(ctx, u, issuer, resource))
			}
		}
		return nil
	}
}

// carries: a rule names the host, or it is the connector's own.
func (r Running) carries(host string) bool {
	if r.Hostname == host {
		return true
	}
	return slices.ContainsFunc(r.Ingress, func(rule cloudflare.Rule) bool {
		if rule.Hostname == "" || rule.Hostname == "*" {
			return false
		}
		_, _, ok := cloudflare.Ingress{{Hostname: rule.Hostname}}.Match(host, "/") // whatever the paths
		return ok
	})
}

func (r Running) fact(ctx context.Context, target *url.URL, issuer, resource string) probe.Fact {
	var paths []any
	services := map[string]any{}
	lead := func(what, path string) {
		decoded, err := url.PathUnescape(path) // as cloudflared matches it
		if err != nil {
			decoded = path
		}
		n, rule, ok := r.Ingress.Match(target.Hostname(), decoded)
		if !ok {
			rule.Service = "http_status:503"
		}
		paths = append(paths, map[string]any{"of": what, "path": path, "rule": n + 1, "matches": rule.String(), "service": rule.Service})
		if _, asked := services[rule.Service]; !asked {
			services[rule.Service] = listens(ctx, rule.Service)
		}
	}
	path := strings.TrimSuffix(target.EscapedPath(), "/")
	lead("server", path)
	lead("server", "/.well-known/oauth-protected-resource"+path)
	if of, err := url.Parse(issuer); err == nil && issuer != "" && of.Hostname() == target.Hostname() {
		realm := strings.TrimSuffix(of.EscapedPath(), "/")
		lead("issuer", "/.well-known/oauth-authorization-server"+realm)
		if realm != "" {
			lead("issuer", realm+"/protocol/openid-connect/auth")
		}
	}
	return probe.Fact{Kind: FactKind, Source: "cloudflared", At: time.Now().UTC(), Data: map[string]any{
		"host": target.Hostname(), "version": r.Version, "connections": r.Connections, "connector": r.Connector, "tunnel": r.Tunnel,
		"config_version": r.ConfigVersion, "rules": len(r.Ingress), "paths": paths, "listens": services, "resource": resource,
	}}
}

// listens asks whether something takes connections at a service: "yes", "no", "unknown" where the service
// has a port of its own kind, or that it is an answer by itself.
func listens(ctx context.Context, service string) string {
	u, err := url.Parse(service)
	if err != nil || u.Host == "" {
		return "answer"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}[u.Scheme]
	}
	if port == "" {
		return "unknown"
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "no"
	}
	c.Close()
	return "yes"
}
