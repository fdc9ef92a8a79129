package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mcpwiz/mcpwiz/server/internal/issuertest"
)

func TestResource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, path, metadata string }{
		{"https://h/mcp", "/mcp", "https://h/.well-known/oauth-protected-resource/mcp"},
		{"https://h:8443/a/b", "/a/b", "https://h:8443/.well-known/oauth-protected-resource/a/b"},
		{"https://h", "/", "https://h/.well-known/oauth-protected-resource"},
		{"https://h/", "/", "https://h/.well-known/oauth-protected-resource"},
		{"https://h/mcp/", "/mcp/", "https://h/.well-known/oauth-protected-resource/mcp"},
	} {
		r, err := NewResource(Resource{URL: c.url, Issuer: "https://i"})
		if err != nil || r.Path() != c.path || r.MetadataURL() != c.metadata {
			t.Errorf("%s: %s, %s (%v)", c.url, r.Path(), r.MetadataURL(), err)
		}
	}
	for name, r := range map[string]Resource{
		"no scheme":      {URL: "mcp.example.com/mcp", Issuer: "https://i"},
		"fragment":       {URL: "https://h/mcp#x", Issuer: "https://i"},
		"query":          {URL: "https://h/mcp?x=1", Issuer: "https://i"},
		"user":           {URL: "https://u:p@h/mcp", Issuer: "https://i"},
		"no issuer":      {URL: "https://h/mcp"},
		"offline_access": {URL: "https://h/mcp", Issuer: "https://i", Scopes: []string{"offline_access"}},
		"two scopes":     {URL: "https://h/mcp", Issuer: "https://i", Scopes: []string{"a b"}},
	} {
		if _, err := NewResource(r); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	h, err := MetadataHandler(Resource{URL: target, Issuer: "https://auth.example.com/realms/r", Scopes: []string{"mcp:tools"}, Name: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-protected-resource", nil))
	var got any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"resource": target, "authorization_servers": []any{"https://auth.example.com/realms/r"},
		"scopes_supported": []any{"mcp:tools"}, "bearer_methods_supported": []any{"header"}, "resource_name": "Mine",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers are %v", w.Header())
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestMirror(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	h := MirrorHandler(NewIssuer(i.URL, nil, c.Now))
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil))
		return w
	}
	i.Down(true)
	if w := get(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("before it was ever fetched: %d %v %s", w.Code, w.Header(), w.Body)
	}
	i.Down(false)
	c.pass(refetchInterval)
	for range 5 {
		w := get()
		var doc struct{ Issuer string }
		if json.Unmarshal(w.Body.Bytes(), &doc); w.Code != http.StatusOK || doc.Issuer != i.URL {
			t.Fatalf("mirror: %d %s", w.Code, w.Body)
		}
	}
	if n := i.Asked.Load(); n != 1 {
		t.Errorf("asked %d times for what is fresh", n)
	}
	c.pass(metadataFresh)
	if get(); i.Asked.Load() != 2 {
		t.Error("not asked again when no longer fresh")
	}
	i.Down(true)
	c.pass(30 * metadataFresh)
	if w := get(); w.Code != http.StatusOK {
		t.Errorf("while it is down: %d %s", w.Code, w.Body)
	}
}

// TestIssuerMustBeItself: a document that names another issuer is not used, wherever it lies (RFC 8414 section 3.3).
func TestIssuerMustBeItself(t *testing.T) {
	t.Parallel()
	var issuer string
	answers := map[string]http.HandlerFunc{
		"another issuer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"issuer":"https://evil.example.com","jwks_uri":"https://evil.example.com/jwks"}`))
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(`{"issuer":"` + issuer + `"}`))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"issuer":"` + issuer + `"}`))
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
		"no end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"issuer":"` + issuer + `","x":"` + strings.Repeat("x", fetchLimit) + `"}`))
		},
	}
	for name, answer := range answers {
		s := httptest.NewServer(answer)
		issuer = s.URL
		if _, err := NewIssuer(s.URL, nil, nil).Metadata(t.Context()); err == nil {
			t.Errorf("%s was taken", name)
		}
		s.Close()
	}
}

