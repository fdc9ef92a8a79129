package keycloak

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/Nerzal/gocloak/v13"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// keyAlgorithm is what a machine with private_key_jwt signs with (RFC 7523).
const keyAlgorithm = "ES256"

// jwksAttribute holds the public keys; Keycloak reads it only beside use.jwks.string.
const jwksAttribute = "jwks.string"

// hidden is what Keycloak shows for a secret that the caller may not see (since 26.8 for view-clients). Sent back, it
// would become the secret.
const hidden = "**********"

// shownSecret returns the secret that Keycloak has, as far as it is told.
func shownSecret(have *gocloak.Client) (plan.Secret, bool) {
	s := gocloak.PString(have.Secret)
	return plan.Secret(s), s != "" && s != hidden
}

// newCredential notes the secret that a client to be made gets: one is made, or the one kept is used.
func (c *client) newCredential(f *fields) {
	switch {
	case c.hasSecret():
		f.secret("secret")
	case c.signsWithKey():
		f.secret("private key")
	}
}

// compareCredential notes a secret or key that is not the one we keep. A secret that Keycloak hides cannot be compared.
func (c *client) compareCredential(f *fields, have *gocloak.Client) {
	switch {
	case c.hasSecret():
		kept, known := c.secrets.Get(plan.ClientSecret(c.want.ID))
		if now, shown := shownSecret(have); !known || shown && now != kept {
			f.secret("secret")
		}
	case c.signsWithKey():
		kept, known := c.secrets.Get(plan.ClientKey(c.want.ID))
		if !known {
			f.secret("private key")
			return
		}
		want, err := publicJWKS(kept)
		if err != nil || attributesOf(have)[jwksAttribute] != want {
			f.secret("private key")
		}
	}
}

// secretNote says what becomes of a secret that is there, and that it cannot be put back.
func (c *client) secretNote(have *gocloak.Client) string {
	var f fields
	if c.compareCredential(&f, have); len(f) == 0 {
		return ""
	}
	_, keptSecret := c.secrets.Get(plan.ClientSecret(c.want.ID))
	_, shown := shownSecret(have)
	switch {
	case c.signsWithKey():
		return "its key becomes the one in " + plan.SecretsFile + "; what signs with another one has to be told"
	case gocloak.PBool(have.PublicClient):
		return "it was public and gets a secret: who uses it without one is refused from then on"
	case keptSecret:
		return "its secret becomes the one in " + plan.SecretsFile + " again; the present one cannot be put back by undo"
	case shown:
		return "its secret stays and is read into " + plan.SecretsFile
	}
	return "its secret is not told by Keycloak, so a new one is made; the present one cannot be put back by undo"
}

// setCredential puts the secret or the public key into the representation; what is made is kept first.
func (c *client) setCredential(rep, have *gocloak.Client) error {
	switch {
	case c.hasSecret():
		secret, err := c.secrets.Make(plan.ClientSecret(c.want.ID), func() (plan.Secret, error) {
			if now, shown := shownSecret(have); shown && !gocloak.PBool(have.PublicClient) {
				return now, nil
			}
			return plan.NewSecret(), nil
		})
		if err != nil {
			return err
		}
		rep.Secret = gocloak.StringP(secret.Reveal())
	case c.signsWithKey():
		key, err := c.secrets.Make(plan.ClientKey(c.want.ID), newKey)
		if err != nil {
			return err
		}
		jwks, err := publicJWKS(key)
		if err != nil {
			return fmt.Errorf("read the key of client %s in %s: %w", c.want.ID, plan.SecretsFile, err)
		}
		(*rep.Attributes)[jwksAttribute] = jwks
	}
	return nil
}

// newKey makes a private key as PKCS #8 PEM.
func newKey() (plan.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a private key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("make a private key: %w", err)
	}
	return plan.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// publicJWKS returns the JWK set (RFC 7517 5) of a key, always in the same words; kid is its thumbprint (RFC 7638).
func publicJWKS(key plan.Secret) (string, error) {
	block, _ := pem.Decode([]byte(key.Reveal()))
	if block == nil {
		return "", errors.New("not PEM")
	}
	read, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", errors.New("not a PKCS #8 private key")
	}
	private, ok := read.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return "", fmt.Errorf("not a key for %s", keyAlgorithm)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	x, y := base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
	thumb := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": keyAlgorithm,
		"kid": base64.RawURLEncoding.EncodeToString(thumb[:]),
	}}})
	return string(set), err
}
