// Package browser is the user's part of a login: an authorization request is brought before somebody who signs in, and the
// authorization response comes back.
package browser

import (
	"context"
	"net/http"
	"net/url"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Request is an authorization request to be brought before the user.
type Request struct {
	URL, RedirectURI, State string
	// Issuer is the authorization server, EndSession its end_session_endpoint, "" for none.
	Issuer, EndSession string
	// Tap tells what happens.
	Tap *probe.Tap
	// Transport is tapped already; it does not follow redirects.
	Transport http.RoundTripper
}

// A SignIn signs a user in.
type SignIn interface {
	// Redirect picks one of the profile's redirect URIs and makes it ready; "{port}" is replaced.
	Redirect(ctx context.Context, uris []string) (string, error)
	// Authorize returns the authorization response: the redirect URI with code or error.
	Authorize(ctx context.Context, r Request) (*url.URL, error)
	// End ends the SSO session and the listeners that were made.
	End(ctx context.Context) error
}
