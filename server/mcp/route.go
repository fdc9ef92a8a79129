package mcp

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

const (
	headerSession = "Mcp-Session-Id"
	headerVersion = "MCP-Protocol-Version"
	metaVersion   = "io.modelcontextprotocol/protocolVersion"
	// firstStateless is the revision from which each request stands alone (MCP 2026-07-28, changelog 1 to 9).
	firstStateless = "2026-07-28"
	// invalidRequest is what refusals below JSON-RPC say: the message was not looked into.
	invalidRequest = "invalid_request"
)

// route sends a request to the era it belongs to, by how the client opens (MCP 2026-07-28, versioning): what bears a
// session id, or opens with initialize, is of the sessions; what names the new revision is not.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	session := r.Header.Get(headerSession) != ""
	switch {
	case r.Method == http.MethodPost:
		body, ok := gateway.Message(w, r)
		if !ok {
			return
		}
		if !session && modern(r.Header.Get(headerVersion), body) {
			s.stateless.ServeHTTP(w, r)
			return
		}
		s.sessions.ServeHTTP(w, r)
	case session:
		s.sessions.ServeHTTP(w, r)
	default:
		// Without a session there is no stream to offer and none to end: 405 is what clients expect (MCP 2025-11-25, transports).
		w.Header().Set("Allow", http.MethodPost)
		gateway.WriteError(w, http.StatusMethodNotAllowed, invalidRequest, fmt.Sprintf("%s needs an %s header; without a session only POST is served", r.Method, headerSession))
	}
}

// modern reports whether a message is of a revision without sessions.
func modern(version string, body []byte) bool {
	var m struct {
		Method string `json:"method"`
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	// What is no JSON object, or has params of another kind, is left for the SDK to refuse.
	_ = json.Unmarshal(body, &m)
	if m.Method == "initialize" {
		return false
	}
	if m.Method == "server/discover" || version >= firstStateless {
		return true
	}
	var named string
	_ = json.Unmarshal(m.Params.Meta[metaVersion], &named)
	return named >= firstStateless
}
