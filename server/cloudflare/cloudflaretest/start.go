package cloudflaretest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Running is a small Cloudflare that listens on loopback ports: for the API, for the edge, and for connectors of Cloudflared.
type Running struct {
	*Cloudflare
	// URL is its base URL over plain HTTP: the API is at URL + "/client/v4", MCPWIZ_TEST_EDGE is URL, and a request with the host of
	// a zone reaches the edge.
	URL string
	// Address is where the edge speaks TLS, with certificates for the zones and one level of names below each, that Roots verifies.
	Address string
	Roots   *x509.CertPool
	// RootsPEM is the same, to be written to a file for a program that runs on its own; see serveConnect.
	RootsPEM []byte

	plain, secure *http.Server
}

// Start serves one on ports of the kernel's choice.
func Start(o Options) (*Running, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the small Cloudflare: %w", err)
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the small Cloudflare: %w", err), plain.Close())
	}
	c := New(o)
	certificates := newAuthority()
	r := &Running{
		Cloudflare: c, URL: "http://" + plain.Addr().String(), Address: secure.Addr().String(), Roots: certificates.roots, RootsPEM: certificates.pem(),
		secure: &http.Server{Handler: http.HandlerFunc(c.serveAll), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet},
	}
	r.plain = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodConnect {
			r.serveConnect(w, q)
			return
		}
		c.serveAll(w, q)
	}), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	r.secure.TLSConfig = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return c.shake(certificates, hello.ServerName), nil
	}}
	go func() { _ = r.plain.Serve(plain) }()              // ends with Close
	go func() { _ = r.secure.ServeTLS(secure, "", "") }() // ends with Close
	return r, nil
}

// Close ends it and every connection to it.
func (r *Running) Close() error { return errors.Join(r.plain.Close(), r.secure.Close()) }

// Transport reaches the edge by the name of any host of a zone, as a client on the internet does: https over TLS that Roots
// verifies, http in plain. It follows no redirects and decompresses nothing.
func (r *Running) Transport() *http.Transport {
	var d net.Dialer
	to := func(address string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network, address)
		}
	}
	return &http.Transport{
		DialContext: to(strings.TrimPrefix(r.URL, "http://")),
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			t := tls.Dialer{Config: &tls.Config{RootCAs: r.Roots, ServerName: host}}
			return t.DialContext(ctx, network, r.Address)
		},
		DisableCompression: true,
	}
}

// serveAll is the API, what connectors speak to, and the edge, told apart by host and path.
func (c *Cloudflare) serveAll(w http.ResponseWriter, r *http.Request) {
	ours := !c.serves(hostOnly(r.Host))
	switch {
	case ours && strings.HasPrefix(r.URL.Path, "/client/v4/"):
		c.ServeHTTP(w, r)
	case ours && r.URL.Path == "/tunnel":
		c.createQuick(w, r)
	case ours && r.URL.Path == linkPath:
		c.serveLink(w, r)
	default:
		c.serveEdge(w, r)
	}
}

// serves: the host is one of a zone, a quick tunnel or a team.
func (c *Cloudflare) serves(host string) bool {
	return c.zoneOfLocked(host) != nil || strings.HasSuffix(host, quickDomain) || c.teamOf(host) != nil
}

func (c *Cloudflare) zoneOfLocked(host string) *zone {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.zoneOf(host)
}
