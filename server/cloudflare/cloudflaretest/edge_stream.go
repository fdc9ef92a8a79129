package cloudflaretest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// patience is how long the edge waits for an origin's next byte.
func (v *visit) patience() time.Duration {
	if v.c.o.ReadTimeout > 0 {
		return v.c.o.ReadTimeout
	}
	return 125 * time.Second
}

// errSilent ends a request whose origin said nothing for too long.
var errSilent = errors.New("the origin is silent")

// carry brings an answer back as the edge does: its headers not before its first byte, an event stream at once, all else
// buffered, and nothing after the origin was silent for too long.
func (v *visit) carry(ctx context.Context, w http.ResponseWriter, cancel context.CancelCauseFunc, ask func() (*http.Response, error)) {
	clock := time.AfterFunc(v.patience(), func() { cancel(errSilent) })
	defer clock.Stop()
	res, err := ask()
	if err != nil {
		v.failed(ctx, w, err)
		return
	}
	defer res.Body.Close()
	body, plain := unzipped(v.r, res)
	first := make([]byte, 4096)
	n, err := body.Read(first)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && n == 0:
		v.failed(ctx, w, err)
		return
	case n == 0 && res.StatusCode == http.StatusBadGateway && strings.Contains(res.Header.Get("Cf-Cloudflared-Response-Meta"), `"cloudflared"`):
		v.fault(http.StatusBadGateway).write(w)
		return
	}
	clock.Reset(v.patience())
	whole := io.MultiReader(bytes.NewReader(first[:n]), body)
	changes := v.rewrites(res)
	v.head(w, res, plain || changes)
	if changes {
		v.carryPage(w, res.StatusCode, whole)
		return
	}
	v.carryBody(w, res, whole, clock)
}

func (v *visit) carryBody(w http.ResponseWriter, res *http.Response, body io.Reader, clock *time.Timer) {
	streams := strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	c := &carrier{w: w, flush: http.NewResponseController(w), streams: streams, clock: clock, patience: v.patience()}
	if _, err := io.Copy(c, body); err != nil {
		panic(http.ErrAbortHandler) // cut: the client must see that it was
	}
	if !streams && c.whole.Len() < largestKept {
		v.keep(res.StatusCode, w.Header(), c.whole.Bytes())
	}
}

// carryPage brings a page back as its products leave it.
func (v *visit) carryPage(w http.ResponseWriter, status int, body io.Reader) {
	whole, err := io.ReadAll(body)
	if err != nil {
		panic(http.ErrAbortHandler) // cut: the client must see that it was
	}
	whole = v.rewritten(whole)
	_, _ = w.Write(whole) // a client that went away needs no answer
	v.keep(status, w.Header(), whole)
}

// failed answers for an origin that did not.
func (v *visit) failed(ctx context.Context, w http.ResponseWriter, err error) {
	switch {
	case v.r.Context().Err() != nil:
		return
	case errors.Is(context.Cause(ctx), errSilent):
		v.fault(524).write(w)
	default:
		v.fault(originFault(err)).write(w)
	}
}

// head writes status and headers, without those that are between edge and origin, and without those of a body that is changed.
func (v *visit) head(w http.ResponseWriter, res *http.Response, changed bool) {
	h := w.Header()
	for name, values := range res.Header {
		if name != "Cf-Cloudflared-Response-Meta" && name != "Connection" && name != "Keep-Alive" && name != "Server" && name != "Cf-Ray" {
			h[name] = values
		}
	}
	if res.Header["Content-Type"] == nil {
		h["Content-Type"] = nil
	}
	if changed {
		h.Del("Content-Encoding")
		h.Del("Content-Length")
	}
	h.Set("Cf-Cache-Status", v.cacheStatus())
	w.WriteHeader(res.StatusCode)
}

// unzipped gives a client that takes no gzip what it takes.
func unzipped(r *http.Request, res *http.Response) (io.Reader, bool) {
	if res.Header.Get("Content-Encoding") != "gzip" || strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return res.Body, false
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		return res.Body, false
	}
	return z, true
}

// A carrier writes a body, each piece at once when it streams, and winds the clock that cuts it.
type carrier struct {
	w        io.Writer
	flush    *http.ResponseController
	streams  bool
	clock    *time.Timer
	patience time.Duration
	whole    bytes.Buffer
}

func (c *carrier) Write(p []byte) (int, error) {
	c.clock.Reset(c.patience)
	n, err := c.w.Write(p)
	if c.streams {
		_ = c.flush.Flush() // a client that went away fails the next write
	} else if c.whole.Len() < largestKept {
		c.whole.Write(p)
	}
	return n, err
}
