package mcp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestModern(t *testing.T) {
	t.Parallel()
	meta := func(version string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"` + version + `"}}}`
	}
	for name, c := range map[string]struct {
		version, body string
		want          bool
	}{
		"initialize":                      {"", `{"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`, false},
		"initialize, modern header":       {"2026-07-28", `{"method":"initialize","params":{"protocolVersion":"2026-07-28"}}`, false},
		"discover":                        {"", `{"method":"server/discover"}`, true},
		"discover, old header":            {"2025-11-25", `{"method":"server/discover"}`, true},
		"modern header":                   {"2026-07-28", `{"method":"tools/list"}`, true},
		"later header":                    {"2027-01-01", `{"method":"tools/list"}`, true},
		"old header":                      {"2025-11-25", `{"method":"tools/list"}`, false},
		"no header":                       {"", `{"method":"tools/list"}`, false},
		"modern meta":                     {"", meta("2026-07-28"), true},
		"modern meta, old header":         {"2025-11-25", meta("2026-07-28"), true},
		"old meta":                        {"", meta("2025-11-25"), false},
		"batch":                           {"", `[{"method":"tools/list"}]`, false},
		"no JSON":                         {"", `x`, false},
		"params are an array":             {"", `{"method":"tools/list","params":[]}`, false},
		"params are an array, discovered": {"", `{"method":"server/discover","params":[]}`, true},
		"meta version is a number":        {"", `{"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":9}}}`, false},
	} {
		if got := modern(c.version, []byte(c.body)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

func post(s *Server, body, session string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		r.Header.Set(headerSession, session)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestSessionsEnd: an idle session ends by itself, as the SDK's never do unless told to.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Name: "mcpwiz", SessionTimeout: time.Minute})
		id := post(s, initialize, "").Header().Get(headerSession)
		if id == "" {
			t.Fatal("no session")
		}
		const ping = `{"jsonrpc":"2.0","id":2,"method":"ping"}`
		time.Sleep(50 * time.Second)
		if w := post(s, ping, id); w.Code != http.StatusOK {
			t.Errorf("in use: %d %s", w.Code, w.Body)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if w := post(s, ping, id); w.Code != http.StatusNotFound {
			t.Errorf("idle: %d %s", w.Code, w.Body)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsSessions(t *testing.T) {
	t.Parallel()
	s := New(Options{Name: "mcpwiz"})
	id := post(s, initialize, "").Header().Get(headerSession)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if w := post(s, `{"jsonrpc":"2.0","id":2,"method":"ping"}`, id); w.Code != http.StatusNotFound {
		t.Errorf("after Close: %d", w.Code)
	}
}

// TestNobodyInFront: a server that should be guarded and is not lets nobody in.
func TestNobodyInFront(t *testing.T) {
	t.Parallel()
	s := New(Options{Name: "mcpwiz", Caller: func(*http.Request) (Caller, bool) { return Caller{}, false }})
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(initialize))
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("let in with %d", w.Code)
	}
}
