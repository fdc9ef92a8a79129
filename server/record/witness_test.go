package record

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

func TestPreludeAndGrantAreOne(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.stranger("160.79.104.10:1")
	s.caller("160.79.106.200:2", "alice") // another address of the same cloud
	h := s.only()
	if h.Seen != 5 || h.Stopped != "" || !h.Open || h.Client.Name != "claude-ai" {
		t.Errorf("handshake is %+v", h)
	}
	for _, check := range []string{"challenge.names-metadata", "token.let-in"} {
		if got := outcome(h, check); got != probe.Passed {
			t.Errorf("%s is %s", check, got)
		}
	}
	started, ok := s.Events(h.ID)[0].(probe.Started)
	if !ok || started.Source != probe.Overheard || len(started.Expect) != 0 || started.Target != target {
		t.Errorf("it began as %+v", s.Events(h.ID)[0])
	}
}

// TestLending: of one prelude it cannot be known whose it was, so each of those who follow has it.
func TestLending(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remote string
		wait   time.Duration
		want   probe.Outcome
	}{
		"the same cloud":         {"160.79.111.1:1", 0, probe.Passed},
		"nine minutes later":     {"160.79.111.1:1", 9 * time.Minute, probe.Passed},
		"eleven minutes later":   {"160.79.111.1:1", 11 * time.Minute, probe.Skipped},
		"from somewhere else":    {"160.79.112.1:1", 0, probe.Skipped},
		"from another continent": {"[2001:db8:1::1]:1", 0, probe.Skipped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, nil)
			s.stranger("160.79.104.10:1")
			s.caller("160.79.104.10:1", "alice")
			s.pass(c.wait)
			s.caller(c.remote, "bob")
			bob := s.Recent("bob")
			if len(bob) != 1 || outcome(bob[0], "challenge.names-metadata") != c.want {
				t.Errorf("bob's handshakes: %+v", bob)
			}
			if alice := s.Recent("alice"); len(alice) != 1 || alice[0].Seen != 5 {
				t.Errorf("alice's handshakes: %+v", alice)
			}
		})
	}
}

func TestStoppedAfter(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	for range 3 {
		s.stranger("192.0.2.7:1")
		s.pass(3 * time.Minute)
	}
	if h := s.only(); !h.Open {
		t.Fatal("it ended although it was heard of")
	}
	s.pass(8 * time.Minute)
	h := s.only()
	if h.Open || h.Stopped != probe.StageResourceMetadata || h.Seen != 6 {
		t.Errorf("it ended as %+v", h)
	}
	s.stranger("192.0.2.7:1")
	s.pass(quiet)
	if n := strings.Count(s.log.String(), "stopped after resource-metadata"); n != 2 {
		t.Errorf("told %d times, ten minutes apart:\n%s", n, &s.log)
	}
	s.stranger("192.0.2.7:1")
	s.stranger("198.51.100.7:1")
	s.pass(quiet)
	if n := strings.Count(s.log.String(), "stopped after resource-metadata"); n != 3 {
		t.Errorf("told %d times, once for a client:\n%s", n, &s.log)
	}
}

// TestForged: whoever guesses a subject gets into nobody's handshake.
func TestForged(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.caller("192.0.2.7:1", "alice")
	s.hear(ask{remote: "203.0.113.1:1", call: "tools/list", status: 401, grant: "session of alice", token: "forged", sub: "alice", forged: true})
	if alice := s.Recent("alice"); len(alice) != 1 || alice[0].Seen != 3 {
		t.Errorf("alice's handshakes: %+v", alice)
	}
	if all := s.Handshakes(); len(all) != 2 {
		t.Errorf("%d handshakes", len(all))
	}
}

func TestRecentIsOnesOwn(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.caller("192.0.2.7:1", "alice")
	s.pass(time.Second)
	s.hear(ask{call: "initialize", status: 401, grant: "g", token: "expired", sub: "alice"})
	if got := s.Recent("alice"); len(got) != 1 {
		t.Errorf("a token that was not let in says whose handshake it is: %+v", got)
	}
	if got := s.Recent("bob"); len(got) != 0 {
		t.Errorf("bob sees %+v", got)
	}
	if got := s.Recent(""); len(got) != 0 {
		t.Errorf("nobody sees %+v", got)
	}
}

