package keycloaktest

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// sign makes a JWT of the realm that anybody can verify (RS256).
func (c *call) sign(claims map[string]any) string {
	return signed(jose.RS256, c.realm.sigKid, c.key(), claims)
}

// seal makes one that only the realm reads: refresh tokens, registration access tokens, the cookie of a session (HS512).
func (r *realm) seal(claims map[string]any) string {
	return signed(jose.HS512, r.hsKid, r.secret, claims)
}

func signed(alg jose.SignatureAlgorithm, kid string, key any, claims map[string]any) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		panic(err) // the keys are ours
	}
	jws, err := s.Sign(encode(claims))
	if err != nil {
		panic(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// open verifies a JWT and returns its claims.
func open(token string, alg jose.SignatureAlgorithm, key any) (map[string]any, bool) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, false
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, false
	}
	var claims map[string]any
	if json.Unmarshal(payload, &claims) != nil {
		return nil, false
	}
	return claims, true
}

// unseal reads what seal made for the same issuer and is not over.
func (c *call) unseal(token string, kinds ...string) (map[string]any, bool) {
	claims, ok := open(token, jose.HS512, c.realm.secret)
	if !ok || claims["iss"] != c.issuer() {
		return nil, false
	}
	for _, kind := range kinds {
		if claims["typ"] == kind {
			return claims, !c.over(claims)
		}
	}
	return nil, false
}

// over: exp has passed; 0 and none are never.
func (c *call) over(claims map[string]any) bool {
	exp, _ := claims["exp"].(float64)
	return exp > 0 && c.now.Unix() >= int64(exp)
}

func text(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return s
}
