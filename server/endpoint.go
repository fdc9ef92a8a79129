package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/server/bridge"
	"github.com/mcpwiz/mcpwiz/server/gateway"
	"github.com/mcpwiz/mcpwiz/server/mcp"
)

// An endpoint is one MCP server with everything that belongs to its url.
type endpoint struct {
	Endpoint
	resource gateway.Resource
	issuer   *gateway.Issuer
	keys     *gateway.Keys
	mcp      *mcp.Server
	bridge   *bridge.Bridge
	stand    *stand
	// toIssuer reaches the authorization server where the witness hears it.
	toIssuer http.RoundTripper
	// secret is that of the client that introspects.
	secret func() (string, error)

	// routes are its paths, the endpoint's own first, and roots those at which only one endpoint of a host can answer.
	routes, roots []route
	// carried is Keycloak, where it is reached here too.
	carried *gateway.Carried
	// everything answers every path of the port, where an upstream is only observed.
	everything http.Handler
}

type route struct {
	path    string
	handler http.Handler
	// streams is true where an answer may take as long as it likes, hidden where nothing is served but an explanation.
	streams, hidden bool
}

func newEndpoint(e Endpoint, o Options) (*endpoint, error) {
	resource, err := gateway.NewResource(gateway.Resource{URL: e.URL, Issuer: e.Issuer, Scopes: e.Scopes, Name: e.Name})
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := e.allowed(); err != nil {
		return nil, err
	}
	keysTransport, err := e.keysTransport(o.Transport)
	if err != nil {
		return nil, err
	}
	stand, err := newStand(e, o)
	if err != nil {
		return nil, err
	}
	n := &endpoint{Endpoint: e, resource: resource, stand: stand, toIssuer: stand.own.Transport(o.Transport)}
	if e.Introspect != "" && o.Secret == nil {
		return nil, fmt.Errorf("server: introspection for %s: nobody knows the secret of client %s", e.URL, e.Introspect)
	}
	n.secret = func() (string, error) { return o.Secret(e.Introspect) }
	n.issuer = gateway.NewIssuer(e.Issuer, n.toIssuer, o.Now)
	n.keys = gateway.NewKeys(n.issuer, e.JWKSURL, stand.own.Transport(keysTransport))
	if e.Upstream == nil {
		n.mcp = mcp.New(mcp.Options{
			Name: o.Tool.Name, Version: o.Tool.Version, URL: e.URL, Issuer: e.Issuer,
			Caller: caller, Recent: stand.recent, Logger: o.Logger, Now: o.Now,
		})
	}
	handler, err := n.behind(o)
	if err != nil {
		return nil, err
	}
	if n.Upstream != nil && n.Upstream.Observe {
		n.everything = handler
		return n, nil
	}
	if err := n.route(handler, o); err != nil {
		return nil, err
	}
	return n, n.carry(o)
}

// carry has Keycloak's realm reached at the port too, where the witness hears it: so it sees the sign-in and the token as well.
func (n *endpoint) carry(o Options) error {
	if o.CarryKeycloak == "" {
		return nil
	}
	to, err := url.Parse(o.CarryKeycloak)
	if err != nil || to.Host == "" {
		return fmt.Errorf("server: carry %q: no absolute URL", o.CarryKeycloak)
	}
	n.carried, err = gateway.NewCarried(to, n.Issuer, o.Logger)
	if err != nil {
		return fmt.Errorf("server: carry %s: %w", o.CarryKeycloak, err)
	}
	return nil
}

