package browser

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// totp is RFC 6238 with Keycloak's defaults.
func totp(key string, at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:from+4])&0x7fffffff%1000000)
}

func headless(user string) *Headless {
	return &Headless{User: user, Password: func() (string, error) { return password, nil }}
}

func yes(context.Context, ConsentPage) (bool, error) { return true, nil }

func TestHeadlessOnKeycloak(t *testing.T) {
	t.Parallel()
	onKeycloak(t, func(t *testing.T, r *realm) {
		r.twoPages("two-pages")
		code := func(context.Context) (string, error) { return totp(otpKey, time.Now()), nil }
		for name, c := range map[string]struct {
			user  string
			ask   Request
			set   func(*Headless)
			wants Why
			errs  string // error of the authorization response
		}{
			"login":            {user: "tester", ask: r.request("plain")},
			"two pages":        {user: "tester", ask: r.request("two-pages")},
			"unknown user":     {user: "nobody", ask: r.request("two-pages"), wants: WrongPassword},
			"consent":          {user: "tester", ask: r.request("asking"), set: func(h *Headless) { h.Consent = yes }},
			"code":             {user: "coder", ask: r.request("plain"), set: func(h *Headless) { h.OTP = code }},
			"no consent":       {user: "tester", ask: r.request("asking", "prompt", "consent"), wants: NeedsConsent},
			"consent refused":  {user: "tester", ask: r.request("asking", "prompt", "consent"), errs: "access_denied", set: func(h *Headless) { h.Consent = func(context.Context, ConsentPage) (bool, error) { return false, nil } }},
			"no code":          {user: "coder", ask: r.request("plain"), wants: NeedsCode},
			"wrong code":       {user: "coder", ask: r.request("plain"), wants: WrongCode, set: func(h *Headless) { h.OTP = func(context.Context) (string, error) { return "000000", nil } }},
			"wrong password":   {user: "newcomer", ask: r.request("plain"), wants: WrongPassword, set: func(h *Headless) { h.Password = func() (string, error) { return "not-the-password", nil } }},
			"disabled":         {user: "gone", ask: r.request("plain"), wants: WrongPassword},
			"required action":  {user: "newcomer", ask: r.request("plain"), wants: UnknownPage},
			"unknown client":   {user: "tester", ask: r.request("nobody"), wants: Refused},
			"wrong redirect":   {user: "tester", ask: r.request("plain", "redirect_uri", "https://evil.example/cb"), wants: Refused},
			"invalid scope":    {user: "tester", ask: r.request("plain", "scope", "nope"), errs: "invalid_scope"},
			"form post":        {user: "tester", ask: r.request("plain", "response_mode", "form_post"), wants: Undelivered},
			"fragment":         {user: "tester", ask: r.request("plain", "response_mode", "fragment"), wants: Undelivered},
			"other realm only": {user: "tester", ask: r.request("plain"), wants: Elsewhere, set: func(h *Headless) { h.Issuer = r.base + "/realms/other" }},
		} {
			h := headless(c.user)
			if c.set != nil {
				c.set(h)
			}
			c.ask.Transport = &recorder{t: t, realm: r, next: c.ask.Transport}
			got, err := h.Authorize(t.Context(), c.ask)
			check(t, name, got, err, c.wants, c.errs)
			if err := h.End(t.Context()); err != nil {
				t.Errorf("%s: End: %v", name, err)
			}
		}
		for _, user := range []string{"tester", "coder", "newcomer"} {
			if n := r.sessions(user); n != 0 {
				t.Errorf("%s has %d sessions after End", user, n)
			}
		}
	})
}

func check(t *testing.T, name string, got *url.URL, err error, wants Why, errs string) {
	t.Helper()
	var stopped *Error
	switch {
	case wants == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case wants != "" && (!errors.As(err, &stopped) || stopped.Why != wants):
		t.Errorf("%s: %v (%+v), want %s", name, err, stopped, wants)
	case wants != "":
	case got.Query().Get("error") != errs || (errs == "") != got.Query().Has("code") || got.Query().Get("state") != "st-4711-8152":
		t.Errorf("%s: %v", name, got)
	}
}

// TestHeadlessOnKeycloakAgain: the session answers a second request without pages, prompt=login asks for the password alone,
// and localhost keeps cookies as 127.0.0.1 does.
func TestHeadlessOnKeycloakAgain(t *testing.T) {
	t.Parallel()
	onKeycloak(t, func(t *testing.T, r *realm) {
		r.base = strings.Replace(r.base, "127.0.0.1", "localhost", 1)
		r.token = "" // it is of another issuer
		r.call("POST", "/admin/realms/"+r.name+"/identity-provider/instances", map[string]any{"alias": "corp", "providerId": "oidc", "enabled": true,
			"config": map[string]any{"authorizationUrl": "https://login.corp.example/authorize", "tokenUrl": "https://login.corp.example/token",
				"clientId": "keycloak", "clientSecret": "s3cret-of-corp", "clientAuthMethod": "client_secret_post"}}, nil)
		h := headless("tester")
		for _, ask := range []Request{r.request("plain"), r.request("plain"), r.request("plain", "prompt", "login"), r.request("asking", "prompt", "none")} {
			got, err := h.Authorize(t.Context(), ask)
			if err != nil || !answers(got.Query()) {
				t.Errorf("%v, %v", got, err)
			}
		}
		if n := r.sessions("tester"); n != 1 {
			t.Errorf("%d sessions", n)
		}
		got, err := headless("tester").Authorize(t.Context(), r.request("plain", "kc_idp_hint", "corp"))
		check(t, "other provider", got, err, Elsewhere, "")
		if err := h.End(t.Context()); err != nil {
			t.Error(err)
		}
		if n := r.sessions("tester"); n != 0 {
			t.Errorf("%d sessions after End", n)
		}
	})
}
