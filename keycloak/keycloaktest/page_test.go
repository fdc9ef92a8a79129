package keycloaktest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	pageID     = regexp.MustCompile(`<body[^>]* data-page-id="([^"]+)"`)
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="(code|session_code)" value="([^"]+)"`)
	feedback   = regexp.MustCompile(`(?s)(?:class="instruction|kc-feedback-text)">\s*([^<]+?)\s*<`)
)

func find(r *regexp.Regexp, text string) string {
	if m := r.FindStringSubmatch(text); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// page returns the page's id and the first thing that it tells.
func (r reply) page() (id, told string) { return find(pageID, r.text), find(feedback, r.text) }

func (r reply) holdPage(t *testing.T, status int, id, told string) {
	t.Helper()
	if gotID, gotTold := r.page(); r.status != status || gotID != id || gotTold != told {
		t.Errorf("%d page %q tells %q, want %d %q %q", r.status, gotID, gotTold, status, id, told)
	}
}

const verifier = "0123456789-0123456789-0123456789-0123456789"

func challenge() string {
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// authQuery is Claude's request, with some parameters changed; "" leaves one out.
func authQuery(changed ...string) url.Values {
	q := url.Values{"client_id": {"claude"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid mcp:tools"}, "state": {"st"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(changed); i += 2 {
		q.Set(changed[i], changed[i+1])
		if changed[i+1] == "" {
			q.Del(changed[i])
		}
	}
	return q
}

// native is the request of the public client, which asks no consent.
func nativeQuery(changed ...string) url.Values {
	return authQuery(append([]string{"client_id", "native", "redirect_uri", "http://127.0.0.1:4711/callback", "scope", "openid"}, changed...)...)
}

func (b *bench) authorize(c *http.Client, q url.Values) reply {
	b.t.Helper()
	return send(b.t, c, request(b.t, http.MethodGet, b.at("auth")+"?"+q.Encode(), nil))
}

// follow goes where a redirect leads, within the realm.
func (b *bench) follow(c *http.Client, r reply) reply {
	b.t.Helper()
	to := r.header.Get("Location")
	if r.status != http.StatusFound || !strings.HasPrefix(to, b.issuer()+"/") {
		b.t.Fatalf("%d to %q %s", r.status, to, r.text)
	}
	return send(b.t, c, request(b.t, http.MethodGet, to, nil))
}

// submit sends a page's form.
func (b *bench) submit(c *http.Client, page reply, fields ...string) reply {
	b.t.Helper()
	action := find(formAction, page.text)
	if strings.HasPrefix(action, "/") {
		action = b.kc.base + action
	}
	if !strings.HasPrefix(action, b.kc.base+"/") {
		b.t.Fatalf("form leads to %q", action)
	}
	form := url.Values{}
	if m := hidden.FindStringSubmatch(page.text); m != nil {
		form.Set(m[1], m[2])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return send(b.t, c, request(b.t, http.MethodPost, action, strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded"))
}

// walk signs the user in and grants; it returns what the client is sent.
func (b *bench) walk(c *http.Client, q url.Values) url.Values {
	b.t.Helper()
	r := b.authorize(c, q)
	if id, _ := r.page(); id == "login-login" {
		r = b.submit(c, r, "username", "tester", "password", password, "credentialId", "")
	}
	if strings.Contains(r.header.Get("Location"), "/login-actions/required-action?execution=OAUTH_GRANT") {
		r = b.submit(c, b.follow(c, r), "accept", "Yes")
	}
	return sentTo(b.t, r, q.Get("redirect_uri"))
}

// sentTo reads the authorization response.
func sentTo(t *testing.T, r reply, redirectURI string) url.Values {
	t.Helper()
	to, err := url.Parse(r.header.Get("Location"))
	if r.status != http.StatusFound || err != nil || !strings.HasPrefix(to.String(), redirectURI) {
		t.Fatalf("%d to %q %s", r.status, r.header.Get("Location"), r.text)
	}
	if to.Fragment != "" {
		q, err := url.ParseQuery(to.Fragment)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	return to.Query()
}

// exchange turns a code into tokens.
func (b *bench) exchange(code string, changed ...string) reply {
	b.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}, "client_id": {"claude"},
		"client_secret": {secret}}
	for i := 0; i+1 < len(changed); i += 2 {
		form.Set(changed[i], changed[i+1])
		if changed[i+1] == "" {
			form.Del(changed[i])
		}
	}
	return b.post("token", form)
}

// tokens signs in anew and returns the answer of the token endpoint.
func (b *bench) tokens(scope string) map[string]any {
	b.t.Helper()
	r := b.exchange(b.walk(browser(b.t), authQuery("scope", scope)).Get("code"))
	if r.status != http.StatusOK {
		b.t.Fatalf("%d %s", r.status, r.text)
	}
	return r.json(b.t)
}

func (b *bench) refresh(token any, changed ...string) reply {
	b.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}, "client_id": {"claude"}, "client_secret": {secret}}
	for i := 0; i+1 < len(changed); i += 2 {
		form.Set(changed[i], changed[i+1])
	}
	return b.post("token", form)
}
