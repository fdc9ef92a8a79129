package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func (w *world) serveMCP(rw http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource") && !w.noResource && !w.open:
		writeJSON(rw, 200, map[string]any{
			"resource": w.target(), "authorization_servers": []string{w.issuer()}, "scopes_supported": []string{"mcp:tools"},
			"bearer_methods_supported": []string{"header"},
		})
	case r.URL.Path == "/mcp":
		if w.open || w.admits(rw, r) {
			w.speak(rw, r)
		}
	default:
		http.NotFound(rw, r)
	}
}

// admits verifies the token of a request, or answers with the challenge.
func (w *world) admits(rw http.ResponseWriter, r *http.Request) bool {
	raw, bears := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		var claims struct {
			Aud string
			Exp int64
		}
		text, bad := signed.Verify(w.server.public.Key)
		if w.trusting {
			text, bad = signed.UnsafePayloadWithoutVerification(), nil
		}
		if bad == nil && json.Unmarshal(text, &claims) == nil && claims.Aud == w.target() && claims.Exp > time.Now().Unix() {
			return true
		}
	}
	challenge := `Bearer scope="mcp:tools"`
	if !w.noResource {
		challenge += fmt.Sprintf(`, resource_metadata="%s/.well-known/oauth-protected-resource/mcp"`, w.mcp.URL)
	}
	if bears {
		challenge += `, error="invalid_token"`
	}
	rw.Header().Set("Www-Authenticate", challenge)
	writeJSON(rw, 401, map[string]any{"error": "invalid_token"})
	return false
}

func (w *world) speak(rw http.ResponseWriter, r *http.Request) {
	if o := r.Header.Get("Origin"); o != "" {
		http.Error(rw, "Forbidden", http.StatusForbidden)
		return
	}
	switch {
	case r.Method == http.MethodGet && !w.stateless:
		rw.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
		return
	case r.Method == http.MethodDelete && !w.stateless:
		w.mu.Lock()
		delete(w.sessions, r.Header.Get("Mcp-Session-Id"))
		w.mu.Unlock()
		rw.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodPost:
		http.Error(rw, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	var m struct {
		ID     any
		Method string
		Params map[string]any
	}
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		http.Error(rw, "no JSON", 400)
		return
	}
	if problem := w.wire(r, m.Method, m.Params); problem != "" {
		w.reply(rw, 400, m.ID, nil, map[string]any{"code": -32600, "message": problem})
		return
	}
	w.method(rw, m.ID, m.Method, m.Params)
}

// wire tells what is wrong with a request's headers for the era that is spoken.
func (w *world) wire(r *http.Request, method string, params map[string]any) string {
	h := r.Header
	if w.stateless {
		meta, _ := params["_meta"].(map[string]any)
		switch {
		case h.Get("Mcp-Protocol-Version") != "2026-07-28" || meta["io.modelcontextprotocol/protocolVersion"] != "2026-07-28":
			return "version"
		case h.Get("Mcp-Method") != method:
			return "Mcp-Method"
		case method == "tools/call" && h.Get("Mcp-Name") != params["name"]:
			return "Mcp-Name"
		}
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case method == "initialize" || method == "server/discover":
		return ""
	case !w.sessions[h.Get("Mcp-Session-Id")]:
		return "no such session"
	case h.Get("Mcp-Protocol-Version") != "2025-11-25" && h.Get("Mcp-Protocol-Version") != "":
		return "version"
	}
	return ""
}

func (w *world) method(rw http.ResponseWriter, id any, method string, params map[string]any) {
	tool := func(name string, readOnly bool) map[string]any {
		return map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"}, "annotations": map[string]any{"readOnlyHint": readOnly}}
	}
	switch {
	case method == "server/discover" && w.stateless:
		w.reply(rw, 200, id, map[string]any{"supportedVersions": []string{"2026-07-28"}, "capabilities": map[string]any{}}, nil)
	case method == "initialize" && !w.stateless:
		session := w.server.name("canary-session-")
		w.mu.Lock()
		w.sessions[session] = true
		w.mu.Unlock()
		rw.Header().Set("Mcp-Session-Id", session)
		w.reply(rw, 200, id, map[string]any{
			"protocolVersion": "2025-11-25", "capabilities": map[string]any{"tools": map[string]any{}}, "serverInfo": map[string]any{"name": "small", "version": "1"},
		}, nil)
	case strings.HasPrefix(method, "notifications/"):
		rw.WriteHeader(http.StatusAccepted)
	case method == "tools/list" && params["cursor"] == nil:
		w.reply(rw, 200, id, map[string]any{"tools": []any{tool("delete_all", false)}, "nextCursor": "page-2"}, nil)
	case method == "tools/list":
		w.reply(rw, 200, id, map[string]any{"tools": []any{tool("whoami", true)}}, nil)
	case method == "tools/call" && slices.Contains([]string{"whoami"}, fmt.Sprint(params["name"])):
		w.reply(rw, 200, id, map[string]any{"content": []any{map[string]any{"type": "text", "text": "canary-tool-result-31"}}}, nil)
	default:
		w.reply(rw, 404, id, nil, map[string]any{"code": -32601, "message": "Method not found"})
	}
}

func (w *world) reply(rw http.ResponseWriter, status int, id any, result, problem map[string]any) {
	m := map[string]any{"jsonrpc": "2.0", "id": id}
	if problem != nil {
		m["error"] = problem
	} else {
		m["result"] = result
	}
	if !w.sse || status != 200 {
		writeJSON(rw, status, m)
		return
	}
	text, _ := json.Marshal(m)
	rw.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(rw, ": hello\n\nevent: message\ndata: %s\n\n", text)
}
