package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// opened is how an attempt to open the protocol ended.
type opened struct {
	status    int
	err       error
	challenge *probe.Challenge
	// talk is the conversation that was opened, nil for none.
	talk *talk
}

// open reports whether the server let a stranger in.
func (o *opened) open() bool { return o.talk != nil }

func (o *opened) String() string {
	switch {
	case errors.Is(o.err, context.DeadlineExceeded):
		return "it does not answer in time"
	case o.err != nil:
		return o.err.Error()
	}
	return fmt.Sprint(o.status)
}

const mcpLimit = 30 * time.Second

// askWithoutToken opens the protocol as a stranger: what comes is a challenge, or an open server.
func askWithoutToken(ctx context.Context, e *Emulator) error {
	o, err := e.openProtocol(ctx, "")
	if err != nil {
		return err
	}
	e.wallet.asked = o
	if o.open() {
		e.excuseOpen()
	}
	return nil
}

// initialize opens the protocol with the token, if there is to be one.
func initialize(ctx context.Context, e *Emulator) error {
	w := &e.wallet
	if w.asked.open() {
		w.talk = w.asked.talk
		return e.initialized(ctx, "")
	}
	if w.first.access == "" {
		return errors.New("there is no access token")
	}
	token, err := e.bearer(ctx)
	if err != nil {
		return err
	}
	o, err := e.openProtocol(ctx, token)
	if err != nil {
		return err
	}
	if o.talk == nil {
		e.say("The protocol is not opened (%s).", &o)
		return nil
	}
	w.talk = o.talk
	return e.initialized(ctx, token)
}

// openProtocol tries the profile's openings in order. The next is tried where the server says that it does not know the
// method or the version (MCP 2026-07-28, versioning): by a 4xx, a JSON-RPC error, or other versions. A refusal for want of
// a token, and what is no answer at all, end it.
func (e *Emulator) openProtocol(ctx context.Context, token string) (opened, error) {
	var o opened
	for _, opening := range e.opt.Profile.Protocol.Open {
		t := &talk{}
		params, err := e.opening(t, opening)
		if err != nil {
			return o, err
		}
		a, err := e.call(ctx, t, token, opening.Method, params, mcpLimit)
		if err != nil {
			return o, err
		}
		o = opened{status: a.status, err: a.err, challenge: challengeIn(a.header)}
		if a.ok() && a.result != nil && t.agree(opening, a) {
			t.token = token
			o.talk = t
			return o, nil
		}
		if !a.unknown() {
			return o, nil
		}
	}
	return o, nil
}

// unknown reports whether an answer may mean that the server knows another way.
func (a *reply) unknown() bool {
	switch {
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return false
	case a.status >= 400 && a.status < 500:
		return true
	}
	return a.ok() && (a.code != 0 || a.result != nil)
}

// opening prepares a conversation of an opening's era and returns the parameters of its first request.
func (e *Emulator) opening(t *talk, o probe.ProtocolOpening) (map[string]any, error) {
	switch o.Method {
	case "server/discover":
		t.modern, t.version = true, o.Version
		return nil, nil
	case "initialize":
		return map[string]any{
			"protocolVersion": o.Version, "capabilities": e.capabilities(), "clientInfo": e.opt.Profile.Protocol.Client,
		}, nil
	}
	return nil, fmt.Errorf("profile %s opens with %q: the emulator knows server/discover and initialize", e.opt.Profile.ID, o.Method)
}

// agree takes from the answer what the conversation goes on with. A server that serves none of the client's stateless
// versions is opened in another way.
func (t *talk) agree(o probe.ProtocolOpening, a *reply) bool {
	if t.modern {
		versions := (&probe.Document{Members: a.result}).Strings("supportedVersions")
		return len(versions) == 0 || slices.Contains(versions, o.Version)
	}
	t.version, _ = a.result["protocolVersion"].(string)
	if t.version == "" {
		t.version = o.Version
	}
	t.session = a.header.Get("Mcp-Session-Id")
	return true
}

// initialized tells a server with sessions that the client is ready (MCP 2025-11-25, lifecycle).
func (e *Emulator) initialized(ctx context.Context, token string) error {
	t := e.wallet.talk
	if t.session == "" && e.opt.Profile.Protocol.Delete {
		e.excuse(probe.SessionEnd, "the server hands out no session: there is nothing to end")
	}
	if t.modern {
		return nil
	}
	e.tap.Hide(t.session)
	_, err := e.call(ctx, t, token, "notifications/initialized", nil, mcpLimit)
	return err
}

// speaks tells why no MCP request can be made.
func (e *Emulator) speaks() (*talk, error) {
	if e.wallet.talk == nil {
		return nil, errors.New("the protocol is not opened")
	}
	return e.wallet.talk, nil
}

// streamLimit is how long a stream may take to begin, streamPause how long its first event is waited for.
const (
	streamLimit = 10 * time.Second
	streamPause = 150 * time.Millisecond
)

// stream opens the stream for messages of the server (MCP 2025-11-25, transports: listening), and closes it once it is
// seen to begin.
func stream(ctx context.Context, e *Emulator) error {
	t, err := e.speaks()
	if err != nil {
		return err
	}
	if t.modern {
		e.excuse(probe.Stream, "MCP "+t.version+" has no GET stream")
		return nil
	}
	r, err := request(http.MethodGet, e.opt.Target, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	e.mark(r, t, t.token, e.opt.Profile.Headers.MCPUserAgent)
	ctx, cancel := context.WithTimeout(ctx, streamLimit+e.opt.HoldStream)
	defer cancel()
	resp, err := e.aside.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			e.excuse(probe.Stream, "GET was not answered: the finding on the connection says how it ended")
		}
		return nil
	}
	watch(ctx, resp, max(streamPause, e.opt.HoldStream))
	return nil
}

// watch reads what an answer begins with, for a moment, and closes it.
func watch(ctx context.Context, resp *http.Response, pause time.Duration) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		if !isStream(resp.Header) {
			_, _ = read(resp.Body) // the tap has copied it
			return
		}
		events(resp.Body, func([]byte) bool { return false })
	}()
	select {
	case <-over:
	case <-time.After(pause):
	case <-ctx.Done():
	}
	resp.Body.Close()
	<-over
}
