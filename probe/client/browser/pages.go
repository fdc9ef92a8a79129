package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Keycloak's pages, by the id that its theme gives them.
const (
	loginPage    = "login-login"
	userPage     = "login-login-username"
	passwordPage = "login-login-password"
	codePage     = "login-login-otp"
	consentPage  = "login-login-oauth-grant"
	errorPage    = "login-error"
)

// byForm names the page by its form where a theme of the realm's own writes no id.
var byForm = map[string]string{"kc-form-login": loginPage, "kc-otp-login-form": codePage}

// persons are pages that only a person can pass, by what they ask for.
var persons = map[string]string{
	"login-login-update-password":                   "a new password",
	"login-login-update-profile":                    "the user's profile",
	"login-idp-review-user-profile":                 "the user's profile",
	"login-update-email":                            "a new e-mail address",
	"login-login-verify-email":                      "the e-mail address to be verified",
	"login-terms":                                   "consent to terms",
	"login-login-config-totp":                       "a one-time code generator to be set up",
	"login-webauthn-register":                       "a security key to be set up",
	"login-webauthn-authenticate":                   "a security key",
	"login-login-passkeys-conditional-authenticate": "a passkey",
	"login-login-recovery-authn-code-config":        "recovery codes to be set up",
	"login-login-recovery-authn-code-input":         "a recovery code",
	"login-select-authenticator":                    "a way to authenticate to be chosen",
	"login-select-organization":                     "an organization to be chosen",
}

// page does on a page what the user would, and returns what is sent.
func (w *walk) page(ctx context.Context, p *page) (step, error) {
	id := p.id
	for _, f := range p.forms {
		if id == "" {
			id = byForm[f.id]
		}
	}
	switch {
	case p.status >= http.StatusBadRequest || id == errorPage:
		return step{}, w.refusal(p)
	case id == loginPage || id == userPage || id == passwordPage:
		return w.login(p)
	}
	w.accepted()
	switch id {
	case codePage:
		return w.code(ctx, p)
	case consentPage:
		return w.consent(ctx, p)
	}
	if f := p.selfSent(); f != nil && p.id == "" {
		return w.send(p, f)
	}
	return step{}, w.unknown(p)
}

func (w *walk) refusal(p *page) error {
	what := fmt.Sprintf("%d", p.status)
	if p.said() == "" && p.title() != "" {
		what += fmt.Sprintf(" %q", p.title())
	}
	return p.stop(Refused, "", "the login ends with %s", what)
}

// unknown ends the walk at a page that it cannot pass, or that sends the user on by itself.
func (w *walk) unknown(p *page) error {
	for _, f := range p.forms {
		switch {
		case w.r.isResponse(f.action) && (f.hasAll([]string{"code"}) || f.hasAll([]string{"error"})):
			return p.stop(Undelivered, "do not use response_mode=form_post", "the page has the browser bring the response by POST, and the callback answers GET")
		case f.method == http.MethodPost && p.id == "" && !w.athome(f.action):
			return elsewhere(w.start, f.action)
		}
	}
	if asks, ok := persons[p.id]; ok {
		return p.stop(UnknownPage, useBrowser+", or take this step off the user", "the page %s wants %s", p.id, asks)
	}
	name := "the page"
	if p.id != "" {
		name += " " + p.id
	} else if title := p.title(); title != "" {
		name += fmt.Sprintf(" %q", title)
	}
	switch by, on := p.waysOn(); {
	case !on:
		err := p.stop(Refused, "", "the login ends at %s, which has no form, no link and no script: nobody can go on", name)
		if err.Said == "" {
			err.Said = p.text()
		}
		return err
	case by == "script" && len(p.forms) == 0:
		return p.stop(UnknownPage, useBrowser, "%s at %s goes on by script, which only a browser runs", name, p.url.Host)
	case by != "" && len(p.forms) == 0:
		return p.stop(UnknownPage, useBrowser, "%s at %s goes on by %s", name, p.url.Host, by)
	}
	return p.stop(UnknownPage, useBrowser, "%s at %s is not known", name, p.url.Host)
}

