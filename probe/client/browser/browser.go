// Package browser is the user's part of a login: it brings an authorization request before the user, or walks the pages in
// the user's name, and returns what the authorization server answers to the client's redirect URI.
package browser

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Request is an authorization request (RFC 6749 section 4.1.1) to be brought before the user.
type Request struct {
	// URL is the whole request; RedirectURI and State are what it bears, State "" when it bears none.
	URL, RedirectURI, State string
	// Issuer is the authorization server, EndSession its end_session_endpoint (OpenID Connect RP-Initiated Logout), "" for none.
	Issuer, EndSession string
	// Tap tells what happens; nil tells nobody.
	Tap *probe.Tap
	// Transport carries the walk's requests: already tapped, and it follows no redirects.
	Transport http.RoundTripper
}

// A SignIn is one way to log in.
type SignIn interface {
	// Redirect picks one of a profile's redirect URIs and makes it ready; "{port}" in it is replaced.
	Redirect(ctx context.Context, uris []string) (string, error)
	// Authorize returns the authorization response (RFC 6749 section 4.1.2): the redirect URI with code or error.
	Authorize(ctx context.Context, r Request) (*url.URL, error)
	// End ends the session and the listeners that were made. It may be called again.
	End(ctx context.Context) error
}

// CleanUp marks, as probe.WithProbe does, the requests that end what was made: no client makes them, so they are in the
// trace and evidence of nothing.
const CleanUp = "clean-up"

// portless is a loopback redirect URI whose port is chosen at the time of the login (RFC 8252 section 7.3).
const portless = "{port}"

func withPort(uri, port string) string { return strings.ReplaceAll(uri, portless, port) }

// freePort asks the kernel for a port of 127.0.0.1.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port for the redirect URI: %w", err)
	}
	defer l.Close()
	return portOf(l), nil
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// sieve strikes secrets out of a text that somebody else wrote.
func (r Request) sieve(s string) string {
	if r.Tap == nil {
		return s
	}
	return r.Tap.Sieve(s)
}

func (r Request) hide(secrets ...string) {
	if r.Tap != nil {
		r.Tap.Hide(secrets...)
	}
}

// isResponse reports whether a URL is the client's redirect URI, with whatever the authorization server added to it.
func (r Request) isResponse(u *url.URL) bool {
	own, err := url.Parse(r.RedirectURI)
	if err != nil || origin(own) != origin(u) || own.Opaque != u.Opaque || path(own) != path(u) {
		return false
	}
	has := u.Query()
	for name, values := range own.Query() {
		if !has.Has(name) || has.Get(name) != values[0] {
			return false
		}
	}
	return true
}

func path(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// origin is a URL's scheme, host and port (RFC 6454 section 4), the default port left out.
func origin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// answers reports whether parameters are an authorization response (RFC 6749 sections 4.1.2 and 4.1.2.1).
func answers(q url.Values) bool { return q.Has("code") || q.Has("error") }
