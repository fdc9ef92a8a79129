package cloudflaretest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"strings"
	"sync"
	"time"
)

// quiet hears of handshakes that fail, which tests bring about.
var quiet = log.New(io.Discard, "", 0)

// An authority issues the certificates of the edge.
type authority struct {
	roots *x509.CertPool
	root  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu     sync.Mutex
	issued map[string]*tls.Certificate
}

func newAuthority() *authority {
	a := &authority{roots: x509.NewCertPool(), key: newKey(), issued: map[string]*tls.Certificate{}}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "small Cloudflare root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.root = sign(ca, ca, a.key, a.key)
	a.roots.AddCert(a.root)
	return a
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// newKey cannot fail: crypto/rand ends the program rather than return an error.
func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// sign cannot fail on templates of our own.
func sign(c, by *x509.Certificate, key, with *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), with)
	if err != nil {
		panic(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signed
}

// of returns the certificate of a domain: for it and for one level of names below, as Universal SSL has it.
func (a *authority) of(domain string) *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.issued[domain]; c != nil {
		return c
	}
	now, key := time.Now(), newKey()
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain, "*." + domain},
		NotBefore: now.AddDate(0, 0, -30), NotAfter: now.AddDate(0, 0, 60), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.root, key, a.key)
	c := &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.root.Raw}, PrivateKey: key, Leaf: leaf}
	a.issued[domain] = c
	return c
}

// shake chooses the certificate for a host. For one that none covers, two levels below its zone, the handshake fails (alert 40).
func (c *Cloudflare) shake(a *authority, host string) *tls.Config {
	host = strings.ToLower(host)
	domain := strings.TrimPrefix(quickDomain, ".")
	if z := c.zoneOfLocked(host); z != nil {
		domain = z.Name
	} else if c.teamOf(host) != nil {
		domain = strings.TrimPrefix(teamDomain, ".")
	}
	below := strings.TrimSuffix(strings.TrimSuffix(host, domain), ".")
	if !strings.HasSuffix(host, domain) || strings.Contains(below, ".") {
		// TLS 1.2 with a suite for RSA alone: with the key at hand no suite is left.
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, Certificates: []tls.Certificate{*a.of(domain)}}
	}
	return &tls.Config{Certificates: []tls.Certificate{*a.of(domain)}, NextProtos: []string{"http/1.1"}}
}
