package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// nowhere is an origin that belongs to nobody (RFC 2606 section 2).
const nowhere = "https://evil.example"

// stray makes the profile's first request to the endpoint, changed.
func (e *Emulator) stray(ctx context.Context, name, token string, change func(*http.Request)) error {
	_, err := e.strayReply(ctx, name, token, change)
	return err
}

func (e *Emulator) strayReply(ctx context.Context, name, token string, change func(*http.Request)) (*reply, error) {
	if len(e.opt.Profile.Protocol.Open) == 0 {
		return nil, fmt.Errorf("profile %s does not say how it opens the protocol", e.opt.Profile.ID)
	}
	opening, t := e.opt.Profile.Protocol.Open[0], &talk{}
	params, err := e.opening(t, opening)
	if err != nil {
		return nil, err
	}
	r, err := e.rpc(t, token, opening.Method, params, e.opt.Profile.Headers.MCPUserAgent)
	if err != nil {
		return nil, err
	}
	change(r)
	a := e.ask(probe.WithProbe(ctx, name), e.aside, mcpLimit, r, opening.Method)
	e.strayed(ctx, t, a, token)
	return a, nil
}

// strayed ends the session that a server may hand out to anybody.
func (e *Emulator) strayed(ctx context.Context, t *talk, a *reply, token string) {
	if id := a.header.Get("Mcp-Session-Id"); id != "" {
		t.session = id
		e.tap.Hide(id)
		e.endTalk(probe.WithProbe(context.WithoutCancel(ctx), browser.CleanUp), e.aside, t, token)
	}
}

func unchanged(*http.Request) {}

// garbageToken asks with a token of nonsense (RFC 6750 section 3.1).
func garbageToken(ctx context.Context, e *Emulator) error {
	if e.wallet.asked.open() {
		return errors.New("the server answers without a token")
	}
	token := "mcpwiz-" + random(43)
	e.tap.Hide(token)
	return e.strayOpenings(ctx, "garbage-token", token)
}

// foreignOrigin asks as a page of another site would (MCP, transports: security).
func foreignOrigin(ctx context.Context, e *Emulator) error {
	return e.stray(ctx, "foreign-origin", "", func(r *http.Request) { r.Header.Set("Origin", nowhere) })
}

// unknownClient asks for a token as a client that does not exist.
func unknownClient(ctx context.Context, e *Emulator) error {
	if err := e.named(e.wallet.endpoints.token); err != nil {
		return err
	}
	c := registered{id: "mcpwiz-unknown-" + random(12), method: "none"}
	form := url.Values{"grant_type": {e.opt.Profile.Grant}}
	if e.opt.machine() {
		c.secret, c.method = random(32), "client_secret_basic"
	} else {
		form.Set("code", random(43))
		form.Set("redirect_uri", nowhere+"/callback")
		form.Set("code_verifier", random(43))
	}
	_, err := e.askAs(probe.WithProbe(ctx, "unknown-client"), e.aside, e.limit(e.opt.Profile.Limits.Token, 10), e.wallet.endpoints.token, c, form)
	return err
}

// deadRefresh renews with a refresh token of nonsense.
func deadRefresh(ctx context.Context, e *Emulator) error {
	if err := e.asksAsClient(e.wallet.endpoints.token); err != nil {
		return err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"mcpwiz-" + random(43)}}
	_, err := e.askForToken(probe.WithProbe(ctx, "dead-refresh"), e.aside, e.limit(e.opt.Profile.Limits.Refresh, 30), form)
	return err
}

// badRedirect asks for a code at a redirect URI that nobody registered.
func badRedirect(ctx context.Context, e *Emulator) error {
	if err := e.asksAsClient(e.wallet.endpoints.authorization); err != nil {
		return err
	}
	e.showPage(probe.WithProbe(ctx, "bad-redirect"), e.aside, e.authorizationURL(random(43), oauth2.S256ChallengeFromVerifier(random(43)), nowhere+"/callback"))
	return nil
}

// noPKCE asks for a code without a code challenge.
func noPKCE(ctx context.Context, e *Emulator) error {
	if err := e.asksAsClient(e.wallet.endpoints.authorization); err != nil {
		return err
	}
	e.showPage(probe.WithProbe(ctx, "no-pkce"), e.aside, e.authorizationURL(random(43), "", e.wallet.redirect))
	return nil
}

func (e *Emulator) asksAsClient(endpoint string) error {
	if e.wallet.client.id == "" {
		return errors.New("there is no client id")
	}
	return e.named(endpoint)
}

// named tells why an endpoint is not probed: of a guess nothing could be learnt.
func (e *Emulator) named(endpoint string) error {
	if e.wallet.server == nil || absolute(endpoint) == nil {
		return errors.New("no metadata name the endpoint")
	}
	return nil
}

// wrongAudience asks with a good token of the realm that is not made for this server, where one can be had: the ID token,
// or what is granted without the server's scope.
func wrongAudience(ctx context.Context, e *Emulator) error {
	if e.wallet.first.access == "" {
		return errors.New("there is no access token")
	}
	token := e.elsewhere(ctx)
	if token == "" {
		e.excuse(probe.OfProbe("wrong-audience"), "no token for another resource could be had: all that this client gets are for this one")
		return nil
	}
	return e.stray(ctx, "wrong-audience", token, unchanged)
}

// elsewhere returns a token whose audience is not the target, "" for none.
func (e *Emulator) elsewhere(ctx context.Context) string {
	now := e.wallet.newest()
	if e.notOurs(now.id) {
		return now.id
	}
	form := url.Values{"grant_type": {clientCredentials}, "scope": {"openid"}}
	if !e.opt.machine() {
		less := e.withoutOurScopes(now.scope)
		if now.refresh == "" || less == "" {
			return ""
		}
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {now.refresh}, "scope": {less}}
	}
	a, err := e.askForToken(probe.WithProbe(ctx, "another-token"), e.aside, e.limit(e.opt.Profile.Limits.Token, 10), form)
	if err != nil {
		return ""
	}
	got := e.tokensOf(a)
	if got.refresh != "" { // the one before may be dead now
		e.wallet.renewed.refresh, e.wallet.spent = got.refresh, now.refresh
	}
	for _, token := range []string{got.access, got.id} {
		if e.notOurs(token) {
			return token
		}
	}
	return ""
}

// notOurs reports whether a token says that it is for somebody else.
func (e *Emulator) notOurs(token string) bool {
	aud, ok := audienceOf(token)
	return ok && !slices.Contains(aud, e.opt.Target) && !slices.Contains(aud, e.resourceParam())
}

// withoutOurScopes leaves out of what was granted what the server wants.
func (e *Emulator) withoutOurScopes(granted string) string {
	ours := e.wallet.resource.Strings("scopes_supported")
	if c := e.wallet.asked.challenge; c != nil {
		ours = append(slices.Clone(ours), strings.Fields(c.Scope)...)
	}
	return strings.Join(slices.DeleteFunc(strings.Fields(granted), func(s string) bool { return slices.Contains(ours, s) }), " ")
}
