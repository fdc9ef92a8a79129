package gateway

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/server/internal/issuertest"
)

// An oracle is an introspection endpoint (RFC 7662) that says what it is told to.
type oracle struct {
	*httptest.Server
	asked  atomic.Int64
	hold   chan struct{} // closed: answer
	status atomic.Int64
	says   sync.Map // token -> map[string]any
}

func newOracle(t *testing.T) *oracle {
	o := &oracle{hold: make(chan struct{})}
	close(o.hold)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/.well-known/") {
			WriteJSON(w, 200, map[string]any{"issuer": o.URL, "introspection_endpoint": o.URL + "/introspect"})
			return
		}
		o.asked.Add(1)
		<-o.hold
		id, secret, _ := r.BasicAuth()
		if id != "https%3A%2F%2Fmcp.example.com%2Fmcp" || secret != "xyzzy%3A1" || o.status.Load() != 0 {
			w.WriteHeader(cmp.Or(int(o.status.Load()), 401))
			return
		}
		said, ok := o.says.Load(r.FormValue("token"))
		if !ok {
			said = map[string]any{"active": false}
		}
		WriteJSON(w, 200, said)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *oracle) verifier(t *testing.T, c *clock) *Verifier {
	t.Helper()
	r, err := NewResource(Resource{URL: target, Issuer: o.URL, Scopes: []string{"mcp:tools"}})
	if err != nil {
		t.Fatal(err)
	}
	issuer := NewIssuer(o.URL, nil, c.Now)
	v := NewVerifier(r, NewKeys(issuer, "", nil))
	v.Introspector = &Introspector{Issuer: issuer, ClientID: target, Secret: func() (string, error) { return "xyzzy:1", nil }}
	return v
}

func TestOpaqueTokensAreIntrospected(t *testing.T) {
	t.Parallel()
	o, c := newOracle(t), newClock()
	v := o.verifier(t, c)
	good := func(more ...any) map[string]any {
		m := map[string]any{"active": true, "aud": target, "scope": "mcp:tools", "sub": "alice", "client_id": "claude",
			"exp": c.Now().Add(time.Hour).Unix()}
		for i := 0; i < len(more); i += 2 {
			if m[more[i].(string)] = more[i+1]; more[i+1] == nil {
				delete(m, more[i].(string))
			}
		}
		return m
	}
	for name, say := range map[string]struct {
		says map[string]any
		want string
	}{
		"good":              {good(), "good"},
		"no-exp":            {good("exp", nil), "good"},
		"own-iss":           {good("iss", o.URL), "good"},
		"unknown":           {nil, "inactive"},
		"inactive":          {map[string]any{"active": false}, "inactive"},
		"active-is-a-word":  {good("active", "true"), "inactive"},
		"for-somebody-else": {good("aud", "account"), "audience"},
		"for-nobody":        {good("aud", nil), "audience"},
		"other-iss":         {good("iss", "https://evil.example.com"), "issuer"},
		"expired":           {good("exp", c.Now().Add(-time.Hour).Unix()), "expired"},
		"not-yet":           {good("nbf", c.Now().Add(time.Hour).Unix()), "not-yet"},
		"bound":             {good("cnf", map[string]string{"jkt": "x"}), "bound"},
		"refresh":           {good("typ", "Refresh"), "type"},
	} {
		if say.says != nil {
			o.says.Store(name, say.says)
		}
		token, err := v.Verify(context.Background(), name)
		if got := reason(err); got != say.want {
			t.Errorf("%s: %s, want %s", name, got, say.want)
		}
		if err == nil && (token.Subject != "alice" || token.Client != "claude" || len(token.Scopes) != 1) {
			t.Errorf("%s: %+v", name, token)
		}
	}
}

