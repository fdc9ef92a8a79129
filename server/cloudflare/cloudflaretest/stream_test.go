package cloudflaretest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// before stands a small Cloudflare before an origin, on a port.
func before(t *testing.T, o Options, origin http.HandlerFunc) (*exposed, *http.Transport) {
	t.Helper()
	s := httptest.NewServer(origin)
	t.Cleanup(s.Close)
	r, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	e := &exposed{Cloudflare: r.Cloudflare, t: t}
	e.tunnelTo(s.URL)
	edge := r.Transport()
	t.Cleanup(edge.CloseIdleConnections)
	return e, edge
}

func open(t *testing.T, edge http.RoundTripper, url string) (*http.Response, time.Duration, error) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", claudeUser)
	began := time.Now()
	res, err := edge.RoundTrip(r)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, time.Since(began), err
}

const beat = 300 * time.Millisecond

// The edge holds headers back until the first byte, passes events on at once, and cuts a stream that is silent too long.
func TestEventStreams(t *testing.T) {
	t.Parallel()
	_, edge := before(t, Options{ReadTimeout: 4 * beat}, func(w http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(w)
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		_ = flush.Flush()
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
			return
		}
		time.Sleep(beat)
		_, _ = io.WriteString(w, ": one\n\n")
		_ = flush.Flush()
		<-r.Context().Done()
	})
	res, took, err := open(t, edge, "https://"+aHost+"/events")
	if err != nil || res.StatusCode != 200 || took < beat {
		t.Fatalf("headers after %v: %v", took, err)
	}
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != ": one\n" {
		t.Fatalf("%q, %v", line, err)
	}
	began := time.Now()
	if _, err := io.ReadAll(lines); !errors.Is(err, io.ErrUnexpectedEOF) || time.Since(began) < 3*beat {
		t.Errorf("ended after %v with %v", time.Since(began), err)
	}
	if res, took, err := open(t, edge, "https://"+aHost+"/silent"); err != nil || res.StatusCode != 524 || took < 3*beat {
		t.Errorf("silent: %v after %v", err, took)
	}
}

// What is no event stream arrives when it is whole.
func TestOtherStreamsAreBuffered(t *testing.T) {
	t.Parallel()
	_, edge := before(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(beat)
		_, _ = io.WriteString(w, "]")
	})
	res, _, err := open(t, edge, "https://"+aHost+"/")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "[]" {
		t.Errorf("%s, %v", b, err)
	}
}

