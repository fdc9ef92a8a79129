package client_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// enough is what may be read of one connection: an answer of a mebibyte, and what a buffer holds.
const enough = 1<<20 + 128<<10

// A counted connection knows how much was read of it, and whether it was closed.
type counted struct {
	net.Conn
	at *meter
}

// A meter looks at all connections of a client.
type meter struct {
	mu   sync.Mutex
	read map[*counted]int
	open map[*counted]bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.at.mu.Lock()
	defer c.at.mu.Unlock()
	c.at.read[c] += n
	return n, err
}

func (c *counted) Close() error {
	c.at.mu.Lock()
	delete(c.at.open, c)
	c.at.mu.Unlock()
	return c.Conn.Close()
}

func (m *meter) transport() *http.Transport {
	return &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 1 << 20,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			c := &counted{conn, m}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.open[c] = true
			return c, nil
		}}
}

// What has no end is read up to a limit, its connection closed, and told.
func TestWhatHasNoEnd(t *testing.T) {
	t.Parallel()
	block := bytes.Repeat([]byte(" "), 64<<10)
	pour := func(header http.Header, begin string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			_, err := w.Write([]byte(begin))
			for err == nil {
				_, err = w.Write(block)
			}
		}
	}
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}
	raw := func(line string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer conn.Close()
			if _, err = conn.Write([]byte("HTTP/1.1 200 OK\r\n")); line != "" {
				_, err = conn.Write([]byte("X: "))
			}
			for err == nil {
				_, err = conn.Write(append([]byte(line), block...))
			}
		}
	}
	loop := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	js, sse := http.Header{"Content-Type": {"application/json"}}, http.Header{"Content-Type": {"text/event-stream"}}
	const resource, token = "/.well-known/oauth-protected-resource/mcp", "/realms/test/token"
	for name, c := range map[string]struct {
		path    string
		handler http.HandlerFunc
		says    string
	}{
		"a document without an end":       {resource, pour(js, `{"resource":"`), "does not end within 1048576 bytes"},
		"200 MB":                          {resource, pour(http.Header{"Content-Length": {fmt.Sprint(200 << 20)}}, ""), "does not end within 1048576 bytes"},
		"a token answer without an end":   {token, pour(js, `{"access_token":"`), "does not end within 1048576 bytes"},
		"an MCP answer without an end":    {"/mcp", pour(js, ""), "does not end within 1048576 bytes"},
		"a stream that says nothing":      {"/mcp", pour(sse, ": "), "does not end within 1048576 bytes"},
		"a document that trickles":        {resource, drip, "nothing more came in time"},
		"a token answer that trickles":    {token, drip, "nothing more came in time"},
		"a header line without an end":    {resource, raw("x"), "server response headers exceeded"},
		"a redirect that leads to itself": {"/mcp", loop, "302 to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answers = map[string]http.HandlerFunc{c.path: c.handler}
			m := &meter{read: map[*counted]int{}, open: map[*counted]bool{}}
			r := emulate(t, w.options(func(o *client.Options) {
				o.Transport, o.Probes = m.transport(), false
				o.Profile.Limits = probe.LimitKnobs{Discovery: 1, Token: 1, Refresh: 1, ToolCall: 1}
			}))
			if r.err != nil || r.summary.Status != probe.Unhealthy || r.summary.First == nil {
				t.Fatalf("status %s, error %v\n%s", r.summary.Status, r.err, wrongs(r))
			}
			if f := r.findings()[*r.summary.First]; !strings.Contains(f.Detail, c.says) {
				t.Errorf("%s: %s", f.Check, f.Detail)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			most := 0
			for _, n := range m.read {
				most = max(most, n)
			}
			if most > enough || len(m.open) > 0 {
				t.Errorf("%d bytes were read of a connection, %d are open", most, len(m.open))
			}
		})
	}
}
