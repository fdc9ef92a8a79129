package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// evil is what a terminal would act on: titles, colours, the cursor, C1 controls, text that runs backwards, and what is no UTF-8.
const evil = "\x1b]0;owned\x07\x1b[2J\x1b[31mkelp\x9b31m\u009b31m\u202ekelp\u2066\x00\x08\x7f\xff\xfe\r"

// A hostile server writes evil into every header and field there is; on the way of a machine it can be got through, unless it refuses.
type hostile struct {
	refuses bool
	url     string
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a client that hangs up has said what it has
	status, header, answer := h.answer(r, string(body))
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	// net/http would make the header lines harmless.
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n%sX-Evil: %s\r\nServer: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, inLine(evil), header, inLine(evil), inLine(evil), len(answer), answer)
}

// inLine is what of a text can stand in a header line without that the client takes it for none (RFC 9110 section 5.5).
func inLine(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] >= ' ' && s[i] != 0x7f {
			b = append(b, s[i])
		}
	}
	return string(b)
}

func (h *hostile) answer(r *http.Request, body string) (status int, header, answer string) {
	const label = "Content-Type: application/json; charset=utf-8\r\n"
	if h.refuses {
		return h.refusal(r)
	}
	document := func(members map[string]any) string {
		members[evil], members["scopes_supported"], members["error_description"] = evil, []string{"mcp:tools", evil}, evil
		text, err := json.Marshal(members)
		if err != nil {
			panic(err)
		}
		return strings.ReplaceAll(string(text), `\u001b`, "\x1b") // which JSON does not allow, and many parsers take
	}
	at := h.url
	switch {
	case strings.HasPrefix(r.URL.Path, "/.well-known/oauth-protected-resource"):
		return 200, label, clean(document(map[string]any{"resource": at + "/mcp", "authorization_servers": []string{at, evil}, "resource_name": evil}))
	case strings.HasPrefix(r.URL.Path, "/.well-known/"):
		return 200, label, clean(document(map[string]any{"issuer": at, "token_endpoint": at + "/token", "authorization_endpoint": at + "/auth" + evil,
			"jwks_uri": at + "/keys", "grant_types_supported": []string{"client_credentials", evil}, "code_challenge_methods_supported": []string{"S256", evil}}))
	case r.URL.Path == "/token":
		return 200, label, clean(document(map[string]any{"access_token": "canary-token-0123456789abcdef", "token_type": "Bearer", "expires_in": 900, "scope": evil}))
	case r.Header.Get("Authorization") == "":
		return 401, label + "WWW-Authenticate: Bearer scope=\"mcp:tools\", error_description=\"" + inLine(evil) + "\"\r\n", clean(document(map[string]any{"error": evil}))
	}
	return h.speak(label, body)
}

func (h *hostile) speak(label, body string) (int, string, string) {
	var m struct {
		ID     any
		Method string
	}
	_ = json.Unmarshal([]byte(body), &m) // what is none gets an error
	schema := map[string]any{"type": "object", evil: evil}
	result, known := map[string]map[string]any{
		"initialize": {"protocolVersion": "2025-11-25", "capabilities": map[string]any{evil: evil}, "serverInfo": map[string]any{"name": evil, "version": evil}, "instructions": evil},
		"tools/list": {"tools": []any{map[string]any{"name": "whoami", "description": evil, "inputSchema": schema}, map[string]any{"name": evil, "inputSchema": evil}}},
		"tools/call": {"isError": true, "content": []any{map[string]any{"type": evil, "text": evil}}},
	}[m.Method]
	answer := map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result}
	if !known {
		delete(answer, "result")
		answer["error"] = map[string]any{"code": -32601, "message": evil}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return 200, label, string(text)
}

// clean leaves JSON that can be read.
func clean(s string) string { return strings.ReplaceAll(s, "\x1b", `\u001b`) }

// refusal is an error as evil as it can be, of another kind for each path.
func (h *hostile) refusal(r *http.Request) (int, string, string) {
	switch len(r.URL.Path) % 4 {
	case 0:
		return 403, "Content-Type: text/html\r\n", "<html><title>" + evil + "</title><body id=" + evil + ">" + evil + "</body></html>"
	case 1:
		return 302, "Location: https://kelp.example/" + inLine(evil) + "\r\n", evil
	case 2:
		return 500, "Content-Type: text/plain" + inLine(evil) + "\r\nX-Evil: " + evil[:6] + "\r\n", evil
	}
	return 401, "WWW-Authenticate: " + inLine(evil) + "\r\nContent-Type: application/json\r\n", `{"error":"` + evil + `"`
}

// What a server sends reaches nobody's terminal raw, in whatever way it is told, and no file that somebody opens in one.
func TestNothingIsToldRaw(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]*hostile{"tools/call": {}, "401": {refuses: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(h)
			t.Cleanup(s.Close)
			h.url = s.URL
			dir := t.TempDir()
			env := []string{"MCPWIZ_CLIENT_SECRET=canary-secret-0123456789", "GORACE=atexit_sleep_ms=0"}
			capture := filepath.Join(dir, "kept.jsonl")
			told := func(args ...string) string {
				c := call(t, dir, env, args...)
				if code := c.ends(t); code != exitFailed {
					t.Errorf("%s: exit code %d\n%s", strings.Join(args, " "), code, &c.err)
				}
				for where, text := range map[string]string{"stdout": c.out.String(), "stderr": c.err.String()} {
					if at := raw(text); at >= 0 {
						t.Errorf("%s writes to %s: %q", strings.Join(args, " "), where, text[max(0, at-80):min(len(text), at+40)])
					}
				}
				return c.out.String()
			}
			far := told("doctor", s.URL+"/mcp", "--as", "m2m", "--client-id", "robot", "--verbose", "--out", capture)
			if !strings.Contains(far, "kelp") || !strings.Contains(far, name) {
				t.Errorf("what came is not told, or it did not come to %s:\n%s", name, far)
			}
			told("emulate", s.URL+"/mcp", "--as", "m2m", "--client-id", "robot")
			for _, format := range []string{"text", "json", "jsonl", "junit", "markdown", "html"} {
				told("doctor", "--read", capture, "--format", format, "--wide")
			}
		})
	}
}

// raw returns where a text has what a terminal acts on, or what is no UTF-8; -1 for nowhere.
func raw(text string) int {
	for at, c := range text {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(text[at:], "\ufffd"):
			return at
		case c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)):
			return at
		}
	}
	return -1
}
