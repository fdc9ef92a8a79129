package keycloaktest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// introspect answers RFC 7662.
func introspect(c *call) answer {
	if a, ok := c.openForBusiness(); !ok {
		return a
	}
	by, fault := c.authenticateClient()
	switch {
	case fault != nil:
		return c.introspectionFault(fault)
	case by.rep.Public:
		return refused(http.StatusForbidden, "invalid_request", "Client not allowed.")
	case !c.form.Has("token"):
		return invalidRequest("Token not provided.")
	}
	claims, ok := c.introspected(c.form.Get("token"), by)
	if !ok {
		claims = map[string]any{"active": false}
	}
	return document(http.StatusOK, claims).with("Cache-Control", "no-cache")
}

// introspectionFault has words of its own, and before 26.5 one for everything.
func (c *call) introspectionFault(f *clientFault) answer {
	switch {
	case c.old:
		return refused(http.StatusUnauthorized, "invalid_request", "Authentication failed.")
	case f.wrong:
		return refused(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	}
	return f.answer()
}

func (c *call) introspected(token string, by *client) (map[string]any, bool) {
	claims, ok := c.introspectable(token)
	if !ok || !c.old && !mayIntrospect(by, claims) {
		return nil, false
	}
	of, u := c.realm.client(text(claims, "azp")), c.bearer(claims)
	if of == nil || u == nil {
		return nil, false
	}
	all := maps.Clone(claims)
	if of.attribute("client.use.lightweight.access.token.enabled") {
		c.fill(all, of, u)
	}
	all["client_id"], all["username"], all["token_type"], all["active"] = of.rep.ClientID, u.rep.Username, claims["typ"], true
	return all, true
}

// introspectable: an access token; before 26.5 a refresh or ID token too.
func (c *call) introspectable(token string) (map[string]any, bool) {
	if claims, ok := c.accessToken(token); ok || !c.old {
		return claims, ok
	}
	if claims, ok := c.unseal(token, "Refresh", "Offline"); ok {
		of := c.realm.client(text(claims, "azp"))
		return claims, of != nil && c.sessionOf(claims, of) != nil
	}
	claims, ok := open(token, jose.RS256, c.key().Public())
	return claims, ok && claims["typ"] == "ID" && claims["iss"] == c.issuer() && !c.over(claims)
}

// mayIntrospect: only whom a token is for is told about it (CVE-2026-37979), not even the client that has got it.
func mayIntrospect(by *client, claims map[string]any) bool {
	return slices.Contains(audienceOf(claims), by.rep.ClientID) || by.attribute("allow.token.introspection.without.audience.check")
}

func audienceOf(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, a := range aud {
			if s, ok := a.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// fill gives a lightweight token's introspection the claims that the token itself lacks.
func (c *call) fill(claims map[string]any, of *client, u *user) {
	scopes, _ := c.realm.granted(of, text(claims, "scope"))
	for _, s := range forClients(of.defaults) { // hidden ones are not in the scope
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	claimant{client: of, user: u, scopes: scopes}.write(claims, c.realm, "introspection.token.claim")
}

// revoke answers RFC 7009: an access token is over at once, a refresh token takes its session along.
func revoke(c *call) answer {
	if a, ok := c.openForBusiness(); !ok {
		return a
	}
	by, fault := c.authenticateClient()
	token := c.form.Get("token")
	switch {
	case fault != nil:
		return fault.answer()
	case c.foreignOrigin(by):
		return failed(http.StatusForbidden, "Invalid origin")
	case !c.form.Has("token"):
		return invalidRequest("Token not provided")
	}
	claims, kind := c.revocable(token)
	switch {
	case claims == nil:
		return refused(http.StatusOK, "invalid_token", "Invalid token")
	case text(claims, "azp") != by.rep.ClientID:
		return invalidRequest("Unmatching clients")
	}
	switch kind {
	case "Bearer":
		c.realm.revoked[text(claims, "jti")] = c.now
	case "Offline":
		delete(c.realm.offline, text(claims, "sid"))
	default:
		delete(c.realm.sessions, text(claims, "sid"))
	}
	return status(http.StatusOK)
}

// revocable returns the claims of a token that was good once; the session of a refresh token must still be there.
func (c *call) revocable(token string) (map[string]any, string) {
	if claims, ok := open(token, jose.RS256, c.key().Public()); ok && claims["iss"] == c.issuer() && claims["typ"] == "Bearer" {
		return claims, "Bearer"
	}
	claims, ok := c.unseal(token, "Refresh", "Offline")
	if !ok {
		return nil, ""
	}
	id := text(claims, "sid")
	if claims["typ"] == "Offline" && c.offlineSession(id) == nil || claims["typ"] == "Refresh" && c.session(id) == nil {
		return nil, ""
	}
	return claims, text(claims, "typ")
}

// userinfo answers OpenID Connect Core 1.0 5.3.
func userinfo(c *call) answer {
	challenge := func(code int, more string) answer {
		a := status(code).with("Content-Type", "text/plain;charset=utf-8").with("WWW-Authenticate", `Bearer realm="`+c.realm.name+`"`+more)
		if !c.old {
			a = uncached(a)
		}
		return a
	}
	token := c.bearerToken()
	if token == "" {
		return challenge(http.StatusUnauthorized, "")
	}
	claims, ok := c.accessToken(token)
	if !ok {
		return challenge(http.StatusUnauthorized, `, error="invalid_token", error_description="Token verification failed"`)
	}
	if !hasOpenID(text(claims, "scope")) {
		return challenge(http.StatusForbidden, `, error="insufficient_scope", error_description="Missing openid scope"`)
	}
	of, u := c.realm.client(text(claims, "azp")), c.bearer(claims)
	scopes, _ := c.realm.granted(of, text(claims, "scope"))
	all := map[string]any{}
	claimant{client: of, user: u, scopes: scopes}.write(all, c.realm, "userinfo.token.claim")
	delete(all, "aud")
	all["sub"] = u.rep.ID
	return c.allowOrigin(document(http.StatusOK, all).with("Cache-Control", "no-cache"))
}