func TestEdgeTLS(t *testing.T) {
	t.Parallel()
	e, edge := before(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
	e.record("CNAME", "a.b.example.com", e.connector.tunnel.id+tunnelDomain)
	if _, _, err := open(t, edge, "https://"+aHost+"/"); err != nil {
		t.Error(err)
	}
	_, _, err := open(t, edge, "https://a.b.example.com/")
	var alert tls.AlertError
	if err == nil || !errors.As(err, &alert) && !strings.Contains(err.Error(), "handshake failure") {
		t.Errorf("two levels below: %v", err)
	}
	e.set("always_use_https", "on")
	if res, _, err := open(t, edge, "http://"+aHost+"/mcp?x=1"); err != nil || res.StatusCode != 301 || res.Header.Get("Location") != "https://"+aHost+"/mcp?x=1" {
		t.Errorf("plain http: %v", err)
	}
}

func TestHeadersToTheOrigin(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	e.ask("GET", "https://"+aHost+"/mcp", claudeUser, "Cf-Connecting-Ip", "10.0.0.1", "X-Forwarded-For", "10.0.0.2", "Cf-Access-Jwt-Assertion", "forged")
	r := e.seen.Load()
	for name, want := range map[string]string{
		"X-Forwarded-Proto": "https", "Cf-Connecting-Ip": "198.51.100.7", "X-Forwarded-For": "10.0.0.2,198.51.100.7", "Cf-Visitor": `{"scheme":"https"}`,
		"Accept-Encoding": "gzip", "Cf-Access-Jwt-Assertion": "", "User-Agent": claudeUser,
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.Host != aHost || !strings.HasSuffix(r.Header.Get("Cf-Ray"), "-FRA") || len(r.Header.Get("Cf-Warp-Tag-Id")) != 36 {
		t.Errorf("%s %v", r.Host, r.Header)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	if res := e.ask("GET", "https://"+aHost+"/"+strings.Repeat("x", 17<<10), claudeUser); res.StatusCode != 414 {
		t.Errorf("URL: %d", res.StatusCode)
	}
	if res := e.ask("GET", "https://"+aHost+"/", claudeUser, "Authorization", strings.Repeat("x", 17<<10)); res.StatusCode != 431 {
		t.Errorf("header: %d", res.StatusCode)
	}
	r := httptest.NewRequest("POST", "https://"+aHost+"/", strings.NewReader("x"))
	r.ContentLength = 101 << 20
	w := httptest.NewRecorder()
	e.Edge().ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("body: %d", w.Code)
	}
	if res := e.ask("GET", "https://203.0.113.9/", claudeUser, "Accept", "application/problem+json"); res.StatusCode != 403 || res.Header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
		t.Errorf("by address: %d %v", res.StatusCode, res.Header)
	}
}

func TestManagedRules(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{})
	post := func() int {
		r := httptest.NewRequest("POST", "https://"+aHost+"/mcp", strings.NewReader(`{"q":"1 UNION SELECT password FROM users"}`))
		r.Header.Set("User-Agent", claudeUser)
		w := httptest.NewRecorder()
		e.Edge().ServeHTTP(w, r)
		return w.Code
	}
	if code := post(); code != 200 {
		t.Errorf("off: %d", code)
	}
	e.rule(PhaseManaged, map[string]any{"action": "execute", "expression": "true", "action_parameters": map[string]any{"id": managedFree}})
	if code := post(); code != 403 {
		t.Errorf("on: %d", code)
	}
	e.rule(PhaseCustom, map[string]any{"action": "skip", "expression": `http.request.uri.path eq "/mcp"`, "action_parameters": map[string]any{"phases": []any{PhaseManaged}}})
	if code := post(); code != 200 {
		t.Errorf("skipped: %d", code)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	e := expose(t, Options{Now: func() time.Time { return now }})
	url := "https://" + aHost + "/.well-known/oauth-protected-resource"
	if got := e.ask("GET", url, claudeUser).Header.Get("Cf-Cache-Status"); got != "DYNAMIC" {
		t.Errorf("without a rule: %s", got)
	}
	e.rule(PhaseCache, map[string]any{"action": "set_cache_settings", "expression": "true", "action_parameters": map[string]any{
		"cache": true, "edge_ttl": map[string]any{"mode": "override_origin", "default": 3600},
	}})
	e.ask("GET", url, claudeUser)
	now = now.Add(10 * time.Minute)
	res := e.ask("GET", url, claudeUser)
	if res.Header.Get("Cf-Cache-Status") != "HIT" || res.Header.Get("Age") != "600" {
		t.Errorf("%v", res.Header)
	}
	now = now.Add(time.Hour)
	if got := e.ask("GET", url, claudeUser).Header.Get("Cf-Cache-Status"); got != "MISS" {
		t.Errorf("after its life: %s", got)
	}
}

// fails is an origin without a tunnel that cannot be asked.
type fails struct{ err error }

func (f fails) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

type late struct{ error }

func (late) Timeout() bool   { return true }
func (late) Temporary() bool { return true }

func TestOriginsWithoutATunnel(t *testing.T) {
	t.Parallel()
	for want, err := range map[int]error{
		520: io.EOF, 521: syscall.ECONNREFUSED, 522: late{errors.New("i/o timeout")}, 523: syscall.EHOSTUNREACH, 525: tls.AlertError(40), 526: x509.UnknownAuthorityError{},
	} {
		e := &exposed{Cloudflare: New(Options{Origin: fails{err}}), t: t}
		e.record("A", aHost, "192.0.2.1")
		if res := e.ask("GET", "https://"+aHost+"/", claudeUser); res.StatusCode != want {
			t.Errorf("%v: %d, want %d", err, res.StatusCode, want)
		}
	}
}

// Super Bot Fight Mode is there on paid plans, and its phase can be skipped.
func TestSuperBotFightMode(t *testing.T) {
	t.Parallel()
	e := expose(t, Options{Zones: []Zone{{Name: "example.com", Plan: "pro"}}})
	e.bots("sbfm_definitely_automated", "block")
	if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser); res.StatusCode != 403 {
		t.Errorf("on: %d", res.StatusCode)
	}
	firstRule(skipOurs)(e)
	if res := e.ask("POST", "https://"+aHost+"/mcp", claudeUser); res.StatusCode != 200 {
		t.Errorf("skipped: %d", res.StatusCode)
	}
	if _, err := e.Do("PUT", e.zone("/bot_management"), map[string]any{"fight_mode": true}); err == nil {
		t.Error("a paid plan has no Bot Fight Mode")
	}
}
