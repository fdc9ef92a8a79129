package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A key is one of mcpwiz.yaml that a flag stands for; kind is how its value is told in --help.
type key struct {
	kind, usage string
	set         func(*plan.Connection, string) error
}

// The keys by the name of their flag. Those of a list's entries are given after the entry's name: --client
// m2m,id=robot,auth=private_key_jwt changes the entry of that name, or adds it.
var keys = map[string]key{
	"url":    {"URL", "servers[0].url: the resource identifier, byte for byte as clients are given it", ofServer(func(s *plan.Server) *string { return &s.URL })},
	"name":   {"text", "servers[0].name: what people call the server", ofServer(func(s *plan.Server) *string { return &s.Name })},
	"listen": {"host:port", "servers[0].listen: where to serve", ofServer(func(s *plan.Server) *string { return &s.Listen })},

	"allowed-host": {"name", "servers[0].allowed_hosts: a further name that the server is reached by; repeatable",
		ofServers(func(s *plan.Server) *[]string { return &s.AllowedHosts })},
	"allowed-origin": {"origin", "servers[0].allowed_origins: whose pages may call the server from a browser, * for all; repeatable",
		ofServers(func(s *plan.Server) *[]string { return &s.AllowedOrigins })},

	"upstream":             {"URL", "servers[0].upstream.url: the MCP server behind this one, as reached from here", ofUpstream(func(u *plan.Upstream) *string { return &u.URL })},
	"upstream-transport":   {"name", "servers[0].upstream.transport: streamable-http, or sse for a server of MCP 2024-11-05", ofUpstream(func(u *plan.Upstream) *string { return &u.Transport })},
	"upstream-shared":      {"bool", "servers[0].upstream.shared: one command, or one sse stream, for all sessions", setShared},
	"upstream-token-file":  {"file", "servers[0].upstream.token_file: a bearer token that is sent to it", ofUpstream(func(u *plan.Upstream) *string { return &u.TokenFile })},
	"upstream-header-file": {"file", "servers[0].upstream.header_file: headers that are sent to it, like Name: value", ofUpstream(func(u *plan.Upstream) *string { return &u.HeaderFile })},
	"user-header":          {"sub|client|scopes=name", "servers[0].upstream.user_headers: the header in which it is told that of the user; repeatable", setUserHeader},
	"observe":              {"bool", "servers[0].upstream.observe: the upstream does its own OAuth; nothing is verified or added", setObserve},
	"tool-scope": {"tool=scope[,scope...]", "servers[0].tool_scopes: scopes that a tool takes besides; repeatable",
		ofOperations(func(s *plan.Server) *map[string][]string { return &s.ToolScopes })},
	"method-scope": {"method=scope[,scope...]", "servers[0].method_scopes: scopes that a JSON-RPC method takes besides; repeatable",
		ofOperations(func(s *plan.Server) *map[string][]string { return &s.MethodScopes })},
	"front":        {"bool", "server.front: name this server's own origin as the issuer, so that clients read registration and scopes from it", ofServing(func(s *plan.Serving) *bool { return &s.Front })},
	"registration": {"how", "server.registration: what /register does in front mode: facade, or keycloak", ofServingText(func(s *plan.Serving) *string { return &s.Registration })},
	"carry-keycloak": {"URL", "server.carry_keycloak: the local address of Keycloak, whose realm is reached on the same port and name; never /admin",
		ofServingText(func(s *plan.Serving) *string { return &s.CarryKeycloak })},
	"admin-listen": {"host:port", "server.admin_listen: where metrics and health are served for monitoring, apart from the servers", ofServingText(func(s *plan.Serving) *string { return &s.AdminListen })},
	"access-log":   {"how", "server.access_log: write a line for each request: text, json", ofServingText(func(s *plan.Serving) *string { return &s.AccessLog })},
	"introspection": {"bool", "server.introspection: have the authorization server judge tokens that are no readable JWT (RFC 7662)",
		ofServing(func(s *plan.Serving) *bool { return &s.Introspection })},

	"expose":      {"way", "expose.way: " + strings.Join(plan.Ways, ", "), ofExpose(func(e *plan.Expose) *string { return &e.Way })},
	"account":     {"name", "expose.account: of Cloudflare, its id or name (default: that of the zone)", ofExpose(func(e *plan.Expose) *string { return &e.Account })},
	"zone":        {"name", "expose.zone: of Cloudflare, its id or name (default: the one that the url's host is in)", ofExpose(func(e *plan.Expose) *string { return &e.Zone })},
	"tunnel-name": {"name", "expose.tunnel: the tunnel's name, or the id of an existing one (default: mcpwiz-<first label of the host>)", ofExpose(func(e *plan.Expose) *string { return &e.Tunnel })},
	"expose-keycloak": {"URL", "expose.keycloak: the local address of Keycloak, where the tunnel carries it too; never /admin",
		ofExpose(func(e *plan.Expose) *string { return &e.Keycloak })},
	"edge-rules":  {"settings", "expose.rules: settings lets mcpwiz change settings of the whole zone too", ofExpose(func(e *plan.Expose) *string { return &e.Rules })},
	"adopt-edge":  {"bool", "expose.adopt: change records and rules that mcpwiz did not make", setAdoptEdge},
	"metrics-url": {"URL", "expose.metrics_url: where a running cloudflared tells of itself (default: localhost:20241 to 20245)", ofExpose(func(e *plan.Expose) *string { return &e.MetricsURL })},

	"issuer":       {"URL", "keycloak.issuer: the realm's public URL, byte for byte", ofKeycloak(func(k *plan.Keycloak) *string { return &k.Issuer })},
	"admin-url":    {"URL", "keycloak.admin_url: where the Admin API is reached from here (default: the issuer without /realms/...)", ofKeycloak(func(k *plan.Keycloak) *string { return &k.AdminURL })},
	"jwks-url":     {"URL", "keycloak.jwks_url: where keys are fetched, if not by the public name", ofKeycloak(func(k *plan.Keycloak) *string { return &k.JWKSURL })},
	"ca-file":      {"file", "keycloak.ca_file: certificates to trust for admin_url and jwks_url", ofKeycloak(func(k *plan.Keycloak) *string { return &k.CAFile })},
	"realm":        {"name", "keycloak.realm: follows from the issuer", ofKeycloak(func(k *plan.Keycloak) *string { return &k.Realm })},
	"create-realm": {"bool", "keycloak.create_realm: make the realm, and own its settings", ofFlag(func(k *plan.Keycloak) *bool { return &k.CreateRealm })},
	"allow-vulnerable": {"bool", "keycloak.allow_vulnerable: open registration also where this version has known privilege escalations in it",
		ofFlag(func(k *plan.Keycloak) *bool { return &k.AllowVulnerable })},
	"sign-in": {"key=value[,key=value...]", "keycloak.sign_in: how long users stay signed in, in seconds (keys: idle, max, offline_idle, offline_max, rotate_refresh_tokens, refresh_token_reuse)",
		setSignIn},
	"admin-user":   {"name", "keycloak.admin.user: who signs in to the Admin API", ofKeycloak(func(k *plan.Keycloak) *string { return &k.Admin.User })},
	"admin-client": {"id", "keycloak.admin.client_id: the client that signs in instead of a user", ofKeycloak(func(k *plan.Keycloak) *string { return &k.Admin.ClientID })},
	"admin-realm":  {"name", "keycloak.admin.realm: where they sign in (default: master)", ofKeycloak(func(k *plan.Keycloak) *string { return &k.Admin.Realm })},

	"scope": {"name[,key=value...]", "scopes: a client scope with the server's audience; repeatable (keys: description, consent_text, server, adopt)",
		entryOf(func(c *plan.Connection) *[]plan.Scope { return &c.Scopes }, "name", "name")},
	"client": {"profile[,key=value...]", "clients: repeatable (keys: registration, id, server, confidential, consent, redirect_uris, access_token_lifespan, auth, adopt)",
		entryOf(func(c *plan.Connection) *[]plan.Client { return &c.Clients }, "profile", "id")},
	"user": {"name[,key=value...]", "users: a test user in a realm that mcpwiz made; repeatable (keys: email, first_name, last_name)",
		entryOf(func(c *plan.Connection) *[]plan.User { return &c.Users }, "name", "name")},
}

