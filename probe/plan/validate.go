package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Validate returns everything that is wrong, joined, each with the key and what to do. Defaults are taken into account.
func (c Connection) Validate() error {
	c = c.Defaults()
	v := &validation{servers: map[string]bool{}}
	v.serverList(c.Servers)
	v.keycloak(c.Keycloak)
	v.expose(c)
	v.serving(c)
	v.scopes(c.Scopes)
	v.clients(c.Clients)
	v.users(c)
	return errors.Join(v.problems...)
}

type validation struct {
	servers  map[string]bool
	problems []error
}

func (v *validation) say(format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf(format, args...))
}

func (v *validation) serverList(servers []Server) {
	if len(servers) == 0 {
		v.say("servers: none: give at least one with its url, e.g. https://mcp.example.com/mcp")
	}
	for i, s := range servers {
		key := fmt.Sprintf("servers[%d].url", i)
		v.url(key, s.URL)
		if v.servers[s.URL] {
			v.say("%s: %q is there twice", key, s.URL)
		}
		v.servers[s.URL] = true
		v.upstream(fmt.Sprintf("servers[%d].upstream", i), s.Upstream)
		v.operationScopes(fmt.Sprintf("servers[%d].tool_scopes", i), s.ToolScopes)
		v.operationScopes(fmt.Sprintf("servers[%d].method_scopes", i), s.MethodScopes)
		if len(s.Scopes) == 0 && len(s.ToolScopes)+len(s.MethodScopes) > 0 {
			v.say("servers[%d].scopes: none is left for every token: all that carry this server's audience are taken by tool_scopes and method_scopes; name one in scopes", i)
		}
		for _, scope := range s.Scopes {
			key := fmt.Sprintf("servers[%d].scopes", i)
			v.scopeName(key, scope)
			if scope == "offline_access" {
				v.say("%s: %q is the client's to ask for and no scope of a server: take it out", key, scope)
			}
		}
	}
}

// url holds a URL that others will compare byte for byte to RFC 8707 2: absolute, without fragment.
func (v *validation) url(key, raw string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		v.say("%s: missing", key)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		v.say("%s: %q is no absolute http(s) URL", key, raw)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		v.say("%s: %q must be https: plain http is for loopback only", key, raw)
	case u.User != nil:
		v.say("%s: must not hold a user or a password", key)
	case strings.Contains(raw, "#"):
		v.say("%s: %q must not have a fragment (RFC 8707 2)", key, raw)
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (v *validation) keycloak(k Keycloak) {
	v.url("keycloak.issuer", k.Issuer)
	_, realm, found := splitIssuer(k.Issuer)
	switch {
	case k.Issuer != "" && !found:
		v.say("keycloak.issuer: %q names no realm: it ends in /realms/<realm>, without a slash after it", k.Issuer)
	case found && k.Realm != realm:
		v.say("keycloak.realm: %q, but the issuer is of realm %q: make them agree or leave realm out", k.Realm, realm)
	case k.CreateRealm && realm == DefaultAdminRealm:
		v.say("keycloak.create_realm: the realm master is Keycloak's own: take another realm for the issuer")
	}
	v.signIn(k)
	// The Admin API may be reached by plain http: inside a network of its own, that is how it is set up.
	v.reachable("keycloak.admin_url", k.AdminURL)
	v.reachable("keycloak.jwks_url", k.JWKSURL)
	if k.Admin.User != "" && k.Admin.ClientID != "" {
		v.say("keycloak.admin: both user and client_id: keep the one that signs in")
	}
}

// signIn: what is shorter than a minute or longer than ten years is a mistake of the unit.
func (v *validation) signIn(k Keycloak) {
	s := k.SignIn
	times := map[string]int{"idle": s.Idle, "max": s.Max, "offline_idle": s.OfflineIdle, "offline_max": s.OfflineMax}
	for _, name := range sortedKeys(times) {
		if n := times[name]; n != 0 && (n < 60 || n > 315360000) {
			v.say("keycloak.sign_in.%s: %d must be 60 to 315360000 seconds", name, n)
		}
	}
	switch {
	case !k.CreateRealm && s != SignIn{OfflineIdle: s.OfflineIdle}:
		v.say("keycloak.sign_in: in a realm that is not mcpwiz's only offline_idle can be given: the others would change every application's sign-in")
	case s.Idle > s.Max || s.OfflineIdle > s.OfflineMax && k.CreateRealm:
		v.say("keycloak.sign_in: idle %d and %d must not be longer than max %d and %d", s.Idle, s.OfflineIdle, s.Max, s.OfflineMax)
	case s.RefreshTokenReuse < 0 || s.RefreshTokenReuse > 10:
		v.say("keycloak.sign_in.refresh_token_reuse: %d must be 0 to 10", s.RefreshTokenReuse)
	case s.RefreshTokenReuse > 0 && !s.RotateRefreshTokens:
		v.say("keycloak.sign_in.refresh_token_reuse: of no effect without rotate_refresh_tokens: true")
	}
}

func (v *validation) reachable(key, raw string) {
	if u, err := url.Parse(raw); raw != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		v.say("%s: %q is no absolute http(s) URL", key, raw)
	}
}

// scopeToken is RFC 6749 3.3.
var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

// builtin scopes mean something else to Keycloak or to every client.
var builtin = map[string]bool{"openid": true, "offline_access": true, "basic": true, "profile": true, "email": true}

