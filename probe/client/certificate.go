package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// handshake shakes hands with a host and tells what it showed. An error says that it showed nothing.
func (e *Emulator) handshake(ctx context.Context, u *url.URL) (map[string]any, error) {
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	at := net.JoinHostPort(u.Hostname(), port)
	conn, err := e.dial(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", at, err)
	}
	defer conn.Close()
	client := tls.Client(conn, &tls.Config{
		ServerName: u.Hostname(), NextProtos: []string{"h2", "http/1.1"},
		InsecureSkipVerify: true, // what it shows is wanted whether it is good or not; it is judged below, and nothing is sent
	})
	n, _ := strconv.Atoi(port)
	data := map[string]any{"host": u.Hostname(), "port": n}
	if err := client.HandshakeContext(ctx); err != nil {
		data["verified"], data["kind"], data["error"], data["chain"] = false, "other", err.Error(), 0
		return data, nil
	}
	state := client.ConnectionState()
	data["version"], data["alpn"], data["chain"] = tls.VersionName(state.Version), state.NegotiatedProtocol, len(state.PeerCertificates)
	leaf := state.PeerCertificates[0]
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	data["names"], data["issuer"], data["subject"] = names, leaf.Issuer.String(), leaf.Subject.String()
	data["not_before"], data["not_after"] = leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339)
	err = verify(state.PeerCertificates, u.Hostname(), e.roots)
	data["verified"] = err == nil
	if err != nil {
		data["error"], data["kind"] = err.Error(), flaw(err, state.PeerCertificates)
	}
	return data, nil
}

// verify holds a chain as it was sent to the roots, nil for the system's: nothing is fetched to complete it.
func verify(chain []*x509.Certificate, host string, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between})
	return err
}

// flaw tells what is wrong with a chain that does not verify.
func flaw(err error, chain []*x509.Certificate) string {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	leaf, last := chain[0], chain[len(chain)-1]
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return "not-yet-valid"
		}
		return "expired"
	case errors.As(err, &name):
		return "name"
	case !errors.As(err, &unknown):
		return "other"
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "self-signed"
	case !bytes.Equal(last.RawIssuer, last.RawSubject) && len(last.IssuingCertificateURL) > 0:
		// A public authority says where its certificate is to be had; the chain ends below it.
		return "incomplete-chain"
	}
	return "untrusted"
}
