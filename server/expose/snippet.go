package expose

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// Options say what a proxy of one's own is to carry.
type Options struct {
	// Host is the public name, without a port.
	Host string
	// Endpoints are paths of MCP servers, where the name has other services too: these and what belongs to them are carried and
	// nothing else. None: everything is.
	Endpoints []string
	// Listen is where the server listens, host:port; empty is 127.0.0.1:8080.
	Listen string
	// Keycloak is its local address, where the name carries it too: what clients and browsers ask for, never /admin. Empty: it
	// does not.
	Keycloak string
}

// Kinds are the proxies there is a snippet for.
var Kinds = []string{"nginx", "caddy", "traefik", "haproxy", "apache"}

//go:embed snippets/*.tmpl
var snippetFiles embed.FS

var snippets = template.Must(template.New("").Funcs(template.FuncMap{"ident": ident}).ParseFS(snippetFiles, "snippets/*.tmpl"))

// Snippet returns the configuration that a proxy takes to carry a server as clients need it.
func Snippet(kind string, o Options) (string, error) {
	if !slices.Contains(Kinds, kind) {
		return "", fmt.Errorf("there is no snippet for %q: %s", kind, strings.Join(Kinds, ", "))
	}
	v, err := o.view()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := snippets.ExecuteTemplate(&b, kind+".tmpl", v); err != nil {
		return "", fmt.Errorf("snippet for %s: %w", kind, err)
	}
	return b.String(), nil
}

// A view is what the templates are made from. All that comes from outside has passed a pattern: a snippet is configuration.
type view struct {
	Host, Listen, Keycloak string
	// Exact are paths carried as they are, Below those carried with what is below them; both empty: everything.
	Exact, Below []string
	// KeycloakBelow are Keycloak's.
	KeycloakBelow []string
}

var (
	hostName     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
	endpointPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	localAddress = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$`)
)

// documents are what clients ask for beside the endpoints; /register is where they get a client id of mcpwiz serve.
var documents = []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/register"}

func (o Options) view() (view, error) {
	v := view{Host: strings.ToLower(o.Host)}
	if !hostName.MatchString(o.Host) || len(o.Host) > 253 || net.ParseIP(o.Host) != nil {
		return v, fmt.Errorf("host %q is no name, like mcp.example.com", o.Host)
	}
	v.Listen = cmp.Or(o.Listen, "127.0.0.1:8080")
	if !localAddress.MatchString(v.Listen) {
		return v, fmt.Errorf("listen %q is not host:port", o.Listen)
	}
	v.Listen = reachable(v.Listen)
	for _, e := range o.Endpoints {
		e = strings.TrimSuffix(e, "/")
		if e == "" { // the endpoint is the root: everything
			v.Exact, v.Below = nil, nil
			return v.withKeycloak(o.Keycloak)
		}
		if !endpointPath.MatchString(e) || strings.Contains(e+"/", "/../") {
			return v, fmt.Errorf("endpoint %q is no path, like /mcp", e)
		}
		v.Exact = append(v.Exact, e)
	}
	if len(v.Exact) > 0 {
		v.Exact = append(v.Exact, documents...)
		v.Below = v.Exact
	}
	return v.withKeycloak(o.Keycloak)
}

// reachable is an address to connect to, for one to listen at: all addresses are reached on loopback.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

func (v view) withKeycloak(base string) (view, error) {
	if base == "" {
		return v, nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return v, errors.New("the local address of Keycloak is no URL, like http://127.0.0.1:8180")
	case u.Scheme != "http" || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "":
		return v, fmt.Errorf("the local address of Keycloak, %q, is not http://host:port", u.Redacted())
	}
	v.Keycloak = u.Host
	if u.Port() == "" {
		v.Keycloak = net.JoinHostPort(u.Hostname(), "80")
	}
	if !localAddress.MatchString(v.Keycloak) {
		return v, fmt.Errorf("the local address of Keycloak, %q, is not http://host:port", u.Redacted())
	}
	v.KeycloakBelow = []string{"/realms", "/resources", "/.well-known/oauth-authorization-server/realms", "/.well-known/openid-configuration/realms"}
	return v, nil
}

// ident makes a word of a name, for proxies that want one.
func ident(name string) string { return strings.ReplaceAll(name, ".", "-") }
