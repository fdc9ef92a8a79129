package plan

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Serving is what holds for all servers that one process serves.
type Serving struct {
	// Front names our own origin as the issuer: clients read where to register, and what to ask for, from our metadata. Tokens stay
	// Keycloak's.
	Front bool `yaml:"front,omitempty"`
	// Registration is what /register does in front mode: facade (also when empty) hands out the public client, keycloak has Keycloak
	// register each one.
	Registration string `yaml:"registration,omitempty"`
	// CarryKeycloak is the local address of Keycloak, where its realm is to be reached on the same port and name: never /admin.
	CarryKeycloak string `yaml:"carry_keycloak,omitempty"`
	// AdminListen is host:port of an address of its own for monitoring: metrics and health. Empty: there is none.
	AdminListen string `yaml:"admin_listen,omitempty"`
	// AccessLog is how a line for each request is written: text or json. Empty: none is.
	AccessLog string `yaml:"access_log,omitempty"`
	// Introspection has tokens that are no readable JWT judged by the authorization server (RFC 7662), asked by the server's client
	// of profile introspection.
	Introspection bool `yaml:"introspection,omitempty"`
}

// An Upstream is an MCP server of somebody else's that is served behind OAuth.
type Upstream struct {
	// URL is its endpoint, as reached from here; Transport is streamable-http (also when empty), or sse for a server of MCP
	// 2024-11-05.
	URL       string `yaml:"url,omitempty"`
	Transport string `yaml:"transport,omitempty"`
	// Command speaks MCP over stdin and stdout instead: a program and its arguments. Each session has its own, unless Shared.
	Command []string `yaml:"command,omitempty"`
	Shared  bool     `yaml:"shared,omitempty"`
	// TokenFile holds a bearer token, and HeaderFile lines like "Name: value", that are sent to it; both are read anew when they
	// change. The client's own token never goes there.
	TokenFile  string `yaml:"token_file,omitempty"`
	HeaderFile string `yaml:"header_file,omitempty"`
	// UserHeaders are the headers in which it is told who calls: sub, client and scopes, each with the name of a header.
	UserHeaders map[string]string `yaml:"user_headers,omitempty"`
	// Observe: it does its own OAuth. Nothing is verified or added, the witness only watches.
	Observe bool `yaml:"observe,omitempty"`
}

// What /register does in front mode.
const (
	RegisterFacade   = "facade"
	RegisterKeycloak = "keycloak"
)

func (v *validation) serving(c Connection) {
	s := c.Serving
	switch {
	case s.Registration != "" && s.Registration != RegisterFacade && s.Registration != RegisterKeycloak:
		v.say("server.registration: %q is not known: %s or %s", s.Registration, RegisterFacade, RegisterKeycloak)
	case s.Registration == RegisterKeycloak && !s.Front:
		v.say("server.registration: %s is for front mode: elsewhere clients register at Keycloak, whose metadata they read; server.front: true", s.Registration)
	}
	if s.AccessLog != "" && s.AccessLog != "text" && s.AccessLog != "json" {
		v.say("server.access_log: %q is not known: text or json", s.AccessLog)
	}
	if _, _, err := net.SplitHostPort(s.AdminListen); s.AdminListen != "" && err != nil {
		v.say("server.admin_listen: %q is not host:port, like 127.0.0.1:9090", s.AdminListen)
	}
	if s.CarryKeycloak != "" {
		v.local("server.carry_keycloak", s.CarryKeycloak)
		for i, one := range c.Servers {
			if a, b := hostOf(one.URL), hostOf(c.Keycloak.Issuer); a != b {
				v.say("server.carry_keycloak: keycloak.issuer is at %s and servers[%d] at %s: on one port they have one name", b, i, a)
			}
		}
	}
}

// local holds an address on this side to scheme, host and port.
func (v *validation) local(key, raw string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		v.say("%s: %q is no absolute http(s) URL, like http://127.0.0.1:8180", key, raw)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		v.say("%s: %q must be scheme, host and port alone", key, raw)
	}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// The transports of an upstream.