// TestOwnCalls: what the server is answered by the authorization server is evidence in every handshake.
func TestOwnCalls(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.stranger("192.0.2.7:1")
	own := s.exchange(ask{method: "GET", url: "https://auth.example.com/.well-known/oauth-authorization-server/realms/r", status: 500})
	own.ID = 1 // another tap counts by itself
	s.Lent(own)
	s.caller("203.0.113.1:1", "alice")
	for _, h := range s.Handshakes() {
		var lent, first int
		for _, e := range s.Events(h.ID) {
			if seen, ok := e.(probe.Seen); ok && seen.Exchange.Status() == 500 {
				lent++
			} else if ok && seen.Exchange.N == 1 {
				first++
			}
		}
		if lent != 1 {
			t.Errorf("%s was lent %d of the server's own calls", h.ID, lent)
		}
		if h.Subject == "" && first != 1 {
			t.Errorf("the lent call replaced one of the client's")
		}
		if h.Stopped == probe.StageServerMetadata {
			t.Error("the server's own call counts as the client's")
		}
	}
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	bad := func(remote string) {
		s.hear(ask{remote: remote, call: "initialize", client: "cursor", status: 401})
	}
	count := func() int { return strings.Count(s.log.String(), "check=challenge.names-metadata") }
	bad("192.0.2.7:1")
	s.pass(settle / 2)
	if count() != 0 {
		t.Error("told before the client paused: it might have gone on")
	}
	s.pass(settle)
	if count() != 1 || !strings.Contains(s.log.String(), `client="cursor 1"`) || !strings.Contains(s.log.String(), `msg="failed: `) {
		t.Errorf("told %d times:\n%s", count(), &s.log)
	}
	bad("192.0.2.7:1")
	bad("203.0.113.1:1")
	s.pass(settle)
	if count() != 1 {
		t.Errorf("told %d times of one client:\n%s", count(), &s.log)
	}
	s.pass(quiet)
	bad("192.0.2.7:1")
	s.pass(settle)
	if count() != 2 {
		t.Errorf("told %d times after ten minutes:\n%s", count(), &s.log)
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	claude := &probe.Profile{ID: "claude-ai"}
	s := newStand(t, func(o *Options) {
		o.Recognise = func(c Client) *probe.Profile {
			if c.Name == "claude-ai" {
				return claude
			}
			return nil
		}
	})
	s.hear(ask{method: "GET", agent: "python-httpx/0.28.1", status: 401})
	if s.only().Profile != nil {
		t.Error("recognised by nothing")
	}
	s.stranger("192.0.2.7:4711")
	if s.only().Profile != claude {
		t.Error("not recognised")
	}
	var told bool
	for _, e := range s.Events(s.only().ID) {
		r, ok := e.(probe.Recognised)
		told = told || ok && r.Profile == claude
	}
	if !told {
		t.Error("the session was not told")
	}
}

// TestRecogniseByTheClientsOwnRequests: one address may be that of several clients; what others said before there was a
// token does not name the one that has it.
func TestRecogniseByTheClientsOwnRequests(t *testing.T) {
	t.Parallel()
	s := newStand(t, func(o *Options) {
		o.Recognise = func(c Client) *probe.Profile {
			if strings.HasPrefix(c.UserAgent, "openai-mcp") {
				return &probe.Profile{ID: "chatgpt"}
			}
			return nil
		}
	})
	s.hear(ask{method: "GET", agent: "openai-mcp/1.0.0", status: 401})
	if p := s.only().Profile; p == nil || p.ID != "chatgpt" {
		t.Fatalf("the prelude is of %v", p)
	}
	s.hear(ask{call: "initialize", agent: "machine/1", status: 200, grant: "session of bob", token: "token of bob", sub: "bob"})
	if h := s.Recent("bob")[0]; h.Profile != nil || h.Client.UserAgent != "machine/1" {
		t.Errorf("recognised as %v, %s", h.Profile, h.Client)
	}
}

// TestForeignTokenStandsForItself: a token for another resource is no part of the handshake of a client with the same grant; one
// for this resource that is refused, because it is over, is.
func TestForeignTokenStandsForItself(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.caller("192.0.2.7:4711", "alice")
	refused := func(token, aud string) {
		x := s.exchange(ask{call: "tools/list", status: 401, grant: "session of alice", token: token, sub: "alice"})
		x.Notes, x.Tokens[0].Claims["aud"] = nil, aud
		s.Heard(x)
	}
	seen := s.Recent("alice")[0].Seen
	refused("token for elsewhere", "https://other.example/mcp")
	if now := s.Recent("alice")[0].Seen; now != seen || len(s.Handshakes()) != 2 {
		t.Errorf("seen %d after %d, %d handshakes", now, seen, len(s.Handshakes()))
	}
	refused("token that is over", target)
	if now := s.Recent("alice")[0].Seen; now != seen+1 || len(s.Handshakes()) != 2 {
		t.Errorf("seen %d after %d, %d handshakes", now, seen, len(s.Handshakes()))
	}
}

// TestGate: once the tools were listed, requests with that token are counted, and only what fails is kept.
func TestGate(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	status := 200
	h := s.Gate("https://mcp.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Wants(r) {
			w.Header().Set("Www-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(status)
			http.NewResponseController(w).Flush()
		}
	}))
	send := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	s.hear(ask{call: "initialize", status: 200, grant: "session of alice", token: "token of alice", sub: "alice"})
	send("token of alice")
	if s.only().Past != 0 {
		t.Fatal("counted before the handshake was done")
	}
	s.caller("192.0.2.7:4711", "alice")
	alice := func() Handshake { return s.Recent("alice")[0] }
	for range 5 {
		if w := send("token of alice"); !w.Flushed {
			t.Fatal("the flush did not get through")
		}
	}
	send("token of bob")
	if h := alice(); h.Past != 5 || h.Seen != 4 {
		t.Errorf("counted %+v", h)
	}
	status = 401
	send("token of alice")
	s.Tick()
	if h := alice(); h.Past != 6 || outcome(h, "token.let-in") != probe.Failed {
		t.Errorf("a failure past the gate: %+v", h)
	}
	if text := fmt.Sprint(s.Events(alice().ID)); strings.Contains(text, "token of alice") {
		t.Error("the token is in the events")
	}
	// What only passes keeps a handshake from ending.
	status = 200
	for range 4 {
		s.pass(quiet / 2)
		send("token of alice")
	}
	if !alice().Open {
		t.Error("it ended while it was in use")
	}
	s.pass(quiet)
	if alice().Open {
		t.Error("it did not end")
	}
	if !s.Wants(httptest.NewRequest(http.MethodPost, "/mcp", nil)) {
		t.Error("a request without a token is not wanted")
	}
}

