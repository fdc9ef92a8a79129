package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func guarded(verify func(context.Context, string) (*Token, error)) http.Handler {
	g := &Guard{
		Resource: Resource{URL: target, Issuer: "https://auth.example.com/realms/r", Scopes: []string{"mcp:tools", "email"}},
		Verify:   verify,
	}
	return g.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(TokenFrom(r.Context()).Subject))
	}))
}

// TestChallenge holds the header to the byte: clients parse it in many ways.
func TestChallenge(t *testing.T) {
	t.Parallel()
	const where = `Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools email"`
	full := &Token{Subject: "user-1", Scopes: []string{"email", "mcp:tools", "profile"}}
	for name, c := range map[string]struct {
		headers   []string
		query     string
		token     *Token
		err       error
		status    int
		challenge string
		code      string
		retry     string
	}{
		"no token":        {status: 401, challenge: where, code: "unauthorized"},
		"empty token":     {headers: []string{"Bearer "}, status: 401, challenge: where, code: "unauthorized"},
		"Basic":           {headers: []string{"Basic eDp5"}, status: 401, challenge: where, code: "unauthorized"},
		"good":            {headers: []string{"Bearer abc"}, token: full, status: 200},
		"lower case":      {headers: []string{"bearer abc"}, token: full, status: 200},
		"two spaces":      {headers: []string{"Bearer  abc"}, token: full, status: 200},
		"two headers":     {headers: []string{"Bearer abc", "Bearer abc"}, status: 400, code: "invalid_request", challenge: where + `, error="invalid_request", error_description="more than one Authorization header"`},
		"two tokens":      {headers: []string{"Bearer abc def"}, status: 400, code: "invalid_request", challenge: where + `, error="invalid_request", error_description="the token has characters that no bearer token has (RFC 6750 section 2.1)"`},
		"token in query":  {query: "?access_token=abc", status: 400, code: "invalid_request", challenge: where + `, error="invalid_request", error_description="an access token in the query string is refused (MCP, RFC 6750 section 2.3): send it as Authorization: Bearer"`},
		"both":            {headers: []string{"Bearer abc"}, query: "?access_token=abc", token: full, status: 400, code: "invalid_request", challenge: where + `, error="invalid_request", error_description="an access token in the query string is refused (MCP, RFC 6750 section 2.3): send it as Authorization: Bearer"`},
		"bad token":       {headers: []string{"Bearer abc"}, err: refuse("x", "bad \"quoted\\ \n token é"), status: 401, code: "invalid_token", challenge: where + `, error="invalid_token", error_description="bad 'quoted' ? token ?"`},
		"missing scope":   {headers: []string{"Bearer abc"}, token: &Token{Scopes: []string{"email"}}, status: 403, code: "insufficient_scope", challenge: where + `, error="insufficient_scope", error_description="the token has scope 'email' and lacks 'mcp:tools'"`},
		"keys not there":  {headers: []string{"Bearer abc"}, err: &Unavailable{RetryAfter: 7 * time.Second, Err: errors.New("secret-host refused")}, status: 503, code: "temporarily_unavailable", retry: "7"},
		"any other error": {headers: []string{"Bearer abc"}, err: errors.New("x"), status: 503, code: "temporarily_unavailable", retry: "5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, target+c.query, nil)
			r.Header["Authorization"] = c.headers
			w := httptest.NewRecorder()
			guarded(func(context.Context, string) (*Token, error) { return c.token, c.err }).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != c.challenge {
				t.Errorf("challenge\n%s, want\n%s", got, c.challenge)
			}
			if got := w.Header().Get("Retry-After"); got != c.retry {
				t.Errorf("Retry-After %q, want %q", got, c.retry)
			}
			if c.status == 200 {
				return
			}
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error != c.code || body.Description == "" {
				t.Errorf("body %s (%v)", w.Body, err)
			}
			if strings.Contains(w.Body.String(), "secret-host") {
				t.Errorf("the body tells an inner address: %s", w.Body)
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer abc", "bearer\tabc", "Basic eDp5", "Bearer a,Bearer b", "Bearer é", "Bearer ==", " Bearer x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		c := credentialOf([]string{header})
		n := 0
		for _, set := range []bool{c.token != "", c.malformed != "", c.scheme != ""} {
			if set {
				n++
			}
		}
		if n > 1 {
			t.Fatalf("%q came to several things: %+v", header, c)
		}
		if c.token != "" && (!b64token(c.token) || !strings.Contains(header, c.token)) {
			t.Fatalf("%q came to the token %q", header, c.token)
		}
		if c.malformed != "" && printable(c.malformed) != c.malformed {
			t.Fatalf("%q quotes what cannot stand in a header: %q", header, c.malformed)
		}
	})
}
