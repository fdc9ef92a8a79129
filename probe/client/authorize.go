package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// authorize brings the authorization request before the user and takes the code from the response (RFC 6749 section
// 4.1). Where nobody signs in the request is only made, to see whether it is accepted.
func authorize(ctx context.Context, e *Emulator) error {
	w := &e.wallet
	switch {
	case w.client.id == "":
		return errors.New("there is no client id")
	case absolute(w.endpoints.authorization) == nil:
		return errors.New("there is no authorization endpoint")
	}
	w.verifier = random(clamp(e.opt.Profile.Authorize.VerifierLength, 43, 128))
	state := random(max(0, e.opt.Profile.Authorize.StateLength))
	e.tap.Hide(w.verifier, state)
	target := e.authorizationURL(state, oauth2.S256ChallengeFromVerifier(w.verifier), w.redirect)
	if e.opt.SignIn == nil {
		e.showPage(ctx, e.happy, target)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	to, err := e.opt.SignIn.Authorize(ctx, browser.Request{
		URL: target, RedirectURI: w.redirect, State: state, Issuer: w.issuer, EndSession: w.endpoints.endSession,
		Tap: e.tap, Transport: e.happy,
	})
	if err != nil {
		e.endLogin(ctx, fmt.Errorf("the login ended: %w", err))
		return nil
	}
	code, err := e.respond(to.Query(), state)
	e.endLogin(ctx, err)
	if err != nil {
		return nil
	}
	w.code = code
	return nil
}

// endLogin tells how the login ended, unless somebody broke it off.
func (e *Emulator) endLogin(ctx context.Context, err error) {
	data := map[string]any{}
	if err != nil {
		e.say("%s.", err)
		data["why"] = err.Error()
		if stopped := new(browser.Error); errors.As(err, &stopped) {
			data["kind"] = string(stopped.Why)
		}
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		e.note("login-end", "sign-in", data)
	}
}

// loginLimit is how long a person may take to sign in.
const loginLimit = 10 * time.Minute

// authorizationURL makes the authorization request. Without a challenge none is sent.
func (e *Emulator) authorizationURL(state, challenge, redirect string) string {
	a := e.opt.Profile.Authorize
	q := url.Values{"response_type": {"code"}, "client_id": {e.wallet.client.id}, "redirect_uri": {redirect}}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("state", state)
	if challenge != "" {
		set("code_challenge", challenge)
		set("code_challenge_method", "S256")
	}
	scope := e.scope()
	set("scope", scope)
	if a.PromptConsent && slices.Contains(strings.Fields(scope), "offline_access") {
		set("prompt", "consent")
	}
	if a.Resource {
		set("resource", e.resourceParam())
	}
	at := e.wallet.endpoints.authorization
	if strings.Contains(at, "?") {
		return at + "&" + q.Encode()
	}
	return at + "?" + q.Encode()
}

// scope climbs the profile's ladder of scopes and adds offline_access where the server lists it.
func (e *Emulator) scope() string {
	scopes := e.ladder()
	if e.opt.Profile.Authorize.OfflineAccess && len(scopes) > 0 && !slices.Contains(scopes, "offline_access") &&
		slices.Contains(e.wallet.server.Strings("scopes_supported"), "offline_access") {
		scopes = append(scopes, "offline_access")
	}
	return strings.Join(scopes, " ")
}

func (e *Emulator) ladder() []string {
	for _, rung := range e.opt.Profile.Authorize.Scopes {
		var scopes []string
		switch rung {
		case "challenge":
			if c := e.wallet.asked.challenge; c != nil {
				scopes = strings.Fields(c.Scope)
			}
		case "resource-metadata":
			scopes = e.wallet.resource.Strings("scopes_supported")
		case "server-metadata":
			scopes = e.wallet.server.Strings("scopes_supported")
		case "none":
			return nil
		}
		if len(scopes) > 0 {
			return slices.Clone(scopes)
		}
	}
	return nil
}

// respond returns the code of an authorization response that the client takes: its state is the one sent, its iss that
// of the metadata where the profile compares it (RFC 9207 section 2.4).
func (e *Emulator) respond(q url.Values, state string) (string, error) {
	if state != "" && q.Get("state") != state {
		return "", errors.New("the authorization response is not taken: its state is not the one that was sent")
	}
	if e.opt.Profile.Authorize.ChecksIss && e.wallet.server != nil {
		promised := e.wallet.server.True("authorization_response_iss_parameter_supported")
		if iss := q.Get("iss"); iss != "" && iss != e.wallet.issuer || iss == "" && promised {
			return "", fmt.Errorf("the authorization response is not taken: its iss is %q, the metadata's issuer %q", iss, e.wallet.issuer)
		}
	}
	if code := q.Get("error"); code != "" {
		return "", fmt.Errorf("the authorization response is an error: %s %s", code, q.Get("error_description"))
	}
	if q.Get("code") == "" {
		return "", errors.New("the authorization response bears no code")
	}
	e.tap.Hide(q.Get("code"))
	return q.Get("code"), nil
}

// showPage asks for an authorization page as a browser would, and follows nothing.
func (e *Emulator) showPage(ctx context.Context, via http.RoundTripper, target string) {
	r, err := request(http.MethodGet, target, nil)
	if err != nil {
		e.say("The authorization request cannot be made: %s", err)
		return
	}
	r.Header.Set("User-Agent", browserAgent)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	send(ctx, via, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
}

const browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// random returns n characters of [A-Za-z0-9_-].
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

func clamp(n, low, high int) int { return min(max(n, low), high) }

// freePort puts a free port of loopback in the place of "{port}". Nothing listens there: nobody signs in.
func freePort(uri string) (string, error) {
	if !strings.Contains(uri, "{port}") {
		return uri, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return strings.ReplaceAll(uri, "{port}", port), nil
}
