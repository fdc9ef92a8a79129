package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Network is a small internet on loopback: names with addresses that nobody else has, and who answers there.
type Network struct {
	// Names are by host, in lower case.
	Names map[string]*Name
	sites map[string]*site
}

// A Name is what is known of a host.
type Name struct {
	A, AAAA []string
	CNAME   string
	// Port is where it listens; Shows is its certificate.
	Port  string
	Shows Shown
	// NewestTLS is the highest version that it speaks, 0 for any; Plain: none at all.
	NewestTLS uint16
	Plain     bool
	// Wire is how its connections go.
	Wire Wire
	// Like has it answer as another host does.
	Like string
}

// Wire is how connections to a host go.
type Wire int

const (
	Answers Wire = iota
	// Refuses: nothing listens. Swallows: a firewall drops what is sent. Resets: it cuts the connection once something is
	// sent.
	Refuses
	Swallows
	Resets
)

// The addresses are of the range that is for examples (RFC 5737, RFC 3849).
func newNetwork() *Network {
	return &Network{Names: map[string]*Name{
		Host:       {A: []string{"203.0.113.10"}, AAAA: []string{"2001:db8::10"}, Port: "443"},
		ServerHost: {A: []string{"203.0.113.20"}, AAAA: []string{"2001:db8::20"}, Port: "443"},
	}, sites: map[string]*site{}}
}

// At returns a name to be changed.
func (n *Network) At(host string) *Name {
	if n.Names[host] == nil {
		n.Names[host] = &Name{Port: "443"}
	}
	return n.Names[host]
}

// Alias gives a host a second name.
func (n *Network) Alias(name, host string) {
	alias := *n.At(host)
	alias.Like = host
	n.Names[name] = &alias
}

// A site is who answers for a host.
type site struct {
	listener net.Listener
	server   *http.Server
}

// open has a handler answer for a host and the names like it.
func (n *Network) open(host string, h http.Handler) error {
	for name, is := range n.Names {
		if name != host && is.Like != host {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("listen for %s: %w", name, err)
		}
		s := &site{l, &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}}
		n.sites[name] = s
		go s.serve(name, is)
	}
	return nil
}

func (s *site) serve(name string, is *Name) {
	switch {
	case is.Wire == Resets:
		s.reset()
	case is.Plain:
		_ = s.server.Serve(s.listener) // it ends with close
	default:
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{show(is.Shows, name)}, MaxVersion: is.NewestTLS}
		if is.NewestTLS != 0 {
			s.server.TLSConfig.MinVersion = tls.VersionTLS10
		}
		_ = s.server.ServeTLS(s.listener, "", "")
	}
}

// reset cuts every connection once something has come.
func (s *site) reset() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1))
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetLinger(0)
			}
		}()
	}
}

// close ends everything that answers.
func (n *Network) close() error {
	var all error
	for _, s := range n.sites {
		all = errors.Join(all, s.server.Close())
		_ = s.listener.Close() // the server may have done it
	}
	return all
}

// Dial connects to a name or an address of the network, as net.Dialer does: one address after the other.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	name, is := n.who(host)
	switch {
	case is == nil:
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	case is.Wire == Swallows:
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	case is.Wire == Refuses || port != is.Port || n.sites[name] == nil:
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", n.sites[name].listener.Addr().String())
}

// who returns the name that a host or an address is.
func (n *Network) who(host string) (string, *Name) {
	host = strings.ToLower(host)
	if is := n.Names[host]; is != nil && len(is.A)+len(is.AAAA) > 0 {
		return host, is
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return "", nil
	}
	for name, is := range n.Names {
		if slices.Contains(is.A, host) || slices.Contains(is.AAAA, host) {
			return name, is
		}
	}
	return "", nil
}

// Roots are the authorities that are public here.
func (n *Network) Roots() *x509.CertPool { return public().pool }
