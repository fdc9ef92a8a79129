package expose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A named tunnel is Cloudflare's, with a name of one's own.
type named struct {
	name string
	Local
}

func (n named) Name() string    { return n.name }
func (n named) Caps() Caps      { return caps[n.name] }
func (n named) Needs() []string { return needs[n.name] }

func (n named) Check(ctx context.Context, publicURL string) (State, error) {
	u, s, err := look(publicURL, "443")
	if err != nil {
		return s, err
	}
	if under(u, quickDomain) {
		s.problem("%s is the name of a quick tunnel, not of one that lasts", u.Hostname())
	}
	rules, err := n.ingress(ctx)
	if err != nil {
		return s.silent(err)
	}
	s.Agent = "cloudflared runs here, and has no rule for " + u.Hostname()
	for _, r := range rules {
		if hostMatches(r.Hostname, u.Hostname()) {
			s.Is, s.To = true, r.Service
			s.Agent = fmt.Sprintf("cloudflared carries %s to %s", u.Hostname(), r.Service)
			break
		}
	}
	return s, nil
}

// hostMatches: a rule's hostname is one, or all below a name (*.example.com).
func hostMatches(rule, host string) bool {
	suffix, wild := strings.CutPrefix(rule, "*")
	return strings.EqualFold(rule, host) || wild && suffix != "" && strings.HasSuffix(strings.ToLower(host), strings.ToLower(suffix))
}

const quickDomain = "trycloudflare.com"

type quick struct{ Local }

func (quick) Name() string    { return plan.WayQuickTunnel }
func (quick) Caps() Caps      { return caps[plan.WayQuickTunnel] }
func (quick) Needs() []string { return needs[plan.WayQuickTunnel] }

func (q quick) Check(ctx context.Context, publicURL string) (State, error) {
	u, s, err := look(publicURL, "443")
	if err != nil {
		return s, err
	}
	if !under(u, quickDomain) {
		s.problem("%s is no name of a quick tunnel: they end in .%s", u.Hostname(), quickDomain)
	}
	name, err := q.quickName(ctx)
	switch {
	case err != nil:
		return s.silent(err)
	case name == "":
		s.Agent = "cloudflared runs here, and is no quick tunnel"
	case strings.EqualFold(name, u.Hostname()):
		s.Is, s.Agent = true, "cloudflared's quick tunnel has this name"
	default:
		s.Agent = "cloudflared's quick tunnel now has the name " + name
		s.problem("the name has changed: it is https://%s now", name)
	}
	return s, nil
}

type ngrok struct{ Local }

func (ngrok) Name() string    { return plan.WayNgrok }
func (ngrok) Caps() Caps      { return caps[plan.WayNgrok] }
func (ngrok) Needs() []string { return needs[plan.WayNgrok] }

func (n ngrok) Check(ctx context.Context, publicURL string) (State, error) {
	u, s, err := look(publicURL, "443")
	if err != nil {
		return s, err
	}
	tunnels, err := n.ngrokTunnels(ctx)
	if err != nil {
		return s.silent(err)
	}
	var others []string
	for _, t := range tunnels {
		if at, err := url.Parse(t.URL); err == nil && at.Scheme == u.Scheme && strings.EqualFold(at.Host, u.Host) {
			s.Is, s.To, s.Agent = true, t.Addr, fmt.Sprintf("ngrok carries %s to %s", t.URL, t.Addr)
			return s, nil
		}
		others = append(others, t.URL)
	}
	s.Agent = "ngrok runs here, and carries " + cmp.Or(strings.Join(others, ", "), "nothing")
	return s, nil
}

type tailscale struct{ Local }

func (tailscale) Name() string    { return plan.WayTailscale }
func (tailscale) Caps() Caps      { return caps[plan.WayTailscale] }
func (tailscale) Needs() []string { return needs[plan.WayTailscale] }

// Check finds the handler of the longest path. Funnel takes the handler's path off what it passes on, so that one for the
// endpoint's own path needs a target with the same path.
func (t tailscale) Check(ctx context.Context, publicURL string) (State, error) {
	u, s, err := look(publicURL, "443", "8443", "10000")
	if err != nil {
		return s, err
	}
	if !under(u, "ts.net") {
		s.problem("%s is no name of a tailnet: Funnel carries names that end in .ts.net and no other", u.Hostname())
	}
	served, err := t.funnel(ctx)
	if err != nil {
		return s.silent(err)
	}
	at := net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "443"))
	handlers := served.Web[at].Handlers
	best := ""
	for p := range handlers {
		if p == "/" || u.Path == p || strings.HasPrefix(u.Path, strings.TrimSuffix(p, "/")+"/") {
			if len(p) > len(best) {
				best = p
			}
		}
	}
	switch to := handlers[best].Proxy; {
	case best == "":
		s.Agent = "tailscale runs here, and serves nothing at " + at + cmp.Or(u.Path, "/")
	case !served.AllowFunnel[at]:
		s.Agent, s.To = fmt.Sprintf("tailscale serves %s to the tailnet only", at), to
		s.problem("nobody outside of the tailnet reaches it: tailscale funnel, not tailscale serve")
	default:
		s.Is, s.To, s.Agent = true, to, fmt.Sprintf("tailscale carries %s%s to %s", at, best, to)
		if best != "/" {
			s.problem("only paths below %s are carried: /.well-known/oauth-protected-resource%s is not; serve / instead", best, u.Path)
		}
	}
	return s, nil
}

// Own is whatever the operator has put there: nobody on this machine can be asked.
type own struct{}

func (own) Name() string    { return plan.WayOwn }
func (own) Caps() Caps      { return caps[plan.WayOwn] }
func (own) Needs() []string { return needs[plan.WayOwn] }

func (own) Check(_ context.Context, publicURL string) (State, error) {
	_, s, err := look(publicURL)
	s.Agent = "there is no program to ask: mcpwiz doctor asks the URL itself"
	return s, err
}

// look holds a URL to what every public one must be; ports are those that the way has, none for any.
func look(publicURL string, ports ...string) (*url.URL, State, error) {
	var s State
	u, err := url.Parse(publicURL)
	if err != nil {
		var quoting *url.Error // it may quote a password
		if errors.As(err, &quoting) {
			err = quoting.Err
		}
		return nil, s, fmt.Errorf("the public url: %w", err)
	}
	if u.Hostname() == "" {
		return nil, s, fmt.Errorf("the public url %q has no host", u.Redacted())
	}
	if u.Scheme != "https" {
		s.problem("the scheme is %q: hosted clients take https only", u.Scheme)
	}
	if port := cmp.Or(u.Port(), "443"); len(ports) > 0 && !slices.Contains(ports, port) {
		s.problem("port %s cannot be had this way: %s", port, strings.Join(ports, ", "))
	}
	switch ip := net.ParseIP(u.Hostname()); {
	case ip != nil:
		s.problem("%s is an address: a name is needed for a certificate", ip)
	case probe.Loopback(u.Hostname()) || !strings.Contains(u.Hostname(), ".") || slices.Contains([]string{".local", ".internal", ".lan"}, path.Ext(u.Hostname())):
		s.problem("%s is no public name", u.Hostname())
	}
	return u, s, nil
}

// under reports whether a URL's host is a name below a domain.
func under(u *url.URL, domain string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), "."+domain)
}

func (s *State) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

// silent is the state where the way's program was not there to ask, which need not be on this machine.
func (s State) silent(err error) (State, error) {
	if errors.Is(err, context.Canceled) {
		return s, err
	}
	s.Agent = err.Error()
	return s, nil
}