// A keyFlag is the flag of a key: what it is given is laid over the file later.
type keyFlag struct {
	key
	to          *connectionFlags
	name, value string
}

func (f *keyFlag) String() string { return f.value }
func (f *keyFlag) Type() string   { return f.kind }

// Set is held to the value's form at once, so that the error names the flag.
func (f *keyFlag) Set(value string) error {
	if err := f.set(&plan.Connection{}, value); err != nil {
		return err
	}
	f.value = value
	f.to.over = append(f.to.over, overlaid{f.name, value, f.set})
	return nil
}

func ofServer(at func(*plan.Server) *string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		if len(c.Servers) == 0 {
			c.Servers = []plan.Server{{}}
		}
		*at(&c.Servers[0]) = value
		return nil
	}
}

// ofServers adds an item to a list of the first server.
func ofServers(at func(*plan.Server) *[]string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		if len(c.Servers) == 0 {
			c.Servers = []plan.Server{{}}
		}
		list := at(&c.Servers[0])
		*list = append(slices.Clone(*list), value)
		return nil
	}
}

// upstreamOf is that of the first server, made where there is none.
func upstreamOf(c *plan.Connection) *plan.Upstream {
	if len(c.Servers) == 0 {
		c.Servers = []plan.Server{{}}
	}
	u := plan.Upstream{}
	if had := c.Servers[0].Upstream; had != nil {
		u = *had
	}
	c.Servers[0].Upstream = &u
	return &u
}

func ofUpstream(at func(*plan.Upstream) *string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		*at(upstreamOf(c)) = value
		return nil
	}
}

