package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// register gets the client its id, in the profile's order of ways. The redirect URI in use is settled first, as a
// registration bears it.
func register(ctx context.Context, e *Emulator) error {
	if !e.opt.known() {
		return errors.New("there is no client id")
	}
	if e.wallet.endpoints == (endpoints{}) {
		return errors.New("there is no authorization server")
	}
	if err := e.settleRedirect(ctx); err != nil {
		return err
	}
	if e.opt.ClientID != "" {
		e.preregistered()
		return nil
	}
	for _, way := range e.opt.Profile.Register.Order {
		switch {
		case way == "cimd" && e.takesDocument():
			e.wallet.client = registered{id: e.opt.Profile.Register.MetadataDocument, method: "none"}
			e.excuse(probe.Registration, "the client's id is the URL of its metadata document: nothing to register")
			return nil
		case way == "dcr" && absolute(e.wallet.endpoints.registration) != nil:
			return e.registerDynamically(ctx)
		}
	}
	e.say("The authorization server offers no way to register that %s takes.", e.opt.Profile.Title)
	return nil
}

// settleRedirect settles the redirect URI, once.
func (e *Emulator) settleRedirect(ctx context.Context) (err error) {
	uris := e.opt.Profile.Authorize.RedirectURIs
	switch {
	case e.opt.machine():
		return nil
	case len(uris) == 0:
		return fmt.Errorf("profile %s has no redirect URI", e.opt.Profile.ID)
	case e.opt.SignIn == nil:
		e.wallet.redirect, err = freePort(uris[0])
	default:
		e.wallet.redirect, err = e.opt.SignIn.Redirect(ctx, uris)
	}
	if err != nil {
		return fmt.Errorf("make a redirect URI ready: %w", err)
	}
	return nil
}

// preregistered takes the client that was given.
func (e *Emulator) preregistered() {
	c := registered{id: e.opt.ClientID, secret: e.opt.ClientSecret, method: "none"}
	switch {
	case e.key != nil:
		c.method = "private_key_jwt"
	case c.secret != "" && e.opt.Profile.Token.ConfidentialAuth != "":
		c.method = e.opt.Profile.Token.ConfidentialAuth
	case c.secret != "":
		c.method = "client_secret_basic"
	}
	e.wallet.client = c
}

// takesDocument reports whether the client's metadata document can be its id (client id metadata documents).
func (e *Emulator) takesDocument() bool {
	r, s := e.opt.Profile.Register, e.wallet.server
	return r.MetadataDocument != "" && s.True("client_id_metadata_document_supported") &&
		(!r.DocumentNeedsNone || slices.Contains(s.Strings("token_endpoint_auth_methods_supported"), "none"))
}

// registerDynamically registers with the profile's own body (RFC 7591). The client follows the answer, not its wish.
func (e *Emulator) registerDynamically(ctx context.Context) error {
	body := maps.Clone(e.opt.Profile.Register.Body)
	if body == nil {
		body = map[string]any{}
	}
	body["redirect_uris"] = []string{e.wallet.redirect}
	if scope := e.scope(); e.opt.Profile.Register.ScopeInBody && scope != "" {
		body["scope"] = scope
	}
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("the registration of profile %s: %w", e.opt.Profile.ID, err)
	}
	r, err := request(http.MethodPost, e.wallet.endpoints.registration, content)
	if err != nil {
		return err
	}
	e.oauth(r)
	r.Header.Set("Content-Type", "application/json")
	ctx, cancel := browser.Through(ctx)
	defer cancel()
	a := send(ctx, e.happy, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
	e.take(a)
	return nil
}

// take keeps the client that a registration answer tells of.
func (e *Emulator) take(a *answer) {
	o := &probe.Document{Members: a.object()}
	c := registered{
		id: o.String("client_id"), secret: o.String("client_secret"), method: o.String("token_endpoint_auth_method"),
		dynamic: true, uri: o.String("registration_client_uri"), token: o.String("registration_access_token"),
	}
	e.tap.Hide(c.secret, c.token)
	if !a.ok() || c.id == "" {
		e.say("The registration brought no client (%s).", a)
		return
	}
	switch {
	case c.method == "" && c.secret != "":
		c.method = "client_secret_basic"
	case c.method == "":
		c.method = "none"
	}
	if c.uri == "" || c.token == "" {
		e.say("Registered as client %s; the answer does not say how to delete it (RFC 7592), so it stays.", c.id)
	} else {
		e.say("Registered as client %s; it is deleted again at the end.", c.id)
	}
	e.wallet.client = c
}
