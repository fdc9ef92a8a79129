package browser

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

var versions = []string{"26.7.3", "26.4.7"}

func TestWalkToTheCode(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		s := newSite(t, shows("username."+v), shows("password."+v), shows("otp."+v),
			redirects(302, "/realms/mcp/login-actions/required-action?execution=OAUTH_GRANT"), shows("oauth-grant."+v), redirects(302, response))
		h := headless("tester")
		h.OTP = func(context.Context) (string, error) { return " 271828 ", nil }
		var page ConsentPage
		h.Consent = func(_ context.Context, c ConsentPage) (bool, error) { page = c; return true, nil }
		got, err := h.Authorize(t.Context(), s.request())
		if err != nil || got.String() != response {
			t.Fatalf("%s: %v, %v", v, got, err)
		}
		for n, want := range []url.Values{
			{},
			{"username": {"tester"}, "login": {""}},
			{"password": {password}, "login": {""}},
			{"otp": {"271828"}, "selectedCredentialId": {"00000000-0000-4000-8000-000000000000"}, "login": {""}},
			{},
			{"code": {"ONCE"}, "accept": {""}},
		} {
			form := s.bore(n)
			form.Del("credentialId")
			if len(form)+len(want) > 0 && !reflect.DeepEqual(form, want) {
				t.Errorf("%s, request %d bore %v, want %v", v, n, form, want)
			}
		}
		if page.Client != "Claude" || len(page.Scopes) != 3 || page.Host == "" {
			t.Errorf("%s: asked to consent to %+v", v, page)
		}
	}
}

func TestWalkLooksLikeABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, shows("login.26.7.3"), redirects(302, response))
	if _, err := headless("tester").Authorize(t.Context(), s.request()); err != nil {
		t.Fatal(err)
	}
	post := s.asked[1]
	for name, want := range map[string]string{
		"Origin": "null", "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Accept-Language": "en",
		"Cookie": `AUTH_SESSION_ID=a-session-of-the-login; KC_AUTH_SESSION_HASH="a-hash-in-quotes"`,
	} {
		if got := post.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if ua := post.UserAgent(); !strings.HasPrefix(ua, "Mozilla/5.0 ") {
		t.Errorf("User-Agent is %q", ua)
	}
	want := url.Values{"username": {"tester"}, "password": {password}, "credentialId": {""}, "login": {""}}
	if !reflect.DeepEqual(post.PostForm, want) {
		t.Errorf("sent %v, want %v", post.PostForm, want)
	}
}

