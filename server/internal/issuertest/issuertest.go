// Package issuertest is a small authorization server for tests: it publishes metadata and keys, signs tokens of every
// kind, rotates its keys and goes down on demand.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An Issuer signs with one key for each algorithm family.
type Issuer struct {
	// URL is the issuer identifier; it has a path, as a Keycloak realm has.
	URL string
	// Fetches counts requests for the keys, Asked those for metadata.
	Fetches, Asked atomic.Int64

	t      testing.TB
	server *httptest.Server
	down   atomic.Bool
	block  atomic.Pointer[chan struct{}]

	mu   sync.Mutex
	keys []signing
	more []any
}

type signing struct {
	kid     string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

// RSA is made once: its generation is what takes time.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New starts an issuer that ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	key, err := rsaKey()
	must(t, err)
	i.keys = []signing{{"rsa", jose.RS256, key}}
	i.add("ec", jose.ES256)
	i.add("ed", jose.EdDSA)
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL + "/realms/test"
	return i
}

func (i *Issuer) add(kid string, alg jose.SignatureAlgorithm) {
	var private crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsaKey()
	}
	must(i.t, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, signing{kid, alg, private})
}

// JWKS is the address of the keys.
func (i *Issuer) JWKS() string { return i.URL + "/certs" }

// Down makes every connection break, or work again.
func (i *Issuer) Down(down bool) { i.down.Store(down) }

// Hold makes answers wait until the returned function is called.
func (i *Issuer) Hold() (release func()) {
	gate := make(chan struct{})
	i.block.Store(&gate)
	return sync.OnceFunc(func() { i.block.Store(nil); close(gate) })
}

// Rotate withdraws all keys and publishes a new one for ES256.
func (i *Issuer) Rotate(kid string) {
	i.mu.Lock()
	i.keys = nil
	i.mu.Unlock()
	i.add(kid, jose.ES256)
}

// Publish adds a raw member to the key set.
func (i *Issuer) Publish(jwk any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.more = append(i.more, jwk)
}

// Public returns the public key of a kid.
func (i *Issuer) Public(kid string) crypto.PublicKey { return i.key(kid).private.Public() }

func (i *Issuer) key(kid string) signing {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range i.keys {
		if k.kid == kid {
			return k
		}
	}
	i.t.Fatalf("no key %q", kid)
	return signing{}
}

// Claims are those of a good access token, laid over by more; a nil value removes one.
func (i *Issuer) Claims(audience string, more map[string]any) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": i.URL, "aud": audience, "sub": "user-1", "azp": "claude", "sid": "session-1", "typ": "Bearer",
		"scope": "mcp:tools email", "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(), "jti": rand.Text(),
	}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// Token returns a good token for an audience, with RS256.
func (i *Issuer) Token(audience string, more map[string]any) string {
	return i.Sign("rsa", jose.RS256, nil, i.Claims(audience, more))
}

// Sign signs claims with the key of a kid, whatever algorithm it is published for.
func (i *Issuer) Sign(kid string, alg jose.SignatureAlgorithm, header map[string]any, claims map[string]any) string {
	i.t.Helper()
	k := i.key(kid)
	if _, ok := header["kid"]; !ok {
		header = maps.Clone(header)
		if header == nil {
			header = map[string]any{}
		}
		header["kid"] = kid
	}
	return SignWith(i.t, k.private, alg, header, claims)
}

// SignWith signs claims with any key; typ is JWT unless the header says otherwise, nil values leave a member out.
func SignWith(t testing.TB, key any, alg jose.SignatureAlgorithm, header map[string]any, claims map[string]any) string {
	t.Helper()
	opts := new(jose.SignerOptions).WithType("JWT")
	for name, v := range header {
		opts.WithHeader(jose.HeaderKey(name), v)
		if v == nil {
			delete(opts.ExtraHeaders, jose.HeaderKey(name))
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	jws, err := signer.Sign(payload)
	must(t, err)
	raw, err := jws.CompactSerialize()
	must(t, err)
	return raw
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	if gate := i.block.Load(); gate != nil {
		select {
		case <-*gate:
		case <-r.Context().Done():
		}
	}
	if i.down.Load() {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server/realms/test", "/realms/test/.well-known/openid-configuration":
		i.Asked.Add(1)
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "jwks_uri": i.JWKS(),
			"authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token",
		})
	case "/realms/test/certs":
		i.Fetches.Add(1)
		json.NewEncoder(w).Encode(map[string]any{"keys": i.set()})
	default:
		http.NotFound(w, r)
	}
}

// set is what Keycloak publishes: signing keys with alg and use, beside an encryption key.
func (i *Issuer) set() []any {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := append([]any{}, i.more...)
	for _, k := range i.keys {
		all = append(all, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Algorithm: string(k.alg), Use: "sig"})
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
