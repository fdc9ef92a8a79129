package client

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/errgroup"

	"github.com/mcpwiz/mcpwiz/probe"
)

var forgedProbe = Step{
	Title: "ask with tokens that nobody signed", Stage: probe.StageInitialize, Makes: evidence{"probe:forged-token"},
	Needs: evidence{probe.Unauthenticated, probe.JWKS}, Do: forgedToken, aside: true,
}

// protocolProbes ask within the conversation that the client has opened.
var protocolProbes = []Step{
	{
		Title: "open the protocol at a version of the future", Stage: probe.StageInitialize, Makes: evidence{"probe:unknown-version"},
		Needs: evidence{probe.Initialize}, Do: unknownVersion, aside: true,
	},
	{
		Title: "ask as other clients write it", Stage: probe.StageInitialize, Makes: evidence{"probe:wire-variant"},
		Needs: evidence{probe.Initialize}, Do: wireVariants, aside: true,
	},
	{
		Title: "ask over connections of their own", Stage: probe.StageSession, Makes: evidence{"probe:fresh-connection"},
		Needs: evidence{probe.Initialize}, Do: freshConnections, aside: true,
	},
	{
		Title: "call a tool that does not exist", Stage: probe.StageTools, Makes: evidence{"probe:unknown-tool"},
		Needs: evidence{probe.ToolsList}, Do: unknownTool, aside: true, after: probe.ToolCall,
	},
}

// retryProbe may end the grant, where reuse of a refresh token does: so nothing comes after it.
var retryProbe = Step{
	Title: "renew once more with a used refresh token", Stage: probe.StageSession, Makes: evidence{"probe:refresh-retry"},
	Needs: evidence{probe.Refresh}, Do: refreshRetry, aside: true, last: true,
}

// forgedToken asks with tokens that say all that the server wants and that nobody has signed: one of alg none (RFC 8725
// section 3.1), and one under a published key's id.
func forgedToken(ctx context.Context, e *Emulator) error {
	if e.wallet.asked.open() {
		return errors.New("the server answers without a token")
	}
	alg, kid := string(jose.RS256), "mcpwiz"
	for _, k := range e.wallet.keys {
		if k.Use != "enc" && k.Algorithm != "" {
			alg, kid = k.Algorithm, k.KeyID
		}
	}
	claims := e.claimsAsWanted()
	var both errgroup.Group
	for _, token := range []string{
		jwt(map[string]any{"alg": "none", "typ": "JWT"}, claims, ""),
		jwt(map[string]any{"alg": alg, "typ": "JWT", "kid": kid}, claims, random(342)),
	} {
		e.tap.Hide(token)
		both.Go(func() error { return e.strayOpenings(ctx, "forged-token", token) })
	}
	return both.Wait()
}

// strayOpenings opens the protocol with a token as the profile does, the next way where the server does not know the one
// before: it may look at the method before it looks at the token.
func (e *Emulator) strayOpenings(ctx context.Context, name, token string) error {
	for _, opening := range e.opt.Profile.Protocol.Open {
		t := &talk{}
		params, err := e.opening(t, opening)
		if err != nil {
			return err
		}
		a, err := e.callAs(probe.WithProbe(ctx, name), e.aside, t, token, opening.Method, params, mcpLimit, e.opt.Profile.Headers.MCPUserAgent)
		if err != nil {
			return err
		}
		e.strayed(ctx, t, a, token)
		if !a.unknown() {
			return nil
		}
	}
	return nil
}

// claimsAsWanted are what a good token for this server would say, as far as the server and its authorization server tell.
func (e *Emulator) claimsAsWanted() map[string]any {
	w := &e.wallet
	issuer := w.issuer
	if all := w.resource.Strings("authorization_servers"); issuer == "" && len(all) > 0 {
		issuer = all[0]
	}
	scopes := strings.Join(w.resource.Strings("scopes_supported"), " ")
	if c := w.asked.challenge; c != nil && c.Scope != "" {
		scopes = c.Scope
	}
	now := time.Now().Unix()
	return map[string]any{
		"iss": issuer, "aud": cmp.Or(e.resourceParam(), e.canonical()), "sub": "mcpwiz", "azp": "mcpwiz", "client_id": "mcpwiz", "scope": scopes,
		"iat": now - 1, "exp": now + 300, "jti": random(22), "typ": "Bearer",
	}
}

