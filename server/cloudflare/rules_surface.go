package cloudflare

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A surface is what of one host programs must reach: the least that a rule has to let through.
type surface struct {
	host string
	// exact are paths, and below are those with all that is under them: "/mcp/".
	exact, below []string
	// pages are shown to a user's browser, which passes challenges and must pass no login of another: with all under them.
	pages []string
	asks  []ask
}

// An ask is one request that clients make. Agents send it; with login it is a browser that does.
type ask struct {
	method, path string
	document     bool
	login        bool
}

// registration is where the gateway takes clients that register themselves.
const registration = "/register"

// surfaces are those of a connection, each host once, in the order of its servers, Keycloak last.
func surfaces(c plan.Connection) []surface {
	var all []surface
	of := func(host string) *surface {
		i := slices.IndexFunc(all, func(s surface) bool { return s.host == host })
		if i < 0 {
			i, all = len(all), append(all, surface{host: host})
		}
		return &all[i]
	}
	for _, server := range c.Servers {
		if u, err := url.Parse(server.URL); err == nil && u.Host != "" {
			of(strings.ToLower(u.Hostname())).server(u.EscapedPath())
		}
	}
	if u, err := url.Parse(c.Keycloak.Issuer); err == nil && u.Host != "" {
		of(strings.ToLower(u.Hostname())).keycloak(strings.TrimSuffix(u.EscapedPath(), "/"))
	}
	return all
}

func (s *surface) server(path string) {
	if path == "" {
		path = "/"
	}
	endpoint := path
	s.add(&s.exact, endpoint)
	if path = strings.TrimSuffix(path, "/"); path != "" {
		s.add(&s.exact, path)
		s.add(&s.below, path+"/")
	}
	s.add(&s.exact, registration)
	s.add(&s.below, "/.well-known/")
	s.asks = append(s.asks, ask{method: "POST", path: endpoint}, ask{method: "GET", path: endpoint},
		ask{method: "GET", path: "/.well-known/oauth-protected-resource" + path, document: true}, ask{method: "POST", path: registration, document: true})
}

// keycloak adds what clients ask of a realm. Its login pages are for browsers: they stay behind what guards browsers.
func (s *surface) keycloak(realm string) {
	base, _, _ := strings.Cut(realm, "/realms/")
	for _, path := range []string{"/protocol/openid-connect/", "/clients-registrations/", "/.well-known/"} {
		s.add(&s.below, realm+path)
	}
	s.add(&s.below, "/.well-known/")
	s.pages = append(s.pages, realm+"/", base+"/resources/")
	s.asks = append(s.asks, ask{method: "GET", path: "/.well-known/oauth-authorization-server" + realm, document: true},
		ask{method: "GET", path: realm + "/.well-known/openid-configuration", document: true},
		ask{method: "POST", path: realm + "/protocol/openid-connect/token", document: true},
		ask{method: "GET", path: realm + "/protocol/openid-connect/certs", document: true},
		ask{method: "GET", path: realm + "/protocol/openid-connect/auth", login: true},
		ask{method: "POST", path: realm + "/login-actions/authenticate", login: true})
}

func (s *surface) add(to *[]string, path string) {
	if !slices.Contains(*to, path) {
		*to = append(*to, path)
	}
}

// expression holds for just these paths of this host.
func (s surface) expression() string {
	var any []string
	for _, path := range s.exact {
		any = append(any, "http.request.uri.path eq "+quote(path))
	}
	for _, path := range s.below {
		any = append(any, "starts_with(http.request.uri.path, "+quote(path)+")")
	}
	return "(http.host eq " + quote(s.host) + " and (" + strings.Join(any, " or ") + "))"
}

// hostedAt is where hosted Claude comes from, wherever its user is: https://platform.claude.com/docs/en/api/ip-addresses.
var (
	hostedAt      = netip.MustParsePrefix("160.79.104.0/21")
	hostedCountry = "US"
)

// A caller is what a client of the connection calls itself: for messages, for documents and tokens; "" for one that sends no name.
type caller struct {
	messages, documents string
	// hosted: it comes from hosted Claude's network.
	hosted bool
}

// callers are the clients of a connection, as their profiles have them; Claude where none is known here.
func callers(c plan.Connection) []caller {
	var all []caller
	for _, one := range c.Defaults().Clients {
		p, err := profiles.Load(one.Profile)
		if err != nil {
			continue // who introspects comes from within; profiles of the user's own are not known here
		}
		if k := callerOf(p); !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	if len(all) > 0 {
		return all
	}
	return callers(plan.Connection{})
}

func callerOf(p *probe.Profile) caller {
	k := caller{hosted: p.Hosted && strings.HasPrefix(p.ID, "claude")}
	if name := p.Headers.MCPUserAgent; name != nil {
		k.messages = *name
	}
	if name := p.Headers.OAuthUserAgent; name != nil {
		k.documents = *name
	}
	return k
}

// visits are the requests that these make of a surface. The endpoint is also looked at under the name of documents.
func (s surface) visits(by []caller) []visit {
	var all []visit
	for _, k := range by {
		for _, one := range s.asks {
			names := []string{k.messages, k.documents}
			if one.document {
				names = names[1:]
			}
			for _, name := range names {
				v := visit{method: one.method, host: s.host, path: one.path, agent: name}
				if k.hosted {
					v.from, v.country = hostedAt, hostedCountry
				}
				if !one.login && !slices.Contains(all, v) {
					all = append(all, v)
				}
			}
		}
	}
	return all
}
