package probe

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// Handler tells what clients send to next and what it answers. It never waits: it copies bytes, and a goroutine of the
// tap's own makes the exchanges of them. Facts that are noted with the request's context go with the exchange.
func (t *Tap) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.wants(r) {
			next.ServeHTTP(w, r)
			return
		}
		c := t.serverCapture(r)
		tapped := &tapWriter{ResponseWriter: w, capture: c, upgrade: r.Header.Get("Upgrade") != ""}
		r = r.WithContext(WithNoting(r.Context(), c.note))
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &askedBody{r.Body, c}
		}
		returned := false
		defer func() { tapped.end(r.Context(), returned) }()
		next.ServeHTTP(tapped, r)
		returned = true
	})
}

func (t *Tap) serverCapture(r *http.Request) *capture {
	c := t.capture(r, limit(t.serverLimit, serverBody))
	c.raw.url, c.raw.remote, c.raw.overheard = t.publicURL(r), r.RemoteAddr, true
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	c.raw.header = header
	return t.opened(c)
}

// publicURL is the request's URL as the client wrote it.
func (t *Tap) publicURL(r *http.Request) string {
	scheme, host := "http", r.Host
	switch {
	case t.Public != nil:
		scheme, host = t.Public.Scheme, t.Public.Host
	case r.TLS != nil:
		scheme = "https"
	}
	target := r.RequestURI
	if target == "" || target[0] != '/' {
		target = r.URL.RequestURI()
	}
	return scheme + "://" + host + target
}

// An askedBody copies what the handler reads of a request's body.
type askedBody struct {
	io.ReadCloser
	capture *capture
}

func (b *askedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.capture.ask(p[:n], errors.Is(err, io.EOF))
	return n, err
}

// A tapWriter copies what the handler writes. Deadlines and the like are reached through Unwrap.
type tapWriter struct {
	http.ResponseWriter
	capture *capture
	upgrade bool
	wrote   bool
	failed  error
}

func (w *tapWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *tapWriter) WriteHeader(status int) {
	w.header(status, nil)
	w.ResponseWriter.WriteHeader(status)
}

func (w *tapWriter) header(status int, body []byte) {
	if w.wrote || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.wrote = true
	w.capture.respond(status, "", sniffed(w.Header(), body), -1)
}

// sniffed adds the Content-Type that net/http guesses when the handler gives none.
func sniffed(h http.Header, body []byte) http.Header {
	if _, given := h["Content-Type"]; given || len(body) == 0 || h.Get("Content-Encoding") != "" {
		return h
	}
	h = h.Clone()
	h.Set("Content-Type", http.DetectContentType(body))
	return h
}

func (w *tapWriter) Write(p []byte) (int, error) {
	w.header(http.StatusOK, p)
	n, err := w.ResponseWriter.Write(p)
	w.capture.pass(p[:n])
	w.failed = err
	return n, err
}

func (w *tapWriter) Flush() { _ = w.FlushError() }

// FlushError sends what net/http holds back (http.ResponseController).
func (w *tapWriter) FlushError() error {
	w.header(http.StatusOK, nil)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack gives the connection away; what is said on it is not told.
func (w *tapWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.upgrade {
		w.header(http.StatusSwitchingProtocols, nil)
	}
	w.wrote = w.wrote || err == nil
	return conn, both, err
}

// end ends the exchange when the handler is done, or gave up.
func (w *tapWriter) end(ctx context.Context, returned bool) {
	switch stream := w.capture.streams(); {
	case !returned:
		w.capture.end(false, &WireError{"reset", "the handler gave up in the middle"})
	case ctx.Err() != nil && !stream:
		w.capture.end(false, &WireError{"canceled", "the client went away before the answer was over"})
	case w.failed != nil && !stream:
		w.capture.end(false, &WireError{kindOf(w.failed), w.failed.Error()})
	default:
		w.header(http.StatusOK, nil)
		w.capture.end(true, nil)
	}
}

func (c *capture) streams() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}
