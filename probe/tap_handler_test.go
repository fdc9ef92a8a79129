package probe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// streaming answers with one event, then waits to be let go.
func streaming(letGo <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		fmt.Fprint(w, ": hello\n\n", "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\r\n\r\n")
		http.NewResponseController(w).Flush()
		<-letGo
		fmt.Fprint(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n")
	})
}

// TestStreamPasses holds an event back on neither side of the wire: it is read while the handler is still at work.
func TestStreamPasses(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	heard, told := &seen{}, &seen{}
	server := &Tap{To: heard.to}
	origin := httptest.NewServer(streaming(letGo))
	defer origin.Close()
	target, _ := url.Parse(origin.URL)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: &http.Transport{}}
	srv := httptest.NewServer(server.Handler(proxy))
	defer srv.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	tap := &Tap{To: told.to}
	resp, err := tap.Transport(transport).RoundTrip(request(t, "GET", srv.URL+"/mcp", ""))
	if err != nil {
		t.Fatal(err)
	}
	if all := told.list(); len(all) != 1 || !all[0].Open || all[0].Status() != 200 {
		t.Errorf("at the header: %+v", all)
	}
	lines := bufio.NewReader(resp.Body)
	for line := ""; !strings.HasPrefix(line, "data:"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if lines.ReadString('\n'); true {
		all := told.list()
		if last := all[len(all)-1]; len(all) != 2 || !last.Open || len(last.Answer().Events) != 1 {
			t.Errorf("at the first event: %+v", all)
		}
	}
	close(letGo)
	io.Copy(io.Discard, lines)
	resp.Body.Close()
	server.Close()
	for name, all := range map[string][]Exchange{"client": told.list(), "server": heard.list()} {
		last := all[len(all)-1]
		if len(all) != 3 || last.Open || len(last.Answer().Events) != 2 || all[0].ID != last.ID {
			t.Errorf("%s: told %d times, at last %+v", name, len(all), last)
		}
		if e := last.Answer().Events[0]; e.Event != "message" || e.At <= 0 || last.Answer().Message()["result"] == nil {
			t.Errorf("%s: event %+v", name, e)
		}
		again(t, last)
	}
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandler(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		check   func(x Exchange) bool
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, func(x Exchange) bool { return x.Status() == 200 }},
		{"body unread", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, func(x Exchange) bool {
			return x.Status() == 401 && x.Request.Body.JSON == nil && x.Request.Body.Type == "application/json"
		}},
		{"type guessed", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><body>hello") }, func(x Exchange) bool {
			return x.Answer().Type == "text/html" && x.Answer().Page.Text == "hello"
		}},
		{"interim", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(202)
		}, func(x Exchange) bool { return x.Status() == 202 }},
		{"given up", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, func(x Exchange) bool {
			return x.Error != nil && x.Error.Kind == "reset" && x.Response == nil
		}},
		{"noted", func(w http.ResponseWriter, r *http.Request) { Note(r.Context(), Fact{Kind: "verified"}) }, func(x Exchange) bool {
			return len(x.Notes) == 1 && x.Notes[0].Kind == "verified"
		}},
		{"read", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, func(x Exchange) bool {
			return x.Request.Body.Method() == "initialize" && x.Request.Body.SHA256 != "" && x.Remote != ""
		}},
		{"hijacked", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		}, func(x Exchange) bool { return x.Response == nil }},
		{"deadline", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
				w.WriteHeader(500)
			}
		}, func(x Exchange) bool { return x.Status() == 200 }},
		{"too long", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, serverBody+1)) }, func(x Exchange) bool {
			return x.Answer().Truncated && x.Answer().Size == serverBody+1 && x.Answer().SHA256 == ""
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			told := &seen{}
			tap := &Tap{To: told.to, Public: &url.URL{Scheme: "https", Host: "mcp.example"}}
			srv := httptest.NewServer(tap.Handler(test.handler))

			r := request(t, "POST", srv.URL+"/mcp?a=b", `{"jsonrpc":"2.0","id":1,"method":"initialize"}`)
			r.Header.Set("Content-Type", "application/json")
			if resp, err := srv.Client().Do(r); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			srv.Close()
			tap.Close()
			all := told.list()
			if len(all) != 1 || !test.check(all[0]) || all[0].Peer != nil || !strings.HasPrefix(all[0].Request.URL, "https://mcp.example/mcp?a=") {
				t.Errorf("told %+v", all)
			}
		})
	}
}