func TestMetadataURLs(t *testing.T) {
	t.Parallel()
	got := MetadataURLs("https://h/realms/r")
	want := []string{
		"https://h/.well-known/oauth-authorization-server/realms/r",
		"https://h/.well-known/openid-configuration/realms/r",
		"https://h/realms/r/.well-known/openid-configuration",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := MetadataURLs("https://h/"); len(got) != 2 || got[0] != "https://h/.well-known/oauth-authorization-server" {
		t.Errorf("without a path: %v", got)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	c := PublicClient{ID: "mcp-public", RedirectURIs: []string{
		"https://claude.ai/api/mcp/auth_callback", "http://localhost/callback", "http://127.0.0.1/callback", "http://127.0.0.1:6276/oauth/callback",
	}}
	const claude = `{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code","refresh_token"],"response_types":["code"]}`
	uri := func(s string) string { return `{"redirect_uris":["` + s + `"]}` }
	for name, d := range map[string]struct {
		client            PublicClient
		kind, body, error string
		status            int
	}{
		"claude":                        {c, "application/json", claude, "", 201},
		"with charset":                  {c, "application/json; charset=utf-8", claude, "", 201},
		"loopback, any port":            {c, "application/json", uri("http://localhost:9411/callback"), "", 201},
		"loopback address, any port":    {c, "application/json", uri("http://127.0.0.1:1/callback"), "", 201},
		"loopback without port":         {c, "application/json", uri("http://localhost/callback"), "", 201},
		"loopback, its own port":        {c, "application/json", uri("http://127.0.0.1:6276/oauth/callback"), "", 201},
		"loopback, not its port":        {c, "application/json", uri("http://127.0.0.1:6277/oauth/callback"), "invalid_redirect_uri", 400},
		"loopback, other path":          {c, "application/json", uri("http://localhost:9411/evil"), "invalid_redirect_uri", 400},
		"loopback, query":               {c, "application/json", uri("http://localhost:9411/callback?x=1"), "invalid_redirect_uri", 400},
		"loopback, https":               {c, "application/json", uri("https://localhost:9411/callback"), "invalid_redirect_uri", 400},
		"loopback, user":                {c, "application/json", uri("http://localhost:80@evil.example.com/callback"), "invalid_redirect_uri", 400},
		"other host":                    {c, "application/json", uri("https://evil.example.com/api/mcp/auth_callback"), "invalid_redirect_uri", 400},
		"allowed and not":               {c, "application/json", `{"redirect_uris":["https://claude.ai/api/mcp/auth_callback","https://evil.example.com"]}`, "invalid_redirect_uri", 400},
		"none":                          {c, "application/json", `{}`, "invalid_redirect_uri", 400},
		"grant":                         {c, "application/json", `{"redirect_uris":["http://localhost/callback"],"grant_types":["client_credentials"]}`, "invalid_client_metadata", 400},
		"response type":                 {c, "application/json", `{"redirect_uris":["http://localhost/callback"],"response_types":["token"]}`, "invalid_client_metadata", 400},
		"not JSON":                      {c, "application/json", `redirect_uris=x`, "invalid_client_metadata", 400},
		"wrong types":                   {c, "application/json", `{"redirect_uris":"x"}`, "invalid_client_metadata", 400},
		"form":                          {c, "application/x-www-form-urlencoded", claude, "invalid_client_metadata", 400},
		"too large":                     {c, "application/json", `{"client_name":"` + strings.Repeat("x", registerLimit) + `"}`, "invalid_client_metadata", 400},
		"no such client was configured": {PublicClient{}, "application/json", claude, "not_found", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/register", strings.NewReader(d.body))
			r.Header.Set("Content-Type", d.kind)
			w := httptest.NewRecorder()
			RegisterHandler(d.client, []string{"mcp:tools"}).ServeHTTP(w, r)
			var doc map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != d.status {
				t.Fatalf("%d %s (%v), want %d", w.Code, w.Body, err, d.status)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers are %v", w.Header())
			}
			if d.error != "" {
				if doc["error"] != d.error {
					t.Errorf("error %v, want %s", doc["error"], d.error)
				}
				return
			}
			if doc["client_id"] != c.ID || doc["token_endpoint_auth_method"] != "none" || doc["client_secret"] != nil {
				t.Errorf("registered %v", doc)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	// The handler sits on a loopback socket; the Host is what a tunnel, a proxy or an attacker's page sends.
	s := httptest.NewServer(Hosts([]string{"mcp.example.com", "Alias.example.com:8443"}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer s.Close()
	for host, want := range map[string]int{
		"mcp.example.com": 200, "MCP.example.com:443": 200, "mcp.example.com.": 200, "alias.example.com": 200,
		"localhost": 200, "localhost:1234": 200, "127.0.0.1:9": 200, "[::1]:9": 200,
		"evil.example.com": 403, "evil.example.com:80": 403, "mcp.example.com.evil.com": 403, "10.0.0.1": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Description string `json:"error_description"`
		}
		json.NewDecoder(resp.Body).Decode(&body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, resp.StatusCode, want)
		}
		if want == 403 && (!strings.Contains(body.Description, host) || !strings.Contains(body.Description, "mcp.example.com")) {
			t.Errorf("%s: told %q, want both names", host, body.Description)
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	r := Resource{URL: target}
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for name, c := range map[string]struct {
		listed        []string
		origin        string
		method, wants string
		status        int
	}{
		"none":               {nil, "", "POST", "", 418},
		"its own":            {nil, "https://mcp.example.com", "POST", "", 418},
		"its own, http":      {nil, "http://mcp.example.com", "POST", "", 403},
		"inspector":          {nil, "http://localhost:6274", "POST", "", 418},
		"foreign":            {nil, "https://evil.example.com", "POST", "", 403},
		"foreign, preflight": {nil, "https://evil.example.com", "OPTIONS", "POST", 403},
		"null":               {nil, "null", "POST", "", 403},
		"no origin at all":   {nil, "://", "POST", "", 403},
		"listed":             {[]string{"https://app.example.com"}, "https://app.example.com", "POST", "", 418},
		"listed, preflight":  {[]string{"https://app.example.com"}, "https://app.example.com", "OPTIONS", "POST", 204},
		"all":                {[]string{"*"}, "https://any.example.com", "POST", "", 418},
		"looks like ours":    {nil, "https://mcp.example.com.evil.com", "POST", "", 403},
		"localhost in name":  {nil, "http://localhost.evil.com", "POST", "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(c.method, target, nil)
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			if c.wants != "" {
				req.Header.Set("Access-Control-Request-Method", c.wants)
				req.Header.Set("Access-Control-Request-Headers", "authorization, Mcp-Param-Region, x-evil")
			}
			w := httptest.NewRecorder()
			Origins(r, c.listed, inner).ServeHTTP(w, req)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			allowed := w.Header().Get("Access-Control-Allow-Origin")
			if ok := c.status != 403 && c.origin != ""; ok != (allowed == c.origin && allowed != "") {
				t.Errorf("allowed origin %q", allowed)
			}
			if c.status == 204 {
				if h := w.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(h, "mcp-param-region") || !strings.Contains(h, "authorization") || strings.Contains(h, "evil") {
					t.Errorf("allowed headers %q", h)
				}
			}
		})
	}
}

// TestStrangersNeedNoIssuer: what a client without a token is told is there before the authorization server is.
func TestStrangersNeedNoIssuer(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	i.Down(true)
	v := verifier(t, i, newClock())
	g := &Guard{Resource: v.resource, Verify: func(ctx context.Context, raw string) (*Token, error) { return v.Verify(ctx, raw) }}
	w := httptest.NewRecorder()
	g.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, nil))
	if w.Code != http.StatusUnauthorized || i.Asked.Load()+i.Fetches.Load() != 0 {
		t.Errorf("challenged with %d after %d questions", w.Code, i.Asked.Load()+i.Fetches.Load())
	}
}
