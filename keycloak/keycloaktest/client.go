package keycloaktest

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A client of a realm.
type client struct {
	rep                clientRep
	defaults, optional []*scope
	// registrationID is that of the registration access token that is good for it; "" for a client made by hand.
	registrationID string
	registeredAt   int64
	// management: it stands for the Admin API and, since 26.5, cannot be managed.
	management bool
	roles      []role
}

// clientRep is a client as the Admin API shows it.
type clientRep struct {
	ID                    string            `json:"id"`
	ClientID              string            `json:"clientId"`
	Name                  string            `json:"name,omitempty"`
	Description           string            `json:"description,omitempty"`
	Type                  string            `json:"type,omitempty"`
	RootURL               string            `json:"rootUrl,omitempty"`
	AdminURL              string            `json:"adminUrl,omitempty"`
	BaseURL               string            `json:"baseUrl,omitempty"`
	SurrogateAuthRequired bool              `json:"surrogateAuthRequired"`
	Enabled               bool              `json:"enabled"`
	AlwaysDisplay         bool              `json:"alwaysDisplayInConsole"`
	Authenticator         string            `json:"clientAuthenticatorType"`
	Secret                string            `json:"secret,omitempty"`
	RegistrationToken     string            `json:"registrationAccessToken,omitempty"`
	RedirectURIs          []string          `json:"redirectUris"`
	WebOrigins            []string          `json:"webOrigins"`
	NotBefore             int               `json:"notBefore"`
	BearerOnly            bool              `json:"bearerOnly"`
	ConsentRequired       bool              `json:"consentRequired"`
	StandardFlow          bool              `json:"standardFlowEnabled"`
	ImplicitFlow          bool              `json:"implicitFlowEnabled"`
	DirectAccess          bool              `json:"directAccessGrantsEnabled"`
	ServiceAccounts       bool              `json:"serviceAccountsEnabled"`
	AuthorizationServices bool              `json:"authorizationServicesEnabled,omitempty"`
	Public                bool              `json:"publicClient"`
	FrontchannelLogout    bool              `json:"frontchannelLogout"`
	Protocol              string            `json:"protocol"`
	Attributes            map[string]string `json:"attributes"`
	FlowOverrides         map[string]string `json:"authenticationFlowBindingOverrides"`
	FullScope             bool              `json:"fullScopeAllowed"`
	NodeTimeout           int               `json:"nodeReRegistrationTimeout"`
	Mappers               []mapper          `json:"protocolMappers,omitempty"`
	DefaultScopes         []string          `json:"defaultClientScopes"`
	OptionalScopes        []string          `json:"optionalClientScopes"`
	Access                *access           `json:"access,omitempty"`
	Origin                string            `json:"origin,omitempty"`
}

// access says what the caller may do with a client; the clients of the Admin API itself cannot be managed.
type access struct {
	View      bool `json:"view"`
	Configure bool `json:"configure"`
	Manage    bool `json:"manage"`
}

// newClientRep has Keycloak's defaults of an absent member.
func newClientRep() clientRep {
	return clientRep{Enabled: true, Authenticator: "client-secret", StandardFlow: true, Protocol: openIDConnect, FullScope: true, NodeTimeout: -1}
}

// shown is the representation with what is kept elsewhere.
func (c *client) shown() clientRep {
	rep := c.rep
	if rep.Public || rep.BearerOnly {
		rep.Secret = ""
	}
	rep.DefaultScopes, rep.OptionalScopes = scopeNames(forClients(c.defaults)), scopeNames(forClients(c.optional))
	rep.Access = &access{true, !c.management, !c.management}
	return rep
}

func (r *realm) makeClients(old bool) {
	var reps []clientRep
	readDefaults("clients", &reps, "{realm}", pathEscape(r.name))
	for _, rep := range reps {
		rep.ID = newID()
		for i := range rep.Mappers {
			rep.Mappers[i].ID = newID()
		}
		one := &client{rep: rep, defaults: slices.Clone(r.defaults), optional: slices.Clone(r.optional)}
		if rep.ClientID == "realm-management" {
			one.standForAdmin(old)
		}
		r.clients = append(r.clients, one)
	}
}

