package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
)

// Headless walks Keycloak's login pages in the name of a given user and takes the response from the redirect to the
// client's redirect URI without following it: a hosted client's callback is proven and never contacted.
type Headless struct {
	User string
	// Password is asked for once, before the first request.
	Password func() (string, error)
	// OTP is asked for when the page wants a one-time code; nil ends the login there.
	OTP func(context.Context) (string, error)
	// Consent is asked before the user's consent is given; false refuses it. Nil ends the login there.
	Consent func(context.Context, ConsentPage) (bool, error)
	// Issuer is the only authorization server that user and password are for; "" leaves it to the request.
	Issuer string
	// UserAgent is that of the user's browser, "" for a current one.
	UserAgent string

	mu       sync.Mutex
	jar      http.CookieJar
	password string
	// tried is set from the moment the password is sent until a page shows that it was accepted; refused is what came instead.
	tried   bool
	refused error
	// sessions are the requests whose authorization server may hold a session of ours.
	sessions []Request
}

var _ SignIn = (*Headless)(nil)

// A ConsentPage is what the authorization server asks the user to grant.
type ConsentPage struct {
	// Host is the authorization server's, Client what the page calls the client (its title, where that is not English),
	// Scopes what it lists.
	Host, Client string
	Scopes       []string
}

// Redirect takes the first redirect URI. Nobody listens at it.
func (h *Headless) Redirect(ctx context.Context, uris []string) (string, error) {
	if len(uris) == 0 {
		return "", errors.New("choose a redirect URI: the profile has none")
	}
	if !strings.Contains(uris[0], portless) {
		return uris[0], nil
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	return withPort(uris[0], port), nil
}

// Authorize walks from the authorization request to the response. What keeps it from there is an *Error.
func (h *Headless) Authorize(ctx context.Context, r Request) (*url.URL, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.prepare(r); err != nil {
		return nil, fmt.Errorf("log in as %s: %w", h.User, err)
	}
	w, err := newWalk(h, r)
	if err != nil {
		return nil, fmt.Errorf("log in as %s: %w", h.User, err)
	}
	response, err := w.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("log in as %s at %s: %w", h.User, w.start.Host, err)
	}
	return response, nil
}

// prepare makes the browser ready and has the password hidden before anything is sent.
func (h *Headless) prepare(r Request) error {
	switch {
	case h.refused != nil:
		return h.refused
	case h.tried:
		return &Error{Why: WrongPassword, what: "the password was sent once and what came of it is not known: it is not sent again"}
	case r.Transport == nil:
		return errors.New("there is no transport")
	case h.Issuer != "" && r.Issuer != h.Issuer:
		at := r.Issuer
		if at == "" {
			at = "a server that names no issuer"
		}
		return &Error{Why: Elsewhere, Host: r.Issuer, what: fmt.Sprintf("the password is for %s and the login is at %s", h.Issuer, at),
			Remedy: useBrowser + ", or the password of a user there"}
	}
	if h.password == "" && h.Password != nil {
		p, err := h.Password()
		if err != nil {
			return fmt.Errorf("read the password: %w", err)
		}
		h.password = p
	}
	if h.password == "" {
		return errors.New("there is no password")
	}
	r.hide(h.password)
	return h.newJar(false)
}

func (h *Headless) newJar(again bool) error {
	if h.jar != nil && !again {
		return nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	h.jar = jar
	return nil
}

// holds remembers that a session may have been made.
func (h *Headless) holds(r Request) {
	for i, s := range h.sessions {
		if s.EndSession == r.EndSession && s.Issuer == r.Issuer {
			h.sessions[i] = r
			return
		}
	}
	h.sessions = append(h.sessions, r)
}
