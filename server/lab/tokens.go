package lab

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The lab's own key signs what is changed in a token; it is published beside the authorization server's.
var signing = sync.OnceValue(newKey)

const labKid = "lab"

// issued changes the claims of the access tokens that token requests of some kind are answered with, and signs them anew.
func issued(kind On, change func(claims map[string]any)) []Layer {
	return []Layer{published(), reissued(kind, func(claims map[string]any) string {
		change(claims)
		return signed(claims, jose.ES256, signing(), labKid)
	})}
}

func anyGrant(*http.Request) bool { return true }

// published adds the lab's key to the authorization server's.
func published() Layer {
	return on(ending("/certs"), object(func(o map[string]any) {
		keys, _ := o["keys"].([]any)
		o["keys"] = append(keys, jose.JSONWebKey{Key: signing().Public(), KeyID: labKid, Algorithm: "ES256", Use: "sig"})
	}))
}

// reissued puts another access token in the place of the one that is issued, made of its claims.
func reissued(kind On, make func(claims map[string]any) string) Layer {
	return on(all(method(http.MethodPost), ending("/token"), kind), object(func(o map[string]any) {
		raw, _ := o["access_token"].(string)
		if claims := claimsOf(raw); claims != nil {
			o["access_token"] = make(claims)
		}
	}))
}

func claimsOf(raw string) map[string]any {
	t, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return nil
	}
	var claims map[string]any
	d := json.NewDecoder(strings.NewReader(string(t.UnsafePayloadWithoutVerification())))
	d.UseNumber()
	if d.Decode(&claims) != nil {
		return nil
	}
	return claims
}

// signed cannot fail with keys of our own.
func signed(claims map[string]any, alg jose.SignatureAlgorithm, key any, kid string) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		panic(err)
	}
	t, err := s.Sign(encode(claims))
	if err != nil {
		panic(err)
	}
	raw, err := t.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return raw
}

// claim sets a claim, or takes it away by nil; shifted moves the times of a token.
func claim(name string, value any) func(map[string]any) {
	return func(claims map[string]any) {
		if value == nil {
			delete(claims, name)
			return
		}
		claims[name] = value
	}
}

func shifted(by time.Duration, names ...string) func(map[string]any) {
	return func(claims map[string]any) {
		for _, name := range names {
			if n, ok := claims[name].(json.Number); ok {
				at, _ := n.Int64()
				claims[name] = at + int64(by/time.Second)
			}
		}
	}
}

// opaque has tokens be references: the authorization server hands out the one and the MCP server looks up what it stands
// for, as by introspection.
func opaque() (server, origin Layer) {
	var tokens sync.Map
	server = on(all(method(http.MethodPost), ending("/token")), object(func(o map[string]any) {
		if raw, ok := o["access_token"].(string); ok {
			reference := "lab-" + rand.Text() + rand.Text()
			tokens.Store(reference, raw)
			o["access_token"] = reference
		}
	}))
	origin = asked(func(r *http.Request) {
		if raw, ok := tokens.Load(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); ok {
			r.Header.Set("Authorization", "Bearer "+raw.(string))
		}
	})
	return server, origin
}
