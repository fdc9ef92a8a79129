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

// A Subject is what connectors are asked about.
type Subject struct {
	// Target is the server's URL, Issuer its authorization server's.
	Target, Issuer string
	// Metrics is where a connector tells of itself, when one is named; Tunnel the id of the one that is to carry the target, when known.
	Metrics, Tunnel string
	// Resource would have it carry the target; empty where nothing of the connection's would.
	Resource string
}

// Facts tells of the connectors on this host that carry a target: how they stand, what each path that a client needs is led to, and
// whether something listens there. Of one that knows nothing of the host nothing is told, unless it is meant to: it may be anybody's.
func Facts(s Subject) probe.Informant {
	return func(ctx context.Context, _, _ time.Time, note func(probe.Fact)) error {
		all, err := Local(ctx, s.Metrics)
		if errors.Is(err, ErrNotRunning) {
			return nil
		}
		if err != nil {
			return err
		}
		u, err := url.Parse(s.Target)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.carries(u.Hostname()) || s.means(one) {
				note(one.fact(ctx, u, s))
			}
		}
		return nil
	}
}

// means: the connection would have it carry the target, and it runs the tunnel for it or is the one that was named.
func (s Subject) means(r Running) bool {
	return s.Resource != "" && (s.Metrics != "" || s.Tunnel != "" && r.Tunnel == s.Tunnel)
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

func (r Running) fact(ctx context.Context, target *url.URL, s Subject) probe.Fact {
	var paths []any
	services := map[string]any{}
	for _, n := range r.needs(target, s.Issuer) {
		led := r.leads(n)
		paths = append(paths, led)
		service := led["service"].(string)
		if _, asked := services[service]; !asked {
			services[service] = listens(ctx, service)
		}
	}
	return probe.Fact{Kind: FactKind, Source: "cloudflared", At: time.Now().UTC(), Data: map[string]any{
		"host": target.Hostname(), "version": r.Version, "connections": r.Connections, "connector": r.Connector, "tunnel": r.Tunnel,
		"config_version": r.ConfigVersion, "rules": len(r.Ingress), "paths": paths, "listens": services, "resource": s.Resource,
	}}
}

// A need is a path that a client asks for, and which of the two programs answers it.
type need struct{ of, host, path string }

// needs are those of the server, and those of its authorization server where this connector carries that too.
func (r Running) needs(target *url.URL, issuer string) []need {
	path := strings.TrimSuffix(target.EscapedPath(), "/")
	all := []need{
		{"server", target.Hostname(), path},
		{"server", target.Hostname(), "/.well-known/oauth-protected-resource" + path},
	}
	of, err := url.Parse(issuer)
	if err != nil || issuer == "" || of.Hostname() != target.Hostname() && !r.carries(of.Hostname()) {
		return all
	}
	realm := strings.TrimSuffix(of.EscapedPath(), "/")
	all = append(all, need{"issuer", of.Hostname(), "/.well-known/oauth-authorization-server" + realm})
	if realm != "" { // without one, the endpoints are where the metadata says
		all = append(all, need{"issuer", of.Hostname(), realm + "/.well-known/openid-configuration"},
			need{"issuer", of.Hostname(), realm + "/protocol/openid-connect/auth"})
	}
	return all
}

// leads is what the rules in force do with a path; rule 0 where none of them holds, which is answered with 503.
func (r Running) leads(n need) map[string]any {
	decoded, err := url.PathUnescape(n.path) // as cloudflared matches it
	if err != nil {
		decoded = n.path
	}
	i, rule, ok := r.Ingress.Match(n.host, decoded)
	number := i + 1
	if !ok {
		number, rule.Service = 0, "http_status:503"
	}
	return map[string]any{"of": n.of, "host": n.host, "path": n.path, "rule": number, "matches": rule.String(), "service": rule.Service}
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
