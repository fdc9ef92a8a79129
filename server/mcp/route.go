package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	headerSession = "Mcp-Session-Id"
	headerVersion = "MCP-Protocol-Version"
	metaVersion   = "io.modelcontextprotocol/protocolVersion"
	// firstStateless is the revision from which each request stands alone (MCP 2026-07-28, changelog 1 to 9).
	firstStateless = "2026-07-28"
)

// route sends a request to the era it belongs to, by how the client opens (MCP 2026-07-28, versioning): what bears a
// session id, or opens with initialize, is of the sessions; what names the new revision is not.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	session := r.Header.Get(headerSession) != ""
	switch {
	case r.Method == http.MethodPost:
		body, ok := peek(w, r)
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
		refuse(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s needs an %s header; without a session only POST is served", r.Method, headerSession))
	}
}

// peek reads the body, once and bounded, and puts it back. A slow sender is cut; what comes after the body is not.
func peek(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	control := http.NewResponseController(w)
	// Where the writer cannot set deadlines the server's own limits hold.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the message is larger than %d bytes", large.Limit))
		return nil, false
	case err != nil:
		refuse(w, http.StatusBadRequest, "the message could not be read")
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, true
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

// refuse answers below JSON-RPC: the message was not looked into.
func refuse(w http.ResponseWriter, status int, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": description})
}
