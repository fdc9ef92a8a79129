package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// front is a guarded upstream as a client meets it.
func front(t *testing.T, u Upstream, behind http.Handler) *httptest.Server {
	t.Helper()
	b := httptest.NewServer(behind)
	t.Cleanup(b.Close)
	if u.URL == nil {
		u.URL, _ = url.Parse(b.URL + "/inner?kept=1")
	}
	r := Resource{URL: target, Issuer: "https://id.example.com/realms/x"}
	g := Guard{Resource: r, Verify: func(context.Context, string) (*Token, error) {
		return &Token{Subject: "alice", Client: "claude", Scopes: []string{"a", "b"}}, nil
	}}
	f := httptest.NewServer(Origins(r, nil, g.Require(NewUpstream(u))))
	t.Cleanup(f.Close)
	return f
}

func send(t *testing.T, f *httptest.Server, method, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-client-s-own")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := f.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

const ping = `{"jsonrpc":"2.0","id":"7","method":"ping"}`

func TestAnUpstreamGetsWhatItIsMeantToGet(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	f := front(t, Upstream{
		User: UserHeaders{Subject: "X-User", Client: "X-Client", Scopes: "X-Scopes"},
		Own:  func() (http.Header, error) { return http.Header{"Authorization": {"Bearer ours"}, "X-Key": {"k"}}, nil },
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}))
	send(t, f, http.MethodPost, ping, "X-User", "admin", "Mcp-Session-Id", "s", "MCP-Protocol-Version", "2025-06-18", "Last-Event-ID", "9",
		"Origin", "http://localhost:1", "X-Forwarded-For", "6.6.6.6", "Connection", "X-Hop", "X-Hop", "x", "Accept", "application/json", "Cookie", "a=b")
	if got == nil || body != ping || got.Method != http.MethodPost || got.URL.Path != "/inner" {
		t.Fatalf("passed on %+v with %q", got, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer ours", "X-Key": "k", "X-User": "alice", "X-Client": "claude", "X-Scopes": "a b",
		"Mcp-Session-Id": "s", "Mcp-Protocol-Version": "2025-06-18", "Last-Event-Id": "9", "Accept": "application/json", "Cookie": "a=b",
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": strings.TrimPrefix(f.URL, "http://"),
		"Origin": "", "X-Hop": "", "Connection": "",
	} {
		if have := strings.Join(got.Header.Values(name), ", "); have != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
}

func TestWithoutItsOwnTokenAnUpstreamGetsNone(t *testing.T) {
	t.Parallel()
	var header http.Header
	f := front(t, Upstream{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
	send(t, f, http.MethodPost, ping)
	if header == nil || strings.Contains(fmt.Sprint(header), "the-client-s-own") {
		t.Errorf("the client's token went upstream: %v", header)
	}
}

func TestWhatAnUpstreamAnswersPassesUnharmed(t *testing.T) {
	t.Parallel()
	f := front(t, Upstream{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Mcp-Session-Id", "abc")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("X-Own", "kept")
		w.Header().Set("Content-Type", "application/json")
		switch r.Method {
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodGet:
			w.Header().Set("Allow", "POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			body, _ := io.ReadAll(r.Body)
			if bytes.Contains(body, []byte("gone")) {
				w.WriteHeader(http.StatusNotFound)
			}
			if bytes.Contains(body, []byte("notification")) {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":"7","error":{"code":-32601,"message":"as it came: %s"}}`, strings.Repeat("x", 70_000))
		}
	}))
	for _, c := range []struct {
		method, body string
		status       int
		contains     string
	}{
		{http.MethodPost, ping, 200, "as it came"},
		{http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"gone"}`, 404, "as it came"},
		{http.MethodPost, `{"jsonrpc":"2.0","method":"notification"}`, 202, ""},
		{http.MethodGet, "", 405, ""},
		{http.MethodDelete, "", 204, ""},
	} {
		resp := send(t, f, c.method, c.body)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.contains) || c.contains != "" && len(body) < 70_000 {
			t.Errorf("%s %s: %d with %d bytes, %v", c.method, c.body, resp.StatusCode, len(body), err)
		}
		if resp.Header.Get("Mcp-Session-Id") != "abc" || resp.Header.Get("X-Own") != "kept" {
			t.Errorf("%s: headers %v", c.method, resp.Header)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("the upstream opened itself to every page")
		}
	}
	if resp := send(t, f, http.MethodPost, ping, "Origin", "http://localhost:5"); resp.Header.Get("Access-Control-Allow-Origin") != "http://localhost:5" {
		t.Errorf("a page that may call: %v", resp.Header)
	}
}

// Each event is there before the next is made, on GET and on POST.
func TestStreamsPassAsTheyCome(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		step := make(chan struct{})
		f := front(t, Upstream{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			for i := range 3 {
				<-step
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
			}
		}))
		resp := send(t, f, method, map[string]string{http.MethodPost: ping}[method]) // the headers are here before the first event
		lines := bufio.NewScanner(resp.Body)
		for i := range 3 {
			step <- struct{}{}
			if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
				t.Fatalf("%s, event %d: %q, %v", method, i, lines.Text(), lines.Err())
			}
			lines.Scan()
		}
	}
}

func TestWhoGoesAwayIsGoneUpstreamToo(t *testing.T) {
	t.Parallel()
	arrived, left := make(chan struct{}), make(chan struct{})
	f := front(t, Upstream{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
		close(left)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.URL, strings.NewReader(ping))
	req.Header.Set("Authorization", "Bearer x")
	done := make(chan error, 1)
	go func() { _, err := f.Client().Do(req); done <- err }()
	<-arrived
	cancel()
	if err := <-done; err == nil {
		t.Error("an answer came to who had gone")
	}
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the upstream goes on for nobody")
	}
}

func TestWhatBreaksAtAnUpstreamIsAnError(t *testing.T) {
	t.Parallel()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody, _ := url.Parse("http://" + dead.Addr().String())
	dead.Close()
	for name, c := range map[string]struct {
		u      Upstream
		behind http.HandlerFunc
		says   string
	}{
		"nobody there": {Upstream{URL: nobody}, nil, "refused"},
		"hangs up":     {Upstream{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed the connection without an answer"},
		"wants a token": {Upstream{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="https://elsewhere.example/"`)
			w.WriteHeader(401)
		}, "wants a token of its own"},
		"redirects": {Upstream{}, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/inner/", http.StatusTemporaryRedirect)
		}, `redirects to "/inner/" (307)`},
		"no header": {Upstream{Own: func() (http.Header, error) { return nil, os.ErrNotExist }}, nil, "not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := send(t, front(t, c.u, c.behind), http.MethodPost, ping)
			var told struct {
				Version string `json:"jsonrpc"`
				ID      any    `json:"id"`
				Error   struct {
					Code    int
					Message string
				} `json:"error"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode < 500 || told.Version != "2.0" || told.ID != "7" || told.Error.Code != upstreamBroken || !strings.Contains(told.Error.Message, c.says) {
				t.Errorf("%d, %+v", resp.StatusCode, told)
			}
			if resp.Header.Get("WWW-Authenticate") != "" {
				t.Error("the client is sent to the upstream's authorization server")
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsToldOrBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		media, sends string
		told         bool
	}{
		"between events":       {"text/event-stream", "data: 1\n\n", true},
		"between CRLF events":  {"text/event-stream", "data: 1\r\n\r\n", true},
		"before any event":     {"text/event-stream", "", true},
		"in an event":          {"text/event-stream", "data: 1\n\ndata: {\"js", false},
		"in a JSON document":   {"application/json", `{"jsonrpc":"2.0","id`, false},
		"byte by byte, in one": {"text/event-stream", "x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := front(t, Upstream{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.media)
				io.WriteString(w, c.sends)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}))
			resp := send(t, f, http.MethodPost, ping)
			body, err := io.ReadAll(resp.Body)
			told := strings.Contains(string(body), `"id":"7"`) && strings.Contains(string(body), "broke off") && strings.HasSuffix(string(body), "\n\n")
			if told != c.told || (err == nil) != c.told {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

func TestOwnHeadersAreReadAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, headers := filepath.Join(dir, "token"), filepath.Join(dir, "headers")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OwnHeaders(token, "", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a token file that is not there")
	}
	for text, says := range map[string]string{
		"Name value": "line 1 is no header", "A: b\n: c": "line 2", "Host: x": "Host is the connection's own", "A: b\x01": "characters",
	} {
		write(headers, text)
		if _, err := OwnHeaders("", headers, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	write(token, "one\n")
	write(headers, "# a comment\nX-Key: k\nx-key: l\n")
	var log bytes.Buffer
	get, err := OwnHeaders(token, headers, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := func(token string) {
		t.Helper()
		for range 40 { // it looks once a second
			if h, err := get(); err == nil && h.Get("Authorization") == "Bearer "+token && len(h["X-Key"]) == 2 {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		h, err := get()
		t.Errorf("%v, %v, want %s", h, err, token)
	}
	want("one")
	write(token, "another")
	want("another")
	write(token, "not a token\n")
	time.Sleep(1100 * time.Millisecond)
	want("another")
	if !strings.Contains(log.String(), "no bearer token") || strings.Contains(log.String(), "not a token\n") {
		t.Errorf("the log: %s", &log)
	}
}

func TestObservedPassesEverything(t *testing.T) {
	t.Parallel()
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer own")
		w.Header().Set("Location", "/login")
		w.WriteHeader(map[string]int{"/inner": 401, "/authorize": 302}[r.URL.Path])
		fmt.Fprintf(w, "%s %s %s %s", r.Host, r.URL, r.Header.Get("Authorization"), r.Header.Get("Origin"))
	}))
	t.Cleanup(b.Close)
	at, _ := url.Parse(b.URL + "/inner")
	f := httptest.NewServer(Observed("/mcp", at, nil, nil))
	t.Cleanup(f.Close)
	host := strings.TrimPrefix(f.URL, "http://")
	resp := send(t, f, http.MethodPost, ping, "Origin", "https://o.example")
	body, _ := io.ReadAll(resp.Body)
	if want := host + " /inner Bearer the-client-s-own https://o.example"; resp.StatusCode != 401 || string(body) != want || resp.Header.Get("WWW-Authenticate") != "Bearer own" {
		t.Errorf("%d %q %v, want %q", resp.StatusCode, body, resp.Header, want)
	}
	f.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	other, err := f.Client().Get(f.URL + "/authorize?x=%2F")
	if err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(other.Body)
	other.Body.Close()
	if want := host + " /authorize?x=%2F  "; other.StatusCode != 302 || string(body) != want {
		t.Errorf("%d %q, want %q", other.StatusCode, body, want)
	}
	b.Close()
	if resp := send(t, f, http.MethodPost, ping); resp.StatusCode != 502 {
		t.Errorf("without anybody behind it: %d", resp.StatusCode)
	}
}
