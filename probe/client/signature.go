package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpwiz/mcpwiz/probe"
)

// fetchKeys fetches the keys of the authorization server, as the MCP server does (RFC 7517 section 5).
func fetchKeys(ctx context.Context, e *Emulator) error {
	if absolute(e.wallet.endpoints.jwks) == nil {
		return errors.New("the metadata name no jwks_uri")
	}
	a := e.get(ctx, e.aside, e.wallet.endpoints.jwks)
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &set) != nil {
		return nil
	}
	for _, raw := range set.Keys { // one that is not understood does not spoil the others
		var k jose.JSONWebKey
		if json.Unmarshal(raw, &k) == nil && k.Valid() && k.IsPublic() {
			e.wallet.keys = append(e.wallet.keys, k)
		}
	}
	return nil
}

// signing are the algorithms that a resource server can verify without being able to forge (RFC 8725 section 3.1).
var signing = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// verifySignature notes whether the access token's signature verifies with a published key.
func verifySignature(_ context.Context, e *Emulator) error {
	raw := e.wallet.first.access
	switch {
	case raw == "":
		return errors.New("there is no access token")
	case len(e.wallet.keys) == 0:
		return errors.New("there are no keys")
	}
	header, ok := headerOf(raw)
	if !ok {
		e.excuse(probe.OfFact("token-signature"), "the access token is opaque: it bears no signature that can be seen")
		return nil
	}
	data := map[string]any{"valid": true, "kid": header.Kid, "alg": header.Alg}
	if err := e.verifyToken(raw, header); err != nil {
		data["valid"], data["reason"] = false, err.Error()
	}
	e.note("token-signature", "emulator", data)
	return nil
}

func (e *Emulator) verifyToken(raw string, h joseHeader) error {
	signed, err := jose.ParseSignedCompact(raw, signing)
	if err != nil {
		return fmt.Errorf("the token is signed with %q, which no resource server can verify", h.Alg)
	}
	tried := 0
	for _, k := range e.wallet.keys {
		if h.Kid != "" && k.KeyID != h.Kid || k.Use == "enc" {
			continue
		}
		tried++
		if _, err := signed.Verify(k.Key); err == nil {
			return nil
		}
	}
	if tried == 0 {
		return fmt.Errorf("the token is signed with key %q, which the authorization server does not publish", h.Kid)
	}
	return fmt.Errorf("the token's signature does not verify with key %q", h.Kid)
}

type joseHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

// headerOf reads the header of a token in JWS compact serialization (RFC 7515 section 7.1).
func headerOf(raw string) (h joseHeader, ok bool) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return h, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	return h, err == nil && json.Unmarshal(text, &h) == nil && h.Alg != ""
}

// audienceOf reads aud of a token without verifying it.
func audienceOf(raw string) ([]string, bool) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return nil, false
	}
	return (&probe.Document{Members: claims}).Strings("aud"), true
}
