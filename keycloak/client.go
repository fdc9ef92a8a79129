package keycloak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// client is an OAuth client of the realm with everything that the connection says of it: how it signs users in or
// itself, its secret or key, and the scopes it is given.
type client struct {
	a       *Admin
	secrets *plan.Secrets
	realm   string
	want    plan.Client
	kind    kind
	// redirectURIs are complete: the profile's and the further ones.
	redirectURIs []string
	// scopes carry the audience of the client's server; they are default, since some clients ask for no scope.
	scopes []string
	// stepUp are what only some operations take; they are optional.
	stepUp []string
	// front: clients read the metadata of a server in front, whose issuer is not Keycloak's, so the authorization response bears none
	// (RFC 9207).
	front bool
	// offlineIdle, in seconds, is for a realm whose own setting is not ours to change; 0 leaves it.
	offlineIdle int
}

// A kind is what a client is for.
type kind string

const (
	// login: a user signs in (authorization code with PKCE).
	login kind = "login"
	// machine: it signs in itself (client credentials).
	machine kind = "machine"
	// introspection: it only asks about tokens. Its id is the server's url, since the caller must be in the audience.
	introspection kind = plan.Introspection
	// administrator: it signs in itself, to the Admin API of its realm.
	administrator kind = "administrator"
)

func (c *client) Name() string    { return "keycloak/client/" + c.want.ID }
func (c *client) Proof() []string { return proofs[string(c.kind)] }

func (c *client) confidential() bool { return *c.want.Confidential }
func (c *client) signsWithKey() bool {
	return c.confidential() && c.want.Auth == plan.AuthPrivateKeyJWT
}

// hasSecret: a secret is used at all.
func (c *client) hasSecret() bool { return c.confidential() && !c.signsWithKey() }

// settings are the members of the representation that we own, in the order in which a plan shows them.
func (c *client) settings() []setting {
	auth := "client-secret"
	if c.signsWithKey() {
		auth = "client-jwt"
	}
	consent := c.kind == login
	if c.want.Consent != nil {
		consent = *c.want.Consent
	}
	all := []setting{
		boolean("enabled", true, func(r *gocloak.Client) **bool { return &r.Enabled }),
		boolean("publicClient", !c.confidential(), func(r *gocloak.Client) **bool { return &r.PublicClient }),
		boolean("standardFlowEnabled", c.kind == login, func(r *gocloak.Client) **bool { return &r.StandardFlowEnabled }),
		boolean("implicitFlowEnabled", false, func(r *gocloak.Client) **bool { return &r.ImplicitFlowEnabled }),
		boolean("directAccessGrantsEnabled", false, func(r *gocloak.Client) **bool { return &r.DirectAccessGrantsEnabled }),
		boolean("serviceAccountsEnabled", c.kind == machine || c.kind == administrator, func(r *gocloak.Client) **bool { return &r.ServiceAccountsEnabled }),
		boolean("consentRequired", consent, func(r *gocloak.Client) **bool { return &r.ConsentRequired }),
		boolean("fullScopeAllowed", c.kind == administrator, func(r *gocloak.Client) **bool { return &r.FullScopeAllowed }),
		list("redirectUris", c.redirectURIs, func(r *gocloak.Client) **[]string { return &r.RedirectURIs }),
	}
	if c.confidential() { // of a public client Keycloak forgets it
		all = append(all, text("clientAuthenticatorType", auth, func(r *gocloak.Client) **string { return &r.ClientAuthenticatorType }))
	}
	return all
}

// attributes that we own. jwks.string is the caller's: it needs the key.
func (c *client) attributes() map[string]string {
	want := map[string]string{
		"access.token.lifespan": strconv.Itoa(c.want.AccessTokenLifespan),
		// A lightweight token has no aud and no sub. An administrator's needs neither: its rights are looked up at each call,
		// those in a realm that was made after it among them.
		"client.use.lightweight.access.token.enabled": strconv.FormatBool(c.kind == administrator),
	}
	if c.kind == login {
		want["pkce.code.challenge.method"] = "S256"
		want["use.refresh.tokens"] = "true"
		want["oauth2.device.authorization.grant.enabled"] = "false"
		if c.front {
			want["exclude.issuer.from.auth.response"] = "true"
		}
		if c.offlineIdle > 0 {
			want["client.offline.session.idle.timeout"] = strconv.Itoa(c.offlineIdle)
		}
	}
	if c.kind == introspection && c.a.on(featureResources) {
		want["resource_url"] = c.want.Server
	}
	if c.signsWithKey() {
		want["use.jwks.string"] = "true"
		want["token.endpoint.auth.signing.alg"] = keyAlgorithm
	}
	return want
}

// A setting is one member of the representation.
type setting struct {
	path string
	get  func(*gocloak.Client) any
	set  func(to *gocloak.Client)
	copy func(to, from *gocloak.Client)
	want any
}

func member[T any](path string, want T, at func(*gocloak.Client) **T) setting {
	return setting{path,
		func(r *gocloak.Client) any {
			if p := *at(r); p != nil {
				return *p
			}
			return nil
		},
		func(to *gocloak.Client) { *at(to) = &want },
		func(to, from *gocloak.Client) { *at(to) = *at(from) },
		want}
}

