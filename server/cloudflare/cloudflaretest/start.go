package cloudflaretest

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Running is a small Cloudflare that listens on a loopback port: for the API, for the edge, and for connectors of Cloudflared.
type Running struct {
	*Cloudflare
	// URL is its base URL: the API is at URL + "/client/v4", and any request with the host of a zone reaches the edge.
	URL string

	server *http.Server
}

// Start serves one on a port of the kernel's choice.
func Start(o Options) (*Running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the small Cloudflare: %w", err)
	}
	c := New(o)
	r := &Running{Cloudflare: c, URL: "http://" + l.Addr().String(), server: &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = r.server.Serve(l) }() // ends with Close
	return r, nil
}

// Close ends it and every connection to it.
func (r *Running) Close() error { return r.server.Close() }
