package plan

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// What stands where a file says nothing.
const (
	DefaultScope       = "mcp:tools"
	DefaultLifespan    = 900
	DefaultAdminRealm  = "master"
	defaultConsentText = "Use the tools of this MCP server"
)

// defaultIDs are the client ids of profiles whose own name is none that people would look for.
var defaultIDs = map[string]string{"claude-ai": "claude"}

// Defaults returns the connection with what was left out filled in. Confidential and Consent stay absent where they
// follow from a client's profile.
func (c Connection) Defaults() Connection {
	c.Version = FormatVersion
	c.Keycloak = c.Keycloak.defaults()
	c.Expose = c.Expose.defaults(c.first())
	c.Keycloak.JWKSURL = cmp.Or(c.Keycloak.JWKSURL, c.localKeys())
	c.Scopes = c.defaultScopes()
	c.Clients = slices.Clone(c.Clients)
	if len(c.Clients) == 0 {
		c.Clients = []Client{{Profile: "claude-ai"}}
	}
	for i := range c.Clients {
		c.Clients[i] = c.Clients[i].defaults(c.first())
	}
	c.Users = slices.Clone(c.Users)
	for i, u := range c.Users {
		c.Users[i] = User{u.Name, cmp.Or(u.Email, u.Name+"@example.com"), cmp.Or(u.FirstName, u.Name), cmp.Or(u.LastName, "Tester")}
	}
	c.Servers = slices.Clone(c.Servers)
	for i := range c.Servers {
		c.Servers[i].Scopes = c.ScopesOf(c.Servers[i].URL)
	}
	return c
}

func (c Connection) first() string {
	if len(c.Servers) == 0 {
		return ""
	}
	return c.Servers[0].URL
}

func (k Keycloak) defaults() Keycloak {
	base, realm, found := splitIssuer(k.Issuer)
	if found {
		k.Realm = cmp.Or(k.Realm, realm)
		k.AdminURL = cmp.Or(k.AdminURL, base)
	}
	k.Admin.Realm = cmp.Or(k.Admin.Realm, DefaultAdminRealm)
	if k.CreateRealm {
		k.SignIn = k.SignIn.defaults()
	}
	return k
}

// localKeys is where the realm's keys are on this side, where Keycloak is carried from here to its public name: that leads through
// our own tunnel or port, which may not be up yet.
func (c Connection) localKeys() string {
	local := strings.TrimSuffix(cmp.Or(c.Serving.CarryKeycloak, c.Expose.Keycloak), "/")
	u, err := url.Parse(c.Keycloak.Issuer)
	if local == "" || err != nil {
		return ""
	}
	return local + u.EscapedPath() + "/protocol/openid-connect/certs"
}

// defaults keep a user signed in over a working day; offline sessions have an end, so that refresh_expires_in is a date.
func (s SignIn) defaults() SignIn {
	s.Idle, s.Max = cmp.Or(s.Idle, 8*3600), cmp.Or(s.Max, 7*86400)
	s.OfflineIdle, s.OfflineMax = cmp.Or(s.OfflineIdle, 30*86400), cmp.Or(s.OfflineMax, 180*86400)
	return s
}

// splitIssuer takes https://host/base/realms/name apart.
func splitIssuer(issuer string) (base, realm string, ok bool) {
	i := strings.LastIndex(issuer, "/realms/")
	if i < 0 {
		return "", "", false
	}
	realm, err := url.PathUnescape(issuer[i+len("/realms/"):])
	return issuer[:i], realm, err == nil && realm != "" && !strings.Contains(realm, "/")
}

// defaultScopes gives each server a scope of its own: two audiences on one scope would make each server's tokens valid
// at the other.
func (c Connection) defaultScopes() []Scope {
	scopes := slices.Clone(c.Scopes)
	if len(scopes) == 0 {
		for i, s := range c.Servers {
			name := DefaultScope
			if i > 0 {
				name = fmt.Sprintf("%s-%d", DefaultScope, i+1)
			}
			scopes = append(scopes, Scope{Name: name, Server: s.URL})
		}
	}
	for _, server := range c.Servers {
		for _, name := range c.StepUpScopes(server.URL) {
			if !slices.ContainsFunc(scopes, func(s Scope) bool { return s.Name == name }) {
				scopes = append(scopes, Scope{Name: name, Server: server.URL})
			}
		}
	}
	for i, s := range scopes {
		s.Name, s.Server = cmp.Or(s.Name, DefaultScope), cmp.Or(s.Server, c.first())
		s.ConsentText = cmp.Or(s.ConsentText, defaultConsentText)
		s.Description = cmp.Or(s.Description, "Puts "+s.Server+" into the audience of a token")
		scopes[i] = s
	}
	return scopes
}

func (c Client) defaults(first string) Client {
	c.Server = cmp.Or(c.Server, first)
	c.Registration = cmp.Or(c.Registration, PreRegistered)
	if c.RegistersItself() {
		return c
	}
	c.AccessTokenLifespan = cmp.Or(c.AccessTokenLifespan, DefaultLifespan)
	c.Auth = cmp.Or(c.Auth, AuthSecret)
	if c.Profile == Introspection {
		// Since 26.4.12, 26.6.2 and 26.7.0 the caller of introspection must be in the token's audience.
		c.ID = cmp.Or(c.ID, c.Server)
	}
	c.ID = cmp.Or(c.ID, defaultIDs[c.Profile], c.Profile)
	return c
}

// Server returns the server of that url, the first for "".
func (c Connection) Server(url string) (Server, bool) {
	for _, s := range c.Servers {
		if url == "" || s.URL == url {
			return s, true
		}
	}
	return Server{}, false
}

// Client returns the client of that id, or the only one of that profile.
func (c Connection) Client(idOrProfile string) (Client, bool) {
	c = c.Defaults()
	var of []Client
	for _, client := range c.Clients {
		if client.ID == idOrProfile {
			return client, true
		}
		if client.Profile == idOrProfile {
			of = append(of, client)
		}
	}
	if len(of) == 1 {
		return of[0], true
	}
	return Client{}, false
}

// ScopesOf returns the scopes that a token for the server must have.
func (c Connection) ScopesOf(server string) []string {
	if s, ok := c.Server(server); ok && len(s.Scopes) > 0 {
		return s.Scopes
	}
	var names []string
	only := c.StepUpScopes(server)
	for _, s := range c.defaultScopes() {
		if s.Server == server && !slices.Contains(only, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
