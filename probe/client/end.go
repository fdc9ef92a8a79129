package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

// endLimit is how long the end may take, hasteLimit how long after an interrupt: the user wants to leave, and what was made is to be
// undone.
const (
	endLimit   = 5 * time.Second
	hasteLimit = 2 * time.Second
)

// end ends what was made, whether or not the context is over: the MCP session, the grant, the user's session, the client
// that was registered.
func (e *Emulator) end(ctx context.Context) {
	interrupted := ctx.Err() != nil
	limit := endLimit
	if interrupted {
		limit = hasteLimit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	e.endSession(ctx, interrupted)
	var both sync.WaitGroup
	both.Go(func() {
		e.revoke(ctx)
		e.unregister(ctx)
	})
	if e.opt.SignIn != nil {
		both.Go(func() {
			if err := e.opt.SignIn.End(ctx); err != nil {
				e.leave("the session of the user at the authorization server: %s", err)
			}
		})
	}
	both.Wait()
}

// endSession ends the MCP session. Where the client would not it is no evidence.
func (e *Emulator) endSession(ctx context.Context, interrupted bool) {
	t := e.wallet.talk
	if t == nil {
		t = e.wallet.asked.talk
	}
	if t == nil || t.session == "" {
		return
	}
	if !e.opt.Profile.Protocol.Delete || interrupted {
		ctx = probe.WithProbe(ctx, browser.CleanUp)
	}
	e.endTalk(ctx, e.happy, t, e.wallet.newest().access)
}

// endTalk ends a session (MCP 2025-11-25, transports: session management).
func (e *Emulator) endTalk(ctx context.Context, via http.RoundTripper, t *talk, token string) {
	r, err := request(http.MethodDelete, e.opt.Target, nil)
	if err != nil {
		return
	}
	e.mark(r, t, token, e.opt.Profile.Headers.MCPUserAgent)
	a := send(ctx, via, endLimit, r)
	if !a.ok() && a.status != http.StatusNotFound {
		e.leave("an MCP session: DELETE %s is answered with %s", e.opt.Target, a)
	}
}

// revoke ends the grant (RFC 7009): the refresh token's, else the access token's.
func (e *Emulator) revoke(ctx context.Context) {
	w := &e.wallet
	now := w.newest()
	form := url.Values{"token": {now.refresh}, "token_type_hint": {"refresh_token"}}
	what := "a refresh token"
	switch {
	case e.opt.machine() || now.access == "" && now.refresh == "":
		return
	case now.refresh == "":
		form = url.Values{"token": {now.access}, "token_type_hint": {"access_token"}}
		what = "an access token"
	}
	if absolute(w.endpoints.revocation) == nil {
		e.leave("%s of client %s: the metadata name no revocation_endpoint", what, w.client.id)
		return
	}
	a, err := e.askAs(probe.WithProbe(ctx, browser.CleanUp), e.happy, endLimit, w.endpoints.revocation, w.client, form)
	switch {
	case err != nil:
		e.leave("%s of client %s: %s", what, w.client.id, err)
	case !a.ok():
		e.leave("%s of client %s: its revocation is answered with %s", what, w.client.id, a)
	}
}

// unregister deletes the client that was registered (RFC 7592 section 2.3).
func (e *Emulator) unregister(ctx context.Context) {
	c := e.wallet.client
	switch {
	case !c.dynamic:
		return
	case c.uri == "" || c.token == "":
		e.leave("client %s: its registration says not how to delete it", c.id)
		return
	}
	r, err := request(http.MethodDelete, c.uri, nil)
	if err != nil {
		e.leave("client %s: %s", c.id, err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if a := send(probe.WithProbe(ctx, browser.CleanUp), e.happy, endLimit, r); !a.ok() {
		e.leave("client %s: DELETE %s is answered with %s", c.id, c.uri, a)
	}
}

// leave notes what could not be ended.
func (e *Emulator) leave(format string, args ...any) {
	what := e.tap.Sieve(fmt.Sprintf(format, args...))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.left = append(e.left, what)
}
