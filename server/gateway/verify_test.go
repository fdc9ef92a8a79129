package gateway

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/internal/issuertest"
)

const target = "https://mcp.example.com/mcp"

// A clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func verifier(t testing.TB, i *issuertest.Issuer, c *clock) *Verifier {
	t.Helper()
	r, err := NewResource(Resource{URL: target, Issuer: i.URL, Scopes: []string{"mcp:tools"}})
	if err != nil {
		t.Fatal(err)
	}
	return NewVerifier(r, NewKeys(NewIssuer(i.URL, nil, c.Now), "", nil))
}

func reason(err error) string {
	var refusal *Refusal
	var unavailable *Unavailable
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &refusal):
		return refusal.Reason
	case errors.As(err, &unavailable):
		return "unavailable"
	}
	return err.Error()
}

func TestVerify(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	now := time.Now()
	good := func(more map[string]any) map[string]any { return i.Claims(target, more) }
	claims := func(more map[string]any) string { return i.Token(target, more) }
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ token, want string }{
		"RS256":                   {claims(nil), "good"},
		"RS512 with an RS256 key": {i.Sign("rsa", jose.RS512, nil, good(nil)), "key"},
		"ES256":                   {i.Sign("ec", jose.ES256, nil, good(nil)), "good"},
		"EdDSA":                   {i.Sign("ed", jose.EdDSA, nil, good(nil)), "good"},
		"no kid":                  {i.Sign("ec", jose.ES256, map[string]any{"kid": nil}, good(nil)), "good"},
		"at+jwt":                  {i.Sign("rsa", jose.RS256, map[string]any{"typ": "at+jwt"}, good(nil)), "good"},
		"no typ":                  {i.Sign("rsa", jose.RS256, map[string]any{"typ": nil}, good(nil)), "good"},
		"typ logout+jwt":          {i.Sign("rsa", jose.RS256, map[string]any{"typ": "logout+jwt"}, good(nil)), "type"},
		"typ is a number":         {i.Sign("rsa", jose.RS256, map[string]any{"typ": 7}, good(nil)), "type"},
		"unknown crit":            {i.Sign("rsa", jose.RS256, map[string]any{"crit": []string{"x"}, "x": 1}, good(nil)), "malformed"},
		"b64 false":               {i.Sign("rsa", jose.RS256, map[string]any{"crit": []string{"b64"}, "b64": false}, good(nil)), "malformed"},

		"aud among several":      {claims(map[string]any{"aud": []string{"account", target}}), "good"},
		"aud other":              {claims(map[string]any{"aud": "account"}), "audience"},
		"aud absent":             {claims(map[string]any{"aud": nil}), "audience"},
		"aud with slash":         {claims(map[string]any{"aud": target + "/"}), "audience"},
		"aud of the origin":      {claims(map[string]any{"aud": "https://mcp.example.com"}), "audience"},
		"aud in another case":    {claims(map[string]any{"aud": strings.ToUpper(target)}), "audience"},
		"aud a prefix":           {claims(map[string]any{"aud": target + "x"}), "audience"},
		"aud is a number":        {claims(map[string]any{"aud": 7}), "claims"},
		"Aud is not aud":         {claims(map[string]any{"aud": "account", "Aud": target}), "audience"},
		"iss other":              {claims(map[string]any{"iss": "https://evil.example.com"}), "issuer"},
		"iss with slash":         {claims(map[string]any{"iss": i.URL + "/"}), "issuer"},
		"iss absent":             {claims(map[string]any{"iss": nil}), "issuer"},
		"expired":                {claims(map[string]any{"exp": now.Add(-time.Minute).Unix()}), "expired"},
		"expired within leeway":  {claims(map[string]any{"exp": now.Add(-20 * time.Second).Unix()}), "good"},
		"exp absent":             {claims(map[string]any{"exp": nil}), "claims"},
		"exp is text":            {claims(map[string]any{"exp": "tomorrow"}), "claims"},
		"exp is beyond time":     {claims(map[string]any{"exp": 1e300}), "claims"},
		"exp with a fraction":    {claims(map[string]any{"exp": float64(now.Unix()) + 60.5}), "good"},
		"not yet":                {claims(map[string]any{"nbf": now.Add(time.Minute).Unix()}), "not-yet"},
		"not yet within leeway":  {claims(map[string]any{"nbf": now.Add(20 * time.Second).Unix()}), "good"},
		"nbf is text":            {claims(map[string]any{"nbf": "soon"}), "claims"},
		"ID token":               {claims(map[string]any{"typ": "ID"}), "type"},
		"refresh token":          {claims(map[string]any{"typ": "Refresh"}), "type"},
		"offline token":          {claims(map[string]any{"typ": "Offline"}), "type"},
		"no typ claim":           {claims(map[string]any{"typ": nil}), "good"},
		"bound by DPoP":          {claims(map[string]any{"cnf": map[string]string{"jkt": "x"}}), "bound"},
		"bound by a certificate": {claims(map[string]any{"cnf": map[string]string{"x5t#S256": "x"}}), "bound"},

		"stranger's key under our kid": {issuertest.SignWith(t, stranger, jose.RS256, map[string]any{"kid": "rsa"}, good(nil)), "signature"},
		"stranger's key in the header": {issuertest.SignWith(t, stranger, jose.RS256, map[string]any{
			"kid": "rsa", "jwk": jose.JSONWebKey{Key: stranger.Public()}}, good(nil)), "signature"},
		"stranger's kid":           {issuertest.SignWith(t, stranger, jose.RS256, map[string]any{"kid": "other"}, good(nil)), "key"},
		"HS256 by the public key":  {confused(t, i.Public("rsa"), good(nil)), "algorithm"},
		"none":                     {unsigned(`{"alg":"none","typ":"JWT"}`, claims(nil), ""), "algorithm"},
		"None":                     {unsigned(`{"alg":"None","kid":"rsa"}`, claims(nil), "AAAA"), "algorithm"},
		"alg absent":               {unsigned(`{"kid":"rsa"}`, claims(nil), "AAAA"), "malformed"},
		"payload of another token": {spliced(claims(nil), claims(map[string]any{"sub": "admin"})), "signature"},
		"opaque":                   {"opaque-token", "malformed"},
		"empty parts":              {"..", "malformed"},
		"five parts":               {"a.b.c.d.e", "malformed"},
		"payload is an array":      {unsigned(`{"alg":"RS256"}`, "x."+base64.RawURLEncoding.EncodeToString([]byte(`[]`))+".x", "AAAA"), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, i, newClock())
			token, err := v.Verify(t.Context(), c.token)
			if got := reason(err); got != c.want {
				t.Fatalf("judged %s (%v), want %s", got, err, c.want)
			}
			if err == nil && (token.Subject != "user-1" || token.Client != "claude" || len(token.Scopes) != 2) {
				t.Errorf("token is %+v", token)
			}
			if err != nil && strings.Contains(err.Error(), c.token) {
				t.Errorf("the refusal quotes the token: %v", err)
			}
		})
	}
}

