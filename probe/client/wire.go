package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// maxBody is as much of an answer as is read.
const maxBody = 1 << 20

// newTransport returns a pool of connections. Nothing is decompressed, as the tap would not see the wire.
func newTransport(at *Network, dial dialer) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.MaxIdleConnsPerHost, t.MaxResponseHeaderBytes = asideAtOnce, maxBody
	t.DialContext, t.TLSHandshakeTimeout = dial, reachLimit
	if at != nil {
		t.Proxy, t.TLSClientConfig = nil, &tls.Config{RootCAs: at.Roots}
	}
	return t
}

// lanes returns two ways to the wire: the second does not wait for connections of the first.
func lanes(below http.RoundTripper, at *Network, dial dialer) (happy, aside http.RoundTripper) {
	switch t := below.(type) {
	case nil:
		return &reopening{newTransport(at, dial)}, &reopening{newTransport(at, dial)}
	case *http.Transport:
		many := t.Clone()
		many.MaxIdleConnsPerHost = max(many.MaxIdleConnsPerHost, asideAtOnce)
		return &reopening{t}, &reopening{many}
	}
	return below, below
}

// An answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// object returns the body as a JSON object, nil when it is none.
func (a *answer) object() map[string]any {
	var o map[string]any
	if json.Unmarshal(a.body, &o) != nil {
		return nil
	}
	return o
}

// document returns the metadata document of an answer: 200 with a JSON object.
func (a *answer) document() *probe.Document {
	if o := a.object(); a.status == http.StatusOK && o != nil {
		return &probe.Document{Members: o}
	}
	return nil
}

// ok reports whether the status is a success.
func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// String tells the answer in a word, for a person.
func (a *answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprint(a.status)
}

// send makes a request and reads its answer, within the limit. Redirects are not followed.
func send(ctx context.Context, via http.RoundTripper, limit time.Duration, r *http.Request) *answer {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, err := via.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return &answer{err: err}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	a.body, a.err = read(resp.Body)
	a.unpack()
	return a
}

// unpack undoes gzip, which a server may choose though nobody asked for it: every client can. What cannot be unpacked is no
// body to a client.
func (a *answer) unpack() {
	coding := strings.ToLower(strings.TrimSpace(a.header.Get("Content-Encoding")))
	if coding != "gzip" && coding != "x-gzip" || len(a.body) == 0 {
		return
	}
	packed, err := gzip.NewReader(bytes.NewReader(a.body))
	if err == nil {
		a.body, err = read(packed)
	}
	if err != nil {
		a.body, a.err = nil, fmt.Errorf("unpack the body, which is labelled %s: %w", coding, err)
	}
}

// request makes a request without any header but those that are set later.
func request(method, target string, body []byte) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	r, err := http.NewRequest(method, target, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, target, err)
	}
	// net/http adds a User-Agent of its own where there is no such field at all; an empty one it leaves out.
	r.Header["User-Agent"] = []string{""}
	return r, nil
}

// get asks for a document as the client does outside MCP.
func (e *Emulator) get(ctx context.Context, via http.RoundTripper, target string) *answer {
	r, err := request(http.MethodGet, target, nil)
	if err != nil {
		return &answer{err: err}
	}
	e.oauth(r)
	return send(ctx, via, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
}

// discover asks for a metadata document.
func (e *Emulator) discover(ctx context.Context, target string) *answer {
	r, err := request(http.MethodGet, target, nil)
	if err != nil {
		return &answer{err: err}
	}
	e.oauth(r)
	if v := e.opt.Profile.Headers.DiscoveryVersion; v != "" {
		r.Header.Set("Mcp-Protocol-Version", v)
	}
	return send(ctx, e.happy, e.limit(e.opt.Profile.Limits.Discovery, 10), r)
}

// postForm sends a form as the client does (RFC 6749 appendix B).
func (e *Emulator) postForm(ctx context.Context, via http.RoundTripper, limit time.Duration, target string, form url.Values, header http.Header) *answer {
	r, err := request(http.MethodPost, target, []byte(form.Encode()))
	if err != nil {
		return &answer{err: err}
	}
	for name, values := range header {
		r.Header[name] = values
	}
	e.oauth(r)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(ctx, via, limit, r)
}

// oauth sets the headers of requests that are not MCP.
func (e *Emulator) oauth(r *http.Request) {
	h := e.opt.Profile.Headers
	if h.OAuthUserAgent != nil {
		r.Header.Set("User-Agent", *h.OAuthUserAgent)
	}
	if h.OAuthAccept != nil {
		r.Header.Set("Accept", *h.OAuthAccept)
	}
}

// limit is a limit of the profile, or the one that a careful client would have.
func (e *Emulator) limit(seconds, otherwise int) time.Duration {
	if seconds <= 0 {
		seconds = otherwise
	}
	return time.Duration(seconds) * time.Second
}

// read returns a body up to the limit.
func read(body io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(body, maxBody))
}

// isStream reports whether an answer is a stream of events.
func isStream(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}
