package lab

import (
	"crypto/tls"
	"errors"
	"net/http"
	"sync"
	"time"
)

// transport is the way of a server in this network.
func (n *Network) transport() *http.Transport {
	return &http.Transport{
		DialContext: n.Dial, TLSClientConfig: &tls.Config{RootCAs: n.Roots()}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 5 * time.Second,
	}
}

// A Range is one way that stands.
type Range struct {
	*Network
	fault  Fault
	via    *http.Transport
	closed sync.Once
}

// Stand puts the range up, with an authorization server that answers. Serve adds the MCP server.
func Stand(f Fault, authorizationServer http.Handler) (*Range, error) {
	r := &Range{Network: newNetwork(), fault: f}
	if f.Network != nil {
		f.Network(r.Network)
	}
	r.via = r.transport()
	if err := r.open(ServerHost, f.OverServer(authorizationServer)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Transport is for the MCP server's own calls.
func (r *Range) Transport() http.RoundTripper { return r.via }

// Serve has the MCP server answer, behind the edge.
func (r *Range) Serve(mcpServer http.Handler) error {
	return r.open(Host, over(mcpServer, r.fault.Edge))
}

// Close takes the range down.
func (r *Range) Close() error {
	var err error
	r.closed.Do(func() {
		r.via.CloseIdleConnections()
		err = r.close()
	})
	return err
}
