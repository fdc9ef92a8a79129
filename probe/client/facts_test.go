package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"
)

type issued struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	raw  []byte
}

// issue makes a certificate; by itself when there is no authority.
func issue(t *testing.T, by *issued, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "mcp.example.com"}, DNSNames: []string{"mcp.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}
	change(template)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{key, cert, raw}
}

func authority(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject, c.DNSNames, c.IsCA, c.KeyUsage = pkix.Name{CommonName: name}, nil, true, x509.KeyUsageCertSign
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	root := issue(t, nil, authority("root"))
	between := issue(t, root, authority("between"))
	strange := issue(t, nil, authority("strange"))
	good := func(*x509.Certificate) {}
	for name, c := range map[string]struct {
		by     *issued
		change func(*x509.Certificate)
		sent   []*issued
		kind   any
	}{
		"good":             {root, good, nil, nil},
		"good, two":        {between, good, []*issued{between}, nil},
		"expired":          {root, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = c.NotBefore.Add(-time.Hour), c.NotBefore }, nil, "expired"},
		"not yet":          {root, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, nil, "not-yet-valid"},
		"another name":     {root, func(c *x509.Certificate) { c.DNSNames = []string{"other.example.com"} }, nil, "name"},
		"self-signed":      {nil, good, nil, "self-signed"},
		"untrusted":        {strange, good, nil, "untrusted"},
		"incomplete chain": {between, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example/between.crt"} }, nil, "incomplete-chain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf := issue(t, c.by, c.change)
			chain := [][]byte{leaf.raw}
			for _, s := range c.sent {
				chain = append(chain, s.raw)
			}
			e := &Emulator{dial: serveTLS(t, tls.Certificate{Certificate: chain, PrivateKey: leaf.key}), roots: x509.NewCertPool()}
			e.roots.AddCert(root.cert)
			data, err := e.handshake(context.Background(), &url.URL{Scheme: "https", Host: "mcp.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			if data["verified"] != (c.kind == nil) || data["kind"] != c.kind {
				t.Errorf("verified %v, kind %v (%v), want %v", data["verified"], data["kind"], data["error"], c.kind)
			}
			if data["chain"] != len(chain) || data["port"] != 443 || data["version"] != "TLS 1.3" || data["not_after"] != leaf.cert.NotAfter.Format(time.RFC3339) {
				t.Errorf("data: %v", data)
			}
		})
	}
}

// serveTLS shows a certificate to one caller, wherever that wants to go.
func serveTLS(t *testing.T, cert tls.Certificate) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.(*tls.Conn).Handshake()
		conn.Close()
	}()
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}
}

func TestNoCertificate(t *testing.T) {
	t.Parallel()
	e := &Emulator{dial: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	if _, err := e.handshake(context.Background(), &url.URL{Scheme: "https", Host: "mcp.example.com:8443"}); err == nil {
		t.Error("no error where nothing answers")
	}
}
