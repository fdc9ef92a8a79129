package client

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// readKey reads a PKCS #8 private key in PEM and says what it signs with (RFC 7518 section 3.1); its kid is its
// thumbprint (RFC 7638).
func readKey(text string) (jose.SigningKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return jose.SigningKey{}, errors.New("the private key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return jose.SigningKey{}, errors.New("the private key is not PKCS #8")
	}
	alg, err := algorithmOf(key)
	if err != nil {
		return jose.SigningKey{}, err
	}
	jwk := jose.JSONWebKey{Key: key}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.SigningKey{}, fmt.Errorf("the private key's thumbprint: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	return jose.SigningKey{Algorithm: alg, Key: jwk}, nil
}

func algorithmOf(key any) (jose.SignatureAlgorithm, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return jose.RS256, nil
	case ed25519.PrivateKey:
		return jose.EdDSA, nil
	case *ecdsa.PrivateKey:
		switch key.Curve.Params().BitSize {
		case 256:
			return jose.ES256, nil
		case 384:
			return jose.ES384, nil
		case 521:
			return jose.ES512, nil
		}
	}
	return "", fmt.Errorf("the private key is a %T, which signs no client assertion", key)
}
