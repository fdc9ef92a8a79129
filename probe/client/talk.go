package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A talk is an MCP conversation on the wire of one era: stateless from 2026-07-28 on, with sessions before.
type talk struct {
	// modern says that each request stands for itself (MCP 2026-07-28, basic).
	modern  bool
	version string
	// session is the Mcp-Session-Id that was handed out, "" for none.
	session string
	// token is the one that the conversation was opened with, for requests beside the happy path; "" for none.
	token string
}

// A reply is the answer to an MCP request.
type reply struct {
	answer
	// result is that of the JSON-RPC answer, nil for none; code its error's, 0 for none.
	result map[string]any
	code   int
}

// lastID numbers requests: ids must not come twice within a session.
var lastID atomic.Int64

// rpc makes an MCP request or notification; agent is what it says of itself, nil for nothing.
func (e *Emulator) rpc(t *talk, token, method string, params map[string]any, agent *string) (*http.Request, error) {
	if t.modern {
		params = e.withMeta(t, params)
	}
	message := map[string]any{"jsonrpc": "2.0", "method": method}
	if params != nil {
		message["params"] = params
	}
	if !strings.HasPrefix(method, "notifications/") {
		message["id"] = lastID.Add(1)
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	r, err := request(http.MethodPost, e.opt.Target, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	e.mark(r, t, token, agent)
	if t.modern {
		r.Header.Set("Mcp-Method", method)
		if name, ok := params["name"].(string); ok && method == "tools/call" {
			r.Header.Set("Mcp-Name", headerValue(name))
		}
	}
	return r, nil
}

// mark sets the headers that every request of a conversation bears.
func (e *Emulator) mark(r *http.Request, t *talk, token string, agent *string) {
	if agent != nil {
		r.Header.Set("User-Agent", *agent)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if t.version != "" {
		r.Header.Set("Mcp-Protocol-Version", t.version)
	}
	if t.session != "" {
		r.Header.Set("Mcp-Session-Id", t.session)
	}
}

// withMeta adds what a stateless request says of its client (MCP 2026-07-28, basic: _meta).
func (e *Emulator) withMeta(t *talk, params map[string]any) map[string]any {
	meta := map[string]any{
		"io.modelcontextprotocol/protocolVersion":    t.version,
		"io.modelcontextprotocol/clientInfo":         e.opt.Profile.Protocol.Client,
		"io.modelcontextprotocol/clientCapabilities": e.capabilities(),
	}
	all := map[string]any{}
	maps.Copy(all, params)
	if more, ok := params["_meta"].(map[string]any); ok {
		maps.Copy(meta, more)
	}
	all["_meta"] = meta
	return all
}

func (e *Emulator) capabilities() map[string]any {
	if c := e.opt.Profile.Protocol.Capabilities; c != nil {
		return c
	}
	return map[string]any{}
}

// headerValue writes a name as a header can bear it (MCP 2026-07-28, transports: Mcp-Name).
func headerValue(s string) string {
	for _, c := range s {
		if c < ' ' || c > '~' {
			return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
		}
	}
	return s
}

// call makes an MCP request as the client does and reads the reply.
func (e *Emulator) call(ctx context.Context, t *talk, token, method string, params map[string]any, limit time.Duration) (*reply, error) {
	return e.callAs(ctx, e.happy, t, token, method, params, limit, e.opt.Profile.Headers.MCPUserAgent)
}

func (e *Emulator) callAs(ctx context.Context, via http.RoundTripper, t *talk, token, method string, params map[string]any,
	limit time.Duration, agent *string,
) (*reply, error) {
	r, err := e.rpc(t, token, method, params, agent)
	if err != nil {
		return nil, err
	}
	return e.ask(ctx, via, limit, r, method), nil
}

// ask sends an MCP request to the endpoint, and waits for it no longer than what came before lets hope. A stranger's first request
// is part of discovery, and clients have no more patience for it than for a document.
func (e *Emulator) ask(ctx context.Context, via http.RoundTripper, limit time.Duration, r *http.Request, method string) *reply {
	kind, begun := asked{r.Header.Get("Authorization") != "", method}, time.Now()
	if kind.opens() {
		limit = min(limit, e.limit(e.opt.Profile.Limits.Discovery, 10))
	}
	limit = e.silence.patience(kind, limit)
	a := exchange(ctx, via, limit, r)
	e.silence.heard(kind, a.status != 0, time.Since(begun), limit)
	return a
}

// exchange sends an MCP request and reads its reply, a JSON object or a stream of events.
func exchange(ctx context.Context, via http.RoundTripper, limit time.Duration, r *http.Request) *reply {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, err := via.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return &reply{answer: answer{err: err}}
	}
	defer resp.Body.Close()
	a := &reply{answer: answer{status: resp.StatusCode, header: resp.Header}}
	if isStream(resp.Header) {
		a.body = answerIn(resp.Body)
	} else {
		a.body, a.err = read(resp.Body)
	}
	a.parse()
	return a
}

func (a *reply) parse() {
	var message struct {
		Result map[string]any `json:"result"`
		Error  *struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(a.body, &message) != nil {
		return
	}
	a.result = message.Result
	if message.Error != nil {
		a.code = message.Error.Code
	}
}

// answerIn reads a stream until the event that answers a request, and returns its data. It then reads on for a moment, so
// that a stream that ends there leaves the connection whole.
func answerIn(body io.Reader) []byte {
	body = io.LimitReader(body, maxBody)
	var found []byte
	events(body, func(data []byte) bool {
		var m struct{ Result, Error json.RawMessage }
		if json.Unmarshal(data, &m) == nil && (m.Result != nil || m.Error != nil) {
			found = data
		}
		return found == nil
	})
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, body) // what comes after the answer is not asked for
	}()
	select {
	case <-drained:
	case <-time.After(100 * time.Millisecond):
	}
	return found
}

// challengeIn returns the Bearer challenge of an answer, nil for none.
func challengeIn(h http.Header) *probe.Challenge {
	return (&probe.Exchange{Response: &probe.Response{Header: h}}).Challenge()
}