// confused is the classic: a token signed with HMAC, the published public key as the secret (RFC 8725 section 2.1).
func confused(t *testing.T, public crypto.PublicKey, claims map[string]any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return issuertest.SignWith(t, secret, jose.HS256, map[string]any{"kid": "rsa"}, claims)
}

func unsigned(header, token, signature string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(token, ".")[1] + "." + signature
}

func spliced(signed, other string) string {
	a, b := strings.Split(signed, "."), strings.Split(other, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func TestVerifyTellsTheSignature(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	v := verifier(t, i, newClock())
	for name, c := range map[string]struct {
		token string
		want  any
	}{
		"good":           {i.Token(target, nil), true},
		"wrong key":      {spliced(i.Token(target, nil), i.Token(target, map[string]any{"sub": "x"})), false},
		"HS256":          {confused(t, i.Public("rsa"), i.Claims(target, nil)), false},
		"wrong audience": {i.Token("other", nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second time from the cache
				var got any
				ctx := probe.WithNoting(t.Context(), func(f probe.Fact) {
					if f.Kind != "token-signature" || f.Source != "verifier" {
						t.Errorf("fact is %+v", f)
					}
					got = f.Data["valid"]
				})
				v.Verify(ctx, c.token)
				if got != c.want {
					t.Errorf("told valid=%v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestDownAtStart(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	i.Down(true)
	v := verifier(t, i, c)
	for name, d := range map[string]struct{ token, want string }{
		"good":      {i.Token(target, nil), "unavailable"},
		"audience":  {i.Token("other", nil), "audience"},
		"issuer":    {i.Token(target, map[string]any{"iss": "x"}), "issuer"},
		"expired":   {i.Token(target, map[string]any{"exp": 1}), "expired"},
		"algorithm": {confused(t, i.Public("rsa"), i.Claims(target, nil)), "algorithm"},
	} {
		_, err := v.Verify(t.Context(), d.token)
		if got := reason(err); got != d.want {
			t.Errorf("%s: judged %s (%v), want %s", name, got, err, d.want)
		}
	}
	i.Down(false)
	c.pass(time.Minute)
	if _, err := v.Verify(t.Context(), i.Token(target, nil)); err != nil {
		t.Errorf("after it came up: %v", err)
	}
}

func TestDownLater(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	v := verifier(t, i, c)
	longLived := i.Token(target, map[string]any{"exp": c.Now().Add(48 * time.Hour).Unix()})
	other := i.Sign("ec", jose.ES256, nil, i.Claims(target, map[string]any{"exp": c.Now().Add(48 * time.Hour).Unix()}))
	if _, err := v.Verify(t.Context(), longLived); err != nil {
		t.Fatal(err)
	}
	i.Down(true)
	c.pass(23 * time.Hour)
	for name, token := range map[string]string{"cached": longLived, "not cached": other} {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("%s, after 23 h: %v", name, err)
		}
	}
	c.pass(2 * time.Hour)
	for name, token := range map[string]string{"cached": longLived, "not cached": other} {
		if _, err := v.Verify(t.Context(), token); reason(err) != "unavailable" {
			t.Errorf("%s, after 25 h: %v", name, err)
		}
	}
	i.Down(false)
	c.pass(time.Minute)
	if _, err := v.Verify(t.Context(), longLived); err != nil {
		t.Errorf("after it came up: %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	v := verifier(t, i, c)
	old := i.Token(target, nil)
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate("next")
	c.pass(time.Minute)
	if _, err := v.Verify(t.Context(), i.Sign("next", jose.ES256, nil, i.Claims(target, nil))); err != nil {
		t.Fatalf("a token of the new key: %v", err)
	}
	if _, err := v.Verify(t.Context(), old); reason(err) != "key" {
		t.Errorf("a cached token whose key was withdrawn: %v", err)
	}
}

// TestStaleKeysAreRenewed holds the line between a cache and a key that was withdrawn with no new one being used.
func TestStaleKeysAreRenewed(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	v := verifier(t, i, c)
	old := i.Token(target, map[string]any{"exp": c.Now().Add(time.Hour).Unix()})
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate("next")
	c.pass(keysFresh + time.Second)
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatalf("served while the keys are renewed: %v", err)
	}
	// The renewal runs behind that request; joining it is what another fetch does.
	for v.keys.holds("") || v.keys.held.Load().keys[0].KeyID != "next" {
		if err := v.keys.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Verify(t.Context(), old); reason(err) != "key" {
		t.Errorf("after the renewal: %v", err)
	}
}

func TestUnknownKidRefetchesAtALimitedRate(t *testing.T) {
	t.Parallel()
	i, c := issuertest.New(t), newClock()
	v := verifier(t, i, c)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		forged := issuertest.SignWith(t, stranger, jose.RS256, map[string]any{"kid": rand.Text()}, i.Claims(target, nil))
		if _, err := v.Verify(t.Context(), forged); reason(err) != "key" {
			t.Fatalf("a forged token: %v", err)
		}
	}
	if n := i.Fetches.Load(); n != refetchBurst {
		t.Errorf("%d fetches at one moment, want %d", n, refetchBurst)
	}
	c.pass(refetchInterval)
	for range 10 {
		v.Verify(t.Context(), issuertest.SignWith(t, stranger, jose.RS256, map[string]any{"kid": rand.Text()}, i.Claims(target, nil)))
	}
	if n := i.Fetches.Load(); n != refetchBurst+1 {
		t.Errorf("%d fetches after an interval, want %d", n, refetchBurst+1)
	}
}

func TestOneFetchInFlight(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	release := i.Hold()
	v := verifier(t, i, newClock())
	var all sync.WaitGroup
	for range 20 {
		token := i.Token(target, nil)
		all.Go(func() {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Errorf("verifying: %v", err)
			}
		})
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := v.Verify(gone, i.Token(target, nil)); reason(err) != "unavailable" {
		t.Errorf("a caller that left: %v", err)
	}
	release()
	all.Wait()
	if n := i.Fetches.Load(); n > refetchBurst {
		t.Errorf("%d fetches", n)
	}
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	i.Publish(map[string]any{"kty": "OKP", "crv": "X25519", "kid": "enc", "x": "AAAA"})
	i.Publish(map[string]any{"kty": "RSA", "kid": "broken"})
	i.Publish("no key at all")
	i.Publish(map[string]any{"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"})
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	i.Publish(jose.JSONWebKey{Key: small.Public(), KeyID: "small"})
	i.Publish(jose.JSONWebKey{Key: i.Public("rsa"), KeyID: "for encryption", Use: "enc"})
	v := verifier(t, i, newClock())
	if _, err := v.Verify(t.Context(), i.Token(target, nil)); err != nil {
		t.Fatal(err)
	}
	if n := v.keys.Status().Count; n != 3 {
		t.Errorf("%d keys taken, want the 3 that verify", n)
	}
}

func TestJWKSURLOverridesDiscovery(t *testing.T) {
	t.Parallel()
	i := issuertest.New(t)
	r := Resource{URL: target, Issuer: "https://auth.example.com/realms/r"}
	v := NewVerifier(r, NewKeys(NewIssuer(r.Issuer, nil, nil), i.JWKS(), nil))
	if _, err := v.Verify(t.Context(), i.Token(target, map[string]any{"iss": r.Issuer})); err != nil {
		t.Fatal(err)
	}
	if i.Asked.Load() != 0 {
		t.Error("the metadata were asked for")
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c, now := newCache(), time.Now()
	id := func(n int) [32]byte { return [32]byte{byte(n), byte(n >> 8), byte(n >> 16)} }
	for n := range cacheMost + 500 {
		c.keep(id(n), entry{token: &Token{Expires: now.Add(time.Hour)}}, now)
		c.refuse(id(n), nil, now)
	}
	if len(c.entries) > cacheMost || len(c.refused) > refusedMost {
		t.Errorf("%d and %d entries", len(c.entries), len(c.refused))
	}
	if _, ok := c.good(id(cacheMost+499), now); !ok {
		t.Error("the newest entry is gone")
	}
}

func BenchmarkVerifyCached(b *testing.B) {
	i := issuertest.New(b)
	v := verifier(b, i, newClock())
	token := i.Token(target, nil)
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyUncached(b *testing.B) {
	for _, k := range []struct {
		kid string
		alg jose.SignatureAlgorithm
	}{{"rsa", jose.RS256}, {"ec", jose.ES256}, {"ed", jose.EdDSA}} {
		b.Run(string(k.alg), func(b *testing.B) {
			i := issuertest.New(b)
			v := verifier(b, i, newClock())
			token := i.Sign(k.kid, k.alg, nil, i.Claims(target, nil))
			for b.Loop() {
				v.cache = newCache()
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