func (v *validation) scopeName(key, name string) {
	if !scopeToken.MatchString(name) {
		v.say("%s: %q is no scope name: visible ASCII without spaces, quotes and backslashes (RFC 6749 3.3)", key, name)
	}
}

func (v *validation) scopes(scopes []Scope) {
	of := map[string]string{}
	for i, s := range scopes {
		key := fmt.Sprintf("scopes[%d]", i)
		v.scopeName(key+".name", s.Name)
		v.knownServer(key, s.Server)
		if builtin[s.Name] {
			v.say("%s.name: %q is a scope of Keycloak's own: take a name like %s", key, s.Name, DefaultScope)
		}
		if other, twice := of[s.Name]; twice && other == s.Server {
			v.say("%s.name: %q is there twice", key, s.Name)
		} else if twice {
			v.say("%s.name: %q is also of %s: give each server a scope name of its own, or the tokens of one are valid at the other",
				key, s.Name, other)
		}
		of[s.Name] = s.Server
	}
}

func (v *validation) knownServer(key, server string) {
	if !v.servers[server] {
		v.say("%s.server: %q is none of servers", key, server)
	}
}

func (v *validation) clients(clients []Client) {
	ids := map[string]bool{}
	for i, c := range clients {
		key := fmt.Sprintf("clients[%d]", i)
		if c.Profile == "" {
			v.say("%s.profile: missing: claude-ai, claude-code, m2m, %s, ...", key, Introspection)
		}
		v.knownServer(key, c.Server)
		if c.RegistersItself() {
			v.selfRegistered(key, c)
			continue
		}
		v.client(key, c)
		if ids[c.ID] {
			v.say("%s.id: %q is there twice: give each client an id of its own", key, c.ID)
		}
		ids[c.ID] = true
	}
}

// selfRegistered holds a client that brings along what it is to saying nothing of that here.
func (v *validation) selfRegistered(key string, c Client) {
	if c.Profile == Introspection {
		v.say("%s.registration: who introspects is registered beforehand: leave registration out", key)
	}
	given := map[string]bool{"id": c.ID != "", "confidential": c.Confidential != nil, "consent": c.Consent != nil,
		"redirect_uris": len(c.RedirectURIs) > 0, "access_token_lifespan": c.AccessTokenLifespan != 0, "auth": c.Auth != "", "adopt": c.Adopt}
	for _, name := range sortedKeys(given) {
		if given[name] {
			v.say("%s.%s: with registration: %s the client brings that along: leave it out", key, name, c.Registration)
		}
	}
}

func (v *validation) client(key string, c Client) {
	if c.Registration != PreRegistered {
		v.say("%s.registration: %q must be %s, %s or %s", key, c.Registration, PreRegistered, Dynamic, MetadataDocument)
	}
	if len(c.ID) > 255 || strings.ContainsFunc(c.ID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		v.say("%s.id: %q must be up to 255 visible ASCII characters", key, c.ID)
	}
	if c.Profile == Introspection && c.ID != c.Server {
		v.say("%s.id: %q must be the server's url: Keycloak answers active:false to a caller that is not in the audience", key, c.ID)
	}
	if c.AccessTokenLifespan < 30 || c.AccessTokenLifespan > 86400 {
		v.say("%s.access_token_lifespan: %d must be 30 to 86400 seconds", key, c.AccessTokenLifespan)
	}
	switch {
	case c.Auth != AuthSecret && c.Auth != AuthPrivateKeyJWT:
		v.say("%s.auth: %q must be %s or %s", key, c.Auth, AuthSecret, AuthPrivateKeyJWT)
	case c.Auth == AuthPrivateKeyJWT && c.Confidential != nil && !*c.Confidential:
		v.say("%s.auth: %s is for confidential clients: leave confidential out", key, c.Auth)
	}
	for j, raw := range c.RedirectURIs {
		if err := ValidRedirectURI(raw); err != nil {
			v.say("%s.redirect_uris[%d]: %w", key, j, err)
		}
	}
}

// ValidRedirectURI says what is wrong with a redirect URI to register. Keycloak takes wildcards and nonsense; we do not
// (RFC 9700 2.1: exact matching).
func ValidRedirectURI(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" && u.Opaque == "":
		return fmt.Errorf("%q is no absolute URI", raw)
	case strings.Contains(raw, "*"):
		return fmt.Errorf("%q has a wildcard: name each URI exactly", raw)
	case strings.Contains(raw, "#"):
		return fmt.Errorf("%q must not have a fragment (RFC 6749 3.1.2)", raw)
	case u.User != nil:
		return errors.New("must not hold a user or a password")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("%q must be https: plain http is for loopback only", raw)
	case u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript" || u.Scheme == "file":
		return fmt.Errorf("%q has a scheme that no client comes back on", raw)
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host == "":
		return fmt.Errorf("%q has no host", raw)
	}
	return nil
}

func (v *validation) users(c Connection) {
	if len(c.Users) > 0 && !c.Keycloak.CreateRealm {
		v.say("users: test users are made only in a realm of our own: set keycloak.create_realm, or take them out")
	}
	names := map[string]bool{}
	for i, u := range c.Users {
		if len(u.Name) < 3 || len(u.Name) > 255 || strings.ContainsAny(u.Name, " \t\"<>&/\\") {
			v.say("users[%d].name: %q must be 3 to 255 characters, without spaces and <>&/\\\"", i, u.Name)
		}
		if names[u.Name] {
			v.say("users[%d].name: %q is there twice", i, u.Name)
		}
		names[u.Name] = true
	}
}
