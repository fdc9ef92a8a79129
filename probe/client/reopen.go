package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
)

// A reopening sends a request anew where the connection that was kept for it turns out to be closed: a server may close one at any
// time, without a word and as the next request is on its way (RFC 9112 section 9.3.1 and 9.5). Clients look whether a connection is
// still open before they use it, or open one for each request; net/http does it for what may be repeated, so not for a POST. What
// a new connection answers, or that it is cut too, is the server's word.
type reopening struct{ below *http.Transport }

// reopenings is how many kept connections may turn out to be closed before the last error counts.
const reopenings = 4

func (o *reopening) RoundTrip(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		var kept, answered atomic.Bool
		resp, err := o.below.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			GotConn:              func(c httptrace.GotConnInfo) { kept.Store(c.Reused) },
			GotFirstResponseByte: func() { answered.Store(true) },
		})))
		if err == nil || !kept.Load() || answered.Load() || !cutOff(err) || try == reopenings || r.Context().Err() != nil {
			return resp, err
		}
		if r.Body != nil && r.Body != http.NoBody {
			if r.GetBody == nil {
				return resp, err
			}
			body, again := r.GetBody()
			if again != nil {
				return resp, err
			}
			r = r.Clone(r.Context())
			r.Body = body
		}
	}
}

func (o *reopening) CloseIdleConnections() { o.below.CloseIdleConnections() }

// cutOff reports whether a connection ended where an answer was to begin.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection")
}
