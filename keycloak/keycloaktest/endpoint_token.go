package keycloaktest

import (
	"cmp"
	"crypto/sha256"
	"net/http"
	"regexp"
	"slices"
)

func invalidGrant(text string) answer {
	return refused(http.StatusBadRequest, "invalid_grant", text)
}

func invalidRequest(text string) answer {
	return refused(http.StatusBadRequest, "invalid_request", text)
}

// uncached marks the answers of the token endpoint (RFC 6749 5.1).
func uncached(a answer) answer { return a.with("Cache-Control", "no-store").with("Pragma", "no-cache") }

func tokenEndpoint(c *call) answer { return c.allowOrigin(uncached(c.token())) }

func (c *call) token() answer {
	if a, ok := c.openForBusiness(); !ok {
		return a
	}
	kind := c.form.Get("grant_type")
	serve, known := map[string]func(*call, *client) answer{"authorization_code": byCode, "refresh_token": byRefreshToken,
		"client_credentials": byClient, "password": byPassword}[kind]
	switch {
	case kind == "":
		return invalidRequest("Missing form parameter: grant_type")
	case !known:
		return refused(http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type")
	}
	of, fault := c.authenticateClient()
	switch {
	case fault != nil:
		return fault.answer()
	case c.foreignOrigin(of):
		return failed(http.StatusForbidden, "Invalid origin")
	}
	for _, values := range c.form {
		if len(values) > 1 {
			return invalidRequest("duplicated parameter")
		}
	}
	return serve(c, of)
}

// foreignOrigin: a page asks that is none of the client's web origins.
func (c *call) foreignOrigin(of *client) bool {
	origin := c.r.Header.Get("Origin")
	allowed := claimant{client: of}.origins()
	return !c.old && origin != "" && !slices.Contains(allowed, origin) && !slices.Contains(allowed, "*")
}

// openForBusiness: the realm is enabled, and asked over TLS where it insists.
func (c *call) openForBusiness() (answer, bool) {
	switch {
	case c.insecure():
		return refused(http.StatusForbidden, "invalid_request", "HTTPS required"), false
	case !c.realm.flag("enabled"):
		return refused(http.StatusForbidden, "access_denied", "Realm not enabled"), false
	}
	return answer{}, true
}

func (c *call) insecure() bool {
	return c.realm.fields["sslRequired"] == "all" && c.base[:5] != "https"
}

func byCode(c *call, of *client) answer {
	if !of.rep.StandardFlow {
		return refused(http.StatusBadRequest, "unauthorized_client", "Client not allowed to exchange code")
	}
	if c.form.Get("code") == "" {
		return invalidRequest("Missing parameter: code")
	}
	code, s := c.takeCode(c.form.Get("code"))
	switch {
	case code == nil:
		return invalidGrant("Code not valid")
	case code.client != of:
		return invalidGrant("Auth error: Found different client_id in clientSession")
	case code.redirect != c.form.Get("redirect_uri"):
		return invalidGrant("Incorrect redirect_uri")
	}
	if why := code.verify(c.form.Get("code_verifier")); why != "" {
		return invalidGrant(why)
	}
	g := grant{claimant: claimant{client: of, user: s.user, scopes: code.scopes, notes: notesOf(s)}, session: s, openID: code.openID, nonce: code.nonce, kind: "ac"}
	if g.asksOffline() {
		g.session, g.offline = c.takeOffline(s, of), true
	}
	return c.grant(g)
}

func (g grant) asksOffline() bool {
	return find(g.scopes, func(s *scope) bool { return s.rep.Name == "offline_access" }) != nil
}

var verifierShape = regexp.MustCompile(`^[0-9a-zA-Z\-._~]{43,128}$`)

// verify holds a verifier to the challenge (RFC 7636 4.6) and says why it does not match.
func (c *code) verify(verifier string) string {
	method := cmp.Or(c.method, "plain") // RFC 7636 4.3
	switch {
	case c.challenge == "" && verifier != "":
		return "PKCE code verifier specified but challenge not present in the authorization"
	case c.challenge == "":
		return ""
	case verifier == "":
		return "PKCE code verifier not specified"
	case !verifierShape.MatchString(verifier):
		return "PKCE verification failed: Invalid code verifier"
	}
	if method == "S256" {
		hash := sha256.Sum256([]byte(verifier))
		verifier = rawURL(hash[:])
	}
	if verifier != c.challenge {
		return "PKCE verification failed: Code mismatch"
	}
	return ""
}

func byClient(c *call, of *client) answer {
	switch {
	case of.rep.Public:
		return refused(http.StatusUnauthorized, "unauthorized_client", "Public client not allowed to retrieve service account")
	case !of.rep.ServiceAccounts:
		return refused(http.StatusUnauthorized, "unauthorized_client", "Client not enabled to retrieve service account")
	}
	g, a, ok := c.asked(of, c.realm.serviceUser(of))
	if !ok {
		return a
	}
	g.kind = "cc"
	ip := remoteIP(c.r)
	g.notes = map[string]any{"clientHost": ip, "clientAddress": ip, "client_id": of.rep.ClientID}
	return c.grant(g)
}

// asked makes a grant of the scope that a request names; an empty one is not the same as none.
func (c *call) asked(of *client, u *user) (grant, answer, bool) {
	g := grant{claimant: claimant{client: of, user: u, scopes: forClients(of.defaults)}}
	if !c.form.Has("scope") {
		return g, answer{}, true
	}
	asked := c.form.Get("scope")
	scopes, ok := of.scopesFor(asked)
	if !ok {
		return g, refused(http.StatusBadRequest, "invalid_scope", "Invalid scopes: "+asked), false
	}
	g.scopes, g.openID = scopes, hasOpenID(asked)
	return g, answer{}, true
}

func byPassword(c *call, of *client) answer {
	if !of.rep.DirectAccess {
		return refused(http.StatusBadRequest, "unauthorized_client", "Client not allowed for direct access grants")
	}
	if of.rep.ConsentRequired {
		return refused(http.StatusBadRequest, "invalid_client", "Client requires user consent")
	}
	u := c.realm.userNamed(c.form.Get("username"))
	switch {
	case u == nil || u.password == "" || u.password != c.form.Get("password"):
		code := http.StatusBadRequest
		if c.old {
			code = http.StatusUnauthorized
		}
		return refused(code, "invalid_grant", "Invalid user credentials")
	case !u.rep.Enabled:
		return invalidGrant("Account disabled")
	case !u.setUp():
		return invalidGrant("Account is not fully set up")
	}
	g, a, ok := c.asked(of, u)
	if !ok {
		return a
	}
	s := c.newSession(c.newSessionID(), u)
	s.join(of, c.now)
	g.session, g.notes, g.kind = s, notesOf(s), "ro"
	if g.asksOffline() {
		g.session, g.offline = c.takeOffline(s, of), true
	}
	return c.grant(g)
}

func byRefreshToken(c *call, of *client) answer {
	if c.form.Get("refresh_token") == "" {
		return invalidRequest("No refresh token")
	}
	claims, ok := c.unseal(c.form.Get("refresh_token"), "Refresh", "Offline")
	switch {
	case !ok && claims == nil:
		return invalidGrant("Invalid refresh token")
	case !ok:
		return invalidGrant("Token is not active")
	case text(claims, "azp") != of.rep.ClientID:
		return invalidGrant("Invalid refresh token. Token client and authorized client don't match")
	}
	g := grant{claimant: claimant{client: of}, offline: claims["typ"] == "Offline", nonce: text(claims, "nonce"), kind: "rt"}
	if why := c.resume(&g, text(claims, "sid")); why != "" {
		return invalidGrant(why)
	}
	if why := c.reuse(g.session, of, text(claims, "jti")); why != "" {
		return invalidGrant(why)
	}
	g.scopes, g.openID = c.realm.granted(of, text(claims, "scope"))
	if c.form.Has("scope") {
		asked := c.form.Get("scope")
		if _, known := of.scopesFor(asked); !known {
			return refused(http.StatusBadRequest, "invalid_scope", "Invalid scopes: "+asked)
		}
		g.narrow(asked)
	}
	return c.grant(g)
}

// resume finds the session of a refresh token again.
func (c *call) resume(g *grant, id string) string {
	g.session = c.session(id)
	if g.offline {
		g.session = c.offlineSession(id)
	}
	switch {
	case g.session == nil && g.offline:
		return "Offline user session not found"
	case g.session == nil:
		return "Session not active"
	case g.session.clients[g.client.rep.ID] == nil:
		return "Session doesn't have required client"
	}
	g.user, g.notes = g.session.user, notesOf(g.session)
	return ""
}

// reuse counts what a realm allows only so often. Once too often, and the client's part of the session ends.
func (c *call) reuse(s *session, of *client, id string) string {
	if !c.realm.flag("revokeRefreshToken") {
		return ""
	}
	part := s.clients[of.rep.ID]
	if part.uses[id] > c.realm.number("refreshTokenMaxReuse") {
		delete(s.clients, of.rep.ID)
		return "Maximum allowed refresh token reuse exceeded"
	}
	part.uses[id]++
	return ""
}

// narrow keeps the default scopes and those of the granted ones that are asked for.
func (g *grant) narrow(asked string) {
	allowed, _ := g.client.scopesFor(asked)
	g.openID = g.openID && hasOpenID(asked)
	var kept []*scope
	for _, s := range g.scopes {
		if find(allowed, func(x *scope) bool { return x == s }) != nil {
			kept = append(kept, s)
		}
	}
	g.scopes = kept
}
