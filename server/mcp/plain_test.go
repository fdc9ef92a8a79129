package mcp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRefusalsAreJSON: what the SDK refuses is told in JSON too, with its own words and status.
func TestRefusalsAreJSON(t *testing.T) {
	t.Parallel()
	s := New(Options{Name: "t", Version: "1"})
	t.Cleanup(func() { s.Close() })
	for name, c := range map[string]struct {
		body, session string
		change        func(*http.Request)
		status        int
		says          string
	}{
		"no such session":  {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "none", nil, 404, "session not found"},
		"no JSON":          {`{`, "", nil, 400, "malformed payload"},
		"another type":     {initialize, "", func(r *http.Request) { r.Header.Set("Content-Type", "text/xml") }, 415, "application/json"},
		"one type alone":   {initialize, "", func(r *http.Request) { r.Header.Set("Accept", "application/json") }, 400, "text/event-stream"},
		"unknown revision": {initialize, "", func(r *http.Request) { r.Header.Set(headerVersion, "1999-01-01") }, 400, "supported versions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if c.session != "" {
				r.Header.Set(headerSession, c.session)
			}
			if c.change != nil {
				c.change(r)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			var told struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
				t.Fatalf("%d %q: %v", w.Code, w.Body, err)
			}
			if w.Code != c.status || w.Header().Get("Content-Type") != "application/json" || told.Error == "" || !strings.Contains(told.Description, c.says) {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
	if w := post(s, initialize, ""); w.Code != 200 || !strings.Contains(w.Header().Get("Content-Type"), "text/event-stream") {
		t.Errorf("a good request: %d %v", w.Code, w.Header())
	}
}