// managementClient is the one in master that stands for the Admin API of a realm.
func (r *realm) managementClient(id string, old bool) *client {
	rep := newClientRep()
	rep.ID, rep.ClientID, rep.Name, rep.BearerOnly, rep.FullScope, rep.NodeTimeout = newID(), id, id+" Realm", true, false, 0
	rep.normalize()
	one := &client{rep: rep, defaults: slices.Clone(r.defaults), optional: slices.Clone(r.optional)}
	one.standForAdmin(old)
	return one
}

func (c *client) standForAdmin(old bool) {
	c.management = !old
	for _, name := range adminRoles {
		c.roles = append(c.roles, newRole(name, c.rep.ID, true))
	}
}

// normalize makes what is absent an empty list or map, and drops attributes without a value.
func (rep *clientRep) normalize() {
	rep.RedirectURIs, rep.WebOrigins = append([]string{}, rep.RedirectURIs...), append([]string{}, rep.WebOrigins...)
	if rep.Attributes == nil {
		rep.Attributes = map[string]string{}
	}
	maps.DeleteFunc(rep.Attributes, func(_, v string) bool { return v == "" })
	rep.Attributes["realm_client"] = "false"
	if rep.FlowOverrides == nil {
		rep.FlowOverrides = map[string]string{}
	}
}

// newSecret makes a secret as Keycloak does, and says when.
func (c *call) newSecret(rep *clientRep) {
	length := 86
	if c.old {
		length = 32
	}
	rep.Secret = newText(length)
	rep.Attributes["client.secret.creation.time"] = itoa(c.now.Unix())
}

func (c *client) attribute(name string) bool { return c.rep.Attributes[name] == "true" }

// seconds reads an attribute that may override a realm's time.
func (c *client) seconds(name string, or time.Duration) time.Duration {
	if d, err := time.ParseDuration(c.rep.Attributes[name] + "s"); err == nil && d > 0 {
		return d
	}
	return or
}

// originsOf are the origins of the redirect URIs, which a client without web origins gets.
func originsOf(uris []string) []string {
	origins := []string{}
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" {
			continue
		}
		if o := u.Scheme + "://" + u.Host; !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return origins
}

// redirectURI decides whether a redirect URI is one that is registered, and which; an absent one is the only one there is.
func (c *client) redirectURI(asked string) (string, bool) {
	if asked == "" {
		if len(c.rep.RedirectURIs) == 1 && !strings.Contains(c.rep.RedirectURIs[0], "*") {
			return c.rep.RedirectURIs[0], true
		}
		return "", false
	}
	u, err := url.Parse(asked)
	if err != nil || u.Scheme == "" || strings.Contains(asked, "#") {
		return "", false
	}
	return asked, slices.ContainsFunc(c.rep.RedirectURIs, func(registered string) bool { return redirectMatches(registered, asked, u) })
}

// redirectMatches: exactly; by a wildcard at the end; or a loopback URI registered without a port with any (RFC 8252 7.3).
func redirectMatches(registered, asked string, u *url.URL) bool {
	if prefix, ok := strings.CutSuffix(registered, "*"); ok {
		path, _, _ := strings.Cut(asked, "?")
		return strings.HasPrefix(path, prefix) || path == strings.TrimSuffix(prefix, "/")
	}
	if registered == asked {
		return true
	}
	r, err := url.Parse(registered)
	if err != nil || r.Port() != "" || u.Port() == "" || r.Scheme != "http" || !loopback(r.Hostname()) {
		return false
	}
	any := *u
	any.Host = u.Hostname()
	return any.String() == registered
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Is4() && ip.IsLoopback()
}

// scopesFor returns the scopes that a request is granted: the default ones and those asked for. openid is a scope only of
// the protocol. What a client may not ask for refuses the whole request.
func (c *client) scopesFor(asked string) (granted []*scope, ok bool) {
	granted = forClients(c.defaults)
	for _, name := range strings.Split(asked, " ") {
		is := func(s *scope) bool { return s.rep.Name == name }
		switch s := find(forClients(c.optional), is); {
		case name == "openid" || find(granted, is) != nil:
		case s == nil:
			return nil, false
		default:
			granted = append(granted, s)
		}
	}
	return granted, true
}
