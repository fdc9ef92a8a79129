package browser

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A site answers one request after the other with what it was told to, among it the pages that a real Keycloak showed.
type site struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	answers []func(http.ResponseWriter, *http.Request)
	asked   []*http.Request // with Form parsed
	seen    []probe.Exchange
	tap     *probe.Tap
}

func newSite(t *testing.T, answers ...func(*site, http.ResponseWriter, *http.Request)) *site {
	s := &site{t: t}
	s.tap = &probe.Tap{To: func(x probe.Exchange) { s.seen = append(s.seen, x) }}
	for _, a := range answers {
		s.answers = append(s.answers, func(w http.ResponseWriter, r *http.Request) { a(s, w, r) })
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		s.t.Error(err)
	}
	n := len(s.asked)
	s.asked = append(s.asked, r)
	if n >= len(s.answers) {
		s.t.Errorf("not expected: %s %s", r.Method, r.URL)
		http.NotFound(w, r)
		return
	}
	s.answers[n](w, r)
}

// shows answers with a page of testdata.
func shows(name string) func(*site, http.ResponseWriter, *http.Request) {
	return func(s *site, w http.ResponseWriter, r *http.Request) {
		body, err := os.ReadFile(filepath.Join("testdata", "pages", name+".html"))
		if err != nil {
			s.t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Add("Set-Cookie", "AUTH_SESSION_ID=a-session-of-the-login;Version=1;Path=/realms/mcp/;Secure;HttpOnly;SameSite=None")
		w.Header().Add("Set-Cookie", `KC_AUTH_SESSION_HASH="a-hash-in-quotes";Version=1;Path=/realms/mcp/;Max-Age=60;Secure;SameSite=None`)
		if strings.HasPrefix(name, "error-") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(strings.ReplaceAll(string(body), "https://auth.example.com", s.URL)))
	}
}

// says answers with a page of the test's own.
func says(body string) func(*site, http.ResponseWriter, *http.Request) {
	return func(s *site, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(body))
	}
}

func redirects(status int, to string) func(*site, http.ResponseWriter, *http.Request) {
	return func(s *site, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

const response = hosted + "?state=st-4711-8152&iss=https%3A%2F%2Fauth.example.com%2Frealms%2Fmcp&code=the-code-itself-0815"

// request is an authorization request at the site; whatever leaves it fails the test.
func (s *site) request() Request {
	oidc := s.URL + "/realms/mcp/protocol/openid-connect/"
	q := url.Values{"client_id": {"claude"}, "redirect_uri": {hosted}, "response_type": {"code"}, "state": {"st-4711-8152"}}
	return Request{URL: oidc + "auth?" + q.Encode(), RedirectURI: hosted, State: "st-4711-8152", Issuer: s.URL + "/realms/mcp",
		EndSession: oidc + "logout", Tap: s.tap, Transport: s.tap.Transport(onlyTo{s, strings.TrimPrefix(s.URL, "http://")})}
}

type onlyTo struct {
	s    *site
	host string
}

func (o onlyTo) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != o.host {
		o.s.t.Errorf("%s was contacted", r.URL.Host)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// bore returns the fields of the form that was sent as the n-th request.
func (s *site) bore(n int) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= len(s.asked) {
		s.t.Fatalf("there were %d requests", len(s.asked))
	}
	return s.asked[n].PostForm
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}