// submit sends a form to the authorization server it came from, and nowhere else.
func (w *walk) submit(p *page, f *form, given map[string]string, button string) (step, error) {
	if !w.athome(f.action) {
		return step{}, elsewhere(w.start, f.action)
	}
	for name := range given {
		w.sent[name] = true
	}
	return step{to: f.action, form: f.fill(given, button), from: p}, nil
}

// login fills in the user's name, the password, or both, each once: a form that comes again was refused, and a second try
// might lock the account.
func (w *walk) login(p *page) (step, error) {
	f := p.form("kc-form-login", "password")
	if f == nil {
		f = p.form("kc-form-login", "username")
	}
	if f == nil {
		return step{}, p.stop(UnknownPage, useBrowser, "the login page has no field for user or password")
	}
	given := map[string]string{}
	if f.asks("username") {
		given["username"] = w.User
	}
	if f.asks("password") {
		given["password"] = w.Headless.password
	}
	for name := range given {
		if w.sent["password"] || w.sent[name] {
			return step{}, w.wrong(p)
		}
	}
	if len(given) == 0 {
		return step{}, w.unknown(p)
	}
	next, err := w.submit(p, f, given, "")
	w.tried = err == nil && f.asks("password")
	return next, err
}

func (w *walk) wrong(p *page) error {
	err := p.stop(WrongPassword, "give the right user and password; it was tried once only, for more might lock the account",
		"the realm refused user %s", w.User)
	if w.sent["password"] {
		w.tried, w.refused = false, err
	}
	return err
}

func (w *walk) code(ctx context.Context, p *page) (step, error) {
	f := p.form("kc-otp-login-form", "otp")
	switch {
	case f == nil:
		return step{}, w.unknown(p)
	case w.sent["otp"]:
		return step{}, p.stop(WrongCode, "wait for the next code and begin again", "the one-time code was refused")
	case w.OTP == nil:
		return step{}, p.stop(NeedsCode, "give one in MCPWIZ_OTP, or on a terminal", "user %s has a second factor: a one-time code is needed", w.User)
	}
	otp, err := w.OTP(ctx)
	if err != nil {
		return step{}, fmt.Errorf("get a one-time code: %w", err)
	}
	if otp = strings.TrimSpace(otp); otp == "" {
		return step{}, p.stop(NeedsCode, "give one in MCPWIZ_OTP, or on a terminal", "user %s has a second factor: a one-time code is needed", w.User)
	}
	w.r.hide(otp)
	return w.submit(p, f, map[string]string{"otp": otp}, "")
}

// consent asks before it grants. The button counts: Keycloak takes a form without cancel for consent.
func (w *walk) consent(ctx context.Context, p *page) (step, error) {
	f := p.form("", "accept")
	switch {
	case f == nil:
		return step{}, w.unknown(p)
	case w.sent["consent"]:
		return step{}, p.stop(Endless, useBrowser, "the consent page comes again")
	case w.Consent == nil:
		return step{}, p.stop(NeedsConsent, "use --consent to give it in the user's name", "user %s must consent (%s)", w.User, strings.Join(p.asked().Scopes, ", "))
	}
	ok, err := w.Consent(ctx, p.asked())
	if err != nil {
		return step{}, fmt.Errorf("ask for consent: %w", err)
	}
	button := "cancel"
	if ok {
		button = "accept"
	}
	if !f.hasAll([]string{button}) {
		return step{}, errors.New("the consent page has no way to refuse")
	}
	w.sent["consent"] = true
	return w.submit(p, f, nil, button)
}

// asked reads what a consent page asks for.
func (p *page) asked() ConsentPage {
	c := ConsentPage{Host: p.url.Host}
	for n := range p.doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case attr(n, "id") == "kc-page-title":
			c.Client = strings.TrimPrefix(p.sieve(clip(words(n))), "Grant Access to ")
		case attr(n, "id") == "kc-oauth":
			for li := range n.Descendants() {
				if li.DataAtom == atom.Li {
					c.Scopes = append(c.Scopes, p.sieve(clip(words(li))))
				}
			}
		}
	}
	return c
}
