package keycloaktest

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Running is a small Keycloak that listens on a loopback port.
type Running struct {
	*Keycloak
	// URL is its base URL.
	URL string

	server *http.Server
}

// Start serves one on a port of the kernel's choice.
func Start(o Options) (*Running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the small Keycloak: %w", err)
	}
	k := New(o)
	r := &Running{Keycloak: k, URL: "http://" + l.Addr().String(), server: &http.Server{Handler: k, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = r.server.Serve(l) }() // ends with Close
	return r, nil
}

// Close ends it and every connection to it.
func (r *Running) Close() error { return r.server.Close() }
