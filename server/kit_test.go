package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server"
	"github.com/mcpwiz/mcpwiz/server/internal/issuertest"
)

const target = "https://mcp.example.com/mcp"

// A running server, as seen through a tunnel: the Host is the public name, the socket is on loopback.
type running struct {
	addr   string
	server *server.Server
	issuer *issuertest.Issuer
	// forwarded is what the tunnel says of the official client's address.
	forwarded string
	stop      context.CancelFunc
	ended     chan error
	client    *http.Client
}

func start(t *testing.T, change func(*server.Options)) *running {
	t.Helper()
	i := issuertest.New(t)
	return startWith(t, i, change)
}

func startWith(t *testing.T, i *issuertest.Issuer, change func(*server.Options)) *running {
	t.Helper()
	o := server.Options{
		Endpoints: []server.Endpoint{{Listen: "127.0.0.1:0", URL: target, Issuer: i.URL, Scopes: []string{"mcp:tools"}}},
		Tool:      probe.Tool{Name: "mcpwiz", Version: "9.9.9"},
		Drain:     5 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{addr: l.Addr().String(), server: s, issuer: i, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx, l) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, r.addr)
	}}
	r.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.end(t)
	})
	return r
}

// end stops the server and waits until it has.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err, open := <-r.ended; open && err != nil {
		t.Errorf("serving ended with %v", err)
	}
	select {
	case <-r.ended:
	default:
		close(r.ended)
	}
}

func (r *running) do(t *testing.T, method, path, token, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://mcp.example.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func object(t *testing.T, resp *http.Response) map[string]any {
	t.Helper()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatalf("%s is no JSON object: %v", raw, err)
	}
	return doc
}

// bearer is what a client's OAuth layer does.
type bearer struct {
	token, forwarded string
	next             http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	if b.forwarded != "" {
		r.Header.Set("CF-Connecting-IP", b.forwarded)
	}
	return b.next.RoundTrip(r)
}

func (r *running) connect(t *testing.T, token, path, version string) (*sdk.ClientSession, error) {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint:   "http://mcp.example.com" + path,
		HTTPClient: &http.Client{Transport: bearer{token, r.forwarded, r.client.Transport}},
		MaxRetries: -1,
	}, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err == nil {
		t.Cleanup(func() { session.Close() })
	}
	return session, err
}
