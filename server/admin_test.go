package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/mcpwiz/mcpwiz/server"
)

// A shared buffer is written by the server and read by the test.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *shared) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func TestMonitoringIsToldOnAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	admin := make(chan net.Addr, 1)
	access := &shared{}
	dead := httptest.NewServer(nil)
	dead.Close()
	r := start(t, func(o *server.Options) {
		o.AdminListen, o.AdminReady = "127.0.0.1:0", func(a net.Addr) { admin <- a }
		o.AccessLog = slog.New(slog.NewJSONHandler(access, nil))
		o.Endpoints[0].Upstream = &server.Upstream{URL: dead.URL}
	})
	at := "http://" + (<-admin).String()
	token := r.issuer.Token(target, nil)
	for _, one := range []struct {
		token, body string
		status      int
	}{{"", "{}", 401}, {"nonsense", "{}", 401}, {token, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, 502}} {
		if resp := r.do(t, http.MethodPost, "/mcp?secret=in-the-query", one.token, one.body, "Mcp-Session-Id", "session-secret"); resp.StatusCode != one.status {
			t.Errorf("answered %d, want %d", resp.StatusCode, one.status)
		}
	}
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	_, metrics := get("/metrics")
	for _, want := range []string{
		`mcpwiz_requests_total{code="401",method="POST",server="` + target + `"} 2`, `mcpwiz_requests_total{code="502",method="POST",server="` + target + `"} 1`,
		`mcpwiz_token_verifications_total{outcome="good",server="` + target + `"} 1`, `mcpwiz_token_verifications_total{outcome="malformed",server="` + target + `"} 1`,
		`mcpwiz_upstream_failures_total{server="` + target + `"} 1`, `mcpwiz_request_duration_seconds_count{server="` + target + `"} 3`, "mcpwiz_ready{", "go_goroutines", "mcpwiz_keys{",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for path, want := range map[string]int{"/health/live": 200, "/health/ready": 200, "/health": 200, "/mcp": 404} {
		if status, _ := get(path); status != want {
			t.Errorf("%s on the admin's address: %d", path, status)
		}
	}
	for path, want := range map[string]int{"/metrics": 404, "/health/ready": 200} {
		if resp := r.do(t, http.MethodGet, path, "", ""); resp.StatusCode != want {
			t.Errorf("%s on the clients' address: %d", path, resp.StatusCode)
		}
	}
	r.end(t)
	lines := 0
	for _, line := range strings.Split(strings.TrimSpace(access.String()), "\n") {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		lines++
		if one["path"] != "/mcp" && one["path"] != "/health/ready" || one["server"] != target || one["took"] == nil {
			t.Errorf("a line of the access log: %s", line)
		}
	}
	if lines < 3 {
		t.Errorf("the access log has %d lines", lines)
	}
	for _, secret := range []string{token, "nonsense", "in-the-query", "session-secret"} {
		if strings.Contains(access.String(), secret) {
			t.Errorf("the access log has %q", secret)
		}
	}
}

func TestTheAdminHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	for listen, says := range map[string]string{"127.0.0.1:9": "an address of its own", "nine": "host:port"} {
		_, err := server.New(server.Options{AdminListen: listen, Endpoints: []server.Endpoint{{Listen: "127.0.0.1:9", URL: target, Issuer: "https://id.example.com"}}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

// What measures stands in the way of nothing: events come as they are sent.
func TestStreamsPassWhatMeasures(t *testing.T) {
	t.Parallel()
	step := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 2 {
			io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			<-step
		}
	}))
	t.Cleanup(up.Close)
	r := start(t, func(o *server.Options) {
		o.AdminListen = "127.0.0.1:0"
		o.Endpoints[0].Upstream = &server.Upstream{URL: up.URL}
	})
	resp := r.do(t, http.MethodGet, "/mcp", r.issuer.Token(target, nil), "")
	one := make([]byte, 9)
	for range 2 {
		if _, err := io.ReadFull(resp.Body, one); err != nil || string(one) != "data: x\n\n" {
			t.Fatalf("%q, %v", one, err)
		}
		step <- struct{}{}
	}
}
