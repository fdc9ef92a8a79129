package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// A document is an answer that is asked for once. Only one that came whole is shared; of all else each handshake sees its own.
type document struct {
	over chan struct{}
	// resp is nil when the answer is not shared; body is all of it.
	resp *http.Response
	body []byte
	wire wireSeen
}

// wireSeen is what net/http told of the request that was made.
type wireSeen struct {
	mu     sync.Mutex
	addr   net.Addr
	header [][2]string
}

func (w *wireSeen) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.addr, w.header = info.Conn.RemoteAddr(), nil
		},
		WroteHeaderField: func(name string, values []string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, v := range values {
				w.header = append(w.header, [2]string{name, v})
			}
		},
	}
}

// tell tells another request's hooks what it would have seen on a connection that is open already.
func (w *wireSeen) tell(t *httptrace.ClientTrace, peer *tls.ConnectionState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t == nil {
		return
	}
	if peer != nil && t.TLSHandshakeDone != nil {
		t.TLSHandshakeDone(*peer, nil)
	}
	if t.GotConn != nil {
		t.GotConn(httptrace.GotConnInfo{Conn: reached{addr: w.addr}, Reused: true})
	}
	for _, field := range w.header {
		if t.WroteHeaderField != nil {
			t.WroteHeaderField(field[0], []string{field[1]})
		}
	}
	if t.GotFirstResponseByte != nil {
		t.GotFirstResponseByte()
	}
}

// reached is a connection of which only its other end is known.
type reached struct {
	net.Conn
	addr net.Addr
}

func (r reached) RemoteAddr() net.Addr { return r.addr }

// sharing asks for each document once.
type sharing struct {
	shared *Shared
	below  http.RoundTripper
}

// CloseIdleConnections is what http.Client looks for.
func (s *sharing) CloseIdleConnections() { closeIdle(s.below) }

func (s *sharing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !shareable(r) {
		return s.below.RoundTrip(r)
	}
	d, mine := s.shared.document(words(r))
	if mine {
		return s.ask(d, r)
	}
	wait := time.NewTimer(s.shared.within)
	defer wait.Stop()
	select {
	case <-d.over:
	case <-wait.C:
	case <-r.Context().Done():
		return nil, fmt.Errorf("wait for a document that another handshake asks for: %w", context.Cause(r.Context()))
	}
	if !d.shared() {
		return s.below.RoundTrip(r)
	}
	return d.answer(r), nil
}

// shareable: a document at a well-known place (RFC 8615), which is asked for without any credential.
func shareable(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.Body == nil || r.Body == http.NoBody) && strings.Contains(r.URL.Path, "/.well-known/") &&
		r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") == ""
}

// words are all that a request says.
func words(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.URL, r.Host)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %q\n", name, r.Header[name])
	}
	return b.String()
}

func (s *Shared) document(words string) (d *document, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d = s.documents[words]
	if d == nil {
		d, mine = &document{over: make(chan struct{})}, true
		s.documents[words] = d
	}
	return d, mine
}

// ask makes the request; its answer is kept while it is read.
func (s *sharing) ask(d *document, r *http.Request) (*http.Response, error) {
	resp, err := s.below.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), d.wire.hooks())))
	if err != nil {
		close(d.over)
		return nil, err
	}
	resp.Request = r
	resp.Body = &keeping{ReadCloser: resp.Body, of: d, resp: resp}
	return resp, nil
}

// shared reports whether there is an answer to share.
func (d *document) shared() bool {
	select {
	case <-d.over:
		return d.resp != nil
	default:
		return false
	}
}

// answer returns the document's own answer to another request of the same words.
func (d *document) answer(r *http.Request) *http.Response {
	d.wire.tell(httptrace.ContextClientTrace(r.Context()), d.resp.TLS)
	resp := *d.resp
	resp.Request, resp.Header, resp.Trailer = r, d.resp.Header.Clone(), nil
	resp.Body = io.NopCloser(bytes.NewReader(d.body))
	return &resp
}

// keeping keeps an answer's body while its own handshake reads it.
type keeping struct {
	io.ReadCloser
	of   *document
	resp *http.Response
	body []byte
	done bool
}

func (k *keeping) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	switch {
	case k.done:
	case len(k.body)+n > maxBody:
		k.settle(false)
	default:
		k.body = append(k.body, p[:n]...)
		if err != nil {
			k.settle(err == io.EOF)
		}
	}
	return n, err
}

func (k *keeping) Close() error {
	k.settle(false)
	return k.ReadCloser.Close()
}

// settle says once whether the answer came whole.
func (k *keeping) settle(whole bool) {
	if k.done {
		return
	}
	k.done = true
	if whole {
		kept := *k.resp
		kept.Header = k.resp.Header.Clone()
		k.of.resp, k.of.body = &kept, k.body
	}
	close(k.of.over)
}