const (
	StreamableHTTP = "streamable-http"
	SSE            = "sse"
)

// What an upstream can be told of the user.
const (
	UserSubject = "sub"
	UserClient  = "client"
	UserScopes  = "scopes"
)

func (v *validation) upstream(key string, u *Upstream) {
	if u == nil {
		return
	}
	at, err := url.Parse(u.URL)
	v.transport(key, u)
	switch {
	case len(u.Command) > 0:
	case u.URL == "":
		v.say("%s.url: missing: where the MCP server is reached from here, e.g. http://127.0.0.1:9000/mcp", key)
	case err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https":
		v.say("%s.url: %q is no absolute http(s) URL", key, u.URL)
	case at.User != nil:
		v.say("%s.url: must not hold a user or a password: put them into header_file", key)
	case u.Observe && (u.TokenFile != "" || u.HeaderFile != "" || len(u.UserHeaders) > 0):
		v.say("%s.observe: nothing is added where the upstream does its own OAuth: take token_file, header_file and user_headers out", key)
	}
	names := map[string]bool{}
	for _, what := range slices.Sorted(maps.Keys(u.UserHeaders)) {
		name := u.UserHeaders[what]
		switch {
		case !slices.Contains([]string{UserSubject, UserClient, UserScopes}, what):
			v.say("%s.user_headers: %q is not known: an upstream can be told sub, client and scopes", key, what)
		case !headerName(name):
			v.say("%s.user_headers.%s: %q is no name of a header (RFC 9110 5.1)", key, what, name)
		case names[strings.ToLower(name)]:
			v.say("%s.user_headers.%s: %q is there twice", key, what, name)
		}
		names[strings.ToLower(name)] = true
	}
}

// transport holds that of an upstream to what goes together.
func (v *validation) transport(key string, u *Upstream) {
	switch u.Transport {
	case "", StreamableHTTP, SSE:
	default:
		v.say("%s.transport: %q is not known: %s or %s", key, u.Transport, StreamableHTTP, SSE)
	}
	switch {
	case len(u.Command) > 0 && (u.URL != "" || u.Transport != ""):
		v.say("%s.command: a command has neither url nor transport: take one of them out", key)
	case len(u.Command) > 0 && (u.TokenFile != "" || u.HeaderFile != "" || len(u.UserHeaders) > 0 || u.Observe):
		v.say("%s.command: a command is sent no headers: take token_file, header_file, user_headers and observe out", key)
	case u.Transport == SSE && (len(u.UserHeaders) > 0 || u.Observe):
		v.say("%s.transport: over sse nobody is told who calls, and nothing can be observed: take user_headers and observe out", key)
	case u.Shared && len(u.Command) == 0 && u.Transport != SSE:
		v.say("%s.shared: is for a command, or for sse", key)
	}
}

// headerName reports whether a header can be called so, and is nobody else's.
func headerName(name string) bool {
	if slices.Contains([]string{"authorization", "host", "content-type", "content-length", "accept", "mcp-session-id", "mcp-protocol-version"}, strings.ToLower(name)) {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

// StepUpScopes returns the scopes that only some operations of the server take, sorted.
func (c Connection) StepUpScopes(server string) []string {
	s, ok := c.Server(server)
	if !ok {
		return nil
	}
	base := s.Scopes
	var all []string
	for _, of := range []map[string][]string{s.ToolScopes, s.MethodScopes} {
		for _, scopes := range of {
			for _, one := range scopes {
				if !slices.Contains(base, one) && !slices.Contains(all, one) {
					all = append(all, one)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// operationScopes holds what single operations take to the form of scopes.
func (v *validation) operationScopes(key string, of map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if len(of[name]) == 0 {
			v.say("%s.%s: no scope: name at least one, or take it out", key, name)
		}
		for _, scope := range of[name] {
			v.scopeName(key+"."+name, scope)
		}
	}
}
