package probe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
)

// Transport tells what is asked through next and what is answered. The response passes on unchanged as it comes: nothing
// is decompressed, no redirect followed. An exchange is told when the response's body is at its end or closed.
func (t *Tap) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{t, next}
}

type transport struct {
	tap  *Tap
	next http.RoundTripper
}

// CloseIdleConnections is what http.Client looks for.
func (rt *transport) CloseIdleConnections() {
	if next, ok := rt.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func (rt *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !rt.tap.wants(r) {
		return rt.next.RoundTrip(r)
	}
	c := rt.tap.clientCapture(r)
	out := r.WithContext(httptrace.WithClientTrace(r.Context(), c.wire.hooks()))
	c.copyAsked(out)
	resp, err := rt.next.RoundTrip(out)
	if err != nil {
		c.wire.failed(err)
		c.end(false, &WireError{kindOf(err), err.Error()})
		return nil, err
	}
	resp.Request = r
	c.wire.agreed(resp.TLS)
	c.respond(resp.StatusCode, resp.Proto, withTransferEncoding(resp), resp.ContentLength)
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols: // the body is the connection
		c.end(true, nil)
	case resp.Body == http.NoBody || r.Method == http.MethodHead:
		c.end(true, nil)
	default:
		c.watch(r.Context())
		resp.Body = &answerBody{resp.Body, c}
	}
	return resp, nil
}

func (t *Tap) clientCapture(r *http.Request) *capture {
	c := t.capture(r, limit(t.clientLimit, clientBody))
	c.raw.url, c.raw.probe, c.raw.header = r.URL.String(), probeOf(r.Context()), r.Header.Clone()
	if c.raw.method == "" {
		c.raw.method = http.MethodGet
	}
	if r.Host != "" {
		if c.raw.header == nil {
			c.raw.header = http.Header{}
		}
		http.Header(c.raw.header).Set("Host", r.Host)
	}
	c.wire = newWire(c.start)
	return t.opened(c)
}

// copyAsked copies the request's body: from a second reader where there is one, else as it is read.
func (c *capture) copyAsked(out *http.Request) {
	if out.Body == nil || out.Body == http.NoBody {
		return
	}
	if out.GetBody == nil {
		out.Body = &askedBody{out.Body, c}
		return
	}
	body, err := out.GetBody()
	if err != nil {
		return
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, int64(c.limit)+1))
	if err == nil {
		c.ask(data, len(data) <= c.limit)
	}
}

// withTransferEncoding puts back the field that net/http takes out of the header.
func withTransferEncoding(resp *http.Response) http.Header {
	h := resp.Header
	if len(resp.TransferEncoding) > 0 {
		h = h.Clone()
		h["Transfer-Encoding"] = slices.Clone(resp.TransferEncoding)
	}
	return h
}

// watch ends the exchange when the request's context does, for then nobody may read on.
func (c *capture) watch(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { c.end(false, &WireError{kindOf(ctx.Err()), ctx.Err().Error()}) })
	c.mu.Lock()
	ended := c.ended
	c.stop = stop
	c.mu.Unlock()
	if ended {
		stop()
	}
}

// An answerBody copies what the caller reads of a response's body.
type answerBody struct {
	io.ReadCloser
	capture *capture
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.capture.pass(p[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		b.capture.end(true, nil)
	case err != nil:
		b.capture.end(false, &WireError{kindOf(err), err.Error()})
	}
	return n, err
}

func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.capture.end(false, nil)
	return err
}
