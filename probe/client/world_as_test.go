package client_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An authorizationServer is one in memory: it signs everybody in at once.
type authorizationServer struct {
	world  *world
	signer jose.Signer
	public jose.JSONWebKey
	// machineKey verifies the client assertions of client "robot".
	machineKey crypto.PublicKey

	mu      sync.Mutex
	clients map[string]asClient
	codes   map[string]url.Values
	refresh map[string]asGrant
	jtis    map[string]bool
}

type asClient struct{ secret, redirect, token string }

// A refresh token is good until the one that came for it is used; where the world is strict, once.
type asGrant struct{ client, scope, before string }

func newAuthorizationServer(t *testing.T, w *world) *authorizationServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jwk}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &authorizationServer{
		world: w, signer: signer, public: jwk.Public(), codes: map[string]url.Values{}, refresh: map[string]asGrant{}, jtis: map[string]bool{},
		clients: map[string]asClient{
			"claude": {secret: "canary-client-secret-5e1f", redirect: "https://claude.example/callback"},
			"robot":  {secret: "canary-robot-secret-77aa"},
		},
	}
}

func (s *authorizationServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := strings.TrimPrefix(r.URL.Path, "/realms/test")
	switch {
	case r.URL.Path == "/.well-known/oauth-authorization-server/realms/test":
		writeJSON(w, 200, s.metadata())
	case at == "/certs":
		writeJSON(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.public}})
	case at == "/auth":
		s.authorize(w, r)
	case at == "/token":
		s.token(w, r)
	case at == "/register" && r.Method == http.MethodPost:
		s.registerClient(w, r)
	case strings.HasPrefix(at, "/register/") && r.Method == http.MethodDelete:
		s.deleteClient(w, r, strings.TrimPrefix(at, "/register/"))
	case at == "/revoke":
		_ = r.ParseForm()
		s.end(s.refresh[r.PostForm.Get("token")].client)
	default:
		http.NotFound(w, r)
	}
}

func (s *authorizationServer) metadata() map[string]any {
	at := s.world.issuer()
	m := map[string]any{
		"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/certs",
		"registration_endpoint": at + "/register", "revocation_endpoint": at + "/revoke",
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported": []string{"S256"}, "scopes_supported": []string{"mcp:tools", "offline_access"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"authorization_response_iss_parameter_supported": true,
	}
	for _, name := range s.world.hide {
		delete(m, name)
	}
	return m
}

func (s *authorizationServer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c, known := s.clients[q.Get("client_id")]
	if !known || c.redirect != q.Get("redirect_uri") {
		http.Error(w, "Invalid parameter: redirect_uri", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {s.world.issuer()}}
	if q.Get("code_challenge") == "" {
		back.Set("error", "invalid_request")
	} else {
		code := s.name("canary-code-")
		s.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, c.redirect+"?"+back.Encode(), http.StatusFound)
}

func (s *authorizationServer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f := r.PostForm
	id, ok := s.authenticate(r)
	if !ok {
		writeJSON(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	switch f.Get("grant_type") {
	case "authorization_code":
		q, ok := s.codes[f.Get("code")]
		sum := sha256.Sum256([]byte(f.Get("code_verifier")))
		if !ok || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			writeJSON(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		delete(s.codes, f.Get("code"))
		s.issue(w, asGrant{client: id, scope: q.Get("scope")}, true)
	case "refresh_token":
		token := f.Get("refresh_token")
		g, ok := s.refresh[token]
		if !ok || g.client != id {
			writeJSON(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
		delete(s.refresh, g.before)
		if g.before = token; s.world.strict {
			delete(s.refresh, token)
		}
		if f.Has("scope") {
			g.scope = f.Get("scope")
		}
		s.issue(w, g, true)
	case "client_credentials":
		s.issue(w, asGrant{client: id, scope: f.Get("scope")}, false)
	}
}

// end ends all that was granted to a client.
func (s *authorizationServer) end(id string) {
	maps.DeleteFunc(s.refresh, func(_ string, g asGrant) bool { return g.client == id })
}

// authenticate tells who asks, by Basic, form or assertion.
func (s *authorizationServer) authenticate(r *http.Request) (string, bool) {
	f := r.PostForm
	if assertion := f.Get("client_assertion"); assertion != "" {
		return s.assertion(assertion)
	}
	id, secret := f.Get("client_id"), f.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	}
	c, known := s.clients[id]
	return id, known && c.secret == secret
}

func (s *authorizationServer) assertion(raw string) (string, bool) {
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || s.machineKey == nil || signed.Signatures[0].Protected.KeyID == "" {
		return "", false
	}
	text, err := signed.Verify(s.machineKey)
	if err != nil {
		return "", false
	}
	var c struct {
		Iss, Sub, Jti string
		Aud           any
		Exp           int64
	}
	if json.Unmarshal(text, &c) != nil || c.Aud != any(s.world.issuer()) || s.jtis[c.Jti] || c.Exp < time.Now().Unix() {
		return "", false
	}
	s.jtis[c.Jti] = true
	return c.Sub, c.Iss == c.Sub
}

func (s *authorizationServer) issue(w http.ResponseWriter, g asGrant, renewable bool) {
	aud := any(s.world.target())
	if !strings.Contains(g.scope, "mcp:tools") {
		aud = "account"
	}
	now, life := time.Now(), 15*time.Minute
	if s.world.life > 0 {
		life = s.world.life
	}
	claims, _ := json.Marshal(map[string]any{
		"iss": s.world.issuer(), "sub": "canary-subject-42", "aud": aud, "azp": g.client, "scope": g.scope, "jti": s.name("jti-"),
		"iat": now.Unix(), "exp": now.Add(life).Unix(),
	})
	signed, err := s.signer.Sign(claims)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	access, _ := signed.CompactSerialize()
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(life.Seconds()), "scope": g.scope}
	if renewable {
		token := s.name("canary-refresh-")
		s.refresh[token] = g
		answer["refresh_token"] = token
	}
	writeJSON(w, 200, answer)
}

func (s *authorizationServer) registerClient(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	uris, _ := body["redirect_uris"].([]any)
	id := s.name("dcr-")
	c := asClient{secret: s.name("canary-dcr-secret-"), redirect: uris[0].(string), token: s.name("canary-registration-token-")}
	s.clients[id] = c
	body["client_id"], body["client_secret"], body["client_secret_expires_at"] = id, c.secret, 0
	body["registration_client_uri"], body["registration_access_token"] = s.world.issuer()+"/register/"+id, c.token
	writeJSON(w, 201, body)
}

func (s *authorizationServer) deleteClient(w http.ResponseWriter, r *http.Request, id string) {
	if c, ok := s.clients[id]; !ok || r.Header.Get("Authorization") != "Bearer "+c.token {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	delete(s.clients, id)
	w.WriteHeader(http.StatusNoContent)
}

// name makes a value that comes once and that nobody would say by chance.
func (s *authorizationServer) name(prefix string) string {
	b := make([]byte, 12)
	_, _ = rand.Read(b)
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// bodyOf reads a request's body and gives it back.
func bodyOf(r *http.Request) (string, *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body), r
}
