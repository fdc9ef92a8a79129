package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// A trawl keeps every secret that passes it, raw: it stands where no tap does.
type trawl struct {
	mu sync.Mutex
	// secrets are by their value; what they are called is for whoever reads a failure.
	secrets map[string]string
}

// shortest is what can be told from a word that stands in a text by chance.
const shortest = 8

func (t *trawl) take(name, secret string) {
	if len(secret) < shortest || strings.Trim(secret, "*") == "" { // Keycloak writes asterisks for a secret
		return
	}
	t.mu.Lock()
	if t.secrets == nil {
		t.secrets = map[string]string{}
	}
	t.secrets[secret] = name
	t.mu.Unlock()
	parts := strings.Split(secret, ".")
	if len(parts) != 3 || !strings.HasPrefix(secret, "eyJ") {
		return
	}
	t.take(name+", its claims", parts[1])
	t.take(name+", its signature", parts[2])
	if claims, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
		t.inJSON(claims)
	}
}

// all returns the secrets and what they are called.
func (t *trawl) all() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.secrets)
}

// kinds counts the secrets of each name.
func (t *trawl) kinds() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[string]int{}
	for _, name := range t.secrets {
		all[name]++
	}
	return all
}

// over lets everything through to a handler and looks at it.
func (t *trawl) over(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a client that hangs up has said what it has
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Accept-Encoding") // what is compressed is not looked at
		t.inHeader(r.Header)
		t.inURL(r.URL.RequestURI())
		t.inBody(r.Header.Get("Content-Type"), body)
		seen := &watched{ResponseWriter: w}
		defer func() {
			t.inHeader(w.Header())
			t.inURL(w.Header().Get("Location"))
			t.inBody(w.Header().Get("Content-Type"), seen.body.Bytes())
		}()
		next.ServeHTTP(seen, r)
	})
}

// A watched answer is copied.
type watched struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (w *watched) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (t *trawl) inHeader(h http.Header) {
	for _, v := range h.Values("Authorization") {
		scheme, credential, _ := strings.Cut(v, " ")
		t.take("Authorization", credential)
		if pair, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "Basic") {
			_, secret, _ := strings.Cut(string(pair), ":")
			t.take("client_secret", secret)
		}
	}
	for _, line := range h.Values("Cookie") {
		cookies, _ := http.ParseCookie(line)
		for _, c := range cookies {
			t.take("cookie", c.Value)
		}
	}
	for _, line := range h.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil {
			t.take("cookie", c.Value)
		}
	}
	t.take("session id", h.Get("Mcp-Session-Id"))
}

// secretFields are the fields of forms and queries, and the members of JSON, whose values nobody is told.
var secretFields = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`password client_secret code code_verifier state nonce refresh_token access_token id_token token
		client_assertion registration_access_token session_code session_state client_data id_token_hint sid secret`) {
		secretFields[name] = true
	}
}

func (t *trawl) inForm(q url.Values) {
	for name, values := range q {
		for _, v := range values {
			if secretFields[name] {
				t.take(name, v)
			}
		}
	}
}

func (t *trawl) inURL(raw string) {
	if u, err := url.Parse(raw); err == nil {
		t.inForm(u.Query())
	}
}

var sessionCode = regexp.MustCompile(`session_code=([\w.-]+)`)

func (t *trawl) inBody(kind string, body []byte) {
	switch {
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		if form, err := url.ParseQuery(string(body)); err == nil {
			t.inForm(form)
		}
	case strings.HasPrefix(kind, "application/json"):
		t.inJSON(body)
	case strings.HasPrefix(kind, "text/html"):
		for _, m := range sessionCode.FindAllSubmatch(body, -1) {
			t.take("session_code", string(m[1]))
		}
	}
}

func (t *trawl) inJSON(text []byte) {
	var v any
	if json.Unmarshal(text, &v) == nil {
		t.inValue(v)
	}
}

func (t *trawl) inValue(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			t.inValue(e)
		}
	case map[string]any:
		for name, e := range v {
			if s, ok := e.(string); ok && (secretFields[name] || name == "value" && (v["type"] == "secret" || v["type"] == "password")) {
				t.take(name, s)
			}
			t.inValue(e)
		}
	}
}
