package keycloaktest

import (
	"cmp"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A login is one sign-in under way, in one tab of a browser.
type login struct {
	root, tab string // the browser, as its cookie says; the tab, as the address says
	req       *authRequest
	form      string // the code of the form that was shown last
	execution string
	expires   time.Time

	user *user // who it is, once known
	// again: this user is there, and has to prove it anew.
	again *user
	// at is when the user proved who it is; zero when a session did.
	at      time.Time
	session *session
}

// beginLogin shows the login page, or goes on where a session makes it unnecessary.
func (c *call) beginLogin(req *authRequest) answer {
	s := c.browserSession()
	l := &login{tab: newText(11), req: req, execution: newID(), expires: c.now.Add(c.realm.seconds("accessCodeLifespanLogin"))}
	cookies := c.browserCookies(answer{}, l, s)
	prompt := strings.Fields(req.prompt)
	if slices.Contains(prompt, "none") {
		return before(cookies, c.beginSilently(l, s))
	}
	c.forgetLogins()
	c.realm.logins[l.tab] = l
	cookies = c.restartCookie(cookies, l)
	switch {
	case s == nil:
		return before(c.forgetSession(answer{}), before(cookies, c.loginPage(l, loginText{})))
	case slices.Contains(prompt, "login"):
		l.again = s.user
		return before(cookies, c.loginPage(l, loginText{info: "Please re-authenticate to continue"}))
	}
	l.user, l.session = s.user, s
	return before(cookies, c.proceed(l))
}

// beginSilently: prompt=none shows nothing (OpenID Connect Core 1.0 3.1.2.1).
func (c *call) beginSilently(l *login, s *session) answer {
	if s == nil {
		return c.respond(l.req, authResponse{err: "login_required"})
	}
	l.user, l.session = s.user, s
	if c.pending(l) != "" {
		return c.set(c.respond(l.req, authResponse{err: "interaction_required"}), cookie{name: "KC_RESTART"})
	}
	return c.complete(l)
}

// before puts the cookies of one answer before those of another.
func before(cookies, a answer) answer {
	all := append(slices.Clone(cookies.header["Set-Cookie"]), a.header["Set-Cookie"]...)
	if len(all) > 0 {
		a.header["Set-Cookie"] = all
	}
	return a
}

// forgetLogins drops those that were left.
func (c *call) forgetLogins() {
	for tab, l := range c.realm.logins {
		if c.now.After(l.expires) {
			delete(c.realm.logins, tab)
		}
	}
}

// browserSession is that of the user who signed in before in this browser.
func (c *call) browserSession() *session {
	claims, ok := c.unseal(c.sentCookie("KEYCLOAK_IDENTITY"), "Serialized-ID")
	if !ok {
		return nil
	}
	return c.session(text(claims, "sid"))
}

// browserCookies gives the sign-in the browser's mark: the one that other tabs have, the session's, or a new one.
func (c *call) browserCookies(a answer, l *login, s *session) answer {
	l.root = c.browserRoot()
	for _, other := range c.realm.logins {
		if l.root != "" && other.root == l.root {
			return a
		}
	}
	l.root = c.newSessionID()
	if s != nil {
		l.root = s.id
	}
	a = c.set(a, cookie{name: "AUTH_SESSION_ID", value: rawURL([]byte(l.root + "." + newText(86))), hidden: true})
	return c.set(a, cookie{name: "KC_AUTH_SESSION_HASH", value: `"` + base64.StdEncoding.EncodeToString([]byte(newText(48))) + `"`, age: 60})
}

// browserRoot is the mark that the browser bears.
func (c *call) browserRoot() string {
	plain, err := base64.RawURLEncoding.DecodeString(c.sentCookie("AUTH_SESSION_ID"))
	if err != nil {
		return ""
	}
	root, _, _ := strings.Cut(string(plain), ".")
	return root
}

func (c *call) restartCookie(a answer, l *login) answer {
	sealed := c.realm.seal(map[string]any{"iss": c.issuer(), "typ": "Restart", "cid": l.req.client.rep.ClientID})
	return c.set(a, cookie{name: "KC_RESTART", value: sealed, hidden: true})
}

// forgetSession takes back the cookies of a session that is no more.
func (c *call) forgetSession(a answer) answer {
	for _, name := range []string{"KEYCLOAK_IDENTITY", "KEYCLOAK_SESSION"} {
		if c.sentCookie(name) != "" {
			a = c.set(a, cookie{name: name})
		}
	}
	return a
}

// query is what the address of every page of a sign-in says.
func (l *login) query(execution, code string) string {
	q := ""
	if code != "" {
		q = "session_code=" + code + "&"
	}
	if execution != "" {
		q += "execution=" + execution + "&"
	}
	return q + "client_id=" + url.QueryEscape(l.req.client.rep.ClientID) + "&tab_id=" + l.tab + "&client_data=" + l.req.data()
}

// nextForm makes the address of the next form; the one shown before is good for nothing then.
func (c *call) nextForm(l *login, action, execution string) template.URL {
	l.form = newText(43)
	return template.URL(c.issuer() + "/login-actions/" + action + "?" + l.query(execution, l.form))
}

const uncachedPage = "no-store, must-revalidate, max-age=0"

// loginText is what a login page tells: an information, an error, or a wrong field.
type loginText struct{ username, info, alert, wrong string }

func (c *call) loginPage(l *login, t loginText) answer {
	p := page{ID: "login-login", Heading: "Sign in to your account", Alert: cmp.Or(t.alert, t.info), AlertClass: "pf-m-danger",
		Action: c.nextForm(l, "authenticate", l.execution)}
	if t.info != "" {
		p.AlertClass = "pf-m-info"
	}
	password := field{"password", "Password", "", "password", "current-password", ""}
	if l.again != nil {
		password.Error = t.wrong
		p.Attempted, p.Fields = l.again.rep.Username, []field{password}
	} else {
		p.Fields = []field{{"username", "Username or email", t.username, "text", "username", t.wrong}, password}
	}
	return c.page(http.StatusOK, p).with("Cache-Control", uncachedPage)
}

const cookieNotFound = "Restart login cookie not found. It may have expired; it may have been deleted or cookies are disabled in your browser. " +
	"If cookies are disabled then enable them. Click Back to Application to login again."

// underWay finds the sign-in of a page's address. One that is over sends the user back to the client.
func (c *call) underWay() (*login, answer, bool) {
	q := c.r.URL.Query()
	root := c.browserRoot()
	l := c.realm.logins[q.Get("tab_id")]
	switch {
	case l != nil && l.root == root && c.now.Before(l.expires):
		return l, answer{}, true
	case root == "" || l != nil:
		return nil, c.badRequest(cookieNotFound).with("Cache-Control", uncachedPage), false
	}
	if req := c.fromData(q.Get("client_id"), q.Get("client_data")); req != nil {
		return nil, c.respond(req, authResponse{err: "temporarily_unavailable", description: "authentication_expired"}), false
	}
	return nil, c.badRequest(cookieNotFound).with("Cache-Control", uncachedPage), false
}

// authenticate takes what was typed into the login page.
func authenticate(c *call) answer {
	l, a, ok := c.underWay()
	if !ok {
		return a
	}
	code := c.r.URL.Query().Get("session_code")
	switch {
	case l.user != nil:
		return c.expiredPage(l)
	case code == "":
		return c.loginPage(l, loginText{})
	case code != l.form:
		return redirect(c.issuer()+"/login-actions/authenticate?"+l.query(l.execution, "")).with("Cache-Control", uncachedPage)
	}
	name := c.form.Get("username")
	u := c.realm.userNamed(name)
	if l.again != nil {
		u = l.again
	}
	switch {
	case u != nil && !u.rep.Enabled:
		return c.loginPage(l, loginText{username: name, alert: "Account is disabled, contact your administrator."})
	case u == nil || u.password == "" || c.form.Get("password") != u.password:
		return c.loginPage(l, loginText{username: name, wrong: "Invalid username or password."})
	}
	l.user, l.at = u, c.now
	return c.proceed(l)
}

// expiredPage: the form belongs to a step that is behind.
func (c *call) expiredPage(l *login) answer {
	at := c.issuer() + "/login-actions/"
	return c.page(http.StatusOK, page{ID: "login-login-page-expired", Heading: "Page has expired",
		Restart: template.URL(at + "restart?" + l.query("", "")), Action: template.URL(at + "required-action?" + l.query(c.pending(l), ""))}).
		with("Cache-Control", uncachedPage)
}

// proceed goes to what is left to do, or back to the client.
func (c *call) proceed(l *login) answer {
	action := c.pending(l)
	if action == "" {
		return c.complete(l)
	}
	return redirect(c.issuer()+"/login-actions/required-action?"+l.query(action, "")).with("Cache-Control", uncachedPage).
		with("Content-Security-Policy", contentPolicy)
}

// complete ends a sign-in: the user has a session, the client a code.
func (c *call) complete(l *login) answer {
	s := l.session
	if s == nil {
		s = c.session(l.root) // another tab was first
	}
	if s == nil || s.user != l.user {
		s = c.newSession(l.root, l.user)
	}
	if !l.at.IsZero() {
		s.signedIn = l.at
	}
	s.last = c.now
	s.join(l.req.client, c.now)
	delete(c.realm.logins, l.tab)
	r := authResponse{session: s.id}
	if l.req.kind == "code" {
		r.code = c.newCode(s, &code{client: l.req.client, scopes: l.req.scopes, openID: l.req.openID, redirect: l.req.sent, nonce: l.req.nonce,
			challenge: l.req.challenge, method: l.req.method})
	}
	return c.sessionCookies(c.respond(l.req, r).with("Content-Security-Policy", contentPolicy), s)
}

func (c *call) sessionCookies(a answer, s *session) answer {
	most := c.realm.number("ssoSessionMaxLifespan")
	identity := c.realm.seal(map[string]any{"exp": c.now.Unix() + int64(most), "iat": c.now.Unix(), "jti": newID(), "iss": c.issuer(),
		"sub": s.user.rep.ID, "typ": "Serialized-ID", "sid": s.id, "state_checker": newText(43)})
	a = c.set(a, cookie{name: "KC_RESTART"})
	a = c.set(a, cookie{name: "KEYCLOAK_IDENTITY", value: identity, hidden: true})
	return c.set(a, cookie{name: "KEYCLOAK_SESSION", value: newText(64), age: most})
}
