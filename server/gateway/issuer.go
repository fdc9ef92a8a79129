package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// An Issuer is an authorization server as seen from here: its metadata, fetched when first asked for, kept for five
// minutes, and served on while it cannot be reached.
type Issuer struct {
	name   string
	client *http.Client
	now    func() time.Time

	held    atomic.Pointer[serverMetadata]
	refetch refetch
}

type serverMetadata struct {
	raw                                  []byte
	jwksURI, introspection, registration string
	fetched                              time.Time
}

const metadataFresh = 5 * time.Minute

// NewIssuer returns the issuer of that name; transport nil is http.DefaultTransport, now nil is the clock.
func NewIssuer(name string, transport http.RoundTripper, now func() time.Time) *Issuer {
	if now == nil {
		now = time.Now
	}
	return &Issuer{name: name, client: client(transport), now: now, refetch: newRefetch()}
}

// client returns one that does not follow redirects: an issuer that redirects its documents is not the one clients see.
func client(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Metadata returns the authorization server metadata as it was served.
func (i *Issuer) Metadata(ctx context.Context) ([]byte, error) {
	m, err := i.metadata(ctx)
	if err != nil {
		return nil, err
	}
	return m.raw, nil
}

func (i *Issuer) metadata(ctx context.Context) (*serverMetadata, error) {
	if m := i.held.Load(); m != nil && i.now().Before(m.fetched.Add(metadataFresh)) {
		return m, nil
	}
	err := i.refetch.do(ctx, i.now(), i.discover)
	if m := i.held.Load(); m != nil {
		return m, nil
	}
	if err == nil {
		err = fmt.Errorf("asked too often")
	}
	return nil, err
}

// discover tries the places of MCP 2025-11-25 in their order, and takes the first document that is the issuer's own
// (RFC 8414 section 3.3).
func (i *Issuer) discover(ctx context.Context) error {
	var first error
	for _, at := range MetadataURLs(i.name) {
		m, err := i.from(ctx, at)
		if err == nil {
			i.held.Store(m)
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (i *Issuer) from(ctx context.Context, at string) (*serverMetadata, error) {
	raw, err := fetchJSON(ctx, i.client, at)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Issuer        string `json:"issuer"`
		JWKSURI       string `json:"jwks_uri"`
		Introspection string `json:"introspection_endpoint"`
		Registration  string `json:"registration_endpoint"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("reading %s: %w", at, err)
	}
	if doc.Issuer != i.name {
		return nil, fmt.Errorf("reading %s: its issuer is %q, not %q (RFC 8414 section 3.3)", at, short(doc.Issuer), i.name)
	}
	return &serverMetadata{raw: raw, jwksURI: doc.JWKSURI, introspection: doc.Introspection, registration: doc.Registration, fetched: i.now()}, nil
}

// MetadataURLs lists where an issuer's metadata may be, in the order of MCP 2025-11-25.
func MetadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	if path == "" {
		return []string{origin + "/.well-known/oauth-authorization-server", origin + "/.well-known/openid-configuration"}
	}
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + "/.well-known/openid-configuration" + path,
		origin + path + "/.well-known/openid-configuration",
	}
}

// fetchJSON fetches a JSON document; it must be there, whole, and labelled as JSON.
func fetchJSON(ctx context.Context, c *http.Client, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", at, err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking for %s: answered %s", at, resp.Status)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, fmt.Errorf("asking for %s: answered with content type %q, not JSON", at, short(resp.Header.Get("Content-Type")))
	}
	raw, err := readAll(resp.Body, fetchLimit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", at, err)
	}
	return raw, nil
}

// A refetch runs one fetch at a time and not more often than its limiter allows; in between, the last fetch's outcome
// stands. The fetch outlives the request that asked for it, since others wait for it too.
type refetch struct {
	flight  *singleflight.Group
	limiter *rate.Limiter
	last    *outcome
}

type outcome struct {
	mu  sync.Mutex
	err error
	at  time.Time
}

func newRefetch() refetch {
	return refetch{
		flight:  new(singleflight.Group),
		limiter: rate.NewLimiter(rate.Every(refetchInterval), refetchBurst),
		last:    new(outcome),
	}
}

func (f refetch) do(ctx context.Context, now time.Time, fetch func(context.Context) error) error {
	done := f.flight.DoChan("", func() (any, error) {
		if !f.limiter.AllowN(now, 1) {
			_, err := f.outcome()
			return nil, err
		}
		fetching, cancel := context.WithTimeout(context.Background(), 2*fetchTimeout)
		defer cancel()
		err := fetch(fetching)
		f.last.mu.Lock()
		defer f.last.mu.Unlock()
		f.last.err, f.last.at = err, now
		return nil, err
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome returns when the last fetch began, zero when none did, and how it ended.
func (f refetch) outcome() (time.Time, error) {
	f.last.mu.Lock()
	defer f.last.mu.Unlock()
	return f.last.at, f.last.err
}
