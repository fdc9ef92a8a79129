package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/mcpwiz/mcpwiz/probe"
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

// names answers DNS questions: mcp.example.com is an alias of edge.example.net, which has one address of each family.
func names(t *testing.T) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go answerNames(t, there)
		return here, nil
	}}
}

func answerNames(t *testing.T, conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		reply := answerTo(t, question)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func answerTo(t *testing.T, question []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		t.Error(err)
		return nil
	}
	answerName(&m)
	reply, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return reply
}

func answerName(m *dnsmessage.Message) {
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q.Name.String() != "mcp.example.com." {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	alias := dnsmessage.MustNewName("edge.example.net.")
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeCNAME, Class: q.Class, TTL: 60}, Body: &dnsmessage.CNAMEResource{CNAME: alias},
	}}
	header := dnsmessage.ResourceHeader{Name: alias, Type: q.Type, Class: q.Class, TTL: 60}
	switch q.Type {
	case dnsmessage.TypeA:
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte{203, 0, 113, 7}}})
	case dnsmessage.TypeAAAA:
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 7}}})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]map[string]any{
		"mcp.example.com":   {"host": "mcp.example.com", "a": []string{"203.0.113.7"}, "aaaa": []string{"2001:db8::7"}, "cname": "edge.example.net", "not_found": false},
		"other.example.com": {"host": "other.example.com", "a": []string{}, "aaaa": []string{}, "not_found": true},
	} {
		var told probe.Fact
		e := &Emulator{resolver: names(t), tap: &probe.Tap{}}
		e.session = probe.NewSession(probe.Opening{}, func(ev probe.Event) {
			if n, ok := ev.(probe.Noted); ok {
				told = n.Fact
			}
		})
		e.resolve(context.Background(), &url.URL{Scheme: "https", Host: host}, finds{e.told, e.excuse})
		e.session.Close()
		if text, failed := told.Data["error"].(string); failed != want["not_found"] || failed && text == "" {
			t.Errorf("%s: error %q", host, text)
		}
		delete(told.Data, "error")
		if told.Kind != "dns" || told.Source != "system" || !reflect.DeepEqual(told.Data, want) {
			t.Errorf("%s: %v", host, told)
		}
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	e, err := New(Options{Target: "https://mcp.example.com/mcp", Profile: &probe.Profile{Grant: authorizationCode}, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	if e.unseen(e.target) == "" {
		t.Error("names are looked up past the caller's own transport")
	}
}