func TestWalkStops(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []func(*site, http.ResponseWriter, *http.Request)
		wants   Why
		says    string
	}{
		"another host":           {steps(redirects(302, "https://login.corp.example/authorize?x=1")), Elsewhere, "this realm signs in at login.corp.example: use a browser"},
		"another realm":          {steps(redirects(302, "/realms/other/protocol/openid-connect/auth")), Elsewhere, "/realms/other: use a browser"},
		"another callback":       {steps(redirects(302, "https://claude.ai/api/mcp/auth_callback/x?code=1")), Refused, "https://claude.ai/api/mcp/auth_callback/x, which is not the redirect URI"},
		"an auto-submitted form": {steps(says(`<form method="post" action="https://idp.example/saml"><input name="SAMLRequest" value="x"></form>`)), Elsewhere, "idp.example"},
		"a form to another host": {steps(says(`<body data-page-id="login-login"><form id="kc-form-login" method="post" action="https://evil.example/"><input name="username"><input name="password" type="password"></form>`)), Elsewhere, "evil.example"},
		"error page":             {steps(shows("error-client-not-found.26.7.3")), Refused, `the page says "Client not found."`},
		"an edge's page":         {steps(says(`<title>Just a moment...</title><script src="/cdn-cgi/x"></script>`)), UnknownPage, `"Just a moment..." at `},
		"a redirect by script":   {steps(says(`<script>location.replace("https://claude.ai/api/mcp/auth_callback?code=1")</script>`)), UnknownPage, "goes on by script, which only a browser runs: use a browser (--browser)"},
		"a refresh elsewhere":    {steps(says(`<meta http-equiv="Refresh" content="0; url=https://idp.example/x">`)), Elsewhere, "idp.example"},
		"a refresh of itself":    {steps(says(`<meta http-equiv="refresh" content="3">`)), UnknownPage, "goes on by a refresh of its own"},
		"a page to be read":      {steps(says(`<meta http-equiv="refresh" content="600; url=/realms/mcp/timeout">`)), UnknownPage, "goes on by a refresh of its own"},
		"a form that a script fills in": {steps(says(`<form method="post" action="/realms/mcp/x"><input type="hidden" name="proof"></form>` +
			`<script>f.proof.value = work(); f.submit()</script>`)), UnknownPage, "is not known"},
		"a form that is sent elsewhere": {steps(says(`<body onload="document.forms[0].submit()"><form action="https://idp.example/x"></form>`)), Elsewhere, "idp.example"},
		"a page with a link":            {steps(says(`<title>Choose</title><a href="/x">corp</a>`)), UnknownPage, "is not known: use a browser"},
		"an error page with 200": {steps(says(`<title>Oops</title><h1>Something went wrong</h1><p>Unknown scope mcp:use</p>`)), Refused,
			`the page "Oops", which has no form, no link and no script: nobody can go on: the page says "Something went wrong Unknown scope mcp:use"`},
		"no page":           {steps(redirects(http.StatusBadGateway, "")), Refused, "502"},
		"update password":   {steps(shows("login.26.7.3"), shows("update-password.26.7.3")), UnknownPage, "a new password"},
		"security key":      {steps(says(`<body data-page-id="login-webauthn-authenticate">`)), UnknownPage, "a security key"},
		"only providers":    {steps(says(`<body data-page-id="login-login"><a id="social-corp" href="/x">corp</a>`)), UnknownPage, "no field"},
		"consent":           {steps(shows("oauth-grant.26.4.7")), NeedsConsent, "--consent"},
		"code":              {steps(shows("otp.26.4.7")), NeedsCode, "one-time code"},
		"wrong password":    {steps(shows("login.26.7.3"), shows("login-invalid-username-or-password.26.7.3")), WrongPassword, "Invalid username or password."},
		"disabled":          {steps(shows("login.26.4.7"), shows("login-account-is-disabled.26.4.7")), WrongPassword, "Account is disabled"},
		"wrong user":        {steps(shows("username.26.4.7"), shows("username-invalid-username-or-email.26.4.7")), WrongPassword, "Invalid username or email."},
		"form_post":         {steps(shows("login.26.7.3"), shows("form-post.26.7.3")), Undelivered, "by POST"},
		"307 to the client": {steps(shows("login.26.7.3"), redirects(307, response)), Undelivered, "repeat the POST"},
		"308 on the way":    {steps(shows("login.26.7.3"), redirects(308, "/realms/mcp/elsewhere")), Undelivered, "send the form again"},
		"fragment":          {steps(redirects(302, strings.Replace(response, "?", "#", 1))), Undelivered, "fragment"},
		"neither":           {steps(redirects(302, hosted+"?state=x")), Refused, "neither code nor error"},
		"endless":           {endless(), Endless, "20 pages"},
	} {
		s := newSite(t, c.answers...)
		got, err := headless("tester").Authorize(t.Context(), s.request())
		var stopped *Error
		if !errors.As(err, &stopped) || stopped.Why != c.wants || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v (%+v), want %s and %q", name, got, err, stopped, c.wants, c.says)
		}
		if s.count() != len(c.answers) {
			t.Errorf("%s: %d requests, want %d", name, s.count(), len(c.answers))
		}
	}
}

// TestWalkGoesWhereAPageLeads holds the walk to what a browser does without its user: a refresh, and a form that a page sends.
func TestWalkGoesWhereAPageLeads(t *testing.T) {
	t.Parallel()
	header := func(_ *site, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Refresh", "0;url=/realms/mcp/next")
	}
	posted := `<body onload="document.forms[0].submit()"><form method="post" action="/realms/mcp/next"><input type="hidden" name="SAMLResponse" value="x">` +
		`<noscript><input type="submit" name="go" value="Go"></noscript></form>`
	got := `<form action="` + hosted + `"><input type="hidden" name="code" value="c-1"><input type="hidden" name="state" value="st-4711-8152"></form>` +
		`<script>window.setTimeout("document.forms[0].submit()", 0)</script>`
	for name, c := range map[string]struct {
		answers []func(*site, http.ResponseWriter, *http.Request)
		wants   string
		handed  bool
	}{
		"a refresh on the way": {steps(says(`<meta http-equiv="Refresh" content="0; URL='/realms/mcp/next'">`), shows("login.26.7.3"), redirects(302, response)), response, false},
		"by the header":        {steps(header, shows("login.26.7.3"), redirects(302, response)), response, false},
		"a form on the way":    {steps(shows("login.26.7.3"), says(posted), redirects(302, response)), response, false},
		"a refresh to the client": {steps(shows("login.26.7.3"), says(`<meta http-equiv="refresh" content="1;url=`+strings.ReplaceAll(response, "&", "&amp;")+`">`)),
			response, true},
		"a form to the client": {steps(shows("login.26.7.3"), says(got)), hosted + "?code=c-1&state=st-4711-8152", true},
	} {
		s := newSite(t, c.answers...)
		to, err := headless("tester").Authorize(t.Context(), s.request())
		if err != nil || to.String() != c.wants {
			t.Errorf("%s: %v, %v, want %s", name, to, err, c.wants)
			continue
		}
		s.tap.Close()
		handed := s.seen[len(s.seen)-1].Open
		if handed != c.handed || s.count() != len(c.answers) {
			t.Errorf("%s: its arrival is told: %t, want %t (%d requests)", name, handed, c.handed, s.count())
		}
		if name == "a form on the way" && s.bore(2).Encode() != "SAMLResponse=x" {
			t.Errorf("%s bore %v", name, s.bore(2))
		}
	}
}