func TestHandlerSwitchingProtocols(t *testing.T) {
	t.Parallel()
	told := &seen{}
	tap := &Tap{To: told.to}
	srv := httptest.NewServer(tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		conn.Close()
	})))
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	conn.Close()
	srv.Close()
	tap.Close()
	if all := told.list(); !strings.Contains(string(answer), "101") || len(all) != 1 || all[0].Status() != 101 {
		t.Errorf("answer %q, told %+v", answer, all)
	}
}

// TestQueueIsBounded stops To, so that what comes meanwhile must be dropped and counted.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	told := &seen{}
	tap := &Tap{queueLimit: 64 << 10}
	tap.To = func(x Exchange) { <-letGo; told.to(x) }
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10<<10)) }))
	const n = 50
	for range n {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/mcp", nil))
	}
	tap.queue.mu.Lock()
	held := tap.queue.bytes
	tap.queue.mu.Unlock()
	close(letGo)
	tap.Close()
	if held > 64<<10 || tap.Dropped() == 0 || int(tap.Dropped())+len(told.list()) != n {
		t.Errorf("held %d bytes, dropped %d, told %d of %d", held, tap.Dropped(), len(told.list()), n)
	}
	for _, x := range told.list() {
		if x.Answer().Size != 10<<10 {
			t.Errorf("told in part: %+v", x)
		}
	}
}

// TestStreamToldOnceIsToldToItsEnd: what the session knows to be open must not stay open for ever.
func TestStreamToldOnceIsToldToItsEnd(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	told := &seen{}
	tap := &Tap{queueLimit: 10 << 10}
	tap.To = func(x Exchange) { <-letGo; told.to(x) }
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n"+strings.Repeat(": x\n", 4000))
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/mcp", nil))
	close(letGo)
	tap.Close()
	all := told.list()
	if len(all) != 3 || all[2].Open || !all[2].Answer().Truncated || tap.Dropped() != 0 {
		t.Errorf("told %+v", all)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	told := &seen{}
	tap := &Tap{To: told.to, Want: func(r *http.Request) bool { return r.URL.Path == "/mcp" }}
	var wrapped bool
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, wrapped = w.(*tapWriter) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/other", nil))
	if tap.queue.wait(); wrapped || len(told.list()) != 0 {
		t.Error("what is not wanted was copied")
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/mcp", nil))
	tap.Close()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/mcp", nil))
	if wrapped || len(told.list()) != 1 {
		t.Errorf("told %d, want 1; still copying after Close: %v", len(told.list()), wrapped)
	}
}

// TestCloseTellsWhatIsOpen and leaves no goroutine of the tap's own.
func TestCloseTellsWhatIsOpen(t *testing.T) {
	t.Parallel()
	letGo, begun := make(chan struct{}), make(chan struct{})
	told := &seen{}
	tap := &Tap{To: told.to}
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		close(begun)
		<-letGo
	}))
	var wg sync.WaitGroup
	wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/mcp", nil)) })
	<-begun
	open := tap.Close()
	close(letGo)
	wg.Wait()
	all := told.list()
	if len(open) != 1 || len(all) != 1 || !all[0].Open || all[0].ID != open[0] {
		t.Errorf("open %v, told %+v", open, all)
	}
	tap.queue.mu.Lock()
	defer tap.queue.mu.Unlock()
	if tap.queue.idle != nil {
		t.Error("the tap still works")
	}
}

func TestGrant(t *testing.T) {
	t.Parallel()
	f := NewFingerprinter()
	tests := []struct{ name, header, value, want string }{
		{"sid", "Authorization", "Bearer " + canaryJWT, f.Of(canaries["sid"])},
		{"sub and azp", "Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiYXpwIjoiYiJ9.x", f.Of(f.Of("a") + " b")},
		{"opaque", "Authorization", "Bearer opaque-0123456789", f.Of("opaque-0123456789")},
		{"session", "Mcp-Session-Id", "session-0123456789", f.Of("session-0123456789")},
		{"none", "Accept", "*/*", ""},
	}
	for _, test := range tests {
		told := &seen{}
		tap := &Tap{To: told.to, Fingerprints: f}
		for range 2 { // the second time the token is known
			r := httptest.NewRequest("GET", "/mcp", nil)
			r.Header.Set(test.header, test.value)
			tap.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
		}
		tap.Close()
		for i, x := range told.list() {
			if x.Grant != test.want {
				t.Errorf("%s, request %d: %q, want %q", test.name, i, x.Grant, test.want)
			}
		}
	}
}
