package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"
)

// Shown is what a host shows of itself in a TLS handshake.
type Shown int

const (
	Good Shown = iota
	Expired
	NotYetValid
	// EndsSoon: the last tenth of its life has begun.
	EndsSoon
	OtherName
	SelfSigned
	// Incomplete: the chain lacks what links it to a root.
	Incomplete
)

// An authority issues certificates by a key below its root's, as public ones do.
type authority struct {
	pool *x509.CertPool
	// between is the issuing certificate.
	between *x509.Certificate
	key     crypto.Signer
}

// public is the only authority of the lab, made once.
var public = sync.OnceValue(func() *authority {
	now := time.Now()
	ca := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(5, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	rootKey, key := newKey(), newKey()
	root := sign(ca("mcpwiz lab root", 1), ca("mcpwiz lab root", 1), rootKey.Public(), rootKey)
	a := &authority{pool: x509.NewCertPool(), between: sign(ca("mcpwiz lab", 2), root, key.Public(), rootKey), key: key}
	a.pool.AddCert(root)
	return a
})

// newKey cannot fail: crypto/rand ends the program rather than return an error.
func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// sign cannot fail on templates of our own.
func sign(c, by *x509.Certificate, key crypto.PublicKey, with crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, by, key, with)
	if err != nil {
		panic(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signed
}

// show returns the certificate that a host shows.
func show(how Shown, host string) tls.Certificate {
	a, now, key := public(), time.Now(), newKey()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now.AddDate(0, 0, -30), NotAfter: now.AddDate(0, 0, 60), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IssuingCertificateURL: []string{"http://ca.lab.example/lab.cer"},
	}
	switch how {
	case Expired:
		c.NotBefore, c.NotAfter = now.AddDate(0, 0, -91), now.AddDate(0, 0, -1)
	case NotYetValid:
		c.NotBefore, c.NotAfter = now.AddDate(0, 0, 1), now.AddDate(0, 0, 91)
	case EndsSoon:
		c.NotBefore, c.NotAfter = now.AddDate(0, 0, -88), now.AddDate(0, 0, 2)
	case OtherName:
		c.DNSNames, c.Subject.CommonName = []string{"www.lab.example"}, "www.lab.example"
	case SelfSigned:
		return tls.Certificate{Certificate: [][]byte{sign(c, c, key.Public(), key).Raw}, PrivateKey: key}
	}
	chain := [][]byte{sign(c, a.between, key.Public(), a.key).Raw}
	if how != Incomplete {
		chain = append(chain, a.between.Raw)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: key}
}
