package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Verifier judges access tokens for one resource. Algorithm, issuer, audience and expiry are judged before a key is
// needed, so that what is refused for them is refused also while the authorization server is down.
type Verifier struct {
	resource Resource
	keys     *Keys
	now      func() time.Time
	cache    *cache
	// Introspector is asked about tokens that cannot be read here; nil refuses them.
	Introspector *Introspector
}

// NewVerifier returns a verifier for tokens of the resource's issuer.
func NewVerifier(r Resource, keys *Keys) *Verifier {
	return &Verifier{resource: r, keys: keys, now: keys.now, cache: newCache()}
}

// Verify returns the token, a *Refusal, or an *Unavailable.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	now := v.now()
	id := sha256.Sum256([]byte(raw))
	if e, ok := v.cache.good(id, now); ok && v.keys.holds(e.print) {
		v.note(ctx, e.kid, e.alg, nil)
		return e.token, nil
	}
	d, refusal := read(raw)
	if v.Introspector != nil && unreadable(d, refusal, raw) {
		return v.Introspector.verify(ctx, raw, v.resource, v.now)
	}
	if refusal != nil {
		if refusal.Reason == "algorithm" {
			v.note(ctx, "", "", refusal)
		}
		return nil, refusal
	}
	if refusal := d.judge(v.resource, now); refusal != nil {
		return nil, refusal
	}
	print, err := v.signature(ctx, id, d, now)
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			v.note(ctx, d.kid, string(d.alg), refusal)
		}
		return nil, err
	}
	v.note(ctx, d.kid, string(d.alg), nil)
	v.cache.keep(id, entry{token: &d.token, print: print, kid: d.kid, alg: string(d.alg)}, now)
	return &d.token, nil
}

// unreadable: a token that is no JWT, or one that says too little of itself, as Keycloak's lightweight access tokens do, which
// bear no audience.
func unreadable(d *draft, refusal *Refusal, raw string) bool {
	if refusal != nil {
		return refusal.Reason == "malformed" && strings.Count(raw, ".") != 2
	}
	_, forSomebody := d.claims["aud"]
	return !forSomebody
}

// signature returns the fingerprint of the key that signed the token.
func (v *Verifier) signature(ctx context.Context, id [sha256.Size]byte, d *draft, now time.Time) (string, error) {
	held := v.keys.held.Load()
	if v.cache.bad(id, held, now) {
		return "", badSignature(d)
	}
	found, err := v.keys.find(ctx, d.kid, d.alg)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", refuse("key", "the token is signed with key '%s' for %s, which the authorization server does not publish", short(d.kid), d.alg)
	}
	for _, k := range found {
		if _, err := d.jws.Verify(k.Key); err == nil {
			return k.print, nil
		}
	}
	v.cache.refuse(id, v.keys.held.Load(), now)
	return "", badSignature(d)
}

func badSignature(d *draft) *Refusal {
	return refuse("signature", "the token's signature does not verify with key '%s' (%s)", short(d.kid), d.alg)
}

// note tells whoever listens what only the holder of the raw token can know.
func (v *Verifier) note(ctx context.Context, kid, alg string, refusal *Refusal) {
	data := map[string]any{"valid": refusal == nil, "kid": kid, "alg": alg}
	if refusal != nil {
		data["reason"] = refusal.Description
	}
	probe.Note(ctx, probe.Fact{Kind: "token-signature", Source: "verifier", At: v.now(), Data: data})
}
