package probe

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// seen collects exchanges.
type seen struct {
	mu  sync.Mutex
	all []Exchange
}

func (s *seen) to(x Exchange) { s.mu.Lock(); defer s.mu.Unlock(); s.all = append(s.all, x) }

func (s *seen) list() []Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Exchange(nil), s.all...)
}

// tapped returns a tap, a client through it, and what it tells.
func tapped(t *testing.T) (*Tap, *http.Client, *seen) {
	t.Helper()
	told := &seen{}
	tap := &Tap{To: told.to}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: tap.Transport(transport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return tap, client, told
}

func TestTransport(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"access_token":"opaque-access-token-1","token_type":"Bearer","expires_in":300}`)
	}))
	defer srv.Close()
	tap, client, told := tapped(t)
	resp, err := client.Post(srv.URL+"/token?state=my-secret-state-0", "application/x-www-form-urlencoded",
		strings.NewReader("grant_type=authorization_code&code=the-code-0123&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&client_id=mcp"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), "opaque-access-token-1") {
		t.Errorf("the caller got %q", body)
	}
	if open := tap.Close(); len(open) != 0 {
		t.Errorf("open after the end: %v", open)
	}
	all := told.list()
	if len(all) != 1 {
		t.Fatalf("told %d exchanges, want 1", len(all))
	}
	x := all[0]
	if got, want := x.S256["code_verifier"], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; got != want {
		t.Errorf("S256 is %q, want RFC 7636 appendix B's %q", got, want)
	}
	if token, ok := x.Token("response.access_token"); !ok || token.Length != 21 {
		t.Errorf("token %+v", token)
	}
	if x.Answer().Object()["token_type"] != "Bearer" || x.Request.Body.Form.Get("client_id") != "mcp" {
		t.Errorf("lost what may stay: %+v", x)
	}
	if x.Request.Header.Get("User-Agent") == "" || x.Peer == nil || x.Timing.Total == 0 {
		t.Errorf("lost what the wire tells: %+v", x)
	}
}

// A tap may be closed while requests begin: what is told of one has its address already.
func TestCloseWhileRequestsBegin(t *testing.T) {
	t.Parallel()
	for range 50 {
		tap := &Tap{To: func(x Exchange) {
			if x.Request.URL != "http://mcp.example.com/mcp" {
				t.Errorf("told of %q", x.Request.URL)
			}
		}}
		to := tap.Transport(roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.EOF }))
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://mcp.example.com/mcp", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := to.RoundTrip(r); err == nil {
					t.Error("no error")
				}
			})
		}
		tap.Close()
		asking.Wait()
	}
}