func setObserve(c *plan.Connection, value string) (err error) {
	upstreamOf(c).Observe, err = strconv.ParseBool(value)
	return err
}

func setShared(c *plan.Connection, value string) (err error) {
	upstreamOf(c).Shared, err = strconv.ParseBool(value)
	return err
}

func setUserHeader(c *plan.Connection, value string) error {
	what, name, ok := strings.Cut(value, "=")
	if !ok {
		return fmt.Errorf("%q is no sub=, client= or scopes= with the name of a header", value)
	}
	u := upstreamOf(c)
	if u.UserHeaders = maps.Clone(u.UserHeaders); u.UserHeaders == nil {
		u.UserHeaders = map[string]string{}
	}
	u.UserHeaders[what] = name
	return nil
}

// ofOperations takes scopes after the name of what they are for.
func ofOperations(at func(*plan.Server) *map[string][]string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		name, scopes, ok := strings.Cut(value, "=")
		if !ok || name == "" || scopes == "" {
			return fmt.Errorf("%q is no name=scope[,scope...]", value)
		}
		if len(c.Servers) == 0 {
			c.Servers = []plan.Server{{}}
		}
		of := at(&c.Servers[0])
		if *of = maps.Clone(*of); *of == nil {
			*of = map[string][]string{}
		}
		(*of)[name] = strings.Split(scopes, ",")
		return nil
	}
}

func ofServing(at func(*plan.Serving) *bool) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) (err error) {
		*at(&c.Serving), err = strconv.ParseBool(value)
		return err
	}
}

func ofServingText(at func(*plan.Serving) *string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		*at(&c.Serving) = value
		return nil
	}
}

func ofExpose(at func(*plan.Expose) *string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		*at(&c.Expose) = value
		return nil
	}
}

func setAdoptEdge(c *plan.Connection, value string) (err error) {
	c.Expose.Adopt, err = strconv.ParseBool(value)
	return err
}

func ofKeycloak(at func(*plan.Keycloak) *string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		*at(&c.Keycloak) = value
		return nil
	}
}

func ofFlag(at func(*plan.Keycloak) *bool) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) (err error) {
		*at(&c.Keycloak), err = strconv.ParseBool(value)
		return err
	}
}

// setSignIn sets keys of keycloak.sign_in.
func setSignIn(c *plan.Connection, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("%q is no key=value", part)
		}
		if err := setKey(reflect.ValueOf(&c.Keycloak.SignIn).Elem(), k, v); err != nil {
			return err
		}
	}
	return nil
}

// entryOf sets keys of the entry of a list that has the same value of the key by, and, where it is given, of the key also.
func entryOf[T any](list func(*plan.Connection) *[]T, by, also string) func(*plan.Connection, string) error {
	return func(c *plan.Connection, value string) error {
		given, err := entry(value, by)
		if err != nil {
			return err
		}
		all := list(c)
		*all = slices.Clone(*all)
		i := slices.IndexFunc(*all, func(e T) bool { return has(e, by, given) && has(e, also, given) })
		if i < 0 {
			i = len(*all)
			*all = append(*all, *new(T))
		}
		for _, pair := range given {
			if err := setKey(reflect.ValueOf(&(*all)[i]).Elem(), pair[0], pair[1]); err != nil {
				return err
			}
		}
		return nil
	}
}

// entry reads name,key=value,...; a value with a comma is quoted as in CSV: "consent_text=Look, and change".
func entry(value, by string) ([][2]string, error) {
	parts, err := csv.NewReader(strings.NewReader(value)).Read()
	if err != nil {
		return nil, fmt.Errorf("want %s[,key=value...]: %w", by, err)
	}
	given := [][2]string{{by, parts[0]}}
	for _, part := range parts[1:] {
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no key=value", part)
		}
		given = append(given, [2]string{k, v})
	}
	return given, nil
}

func has[T any](e T, key string, given [][2]string) bool {
	for _, pair := range given {
		if pair[0] == key {
			f, _ := fieldOf(reflect.ValueOf(e), key)
			return f.String() == pair[1]
		}
	}
	return true
}

// fieldOf returns the field that a key of mcpwiz.yaml stands for.
func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); name == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// setKey sets a key of a list's entry; of one that is a list itself it adds an item.
func setKey(v reflect.Value, key, value string) error {
	f, ok := fieldOf(v, key)
	if !ok {
		return fmt.Errorf("no key %q", key)
	}
	switch f.Interface().(type) {
	case string:
		f.SetString(value)
	case []string:
		f.Set(reflect.Append(f, reflect.ValueOf(value)))
	case int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s: %q is no whole number", key, value)
		}
		f.SetInt(int64(n))
	case bool, *bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s: %q is neither true nor false", key, value)
		}
		if f.Kind() == reflect.Pointer {
			f.Set(reflect.ValueOf(&b))
		} else {
			f.SetBool(b)
		}
	}
	return nil
}
