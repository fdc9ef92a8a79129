package keycloaktest

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// logout ends a session: at once for a client that shows its refresh token or ID token, else after the user agreed (OpenID
// Connect RP-Initiated Logout 1.0 2).
func logout(c *call) answer {
	q := c.r.URL.Query()
	if c.r.Method == http.MethodPost {
		if c.form.Get("refresh_token") != "" {
			return c.logoutByRefreshToken()
		}
		q = c.form
	}
	of, hinted, a, ok := c.leavingClient(q)
	if !ok {
		return a.with("Cache-Control", "no-cache")
	}
	to := q.Get("post_logout_redirect_uri")
	switch {
	case to != "" && of == nil:
		return c.badRequest("Missing parameters: id_token_hint").with("Cache-Control", "no-cache")
	case to != "" && !of.postLogout(to):
		return c.badRequest("Invalid redirect uri").with("Cache-Control", "no-cache")
	}
	if s := c.browserSession(); hinted != "" && (s == nil || s.id == hinted) {
		return c.loggedOut(to, q.Get("state"))
	}
	return c.confirmLogout(of, to, q.Get("state"))
}

// leavingClient is the one that sent the user, and the session that its ID token names.
func (c *call) leavingClient(q url.Values) (of *client, session string, a answer, ok bool) {
	of = c.realm.client(q.Get("client_id"))
	if hint := q.Get("id_token_hint"); hint != "" {
		claims, good := open(hint, jose.RS256, c.key().Public())
		if !good || claims["iss"] != c.issuer() || claims["typ"] != "ID" {
			return nil, "", c.badRequest("Invalid parameter: id_token_hint"), false
		}
		return c.realm.client(text(claims, "azp")), text(claims, "sid"), answer{}, true
	}
	return of, "", answer{}, true
}

// postLogout: "+" or nothing are the redirect URIs, "-" is none, others stand apart by ##.
func (c *client) postLogout(uri string) bool {
	switch allowed := c.rep.Attributes["post.logout.redirect.uris"]; allowed {
	case "", "+":
		_, ok := c.redirectURI(uri)
		return ok
	case "-":
		return false
	default:
		u, err := url.Parse(uri)
		return err == nil && slices.ContainsFunc(strings.Split(allowed, "##"), func(one string) bool { return redirectMatches(one, uri, u) })
	}
}

func (c *call) logoutByRefreshToken() answer {
	of, fault := c.authenticateClient()
	if fault != nil {
		return fault.answer()
	}
	claims, ok := c.unseal(c.form.Get("refresh_token"), "Refresh", "Offline")
	switch {
	case !ok:
		return invalidGrant("Invalid refresh token")
	case text(claims, "azp") != of.rep.ClientID:
		return invalidGrant("Invalid refresh token. Token client and authorized client don't match")
	}
	if claims["typ"] == "Offline" {
		delete(c.realm.offline, text(claims, "sid"))
	} else {
		delete(c.realm.sessions, text(claims, "sid"))
	}
	return status(http.StatusNoContent).with("Cache-Control", "no-cache")
}

// confirmLogout asks the user. What becomes of the answer is kept as a sign-in of the account client is.
func (c *call) confirmLogout(of *client, to, state string) answer {
	if of == nil {
		of = c.realm.client("account")
	}
	if of == nil {
		return c.badRequest("Client not found.").with("Cache-Control", "no-cache")
	}
	l := &login{tab: newText(11), form: newText(43), req: &authRequest{client: of, redirect: to, state: state},
		expires: c.now.Add(c.realm.seconds("accessCodeLifespanUserAction"))}
	c.forgetLogins()
	cookies := c.browserCookies(answer{}, l, c.browserSession())
	c.realm.logins[l.tab] = l
	to = c.cookiePath() + "protocol/openid-connect/logout/logout-confirm?client_id=" + url.QueryEscape(of.rep.ClientID) + "&tab_id=" + l.tab
	return before(cookies, c.page(http.StatusOK, page{ID: "login-logout-confirm", Title: "Logging out", Heading: "Logging out", Code: l.form,
		Action: template.URL(to)}).with("Cache-Control", "no-cache"))
}

func logoutConfirm(c *call) answer {
	l, _, ok := c.underWay()
	if !ok || c.form.Get("session_code") != l.form {
		return c.badRequest("Logout failed").with("Cache-Control", "no-cache")
	}
	delete(c.realm.logins, l.tab)
	return c.loggedOut(l.req.redirect, l.req.state)
}

func (c *call) loggedOut(to, state string) answer {
	if s := c.browserSession(); s != nil {
		delete(c.realm.sessions, s.id)
	}
	if to == "" {
		return c.forgetSession(c.page(http.StatusOK, page{ID: "login-info", Heading: "You are logged out", Message: "You are logged out"})).
			with("Cache-Control", "no-cache")
	}
	if state != "" {
		separator := "?"
		if strings.Contains(to, "?") {
			separator = "&"
		}
		to += separator + "state=" + url.QueryEscape(state)
	}
	return c.forgetSession(redirect(to))
}