// scopesAt are the scopes of all servers of an origin, those that single operations take among them.
func (o *Options) scopesAt(origin string) []string {
	var all []string
	add := func(scopes []string) {
		for _, s := range scopes {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	for _, e := range o.Endpoints {
		if at, err := gateway.OriginOf(e.URL); err != nil || at != origin {
			continue
		}
		add(e.Scopes)
		for _, of := range []map[string][]string{e.Needs.Tools, e.Needs.Methods} {
			for _, name := range slices.Sorted(maps.Keys(of)) {
				add(of[name])
			}
		}
	}
	return all
}

// allowed holds the hosts listed to what a Host says (RFC 9110 section 7.2), and the origins to what a browser says (RFC
// 6454 section 6.2): any other would never be met.
func (e Endpoint) allowed() error {
	for _, h := range e.AllowedHosts {
		if u, err := url.Parse("//" + h); err != nil || u.Hostname() == "" || u.Host != h {
			return fmt.Errorf("server: allowed_hosts: %q is no host name, like mcp.example.com", h)
		}
	}
	for _, o := range e.AllowedOrigins {
		if u, err := url.Parse(o); o != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			return fmt.Errorf("server: allowed_origins: %q is no origin, like https://app.example.com", o)
		}
	}
	return nil
}

// caller tells the bundled server who the guard has let in.
func caller(r *http.Request) (mcp.Caller, bool) {
	t := gateway.TokenFrom(r.Context())
	if t == nil {
		return mcp.Caller{}, false
	}
	return mcp.Caller{
		Subject: t.Subject, Client: t.Client, Issuer: t.Issuer,
		Scopes: t.Scopes, Audience: t.Audience, Expires: t.Expires,
	}, true
}

func (n *endpoint) route(handler http.Handler, o Options) error {
	told := n.resource // what clients are told of us
	mirror, register := gateway.MirrorHandler(n.issuer), gateway.RegisterHandler(n.Public, n.Scopes)
	if o.Front {
		origin, err := gateway.OriginOf(n.URL)
		if err != nil {
			return err
		}
		told.Issuer = origin
		scopes := o.scopesAt(origin)
		mirror = gateway.FrontHandler(&gateway.Front{Name: origin, Behind: n.issuer, Scopes: scopes})
		if o.RegisterBehind {
			register = gateway.NewRegisterProxy(n.issuer, scopes, n.toIssuer).Handler()
		}
	}
	metadata, err := gateway.MetadataHandler(told)
	if err != nil {
		return err
	}
	needs, err := gateway.NewNeeds(n.Needs)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	guard := gateway.Guard{Resource: n.resource, Verify: o.metrics.counted(n.URL, n.verifier().Verify), Needs: needs}
	guarded := func(h http.Handler) http.Handler {
		return gateway.Origins(n.resource, n.AllowedOrigins, gateway.Methods(guard.Require(h), http.MethodGet, http.MethodPost, http.MethodDelete))
	}
	at := n.resource.Path()
	n.routes = append(n.routes, route{path: at, handler: guarded(handler), streams: true})
	if other := otherSlash(at); other != "" {
		n.routes = append(n.routes, route{path: other, handler: guarded(handler), streams: true, hidden: true})
	}
	if at != "/" {
		n.routes = append(n.routes, route{path: n.resource.MetadataPath(), handler: metadata})
	}
	n.roots = append(n.roots, route{path: gateway.RootMetadataPath, handler: metadata})
	for _, path := range gateway.MirrorPaths(n.resource) {
		if strings.HasPrefix(path, "/.well-known/") {
			n.roots = append(n.roots, route{path: path, handler: mirror})
		} else {
			n.routes = append(n.routes, route{path: path, handler: mirror})
		}
	}
	n.roots = append(n.roots, route{path: "/register", handler: register})
	if n.Upstream == nil {
		tools := gateway.Methods(guard.Require(http.HandlerFunc(n.mcp.ServeTools)), http.MethodGet)
		n.roots = append(n.roots, route{path: "/tools/list", handler: gateway.Origins(n.resource, n.AllowedOrigins, tools)})
	}
	for _, path := range []string{"/authorize", "/token"} {
		n.roots = append(n.roots, route{path: path, handler: n.astray(), hidden: true})
	}
	return nil
}

func (n *endpoint) verifier() *gateway.Verifier {
	v := gateway.NewVerifier(n.resource, n.keys)
	if n.Introspect != "" {
		v.Introspector = &gateway.Introspector{Issuer: n.issuer, ClientID: n.Introspect, Secret: n.secret, Transport: n.toIssuer}
	}
	return v
}

// astray answers those who take this server for the authorization server: clients of MCP 2025-03-26, and any that found no
// metadata it could use, go to these paths on the MCP host.
func (n *endpoint) astray() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gateway.WriteError(w, http.StatusNotFound, "not_found", fmt.Sprintf(
			"%s is served by the authorization server %s, not here. A client that comes here found no valid metadata of that server; mcpwiz doctor %s says why",
			r.URL.Path, n.Issuer, n.URL))
	})
}

// otherSlash is the same path with or without its final slash: both are served, for a redirect turns a POST into a GET.
func otherSlash(path string) string {
	if path == "/" {
		return ""
	}
	if strings.HasSuffix(path, "/") {
		return strings.TrimSuffix(path, "/")
	}
	return path + "/"
}
