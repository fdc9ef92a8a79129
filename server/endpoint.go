package server

import (
	"fmt"
	"net/http"
	"strings"

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

	// routes are its paths, the endpoint's own first, and roots those at which only one endpoint of a host can answer.
	routes, roots []route
}

type route struct {
	path    string
	handler http.Handler
	// streams is true where an answer may take as long as it likes.
	streams bool
}

func newEndpoint(e Endpoint, o Options) (*endpoint, error) {
	resource, err := gateway.NewResource(gateway.Resource{URL: e.URL, Issuer: e.Issuer, Scopes: e.Scopes, Name: e.Name})
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	keysTransport, err := e.keysTransport(o.Transport)
	if err != nil {
		return nil, err
	}
	n := &endpoint{Endpoint: e, resource: resource}
	n.issuer = gateway.NewIssuer(e.Issuer, o.Transport, o.Now)
	n.keys = gateway.NewKeys(n.issuer, e.JWKSURL, keysTransport)
	n.mcp = mcp.New(mcp.Options{
		Name: o.Tool.Name, Version: o.Tool.Version, URL: e.URL, Issuer: e.Issuer,
		Caller: caller, Logger: o.Logger, Now: o.Now,
	})
	return n, n.route()
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

func (n *endpoint) route() error {
	metadata, err := gateway.MetadataHandler(n.resource)
	if err != nil {
		return err
	}
	guard := gateway.Guard{Resource: n.resource, Verify: gateway.NewVerifier(n.resource, n.keys).Verify}
	guarded := func(h http.Handler) http.Handler {
		return gateway.Origins(n.resource, n.AllowedOrigins, gateway.Methods(guard.Require(h), http.MethodGet, http.MethodPost, http.MethodDelete))
	}
	at := n.resource.Path()
	n.routes = append(n.routes, route{at, guarded(n.mcp), true})
	if other := otherSlash(at); other != "" {
		n.routes = append(n.routes, route{other, guarded(n.mcp), true})
	}
	if at != "/" {
		n.routes = append(n.routes, route{path: n.resource.MetadataPath(), handler: metadata})
	}
	n.roots = append(n.roots, route{path: gateway.RootMetadataPath, handler: metadata})
	mirror := gateway.MirrorHandler(n.issuer)
	for _, path := range gateway.MirrorPaths(n.resource) {
		if strings.HasPrefix(path, "/.well-known/") {
			n.roots = append(n.roots, route{path: path, handler: mirror})
		} else {
			n.routes = append(n.routes, route{path: path, handler: mirror})
		}
	}
	tools := gateway.Methods(guard.Require(http.HandlerFunc(n.mcp.ServeTools)), http.MethodGet)
	n.roots = append(n.roots,
		route{path: "/register", handler: gateway.RegisterHandler(n.Public, n.Scopes)},
		route{path: "/tools/list", handler: gateway.Origins(n.resource, n.AllowedOrigins, tools)})
	return nil
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
