package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type none struct{}

type whoamiResult struct {
	Caller
	ExpiresIn int `json:"expires_in" jsonschema:"seconds until the token expires"`
}

type echoInput struct {
	Text string `json:"text" jsonschema:"what to send back"`
}

type echoResult struct {
	Text string `json:"text"`
}

type infoResult struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	URL       string    `json:"url" jsonschema:"the resource identifier that tokens must name in aud"`
	Issuer    string    `json:"issuer" jsonschema:"the authorization server"`
	Protocols []string  `json:"protocols" jsonschema:"MCP revisions spoken here"`
	Started   time.Time `json:"started"`
}

type recentResult struct {
	Handshakes []Handshake `json:"handshakes"`
}

// addTools registers the tools; all of them only look.
func (s *Server) addTools() {
	sdk.AddTool(s.server, tool("whoami", "Who am I",
		"Tells whose access token this request bore: subject, client, scopes, audience, issuer and expiry. Use it to confirm that sign-in worked and that the token is for this server."),
		s.whoami)
	sdk.AddTool(s.server, tool("echo", "Echo",
		"Sends the given text back unchanged. Use it to see that tool calls get through."),
		s.echo)
	sdk.AddTool(s.server, tool("server_info", "Server information",
		"Tells this server's name, version, resource identifier, authorization server and the MCP revisions it speaks."),
		s.info)
	sdk.AddTool(s.server, tool("recent_handshakes", "Recent handshakes",
		"Lists the latest connection handshakes that you, the caller, made with this server, each with the checks that failed and the one to mend first. Nothing secret is in it, and nobody else's handshakes."),
		s.recent)
}

func tool(name, title, description string) *sdk.Tool {
	closed := false
	return &sdk.Tool{Name: name, Title: title, Description: description, Annotations: &sdk.ToolAnnotations{
		Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed,
	}}
}

func (s *Server) whoami(_ context.Context, r *sdk.CallToolRequest, _ none) (*sdk.CallToolResult, whoamiResult, error) {
	c, err := callerOf(r.Extra)
	if err != nil {
		return nil, whoamiResult{}, err
	}
	c.Scopes, c.Audience = filled(c.Scopes), filled(c.Audience)
	return nil, whoamiResult{Caller: c, ExpiresIn: int(c.Expires.Sub(s.opts.Now()) / time.Second)}, nil
}

func (s *Server) echo(_ context.Context, _ *sdk.CallToolRequest, in echoInput) (*sdk.CallToolResult, echoResult, error) {
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: in.Text}}}, echoResult(in), nil
}

func (s *Server) info(context.Context, *sdk.CallToolRequest, none) (*sdk.CallToolResult, infoResult, error) {
	return nil, infoResult{
		Name: s.opts.Name, Version: s.opts.Version, URL: s.opts.URL, Issuer: s.opts.Issuer,
		Protocols: sdk.SupportedProtocolVersions(), Started: s.started.UTC(),
	}, nil
}

func (s *Server) recent(_ context.Context, r *sdk.CallToolRequest, _ none) (*sdk.CallToolResult, recentResult, error) {
	c, err := callerOf(r.Extra)
	if err != nil {
		return nil, recentResult{}, err
	}
	if c.Subject == "" {
		return nil, recentResult{}, fmt.Errorf("the token of client %q names no subject, so no handshake can be told to be yours", c.Client)
	}
	if s.opts.Recent == nil {
		return nil, recentResult{Handshakes: []Handshake{}}, nil
	}
	return nil, recentResult{Handshakes: filled(s.opts.Recent(c.Subject))}, nil
}

// filled makes a list that is an empty array in JSON, as its schema says.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ServeTools answers with the tools as tools/list does, for whoever has a token and no MCP client at hand.
func (s *Server) ServeTools(w http.ResponseWriter, r *http.Request) {
	tools, err := s.list(r.Context())
	if err != nil {
		s.opts.Logger.Error("listing the tools", "error", err)
		http.Error(w, `{"error":"server_error","error_description":"the tools could not be listed"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-cache")
	json.NewEncoder(w).Encode(map[string]any{"tools": tools})
}

// list asks the server as a client does, so that there is one truth about schemas.
func (s *Server) list(ctx context.Context) ([]*sdk.Tool, error) {
	here, there := sdk.NewInMemoryTransports()
	server, err := s.server.Connect(ctx, there, nil)
	if err != nil {
		return nil, fmt.Errorf("connecting to the bundled server: %w", err)
	}
	defer server.Close()
	client, err := sdk.NewClient(&sdk.Implementation{Name: s.opts.Name, Version: s.opts.Version}, nil).Connect(ctx, here, nil)
	if err != nil {
		return nil, fmt.Errorf("connecting to the bundled server: %w", err)
	}
	defer client.Close()
	var tools []*sdk.Tool
	for t, err := range client.Tools(ctx, nil) {
		if err != nil {
			return nil, fmt.Errorf("asking the bundled server for its tools: %w", err)
		}
		tools = append(tools, t)
	}
	return tools, nil
}
