package probe

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// A wire is what net/http tells of the connection under a request. Its hooks may be called late, and from anywhere.
type wire struct {
	start time.Time
	mu    sync.Mutex
	dns   span
	dial  span
	tls   span
	first time.Duration
	addr  string
	peer  *TLS
	// header is what was written, with the fields that net/http adds.
	header http.Header
}

// A span is measured from the first begin to the last end.
type span struct{ from, to time.Duration }

func newWire(start time.Time) *wire { return &wire{start: start} }

func (w *wire) begin(s *span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.from == 0 {
		s.from = time.Since(w.start)
	}
}

func (w *wire) end(s *span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.to = time.Since(w.start)
}

func (s span) millis() float64 {
	if s.to <= s.from {
		return 0
	}
	return millis(s.to - s.from)
}

func (w *wire) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { w.begin(&w.dns) },
		DNSDone:           func(httptrace.DNSDoneInfo) { w.end(&w.dns) },
		ConnectStart:      func(string, string) { w.begin(&w.dial) },
		ConnectDone:       w.connected,
		TLSHandshakeStart: func() { w.begin(&w.tls) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			w.end(&w.tls)
			w.agreed(&state)
			w.failed(err)
		},
		GotConn:              w.got,
		WroteHeaderField:     w.wrote,
		GotFirstResponseByte: func() { w.mu.Lock(); w.first = time.Since(w.start); w.mu.Unlock() },
	}
}

func (w *wire) connected(_, addr string, err error) {
	if err != nil {
		return
	}
	w.end(&w.dial)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addr = addr
}

// got begins an attempt to write the request: a connection that turns out to be dead is followed by another.
func (w *wire) got(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.header = nil
	if addr := info.Conn.RemoteAddr(); addr != nil {
		w.addr = addr.String()
	}
	if info.Reused { // what was measured belongs to a connection that was not taken
		w.dns, w.dial, w.tls = span{}, span{}, span{}
	}
}

func (w *wire) wrote(name string, values []string) {
	if name == ":authority" {
		name = "Host"
	}
	if strings.HasPrefix(name, ":") {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.header == nil {
		w.header = http.Header{}
	}
	name = http.CanonicalHeaderKey(name)
	w.header[name] = append(w.header[name], values...)
}

func (w *wire) agreed(state *tls.ConnectionState) {
	if state == nil || state.Version == 0 {
		return
	}
	told := &TLS{Version: tls.VersionName(state.Version), ALPN: state.NegotiatedProtocol}
	if len(state.PeerCertificates) > 0 {
		told.certificate(state.PeerCertificates[0])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = told
}

// failed takes from a refused certificate what it said.
func (w *wire) failed(err error) {
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) || len(refused.UnverifiedCertificates) == 0 {
		return
	}
	told := &TLS{}
	told.certificate(refused.UnverifiedCertificates[0])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = told
}

// fill completes a snapshot.
func (w *wire) fill(in *raw) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in.timing.DNS, in.timing.Connect, in.timing.TLS = w.dns.millis(), w.dial.millis(), w.tls.millis()
	if w.first > 0 {
		in.timing.FirstByte = millis(w.first)
	}
	if w.addr != "" || w.peer != nil {
		in.peer = &Peer{Addr: w.addr}
		if w.peer != nil {
			peer := *w.peer
			in.peer.TLS = &peer
		}
	}
	if w.header != nil {
		in.header = w.header.Clone()
	}
}