func steps(all ...func(*site, http.ResponseWriter, *http.Request)) []func(*site, http.ResponseWriter, *http.Request) {
	return all
}

func endless() []func(*site, http.ResponseWriter, *http.Request) {
	var all []func(*site, http.ResponseWriter, *http.Request)
	for range maxSteps {
		all = append(all, redirects(302, "/realms/mcp/again"))
	}
	return all
}

func TestPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	cut := func(s *site, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.t.Error(err)
			return
		}
		conn.Close()
	}
	for name, last := range map[string]func(*site, http.ResponseWriter, *http.Request){
		"refused": shows("login-invalid-username-or-password.26.7.3"), "not known": cut,
	} {
		s := newSite(t, shows("login.26.7.3"), last)
		h := headless("tester")
		for range 3 {
			if _, err := h.Authorize(t.Context(), s.request()); err == nil {
				t.Errorf("%s: logged in", name)
			}
		}
		if s.count() != 2 {
			t.Errorf("%s: %d requests", name, s.count())
		}
	}
	// One that was accepted may be asked for again (prompt=login).
	s := newSite(t, shows("login.26.7.3"), redirects(302, response), shows("login.26.7.3"), redirects(302, response))
	h := headless("tester")
	for range 2 {
		if _, err := h.Authorize(t.Context(), s.request()); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedConsentIsSaidSo(t *testing.T) {
	t.Parallel()
	s := newSite(t, shows("oauth-grant.26.7.3"), redirects(302, hosted+"?error=access_denied&state=st-4711-8152"))
	h := headless("tester")
	h.Consent = func(context.Context, ConsentPage) (bool, error) { return false, nil }
	got, err := h.Authorize(t.Context(), s.request())
	if err != nil || got.Query().Get("error") != "access_denied" {
		t.Errorf("%v, %v", got, err)
	}
	if form := s.bore(1); form.Has("accept") || !form.Has("cancel") {
		t.Errorf("sent %v", form)
	}
}

func TestPasswordIsForOneIssuer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := headless("tester")
	h.Issuer = "https://auth.example.com/realms/mcp"
	var stopped *Error
	if _, err := h.Authorize(t.Context(), s.request()); !errors.As(err, &stopped) || stopped.Why != Elsewhere {
		t.Error(err)
	}
	r := s.request()
	r.Issuer = ""
	if _, err := h.Authorize(t.Context(), r); err == nil || !strings.Contains(err.Error(), "at a server that names no issuer") {
		t.Errorf("where no issuer is named: %v", err)
	}
}

func TestEndLogsOutOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, shows("login.26.7.3"), redirects(302, response), shows("logout-confirm.26.7.3"), shows("info.26.7.3"))
	h := headless("tester")
	if _, err := h.Authorize(t.Context(), s.request()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.End(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if form := s.bore(3); !form.Has("confirmLogout") || form.Get("session_code") != "ONCE" {
		t.Errorf("sent %v", form)
	}
	for n, x := range s.seen {
		if (x.Probe == CleanUp) != (n >= 2) {
			t.Errorf("exchange %d has the mark %q", n, x.Probe)
		}
	}
}

func TestEndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, shows("login.26.7.3"), redirects(302, response))
	r := s.request()
	r.EndSession = ""
	h := headless("tester")
	if _, err := h.Authorize(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := h.End(t.Context()); err == nil || !strings.Contains(err.Error(), "end_session_endpoint") {
		t.Error(err)
	}
	if err := headless("tester").End(t.Context()); err != nil {
		t.Errorf("nothing was made: %v", err)
	}
}

// TestNoSecretIsTold holds errors and exchanges to saying nothing of what the user knows, also where a page repeats it.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	echo := says(`<body data-page-id="login-error"><div id="kc-error-message">` + password + ` and 271828 are wrong</div>`)
	s := newSite(t, shows("login.26.7.3"), shows("otp.26.7.3"), echo)
	h := headless("tester")
	h.OTP = func(context.Context) (string, error) { return "271828", nil }
	_, err := h.Authorize(t.Context(), s.request())
	told, jsonErr := json.Marshal(s.seen)
	if err == nil || jsonErr != nil || len(s.seen) != 3 {
		t.Fatal(err, jsonErr, len(s.seen))
	}
	for _, secret := range []string{password, "271828", "a-session-of-the-login"} {
		if strings.Contains(err.Error()+string(told), secret) {
			t.Errorf("%q is told: %v\n%s", secret, err, told)
		}
	}
}

func TestHeadlessRedirect(t *testing.T) {
	t.Parallel()
	h := headless("tester")
	for uri, want := range map[string]string{hosted: hosted, "http://localhost:{port}/callback": "http://localhost:", "http://localhost:9411/cb": "http://localhost:9411/cb"} {
		got, err := h.Redirect(t.Context(), []string{uri, "x"})
		if err != nil || !strings.HasPrefix(got, want) || strings.Contains(got, "{") {
			t.Errorf("%s: %s, %v", uri, got, err)
		}
	}
	if _, err := h.Redirect(t.Context(), nil); err == nil {
		t.Error("there is none to choose")
	}
}
