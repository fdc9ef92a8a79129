package client

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// hangsUp cuts a connection in place of an answer where it says so of the connection's nth request.
func hangsUp(t *testing.T, cut func(nth int) bool) (url string, bodies *atomic.Int64) {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]int{}
	bodies = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr]++
		nth := seen[r.RemoteAddr]
		mu.Unlock()
		if body, _ := io.ReadAll(r.Body); string(body) == "ping" {
			bodies.Add(1)
		}
		if cut(nth) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, bodies
}

func post(t *testing.T, via http.RoundTripper, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("ping"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := via.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// A server that lets a connection go which was kept alive is asked anew; one that cuts new ones too is believed.
func TestKeptConnectionsThatAreClosed(t *testing.T) {
	t.Parallel()
	var d net.Dialer
	for name, c := range map[string]struct {
		cut   func(nth int) bool
		fails int
		asked int64
	}{
		"keeps all":         {func(int) bool { return false }, 0, 3},
		"cuts what is kept": {func(nth int) bool { return nth > 1 }, 0, 5},
		"cuts all":          {func(int) bool { return true }, 3, 3},
	} {
		url, bodies := hangsUp(t, c.cut)
		via, _ := lanes(nil, &Network{}, d.DialContext)
		fails := 0
		for range 3 {
			if post(t, via, url) != nil {
				fails++
			}
		}
		closeIdle(via)
		if fails != c.fails || bodies.Load() != c.asked {
			t.Errorf("%s: %d of 3 failed, and the server was asked %d times, want %d and %d", name, fails, bodies.Load(), c.fails, c.asked)
		}
	}
}
