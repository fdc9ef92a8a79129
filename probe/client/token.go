package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// redeem gets the first tokens: for the code, or by client_credentials.
func redeem(ctx context.Context, e *Emulator) error {
	w := &e.wallet
	if e.opt.machine() {
		e.preregistered()
	}
	switch {
	case absolute(w.endpoints.token) == nil:
		return errors.New("there is no token endpoint")
	case w.client.id == "":
		return errors.New("there is no client id")
	case !e.opt.machine() && w.code == "":
		return errors.New("there is no code")
	}
	a, err := e.askForToken(ctx, e.happy, e.limit(e.opt.Profile.Limits.Token, 10), e.grant())
	if err != nil {
		return err
	}
	w.first = e.tokensOf(a)
	switch {
	case w.first.access == "":
		e.say("The token request brought no access token (%s).", a)
	case w.first.refresh == "" && !e.opt.machine():
		e.excuseAll("no refresh token was issued", []probe.Evidence{probe.Refresh, probe.OfProbe("refresh-retry")})
	}
	return nil
}

// grant is the form of the first token request.
func (e *Emulator) grant() url.Values {
	k := e.opt.Profile.Token
	form := url.Values{"grant_type": {e.opt.Profile.Grant}}
	if e.opt.machine() {
		if scope := strings.Join(e.ladder(), " "); k.Scope && scope != "" {
			form.Set("scope", scope)
		}
	} else {
		form.Set("code", e.wallet.code)
		form.Set("redirect_uri", e.wallet.redirect)
		form.Set("code_verifier", e.wallet.verifier)
	}
	if resource := e.resourceParam(); k.Resource && resource != "" {
		form.Set("resource", resource)
	}
	return form
}

// renew gets new tokens for the refresh token (RFC 6749 section 6).
func renew(ctx context.Context, e *Emulator) error {
	if e.wallet.first.refresh == "" {
		return errors.New("there is no refresh token")
	}
	_, err := e.renewWith(ctx, e.wallet.newest().refresh)
	return err
}

func (e *Emulator) renewWith(ctx context.Context, refresh string) (tokens, error) {
	a, err := e.askForToken(ctx, e.happy, e.limit(e.opt.Profile.Limits.Refresh, 30), e.refreshGrant(refresh))
	if err != nil {
		return tokens{}, err
	}
	got := e.tokensOf(a)
	e.wallet.keep(got, refresh)
	return got, nil
}

// bearer returns the access token for the next request. A client that renews early does so where the token has no more to
// live than its margin; when that fails it goes on with what it has.
func (e *Emulator) bearer(ctx context.Context) (string, error) {
	now := e.wallet.newest()
	margin := time.Duration(e.opt.Profile.Token.RefreshMargin) * time.Second
	if margin == 0 || now.refresh == "" || now.ends.IsZero() || time.Until(now.ends) > margin {
		return now.access, nil
	}
	got, err := e.renewWith(ctx, now.refresh)
	if err != nil || got.access == "" {
		return now.access, err
	}
	return got.access, nil
}

// goOn uses the new token, where there is one.
func goOn(ctx context.Context, e *Emulator) error {
	if e.wallet.renewed.access == "" || e.wallet.talk == nil {
		return nil
	}
	_, err := e.list(ctx, e.wallet.renewed.access)
	return err
}

func (e *Emulator) refreshGrant(token string) url.Values {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if resource := e.resourceParam(); e.opt.Profile.Token.RefreshResource && resource != "" {
		form.Set("resource", resource)
	}
	return form
}

// askForToken sends a form to the token endpoint, authenticated as the client is. A token that is made is seen, so that it
// can be revoked.
func (e *Emulator) askForToken(ctx context.Context, via http.RoundTripper, limit time.Duration, form url.Values) (*answer, error) {
	ctx, cancel := browser.Through(ctx)
	defer cancel()
	return e.askAs(ctx, via, limit, e.wallet.endpoints.token, e.wallet.client, form)
}

func (e *Emulator) askAs(ctx context.Context, via http.RoundTripper, limit time.Duration, at string, c registered, form url.Values) (*answer, error) {
	header := http.Header{}
	if err := e.prove(c, form, header); err != nil {
		return nil, err
	}
	return e.postForm(ctx, via, limit, at, form, header), nil
}

// prove authenticates the client (RFC 6749 section 2.3, RFC 7523 section 2.2).
func (e *Emulator) prove(c registered, form url.Values, header http.Header) error {
	switch c.method {
	case "client_secret_basic":
		pair := url.QueryEscape(c.id) + ":" + url.QueryEscape(c.secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		return nil
	case "client_secret_post":
		form.Set("client_secret", c.secret)
	case "private_key_jwt":
		assertion, err := e.assertion(c.id)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	form.Set("client_id", c.id)
	return nil
}

// assertion signs a client assertion that is good once and for a minute (RFC 7523 section 3): aud is the issuer, one
// string, as Keycloak takes no other.
func (e *Emulator) assertion(id string) (string, error) {
	if e.key == nil {
		return "", errors.New("sign the client assertion: there is no private key")
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": id, "sub": id, "aud": e.wallet.issuer, "jti": random(22), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	signer, err := jose.NewSigner(*e.key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

// tokensOf reads a token answer.
func (e *Emulator) tokensOf(a *answer) tokens {
	if !a.ok() {
		return tokens{}
	}
	o := &probe.Document{Members: a.object()}
	t := tokens{access: o.String("access_token"), refresh: o.String("refresh_token"), id: o.String("id_token"), scope: o.String("scope")}
	if s, ok := o.Members["expires_in"].(float64); ok {
		t.ends = time.Now().Add(time.Duration(s * float64(time.Second)))
	}
	e.tap.Hide(t.access, t.refresh, t.id)
	if !httpguts.ValidHeaderFieldValue(t.access) {
		e.say("The access token cannot be sent: it has characters that no header takes.")
		t.access = ""
	}
	return t
}
