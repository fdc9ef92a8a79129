package keycloaktest

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
)

// What may be left to do after a user has proved who it is.
const (
	updatePassword = "UPDATE_PASSWORD"
	verifyProfile  = "VERIFY_PROFILE"
	oauthGrant     = "OAUTH_GRANT"
)

// pending returns the first of them; "" when nothing is.
func (c *call) pending(l *login) string {
	u := l.user
	asked := func(action string) bool { return slices.Contains(u.rep.Actions, action) }
	switch {
	case u.temporary || asked(updatePassword):
		return updatePassword
	case !u.complete() || asked(verifyProfile) || asked("UPDATE_PROFILE"):
		return verifyProfile
	case len(u.rep.Actions) > 0:
		return u.rep.Actions[0]
	case len(c.toGrant(l)) > 0:
		return oauthGrant
	}
	return ""
}

// toGrant are the scopes that the user is asked for; prompt=consent asks for all of them again.
func (c *call) toGrant(l *login) []*scope {
	if l.req.prompt == "consent" && l.req.client.rep.ConsentRequired {
		return slices.DeleteFunc(slices.Clone(l.req.scopes), func(s *scope) bool { return !s.onConsent() })
	}
	return l.user.mustConsent(l.req.client, l.req.scopes)
}

// requiredAction shows the page of what is left to do, and takes what was typed into it.
func requiredAction(c *call) answer {
	l, a, ok := c.underWay()
	switch {
	case !ok:
		return a
	case l.user == nil:
		return c.loginPage(l, loginText{})
	}
	typed := c.r.Method == http.MethodPost && c.r.URL.Query().Get("session_code") == l.form
	switch action := c.pending(l); action {
	case updatePassword:
		return c.updatePassword(l, typed)
	case verifyProfile:
		return c.verifyProfile(l, typed)
	case oauthGrant:
		return c.consentPage(l)
	case "":
		return c.complete(l)
	default:
		return c.errorPage(http.StatusNotImplemented, "The small Keycloak has no page for "+action).with("Cache-Control", uncachedPage)
	}
}

func (u *user) done(action string) {
	u.rep.Actions = slices.DeleteFunc(slices.Clone(u.rep.Actions), func(a string) bool { return a == action })
}

func (c *call) updatePassword(l *login, typed bool) answer {
	first, second := c.form.Get("password-new"), c.form.Get("password-confirm")
	p := page{ID: "login-login-update-password", Heading: "Update password", AlertClass: "pf-m-warning",
		Alert: "You need to change your password to activate your account."}
	fields := []field{{"password-new", "New Password", "", "password", "new-password", ""},
		{"password-confirm", "Confirm password", "", "password", "new-password", ""}}
	switch {
	case !typed:
	case first == "":
		fields[0].Error, p.Alert = "Please specify password.", ""
	case first != second:
		fields[1].Error, p.Alert = "Passwords don't match.", ""
	default:
		l.user.password, l.user.temporary = first, false
		l.user.done(updatePassword)
		return c.proceed(l)
	}
	p.Fields, p.Action = fields, c.nextForm(l, "required-action", updatePassword)
	return c.page(http.StatusOK, p).with("Cache-Control", uncachedPage)
}

func (c *call) verifyProfile(l *login, typed bool) answer {
	value := func(name, now string) string {
		if typed {
			return c.form.Get(name)
		}
		return now
	}
	rep := l.user.rep
	rep.Email, rep.FirstName, rep.LastName = value("email", rep.Email), value("firstName", rep.FirstName), value("lastName", rep.LastName)
	next := user{rep: rep}
	if typed && next.complete() {
		l.user.rep = rep
		l.user.done(verifyProfile)
		l.user.done("UPDATE_PROFILE")
		return c.proceed(l)
	}
	p := page{ID: "login-login-update-profile", Heading: "Update Account Information", Action: c.nextForm(l, "required-action", verifyProfile),
		Fields: []field{{"email", "Email", rep.Email, "text", "email", ""}, {"firstName", "First name", rep.FirstName, "text", "", ""},
			{"lastName", "Last name", rep.LastName, "text", "", ""}}}
	for i, f := range p.Fields {
		if f.Value == "" {
			p.Fields[i].Error = "Please specify this field."
		}
	}
	return c.page(http.StatusOK, p).with("Cache-Control", uncachedPage)
}

func (c *call) consentPage(l *login) answer {
	var texts []string
	for _, s := range c.toGrant(l) {
		texts = append(texts, s.consentText())
	}
	name := cmp.Or(l.req.client.rep.Name, l.req.client.rep.ClientID)
	l.form = newText(43)
	return c.page(http.StatusOK, page{ID: "login-login-oauth-grant", Heading: "Grant Access to " + name, List: texts, Code: l.form,
		Action: template.URL(c.cookiePath() + "login-actions/consent?" + l.query("", ""))}).with("Cache-Control", uncachedPage)
}

// consent takes the answer to the consent page. Only cancel counts: whatever else is sent grants.
func consent(c *call) answer {
	l, a, ok := c.underWay()
	switch {
	case !ok:
		return a
	case l.user == nil:
		return c.loginPage(l, loginText{})
	case c.form.Has("cancel"):
		delete(c.realm.logins, l.tab)
		return c.set(c.respond(l.req, authResponse{err: "access_denied"}), cookie{name: "KC_RESTART"})
	}
	l.user.consent(l.req.client, c.toGrant(l))
	return c.complete(l)
}
