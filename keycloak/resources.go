package keycloak

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Profiles returns how a client behaves, by the name of its profile.
type Profiles func(id string) (*probe.Profile, error)

// Resources returns what the connection asks of Keycloak, each after what it depends on. The connection is taken with
// its defaults.
func Resources(a *Admin, c plan.Connection, s *plan.Secrets, profiles Profiles) ([]plan.Resource, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = withResources(a, c.Defaults())
	all := []plan.Resource{newRealm(a, c)}
	for _, want := range c.Scopes {
		all = append(all, &scope{a, c.Keycloak.Realm, want})
	}
	if c.Keycloak.CreateRealm && asksForAll(c, profiles) {
		all = append(all, &hiddenScopes{a, c.Keycloak.Realm})
	}
	itself, err := newSelfRegistered(c, profiles)
	if err != nil {
		return nil, err
	}
	if itself != nil {
		all = append(all, itself.resources(a, c.Keycloak)...)
	}
	for i, want := range c.Clients {
		if want.RegistersItself() {
			continue
		}
		r, err := newClient(a, c, s, profiles, want)
		if err != nil {
			return nil, fmt.Errorf("clients[%d]: %w", i, err)
		}
		all = append(all, r)
	}
	for _, want := range c.Users {
		all = append(all, &user{a, s, c.Keycloak.Realm, want})
	}
	return all, nil
}

// withResources adds, for a Keycloak with resource indicators, the client whose resource a server is: the one that introspects
// its tokens, since both bear the server's url for an id.
func withResources(a *Admin, c plan.Connection) plan.Connection {
	if !a.on(featureResources) {
		return c
	}
	for _, s := range c.Servers {
		if !slices.ContainsFunc(c.Clients, func(one plan.Client) bool { return one.ID == s.URL }) {
			c.Clients = append(slices.Clone(c.Clients), plan.Client{Profile: plan.Introspection, Server: s.URL})
		}
	}
	return c.Defaults()
}

func newClient(a *Admin, c plan.Connection, s *plan.Secrets, profiles Profiles, want plan.Client) (*client, error) {
	r := &client{a: a, secrets: s, realm: c.Keycloak.Realm, want: want, scopes: assignable(c.ScopesOf(want.Server)),
		stepUp: assignable(c.StepUpScopes(want.Server)), front: c.Serving.Front}
	if !c.Keycloak.CreateRealm {
		r.offlineIdle = c.Keycloak.SignIn.OfflineIdle
	}
	confidential := true
	if want.Profile == plan.Introspection {
		r.kind = introspection
	} else {
		p, err := profiles(want.Profile)
		if err != nil {
			return nil, err
		}
		if p.Grant == "client_credentials" {
			r.kind = machine
		} else {
			r.kind = login
			if r.redirectURIs, err = redirectURIs(p, want.RedirectURIs); err != nil {
				return nil, err
			}
			confidential = !slices.ContainsFunc(p.Authorize.RedirectURIs, native)
		}
	}
	return r, r.settle(confidential)
}

// assignable leaves out openid, which is asked for and never assigned: it is no client scope.
func assignable(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(name string) bool { return name == "openid" })
}

// settle decides what the file leaves open and refuses what cannot be.
func (c *client) settle(confidential bool) error {
	if c.want.Confidential == nil {
		c.want.Confidential = &confidential
	}
	switch {
	case c.kind != login && len(c.want.RedirectURIs) > 0:
		return fmt.Errorf("%s: redirect_uris are for clients through which users sign in", c.want.ID)
	case c.kind != login && !c.confidential():
		return fmt.Errorf("%s: a public client can neither sign in by itself nor introspect: leave confidential out", c.want.ID)
	case c.kind != machine && c.want.Auth == plan.AuthPrivateKeyJWT:
		return fmt.Errorf("%s: %s is for machines; profile %s signs in with a secret", c.want.ID, c.want.Auth, c.want.Profile)
	}
	return nil
}

// redirectURIs are the profile's, with the forms to register, and the further ones. A loopback URI with whatever port
// is registered without one: Keycloak then takes any (RFC 8252 7.3).
func redirectURIs(p *probe.Profile, further []string) ([]string, error) {
	var all []string
	for _, uri := range slices.Concat(p.Authorize.RedirectURIs, p.Authorize.Registered, further) {
		uri = strings.Replace(uri, ":{port}", "", 1)
		if err := plan.ValidRedirectURI(uri); err != nil {
			return nil, fmt.Errorf("redirect URI of profile %s: %w", p.ID, err)
		}
		if !slices.Contains(all, uri) {
			all = append(all, uri)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("profile %s names no redirect URI: give redirect_uris", p.ID)
	}
	slices.Sort(all)
	return all, nil
}

// native: the URI leads back to a program on the user's machine, which can keep no secret (RFC 8252 8.4).
func native(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// segment escapes a path part, which gocloak does not.
func segment(s string) string { return url.PathEscape(s) }