func boolean(path string, want bool, at func(*gocloak.Client) **bool) setting {
	return member(path, want, at)
}

func text(path, want string, at func(*gocloak.Client) **string) setting {
	return member(path, want, at)
}

// list is sent as [] when it is empty: an absent list is one that stays.
func list(path string, want []string, at func(*gocloak.Client) **[]string) setting {
	return member(path, append([]string{}, want...), at)
}

func attributesOf(r *gocloak.Client) map[string]string {
	if r.Attributes == nil {
		return nil
	}
	return *r.Attributes
}

// find returns the client, nil when it or the realm is not there.
func (c *client) find(ctx context.Context) (*gocloak.Client, error) {
	var found []*gocloak.Client
	err := c.a.do(ctx, "look for client "+c.want.ID, func(ctx context.Context, token string) (err error) {
		found, err = c.a.api.GetClients(ctx, token, segment(c.realm), gocloak.GetClientsParams{ClientID: &c.want.ID})
		return err
	})
	switch {
	case noRealm(err):
		return nil, nil
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, nil
	}
	return found[0], nil
}

func (c *client) Plan(ctx context.Context) (plan.Change, error) {
	have, err := c.find(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	assigned, err := c.assignment(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	if have == nil {
		var f fields
		f = c.compare(&gocloak.Client{}, assigned, tagOurs)
		f = slices.DeleteFunc(f, func(x plan.Field) bool { return x.Secret })
		c.newCredential(&f)
		change, err := f.change(plan.Create, nil)
		change.Note = c.resourceNote()
		return change, err
	}
	if change, stopped := c.planElsewhere(have, assigned); stopped {
		return change, nil
	}
	whose := ownerOf(attributesOf(have))
	if whose == stranger && !c.want.Adopt {
		return c.planForeign(c.compare(have, assigned, "")), nil
	}
	f := c.compare(have, assigned, ownedTag(whose))
	change, err := f.change(plan.Update, c.before(have, assigned))
	change.Note = sentences(c.secretNote(have), c.resourceNote())
	if change.Empty() {
		change.Before, change.Note = nil, c.resourceNote()
	}
	return change, err
}

// resourceNote says of a machine what Keycloak (seen in 26.7.3) makes of client_credentials with a resource (RFC 8707).
func (c *client) resourceNote() string {
	if c.kind != machine || !c.a.on(featureResources) {
		return ""
	}
	return "with resource-indicators on, Keycloak 26.7.3 answers a machine that names a resource, also the right one, with 500: " +
		"it has to leave resource out, and its token is for the server all the same"
}

func (c *client) planForeign(f fields) plan.Change {
	if len(f) == 0 {
		return plan.Change{Action: plan.None, Note: "not made by mcpwiz, and as it should be"}
	}
	return plan.Change{Action: plan.Refuse, Fields: f,
		Stop:    "a client of that id is there that mcpwiz did not make, and it would have to change",
		Propose: "adopt: true for this client in mcpwiz.yaml lets mcpwiz change it; or give it another id"}
}

// compare returns what differs from what we own; tagged is the tag it should bear, "" for whatever it bears.
func (c *client) compare(have *gocloak.Client, to assignment, tagged string) fields {
	var f fields
	for _, s := range c.settings() {
		f.want(s.path, s.get(have), s.want)
	}
	want := c.attributes()
	if tagged != "" {
		want[tag] = tagged
	}
	f.attributes(attributesOf(have), want)
	to.compare(&f, have)
	c.compareCredential(&f, have)
	return f
}

// before is what Undo puts back: no secret is in it.
func (c *client) before(have *gocloak.Client, to assignment) clientBefore {
	want := c.attributes()
	want[tag] = ""
	want[jwksAttribute] = ""
	before := formerly(attributesOf(have), want)
	rep := gocloak.Client{ClientID: have.ClientID, Attributes: &before, WebOrigins: origins(have)}
	for _, s := range c.settings() {
		s.copy(&rep, have)
	}
	return clientBefore{rep, listOf(have.DefaultClientScopes), listOf(have.OptionalClientScopes)}
}

// clientBefore is a client without id and secret, and its scopes: a PUT does not change those.
type clientBefore struct {
	Client   gocloak.Client `json:"client"`
	Default  []string       `json:"default_scopes"`
	Optional []string       `json:"optional_scopes"`
}

func listOf(p *[]string) []string {
	if p == nil {
		return nil
	}
	return *p
}

// origins returns what must be sent along with every PUT: left out, Keycloak derives it from the redirect URIs.
func origins(have *gocloak.Client) *[]string {
	same := append([]string{}, listOf(have.WebOrigins)...)
	return &same
}

// errGone: a thing that a plan saw is not there any more.
var errGone = errors.New("it is gone: plan again")

func (c *client) call(verb string) string { return fmt.Sprintf("%s client %s", verb, c.want.ID) }

// displayName is for the consent page.
func (c *client) displayName() string {
	if strings.HasPrefix(c.want.Profile, "claude") {
		return "Claude"
	}
	return c.want.Profile
}
