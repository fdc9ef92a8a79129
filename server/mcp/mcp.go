// Package mcp is the bundled MCP server: a few tools that tell an operator who is calling and how the handshake went, over
// Streamable HTTP in both eras of the protocol on one URL.
package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// Options say what the server is and where it learns what it tells.
type Options struct {
	// Name and Version are its serverInfo.
	Name, Version string
	// URL and Issuer are told by server_info.
	URL, Issuer string
	// Caller returns who is behind a request, as the guard in front has found; nil makes an open server.
	Caller func(*http.Request) (Caller, bool)
	// Recent returns the last handshakes of one subject, newest first, with nothing secret in them.
	Recent func(subject string) []Handshake
	Logger *slog.Logger
	// SessionTimeout ends sessions (2025-11-25 and before) that were idle for so long; zero is an hour.
	SessionTimeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// A Caller is who is behind a request, by its token.
type Caller struct {
	Subject  string    `json:"subject" jsonschema:"the token's sub claim"`
	Client   string    `json:"client" jsonschema:"the OAuth client the token was issued to"`
	Issuer   string    `json:"issuer" jsonschema:"the authorization server that issued the token"`
	Scopes   []string  `json:"scopes" jsonschema:"the scopes granted"`
	Audience []string  `json:"audience" jsonschema:"the resources the token is for"`
	Expires  time.Time `json:"expires" jsonschema:"when the token expires"`
}

// user is what sessions are bound to: a machine client's token may have no subject.
func (c Caller) user() string {
	if c.Subject != "" {
		return "sub:" + c.Subject
	}
	return "client:" + c.Client
}

// A Handshake is the outcome of one handshake as recent_handshakes tells it.
type Handshake struct {
	ID      string    `json:"id"`
	Client  string    `json:"client" jsonschema:"the client's name, as far as it was recognised"`
	Started time.Time `json:"started"`
	Status  string    `json:"status" jsonschema:"healthy, failed, incomplete, or open while it goes on"`
	First   string    `json:"first,omitempty" jsonschema:"the check to mend first"`
	Passed  int       `json:"passed" jsonschema:"checks that passed"`
	Failed  []string  `json:"failed" jsonschema:"checks that failed"`
	Seen    int       `json:"seen" jsonschema:"HTTP exchanges seen"`
}

// A Server is the MCP endpoint; it is an http.Handler.
type Server struct {
	opts      Options
	started   time.Time
	server    *sdk.Server
	sessions  http.Handler
	stateless http.Handler
}

const (
	sessionTimeout = time.Hour
	// clockSkew is the leeway that the verifier gave already.
	clockSkew = 30 * time.Second
)

// New returns the bundled MCP server.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SessionTimeout == 0 {
		o.SessionTimeout = sessionTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{opts: o, started: o.Now()}
	s.server = sdk.NewServer(&sdk.Implementation{Name: o.Name, Title: "mcpwiz bundled server", Version: o.Version}, &sdk.ServerOptions{
		Instructions: "Tools to see who is connected and whether the OAuth handshake went well. Call whoami first.",
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
		SetCacheable: private,
	})
	s.addTools()
	get := func(*http.Request) *sdk.Server { return s.server }
	common := sdk.StreamableHTTPOptions{
		// The guard in front judges Host by name; the SDK's own would refuse every tunnel (conformance.md 2.2).
		DisableLocalhostProtection: true,
		MaxRequestBodyBytes:        gateway.MessageLimit,
		Logger:                     o.Logger,
	}
	stateful, stateless := common, common
	stateful.SessionTimeout = o.SessionTimeout
	stateless.Stateless, stateless.PropagateRequestCancellation = true, true
	s.sessions = sdk.NewStreamableHTTPHandler(get, &stateful)
	s.stateless = sdk.NewStreamableHTTPHandler(get, &stateless)
	return s
}

// private keeps results out of shared caches: whoever lists tools here has shown a token for it (MCP 2026-07-28, caching).
func private(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.CacheScope = "private" }

// ServeHTTP serves one message of either era.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := http.Handler(http.HandlerFunc(s.route))
	if s.opts.Caller != nil {
		// This only hands the caller on to the SDK, which binds sessions to its UserID; the token has been judged before.
		h = auth.RequireBearerToken(s.identify, &auth.RequireBearerTokenOptions{ClockSkew: clockSkew})(h)
	}
	told := &errorWriter{ResponseWriter: w}
	defer told.end()
	h.ServeHTTP(told, r)
}

var errNoCaller = fmt.Errorf("no verified token in front of the MCP server: %w", auth.ErrInvalidToken)

func (s *Server) identify(_ context.Context, _ string, r *http.Request) (*auth.TokenInfo, error) {
	c, ok := s.opts.Caller(r)
	if !ok {
		return nil, errNoCaller
	}
	return &auth.TokenInfo{
		UserID: c.user(), Scopes: c.Scopes, Expiration: c.Expires,
		Extra: map[string]any{callerKey: c},
	}, nil
}

const callerKey = "caller"

// callerOf returns the caller of a request that reached a tool.
func callerOf(extra *sdk.RequestExtra) (Caller, error) {
	if extra != nil && extra.TokenInfo != nil {
		if c, ok := extra.TokenInfo.Extra[callerKey].(Caller); ok {
			return c, nil
		}
	}
	return Caller{}, errors.New("this server is open: the request bore no token that could be told about")
}

// Close ends all sessions.
func (s *Server) Close() error {
	var all error
	for session := range s.server.Sessions() {
		all = errors.Join(all, session.Close())
	}
	return all
}
