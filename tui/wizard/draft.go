package wizard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// What a question has for an answer before anybody gives one.
const (
	defaultListen = "127.0.0.1:8080"
	defaultRealm  = "mcp"
	defaultUser   = "admin"
	defaultTester = "tester"
)

// A draft is what stands in the fields, as typed. It outlives the forms that are bound to it.
type draft struct {
	start Answers

	// way is how clients reach the server; url is what is typed where it is not made up of zone and name, or a quick tunnel's.
	way, listen, url          string
	token, zone, name, tunnel string
	quick                     string
	// listenAsked is what was proposed for listen.
	listenAsked string

	keycloak, by                     string
	user, client                     string
	password, clientSecret, tokenBox string
	realm, realmIs                   string
	// carried is whether the tunnel carries Keycloak too.
	carried string

	profiles []string
	clients  map[string]*clientDraft
	tester   string
}

// Whether the realm is made, or used as it is.
const (
	realmMade = "make"
	realmUsed = "use"
)

// A clientDraft is what was answered about one client.
type clientDraft struct {
	id, keeps, consent, auth, way string
	machine                       bool
}

// What is answered about a client.
const (
	keepsSecret  = "secret"
	keepsNothing = "public"
	consentAsked = "ask"
	consentNone  = "none"
)

// draftOf puts answers that are there already into the fields.
func draftOf(a Answers, known []*probe.Profile) *draft {
	d := &draft{start: a, by: a.AdminBy, clients: map[string]*clientDraft{}}
	d.serverOf(a.Connection)
	d.exposeOf(a)
	d.keycloakOf(a)
	d.clientsOf(a.Connection, known)
	return d
}

func (d *draft) serverOf(c plan.Connection) {
	if len(c.Servers) > 0 {
		d.listen, d.url = c.Servers[0].Listen, c.Servers[0].URL
	}
	if d.listen == "" {
		d.listen, d.listenAsked = defaultListen, defaultListen
		d.listenThere()
	}
}

func (d *draft) keycloakOf(a Answers) {
	k := a.Connection.Keycloak
	base, realm := baseOf(k.Issuer)
	d.keycloak, d.realm = base, cmp.Or(realm, k.Realm, defaultRealm)
	d.carriedOf(a.Connection, base)
	d.realmIs = realmUsed
	if k.CreateRealm || k.Issuer == "" {
		d.realmIs = realmMade
	}
	d.user, d.client = cmp.Or(k.Admin.User, defaultUser), k.Admin.ClientID
	if d.by == "" {
		d.by = ByPassword
		if k.Admin.ClientID != "" {
			d.by = ByClient
		}
	}
	*d.secretBox() = a.AdminSecret.Reveal()
}

// secretBox is the field of the secret that belongs to the way of signing in: a password is never sent as a token.
func (d *draft) secretBox() *string {
	switch d.by {
	case ByClient:
		return &d.clientSecret
	case ByToken:
		return &d.tokenBox
	}
	return &d.password
}

// baseOf takes a Keycloak's URL from what people paste: its own, a realm's, or one of the admin console.
func baseOf(raw string) (base, realm string) {
	raw = strings.TrimSpace(raw)
	if at := strings.LastIndex(raw, "/realms/"); at >= 0 {
		realm, _, _ = strings.Cut(raw[at+len("/realms/"):], "/")
		if name, err := url.PathUnescape(realm); err == nil {
			realm = name
		}
		return raw[:at], realm
	}
	if at := strings.Index(raw+"/", "/admin/"); at >= 0 {
		raw = raw[:at]
	}
	return strings.TrimRight(raw, "/"), ""
}

// answers are the fields laid over the answers that were there at the start: what nobody is asked stays.
func (d *draft) answers() Answers {
	a := d.start
	a.AdminBy = d.by
	a.AdminSecret = plan.Secret(strings.TrimSpace(*d.secretBox()))
	a.EdgeToken = ""
	if d.byAPI() {
		a.EdgeToken = plan.Secret(strings.TrimSpace(d.token))
	}
	a.Connection.Expose = d.exposeNow()
	d.server(&a.Connection)
	a.Connection.Keycloak = d.keycloakNow()
	a.Connection.Clients = d.clientsNow(a.Connection.Clients)
	a.Connection.Users = d.usersNow()
	return a
}

// server writes the first server; what was of its former URL is of the new one.
func (d *draft) server(c *plan.Connection) {
	c.Servers = slices.Clone(c.Servers)
	if len(c.Servers) == 0 {
		c.Servers = []plan.Server{{}}
	}
	first := &c.Servers[0]
	was, now := first.URL, d.publicURL()
	first.Listen, first.URL = strings.TrimSpace(d.listen), now
	c.Scopes, c.Clients = slices.Clone(c.Scopes), slices.Clone(c.Clients)
	moved := func(to *string) {
		if was != "" && *to == was {
			*to = now
		}
	}
	for i := range c.Scopes {
		moved(&c.Scopes[i].Server)
	}
	for i := range c.Clients {
		moved(&c.Clients[i].Server)
		moved(&c.Clients[i].ID) // a client that introspects is named by the URL
	}
}

func (d *draft) keycloakNow() plan.Keycloak {
	k := d.start.Connection.Keycloak
	base, _ := baseOf(d.keycloak)
	realm := cmp.Or(strings.TrimSpace(d.realm), defaultRealm)
	switch {
	case d.carries():
		k.AdminURL = base
		k.Issuer = d.carriedAt() + "/realms/" + url.PathEscape(realm)
	case base != "":
		k.Issuer = base + "/realms/" + url.PathEscape(realm)
	default:
		k.Issuer = ""
	}
	k.Realm, k.CreateRealm = "", d.realmIs == realmMade
	k.Admin.User, k.Admin.ClientID = "", ""
	switch d.by {
	case ByPassword:
		k.Admin.User = strings.TrimSpace(d.user)
	case ByClient:
		k.Admin.ClientID = strings.TrimSpace(d.client)
	}
	return k
}

func (d *draft) usersNow() []plan.User {
	if d.realmIs != realmMade {
		return nil
	}
	users := slices.Clone(d.start.Connection.Users)
	name := strings.TrimSpace(d.tester)
	switch {
	case name == "" && len(users) > 0:
		return users[1:]
	case name == "":
		return nil
	case len(users) == 0:
		return []plan.User{{Name: name}}
	case users[0].Name != name:
		users[0] = plan.User{Name: name}
	}
	return users
}