// TestRefreshedToken: a new token of the same grant goes on in the same handshake, and is soon only counted too.
func TestRefreshedToken(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.caller("192.0.2.7:4711", "alice")
	for n := range 20 {
		s.hear(ask{call: "tools/call", status: 200, grant: "session of alice", token: fmt.Sprint("token ", n), sub: "alice"})
	}
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer token 19")
	if h := s.only(); h.Seen != 23 || s.Wants(r) {
		t.Errorf("handshake is %+v", h)
	}
	r.Header.Set("Authorization", "Bearer token 0")
	if !s.Wants(r) {
		t.Error("old tokens are kept for ever")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.caller("192.0.2.7:1", "alice")
	for n := range 1000 {
		s.stranger(fmt.Sprintf("10.%d.%d.1:1", n/250, n%250))
	}
	if len(s.open) > openMost || len(s.kept) > keptMost || len(s.ledger.places) > placesMost || len(s.preludes) > openMost {
		t.Errorf("%d open, %d kept, %d places, %d preludes", len(s.open), len(s.kept), len(s.ledger.places), len(s.preludes))
	}
	s.telling.mu.Lock() // a session tells what it finds a moment later
	events, order := len(s.telling.events), len(s.telling.order)
	s.telling.mu.Unlock()
	if events != len(s.open)+len(s.kept) || order != events {
		t.Errorf("%d event lists for %d handshakes", events, len(s.open)+len(s.kept))
	}
	if alice := s.Recent("alice"); len(alice) != 1 || !alice[0].Open {
		t.Error("strangers pushed out a caller")
	}
	for range exchangesMost + 50 {
		s.hear(ask{remote: "192.0.2.7:1", call: "ping", status: 200, grant: "g", token: "t", sub: "bob"})
	}
	if h := s.Recent("bob")[0]; h.Dropped != 50 || h.Seen != exchangesMost+50 {
		t.Errorf("handshake is %+v", h)
	}
	big := ask{remote: "192.0.2.9:1", call: "initialize", status: 401}
	for n := range 2000 {
		x := s.exchange(big)
		x.Remote = fmt.Sprintf("172.16.%d.1:1", n%200)
		x.Request.Body.Size, x.Response.Body.Size = bodyMost, bodyMost
		s.Heard(x)
	}
	if s.size > bytesMost || s.ledger.size > lentMost || s.keptSize > bytesMost {
		t.Errorf("%d bytes open, %d lent, %d kept", s.size, s.ledger.size, s.keptSize)
	}
	for _, h := range append([]*handshake(nil), s.open...) {
		s.end(h, s.now)
	}
	s.ledger.expire(s.now.Add(time.Hour))
	if s.size != 0 || s.ledger.size != 0 {
		t.Errorf("%d and %d bytes of nothing", s.size, s.ledger.size)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.stranger("192.0.2.7:1")
	ctx, leave := context.WithCancel(t.Context())
	early, late := s.Watch(ctx), s.Watch(t.Context())
	if _, ok := (<-early).(probe.Started); !ok {
		t.Error("what was before is not told first")
	}
	leave()
	for range early {
	}
	s.caller("192.0.2.7:1", "alice")
	s.Close()
	var seen, finished int
	for e := range late {
		switch e.(type) {
		case probe.Seen:
			seen++
		case probe.Finished:
			finished++
		}
	}
	if seen != 5 || finished != 1 {
		t.Errorf("watched %d exchanges, %d ends", seen, finished)
	}
	if len(s.telling.watchers) != 0 {
		t.Errorf("%d watchers left", len(s.telling.watchers))
	}
	s.stranger("192.0.2.7:1")
	if s.Handshakes()[0].Open {
		t.Error("a closed witness hears")
	}
}

func TestSlowWatcherLosesAndIsCounted(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.Watch(t.Context())
	for n := 0; s.Lost() == 0; n++ {
		s.stranger(fmt.Sprintf("10.%d.%d.1:1", n/250%250, n%250))
		if n > watchRoom {
			t.Fatal("nothing was lost")
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"160.79.104.1:443":       "160.79.104.0/21",
		"160.79.111.255:443":     "160.79.104.0/21",
		"160.79.112.0:443":       "160.79.112.0/24",
		"192.0.2.7:1":            "192.0.2.0/24",
		"[::ffff:192.0.2.7]:1":   "192.0.2.0/24",
		"[2001:db8:1:2::3]:1":    "2001:db8:1::/48",
		"[fe80::1%eth0]:1":       "fe80::/48",
		"127.0.0.1:1":            "loopback",
		"[::1]:1":                "loopback",
		"192.0.2.7":              "192.0.2.0/24",
		"what a proxy may write": "what a proxy may write",
	} {
		if got := place(remote); got != want {
			t.Errorf("%s is of %s, want %s", remote, got, want)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	w := New(Options{Target: target})
	defer w.Close()
	token := strings.Repeat("x", 1300)
	h := &handshake{}
	w.byToken.Store(w.opts.Fingerprints.Of(token), h)
	g := w.Gate("https://mcp.example.com", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rw := httptest.NewRecorder()
	for b.Loop() {
		g.ServeHTTP(rw, r)
	}
}
