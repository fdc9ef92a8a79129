package gateway

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are an authorization server's public keys (RFC 7517). Those held go on verifying while it is down, for a day: long
// enough to mend it, too short to let a withdrawn key live on.
type Keys struct {
	issuer *Issuer
	url    string
	client *http.Client
	now    func() time.Time

	held    atomic.Pointer[keySet]
	refetch refetch
}

const (
	keysFresh = 10 * time.Minute
	keysLast  = 24 * time.Hour
)

// NewKeys returns the keys at jwksURL, or, when that is empty, at the jwks_uri that the issuer's metadata names.
func NewKeys(issuer *Issuer, jwksURL string, transport http.RoundTripper) *Keys {
	return &Keys{issuer: issuer, url: jwksURL, client: client(transport), now: issuer.now, refetch: newRefetch()}
}

// A keySet is one answer of the JWKS endpoint; it is never changed.
type keySet struct {
	keys    []key
	byPrint map[string]bool
	fetched time.Time
}

type key struct {
	jose.JSONWebKey
	print string
}

// find returns the keys that may have signed a token. None and no error: the key set is current, and there is none.
func (k *Keys) find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) ([]key, error) {
	if set := k.usable(); set != nil {
		if found := set.match(kid, alg); len(found) > 0 {
			k.renew(set)
			return found, nil
		}
	}
	if err := k.Fetch(ctx); err != nil {
		return nil, &Unavailable{RetryAfter: refetchInterval, Err: err}
	}
	set := k.usable()
	if set == nil {
		return nil, &Unavailable{RetryAfter: refetchInterval, Err: errors.New("asked too often")}
	}
	return set.match(kid, alg), nil
}

// holds reports whether a key is still among those that may be used.
func (k *Keys) holds(print string) bool {
	set := k.usable()
	if set == nil || !set.byPrint[print] {
		return false
	}
	k.renew(set)
	return true
}

func (k *Keys) usable() *keySet {
	set := k.held.Load()
	if set == nil || !k.now().Before(set.fetched.Add(keysLast)) {
		return nil
	}
	return set
}

// renew fetches a set that is no longer fresh again, behind the request that saw it.
func (k *Keys) renew(set *keySet) {
	now := k.now()
	if now.Before(set.fetched.Add(keysFresh)) {
		return
	}
	if tried, _ := k.refetch.outcome(); now.Before(tried.Add(refetchInterval)) {
		return
	}
	go k.Fetch(context.Background())
}

// Fetch brings the keys up to date, at a limited rate; an error is that of the last fetch.
func (k *Keys) Fetch(ctx context.Context) error { return k.refetch.do(ctx, k.now(), k.fetch) }

func (k *Keys) fetch(ctx context.Context) error {
	at := k.url
	if at == "" {
		m, err := k.issuer.metadata(ctx)
		if err != nil {
			return err
		}
		if at = m.jwksURI; at == "" {
			return fmt.Errorf("the metadata of %s names no jwks_uri", k.issuer.name)
		}
	}
	raw, err := fetchJSON(ctx, k.client, at)
	if err != nil {
		return err
	}
	set, err := parseKeys(raw, k.now())
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	k.held.Store(set)
	return nil
}

// KeysStatus tells how the keys stand: Fetched is zero when none were ever fetched.
type KeysStatus struct {
	Count   int
	Fetched time.Time
	Usable  bool
	Err     error
	Tried   time.Time
}

// Status returns how the keys stand, without asking anybody.
func (k *Keys) Status() KeysStatus {
	tried, err := k.refetch.outcome()
	s := KeysStatus{Err: err, Tried: tried, Usable: k.usable() != nil}
	if set := k.held.Load(); set != nil {
		s.Count, s.Fetched = len(set.keys), set.fetched
	}
	return s
}

// parseKeys takes the keys that can verify one of our algorithms and leaves the others out: a set may bear encryption
// keys and kinds that we do not know. A set without any is no answer, and does not replace one that has some.
func parseKeys(raw []byte, now time.Time) (*keySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	set := &keySet{byPrint: map[string]bool{}, fetched: now}
	for _, one := range doc.Keys {
		var k key
		if json.Unmarshal(one, &k.JSONWebKey) != nil || !k.verifies() {
			continue
		}
		print, err := k.Thumbprint(crypto.SHA256)
		if err != nil {
			continue
		}
		k.print = base64.RawURLEncoding.EncodeToString(print)
		set.keys = append(set.keys, k)
		set.byPrint[k.print] = true
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("no key among its %d can verify a signature", len(doc.Keys))
	}
	return set, nil
}

func (k *key) verifies() bool {
	if !k.Valid() || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= 2048
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// match returns the keys for a kid; a token without one is tried with every key of its kind.
func (s *keySet) match(kid string, alg jose.SignatureAlgorithm) []key {
	var found []key
	for _, k := range s.keys {
		if (kid == "" || k.KeyID == kid) && k.fits(alg) {
			found = append(found, k)
		}
	}
	return found
}

// fits reports whether a key is for an algorithm, by its alg when it has one, and by its kind always (RFC 8725 section 3.1).
func (k *key) fits(alg jose.SignatureAlgorithm) bool {
	if k.Algorithm != "" && k.Algorithm != string(alg) {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS")
	case *ecdsa.PublicKey:
		bits := map[jose.SignatureAlgorithm]int{jose.ES256: 256, jose.ES384: 384, jose.ES512: 521}
		return bits[alg] == public.Curve.Params().BitSize
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