// jwt writes a JWT in JWS compact serialization (RFC 7515 section 7.1) with whatever signature.
func jwt(header, claims map[string]any, signature string) string {
	segment := func(v map[string]any) string {
		text, _ := json.Marshal(v) // maps of texts and numbers
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return segment(header) + "." + segment(claims) + "." + signature
}

// nobodysVersion is a protocol version that no server knows.
const nobodysVersion = "2099-01-01"

// unknownVersion opens the protocol as a client that is newer than every server (MCP 2025-11-25, version negotiation).
func unknownVersion(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	if t.modern {
		e.excuse(probe.OfProbe("unknown-version"), "this client opens the stateless era here: it does not send initialize")
		return nil
	}
	own := &talk{}
	params, err := e.opening(own, probe.ProtocolOpening{Method: "initialize", Version: nobodysVersion})
	if err != nil {
		return err
	}
	ctx = probe.WithProbe(ctx, "unknown-version")
	a, err := e.callAs(ctx, e.aside, own, t.token, "initialize", params, mcpLimit, e.opt.Profile.Headers.MCPUserAgent)
	if err != nil {
		return err
	}
	e.strayed(ctx, own, a, t.token)
	return nil
}

// wireVariants lists the tools in the ways in which other clients write the request.
func wireVariants(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	changes := []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") },
		func(r *http.Request) { r.Header.Set("Accept", "text/event-stream, application/json") },
	}
	if !t.modern {
		changes = append(changes, func(r *http.Request) { r.Header.Del("Mcp-Protocol-Version") })
	}
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() { _ = e.listOnce(probe.WithProbe(ctx, "wire-variant"), e.aside, t, nil, change) })
	}
	meta := map[string]any{"_meta": map[string]any{"openai/userAgent": "mcpwiz", "openai/locale": "en-US"}}
	unknown := func(r *http.Request) { r.Header.Set("X-Openai-Session", "mcpwiz") }
	err = e.listOnce(probe.WithProbe(ctx, "wire-variant"), e.aside, t, meta, unknown)
	all.Wait()
	return err
}

// listOnce asks for the first page of the tools, changed.
func (e *Emulator) listOnce(ctx context.Context, via http.RoundTripper, t *talk, params map[string]any, change func(*http.Request)) error {
	r, err := e.rpc(t, t.token, "tools/list", params, e.opt.Profile.Headers.MCPUserAgent)
	if err != nil {
		return err
	}
	change(r)
	e.ask(ctx, via, mcpLimit, r, "tools/list")
	return nil
}

// connections is over how many connections of their own the tools are listed.
const connections = 4

// freshConnections lists the tools over connections of their own, as a client does that sends from many machines: each may
// come to another replica.
func freshConnections(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			own, closeIt := e.ownConnection()
			defer closeIt()
			_ = e.listOnce(probe.WithProbe(ctx, "fresh-connection"), own, t, nil, unchanged)
		})
	}
	all.Wait()
	return nil
}

// ownConnection returns a way to the wire that shares no connection with any other, where there is one.
func (e *Emulator) ownConnection() (own http.RoundTripper, end func()) {
	if _, ok := e.opt.Transport.(*http.Transport); e.opt.Transport != nil && !ok {
		return e.aside, func() {}
	}
	_, below := lanes(e.opt.Transport, e.opt.Network, e.dial)
	own = e.tap.Transport(e.mutes.over(below))
	return own, func() { closeIdle(own) }
}

// refreshRetry renews once more with the refresh token that was used last, as a client does that lost the answer. Where that
// is refused it looks whether the new token is still good.
func refreshRetry(ctx context.Context, e *Emulator) error {
	w := &e.wallet
	now := w.newest()
	switch {
	case w.spent == "":
		return errors.New("no token was renewed")
	case now.refresh == w.spent:
		e.excuse(probe.OfProbe("refresh-retry"), "refresh tokens are not rotated here: the one that was used stays the client's own")
		return nil
	}
	again, err := e.renewAside(ctx, w.spent)
	if err != nil || again.access != "" {
		return err
	}
	_, err = e.renewAside(ctx, now.refresh)
	return err
}

// renewAside renews as a probe and keeps the refresh token that it brought, so that it can be revoked.
func (e *Emulator) renewAside(ctx context.Context, token string) (tokens, error) {
	ctx = probe.WithProbe(ctx, "refresh-retry")
	a, err := e.askForToken(ctx, e.aside, e.limit(e.opt.Profile.Limits.Refresh, 30), e.refreshGrant(token))
	if err != nil {
		return tokens{}, err
	}
	got := e.tokensOf(a)
	if got.refresh != "" {
		e.wallet.renewed.refresh = got.refresh
	}
	return got, nil
}
