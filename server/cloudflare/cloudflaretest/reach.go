package cloudflaretest

import (
	"io"
	"net/http"
	"sync"
)

// inside reaches a handler in the same process as if it were over the network: its answer streams, and ends when nobody reads on.
type inside struct{ handler http.Handler }

func (t inside) RoundTrip(r *http.Request) (*http.Response, error) {
	body, to := io.Pipe()
	w := &piped{header: http.Header{}, to: to, ready: make(chan struct{})}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				_ = to.CloseWithError(io.ErrUnexpectedEOF)
			}
			w.WriteHeader(http.StatusOK)
			_ = to.Close()
		}()
		t.handler.ServeHTTP(w, in)
	}()
	stop := func() { _ = to.CloseWithError(r.Context().Err()) }
	select {
	case <-w.ready:
	case <-r.Context().Done():
		stop()
		return nil, r.Context().Err()
	}
	go func() {
		<-r.Context().Done()
		stop()
	}()
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Body: body,
		ContentLength: -1, Request: r,
	}, nil
}

// piped is the answer on its way.
type piped struct {
	header, sent http.Header
	status       int
	once         sync.Once
	ready        chan struct{}
	to           *io.PipeWriter
}

func (w *piped) Header() http.Header { return w.header }

func (w *piped) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *piped) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.to.Write(p)
}

func (w *piped) Flush() { w.WriteHeader(http.StatusOK) }