func TestWhatIntrospectionSaidHoldsForAMinute(t *testing.T) {
	t.Parallel()
	o, c := newOracle(t), newClock()
	v := o.verifier(t, c)
	o.says.Store("long", map[string]any{"active": true, "aud": target, "exp": c.Now().Add(time.Hour).Unix()})
	o.says.Store("short", map[string]any{"active": true, "aud": target, "exp": c.Now().Add(5 * time.Second).Unix()})
	ask := func(token string, asked int64) {
		t.Helper()
		_, _ = v.Verify(context.Background(), token)
		if got := o.asked.Swap(0); got != asked {
			t.Errorf("%s: asked %d times, want %d", token, got, asked)
		}
	}
	ask("long", 1)
	ask("long", 0)
	ask("short", 1)
	ask("nobody's", 1)
	ask("nobody's", 0)
	c.pass(11 * time.Second)
	ask("long", 0)
	ask("short", 1) // it has expired: what was said of it holds no longer than it does
	ask("nobody's", 1)
	c.pass(50 * time.Second)
	o.says.Store("long", map[string]any{"active": false})
	ask("long", 1)
	if _, err := v.Verify(context.Background(), "long"); reason(err) != "inactive" {
		t.Errorf("a withdrawn token: %v", err)
	}
}

func TestOneTokenIsAskedAboutOnceAtATime(t *testing.T) {
	t.Parallel()
	o, c := newOracle(t), newClock()
	v := o.verifier(t, c)
	o.says.Store("one", map[string]any{"active": true, "aud": target})
	o.hold = make(chan struct{})
	var all sync.WaitGroup
	results := make(chan error, 20)
	for range cap(results) {
		all.Go(func() {
			_, err := v.Verify(context.Background(), "one")
			results <- err
		})
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Verify(gone, "one"); err == nil {
		t.Error("who has gone got an answer")
	}
	close(o.hold)
	all.Wait()
	close(results)
	for err := range results {
		if err != nil {
			t.Error(err)
		}
	}
	if n := o.asked.Load(); n > 2 { // one that came late may have asked anew
		t.Errorf("asked %d times", n)
	}
}

func TestAnAuthorizationServerThatCannotBeAskedIsNoRefusal(t *testing.T) {
	t.Parallel()
	o, c := newOracle(t), newClock()
	v := o.verifier(t, c)
	o.says.Store("good", map[string]any{"active": true, "aud": target})
	for _, status := range []int64{401, 403, 500, 302} {
		o.status.Store(status)
		_, err := v.Verify(context.Background(), "good")
		if reason(err) != "unavailable" || strings.Contains(err.Error(), "xyzzy") {
			t.Errorf("%d: %v", status, err)
		}
	}
	o.status.Store(0)
	if _, err := v.Verify(context.Background(), "good"); err != nil {
		t.Errorf("after it can be asked again: %v", err)
	}
}

// A flood of tokens that somebody made up keeps nothing beyond the bound.
func TestIntrospectionIsBounded(t *testing.T) {
	t.Parallel()
	i := &Introspector{}
	i.once.Do(i.begin)
	now := time.Now()
	for n := range introspectedMost + 500 {
		i.keep([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}, introspected{until: now.Add(time.Minute)}, now)
	}
	if len(i.known) > introspectedMost {
		t.Errorf("%d are known, bound %d", len(i.known), introspectedMost)
	}
}

// Keycloak's lightweight access tokens are JWTs without an audience: they are asked about; a JWT that names one is not.
func TestALightweightTokenIsIntrospected(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		WriteJSON(w, 200, map[string]any{"active": true, "aud": target, "iss": i.URL})
	}))
	t.Cleanup(server.Close)
	v := verifier(t, i, c)
	issuer := NewIssuer(i.URL, nil, c.Now)
	issuer.held.Store(&serverMetadata{introspection: server.URL, fetched: c.Now()})
	v.Introspector = &Introspector{Issuer: issuer, ClientID: target, Secret: func() (string, error) { return "s", nil }}
	if _, err := v.Verify(context.Background(), i.Token(target, map[string]any{"aud": nil})); err != nil || asked != 1 {
		t.Errorf("lightweight: %v, asked %d times", err, asked)
	}
	if _, err := v.Verify(context.Background(), i.Token(target, map[string]any{"aud": "account"})); reason(err) != "audience" || asked != 1 {
		t.Errorf("for somebody else: %v, asked %d times", err, asked)
	}
}
