// Package server serves MCP behind OAuth: one process, one port, and every path that a client asks for in a handshake.
package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/server/gateway"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// Options say what is served, and with what.
type Options struct {
	Endpoints []Endpoint
	// Tool names this program: in the Server header, in serverInfo, in captures.
	Tool   probe.Tool
	Logger *slog.Logger
	// Checks judge what real clients do here; Recognise finds the profile of one by what it says of itself.
	Checks    []*probe.Check
	Recognise func(record.Client) *probe.Profile
	// Differs is told what a real client does otherwise than its profile says; it must not wait.
	Differs func(record.Difference)
	// Front names our origin as the issuer; RegisterBehind has the authorization server behind register clients, where otherwise the
	// public one is handed out.
	Front, RegisterBehind bool
	// CarryKeycloak is where Keycloak listens, whose realm is to be reached here too; empty: it is not.
	CarryKeycloak string
	// Secret returns the secret of a client that is named among the endpoints; it is asked at each use.
	Secret func(client string) (string, error)
	// AdminListen is where metrics and health are served, apart from the servers; empty: nowhere. AdminReady is told its address.
	AdminListen string
	AdminReady  func(net.Addr)
	// AccessLog gets a line for each request; nil: none is written.
	AccessLog *slog.Logger
	metrics   *metrics
	// Over is laid over what each path answers, where the witness still hears it; nil changes nothing.
	Over func(http.Handler) http.Handler
	// Transport is for calls to authorization servers; nil is a transport that honours HTTPS_PROXY.
	Transport http.RoundTripper
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Drain is how long requests may go on after the stop; zero is 5 s. Streams are cut when it begins.
	Drain time.Duration
	// Ready is called once for each address, when requests are answered there.
	Ready func(net.Addr)
}

// An Endpoint is one MCP server: an entry of `servers` in mcpwiz.yaml.
type Endpoint struct {
	// Listen is host:port; endpoints of the same Listen share the port by path. Empty is 127.0.0.1:8080.
	Listen string
	// URL is the resource identifier exactly as clients are given it, Issuer the authorization server as it names itself.
	URL, Issuer string
	// Name is for people.
	Name string
	// JWKSURL is where the issuer's keys are fetched when its public name cannot be reached from here; CAFile has
	// certificates to trust there besides the system's.
	JWKSURL, CAFile string
	// Scopes are required of a token, and told to clients.
	Scopes []string
	// Upstream is what it stands in front of; nil is the bundled server.
	Upstream *Upstream
	// Needs are scopes that single operations take besides.
	Needs gateway.Needs
	// Introspect is the client that asks about tokens that are no readable JWT (RFC 7662); empty: they are refused.
	Introspect string
	// AllowedOrigins and AllowedHosts are known besides the URL's own and this machine's.
	AllowedOrigins, AllowedHosts []string
	// Public is handed out at /register; without an ID nobody is.
	Public gateway.PublicClient
}

// DefaultListen is on loopback: whoever wants more says so.
const DefaultListen = "127.0.0.1:8080"

const defaultDrain = 5 * time.Second

func (o *Options) fill() error {
	if len(o.Endpoints) == 0 {
		return fmt.Errorf("no server to serve: give a url and an issuer")
	}
	if o.Tool.Name == "" {
		o.Tool.Name = "mcpwiz"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Over == nil {
		o.Over = func(h http.Handler) http.Handler { return h }
	}
	if o.Drain == 0 {
		o.Drain = defaultDrain
	}
	if o.Transport == nil {
		o.Transport = transport(nil)
	}
	if o.AdminListen != "" && o.metrics == nil {
		o.metrics = newMetrics()
	}
	o.Endpoints = append([]Endpoint(nil), o.Endpoints...)
	for i := range o.Endpoints {
		if o.Endpoints[i].Listen == "" {
			o.Endpoints[i].Listen = DefaultListen
		}
		if _, _, err := net.SplitHostPort(o.Endpoints[i].Listen); err != nil {
			return fmt.Errorf("listen %q: want host:port: %w", o.Endpoints[i].Listen, err)
		}
	}
	return o.checkAdmin()
}

func transport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     true,
		IdleConnTimeout:       time.Minute,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 5 * time.Second,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	}
}

// keysTransport is for JWKSURL alone: what clients must reach is judged against public roots.
func (e Endpoint) keysTransport(public http.RoundTripper) (http.RoundTripper, error) {
	if e.CAFile == "" || e.JWKSURL == "" {
		return public, nil
	}
	pem, err := os.ReadFile(e.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the ca_file of %s: %w", e.URL, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the ca_file of %s: no certificate in %s", e.URL, e.CAFile)
	}
	return transport(roots), nil
}
