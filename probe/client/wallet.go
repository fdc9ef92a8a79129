package client

import (
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A wallet holds what was learnt on the way. Each member is written by one step and read by those that come after it.
type wallet struct {
	// asked is how the server answered without a token.
	asked opened
	// resource is the protected resource metadata in use, nil for none.
	resource *probe.Document
	// sought are the URLs at which documents were asked for.
	sought []string
	// foreign: there were resource metadata, and the profile does not take them for the target's.
	foreign bool
	// server is the authorization server metadata in use, nil where the endpoints are guesses.
	server    *probe.Document
	issuer    string
	endpoints endpoints
	keys      []jose.JSONWebKey

	client registered
	// redirect is the redirect URI in use, verifier the code verifier of its login (RFC 7636).
	redirect, verifier string
	// code is the authorization code.
	code string
	// first are the tokens that the login brought, renewed those of the refresh.
	first, renewed tokens
	// spent is the refresh token that the newest tokens were got for.
	spent string

	talk  *talk
	tools []tool
	// listed: a list came, be it empty; called: one of its tools was called.
	listed, called bool
}

// endpoints are where the client does what; "" for where it knows of no place.
type endpoints struct {
	authorization, token, registration, revocation, endSession, jwks string
}

// A registered client is known to the authorization server, as far as this side can tell.
type registered struct {
	id, secret string
	// method is how it authenticates at the token endpoint (RFC 7591 section 2).
	method string
	// dynamic: it registered now; uri and token manage the registration (RFC 7592).
	dynamic    bool
	uri, token string
}

// tokens are what a token answer brought (RFC 6749 section 5.1); ends is when the access token does, zero for unknown.
type tokens struct {
	access, refresh, id, scope string
	ends                       time.Time
}

// newest returns the tokens in use now.
func (w *wallet) newest() tokens {
	t := w.first
	if w.renewed.access != "" {
		t.access, t.ends = w.renewed.access, w.renewed.ends
	}
	if w.renewed.refresh != "" {
		t.refresh = w.renewed.refresh
	}
	if w.renewed.id != "" {
		t.id = w.renewed.id
	}
	return t
}

// keep takes what a renewal brought into use, and notes the refresh token that was spent for it. An answer may leave out a
// refresh token: the one before stays good then (RFC 6749 section 6).
func (w *wallet) keep(t tokens, spent string) {
	if t.access == "" {
		return
	}
	if t.refresh == "" {
		t.refresh = w.renewed.refresh
	}
	w.renewed, w.spent = t, spent
}
