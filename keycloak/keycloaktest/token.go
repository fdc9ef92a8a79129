package keycloaktest

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A grant is what tokens are made of.
type grant struct {
	claimant
	session *session // nil for a client that signs in itself
	offline bool
	openID  bool
	nonce   string
	kind    string // two letters in the id of an access token: ac, rt, ro, cc
}

// tokens are the answer of the token endpoint.
type tokens struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	TokenType        string `json:"token_type"`
	IDToken          string `json:"id_token,omitempty"`
	NotBefore        int    `json:"not-before-policy"`
	SessionState     string `json:"session_state,omitempty"`
	Scope            string `json:"scope"`
}

func (c *call) issue(g grant) tokens {
	t := tokens{TokenType: "Bearer", Scope: g.scope(false)}
	expires := c.accessExpiry(g)
	t.AccessToken, t.ExpiresIn = c.accessTokenOf(g, expires), expires.Unix()-c.now.Unix()
	if g.openID {
		t.IDToken = c.idToken(g, t.AccessToken, expires)
	}
	if g.session == nil {
		return t
	}
	g.session.last, t.SessionState = c.now, g.session.id
	if g.client.rep.Attributes["use.refresh.tokens"] != "false" {
		t.RefreshToken, t.RefreshExpiresIn = c.refreshToken(g)
	}
	return t
}

// scope is what tokens say they are for; hidden ones stand only in the refresh token.
func (g grant) scope(hidden bool) string {
	var names []string
	if g.openID {
		names = append(names, "openid")
	}
	for _, s := range g.scopes {
		if hidden || s.inToken() {
			names = append(names, s.rep.Name)
		}
	}
	return strings.Join(names, " ")
}

// accessExpiry: no token outlives its session.
func (c *call) accessExpiry(g grant) time.Time {
	expires := c.now.Add(g.client.seconds("access.token.lifespan", c.realm.seconds("accessTokenLifespan")))
	if g.session == nil || g.offline {
		return expires
	}
	return earlier(expires, g.session.started.Add(c.realm.seconds("ssoSessionMaxLifespan")))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (g grant) lightweight() bool {
	return g.client.attribute("client.use.lightweight.access.token.enabled")
}

func (c *call) accessTokenOf(g grant, expires time.Time) string {
	id, on := "on", "access.token.claim"
	switch {
	case g.session == nil:
		id = "tr"
	case g.offline:
		id = "of"
	}
	weight := "rt"
	if g.lightweight() {
		weight, on = "lt", "lightweight.claim"
	}
	claims := c.registered(g, expires, id+weight+g.kind+":"+newID(), "Bearer")
	claims["scope"] = g.scope(false)
	g.write(claims, c.realm, on)
	if g.session == nil && !g.lightweight() {
		claims["sub"] = g.user.rep.ID
	}
	return c.sign(claims)
}

// registered are the claims that every token has (RFC 7519 4.1), and whose it is.
func (c *call) registered(g grant, expires time.Time, id, kind string) map[string]any {
	claims := map[string]any{"iat": c.now.Unix(), "jti": id, "iss": c.issuer(), "typ": kind, "azp": g.client.rep.ClientID}
	if !expires.IsZero() {
		claims["exp"] = expires.Unix()
	}
	if g.session != nil {
		claims["sid"] = g.session.id
	}
	return claims
}

// refreshToken makes one and says in how many seconds it is over; 0 is never.
func (c *call) refreshToken(g grant) (string, int64) {
	kind := "Refresh"
	expires := earlier(c.now.Add(c.realm.seconds("ssoSessionIdleTimeout")), g.session.started.Add(c.realm.seconds("ssoSessionMaxLifespan")))
	if g.offline {
		kind, expires = "Offline", time.Time{}
		if c.realm.flag("offlineSessionMaxLifespanEnabled") {
			idle := g.client.seconds("client.offline.session.idle.timeout", c.realm.seconds("offlineSessionIdleTimeout"))
			expires = earlier(c.now.Add(idle), g.session.started.Add(c.realm.seconds("offlineSessionMaxLifespan")))
		}
	}
	id := newID()
	claims := c.registered(g, expires, id, kind)
	claims["aud"], claims["sub"], claims["scope"] = c.issuer(), g.user.rep.ID, g.scope(true)
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	g.session.clients[g.client.rep.ID].newest = id
	if expires.IsZero() {
		return c.realm.seal(claims), 0
	}
	return c.realm.seal(claims), expires.Unix() - c.now.Unix()
}

func (c *call) idToken(g grant, access string, expires time.Time) string {
	claims := c.registered(g, expires, newID(), "ID")
	g.write(claims, c.realm, "id.token.claim")
	hash := sha256.Sum256([]byte(access))
	claims["aud"], claims["sub"], claims["at_hash"] = g.client.rep.ClientID, g.user.rep.ID, rawURL(hash[:16])
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	return c.sign(claims)
}

// accessToken reads an access token of the realm that is good now: its session lives and it was not revoked.
func (c *call) accessToken(token string) (map[string]any, bool) {
	claims, ok := open(token, jose.RS256, c.key().Public())
	if !ok || claims["iss"] != c.issuer() || claims["typ"] != "Bearer" || c.over(claims) {
		return nil, false
	}
	if _, revoked := c.realm.revoked[text(claims, "jti")]; revoked {
		return nil, false
	}
	of := c.realm.client(text(claims, "azp"))
	if of == nil || !of.rep.Enabled || !c.realm.flag("enabled") {
		return nil, false
	}
	return claims, text(claims, "sid") == "" || c.sessionOf(claims, of) != nil
}

// sessionOf returns the session, or the one that outlives it, in which the client of a token has a part.
func (c *call) sessionOf(claims map[string]any, of *client) *session {
	id := text(claims, "sid")
	for _, s := range []*session{c.session(id), c.offlineSession(id)} {
		if s != nil && s.clients[of.rep.ID] != nil {
			return s
		}
	}
	return nil
}

// bearer returns whose access token it is; lightweight ones do not say.
func (c *call) bearer(claims map[string]any) *user {
	of := c.realm.client(text(claims, "azp"))
	if of == nil {
		return nil
	}
	if s := c.sessionOf(claims, of); s != nil {
		return s.user
	}
	return c.realm.serviceUser(of)
}

// notesOf the session for mappers: when the user signed in at a page; of a password grant there is none.
func notesOf(s *session) map[string]any {
	if s.signedIn.IsZero() {
		return nil
	}
	return map[string]any{"AUTH_TIME": s.signedIn.Unix()}
}

// granted reads the scopes of a refresh token back.
func (r *realm) granted(of *client, scope string) (scopes []*scope, openID bool) {
	names := strings.Fields(scope)
	return forClients(r.scopesNamed(names)), slices.Contains(names, "openid")
}
