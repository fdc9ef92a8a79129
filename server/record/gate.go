package record

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A gate knows the tokens whose handshakes are done, and counts what passes. A request never waits for the witness here.
type gate struct {
	past atomic.Int64
	// last is when a request passed, in Unix nanoseconds.
	last atomic.Int64
}

// A failed is a request past the gate that was answered with an error.
type failed struct {
	print    string
	exchange probe.Exchange
}

// failedRoom is how many of them may wait for the witness.
const failedRoom = 64

// Wants reports whether a request is to be recorded; the tap asks before it copies anything. Once a token's handshake is
// done, its requests are only counted.
func (w *Witness) Wants(r *http.Request) bool {
	h, _ := w.done(r)
	return h == nil
}

// done returns the handshake of a request's token, when it is done, and the token's fingerprint.
func (w *Witness) done(r *http.Request) (*handshake, string) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, ""
	}
	print := w.opts.Fingerprints.Of(strings.TrimSpace(token))
	h, ok := w.byToken.Load(print)
	if !ok {
		return nil, ""
	}
	return h.(*handshake), print
}

// Gate stands in front of a tap whose Want is Wants, and keeps of what the tap lets pass the number, and what failed. Of a
// failure there is the status line and the challenge: the request was not looked into. Public is scheme and host under
// which clients reach the server.
func (w *Witness) Gate(public string, tapped http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h, print := w.done(r)
		if h == nil {
			tapped.ServeHTTP(rw, r)
			return
		}
		start := time.Now()
		s := &statusWriter{ResponseWriter: rw}
		tapped.ServeHTTP(s, r)
		h.gate.past.Add(1)
		h.gate.last.Store(w.opts.Now().UnixNano())
		if s.status >= 400 {
			select {
			case w.failing <- failed{print, failure(public, print, r, s, start)}:
			default:
				w.missed.Add(1)
			}
		}
	})
}

func failure(public, print string, r *http.Request, s *statusWriter, start time.Time) probe.Exchange {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	header := http.Header{}
	for _, name := range []string{"Content-Type", "Www-Authenticate", "Retry-After", "Allow"} {
		if v := s.Header().Values(name); len(v) > 0 {
			header[name] = append([]string(nil), v...)
		}
	}
	return probe.Exchange{
		Start:  start.UTC().Round(0),
		Timing: probe.Timing{Total: float64(time.Since(start)) / float64(time.Millisecond)},
		Request: probe.Message{Method: r.Method, URL: public + r.URL.EscapedPath(), Header: http.Header{
			"Authorization": {"Bearer " + probe.Secret{Length: len(token), Fingerprint: print}.String()},
		}},
		Response: &probe.Response{Status: s.status, Proto: r.Proto, Header: header},
	}
}

// pastID is where the numbers of exchanges begin that no tap has seen.
const pastID = 1 << 62

// takeFailed adds what failed past the gate to its handshake.
func (w *Witness) takeFailed(f failed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.byToken.Load(f.print)
	if w.closed || !ok {
		return
	}
	w.failures++
	f.exchange.ID = pastID + w.failures
	now := w.opts.Now()
	h.(*handshake).stir(now)
	w.keep(h.(*handshake), f.exchange, now)
}

// A statusWriter remembers the status; all else passes through it untouched.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the final status, not those of 1xx (RFC 9110 section 15.2).
func (s *statusWriter) WriteHeader(status int) {
	if s.status < 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Write(b []byte) (int, error) {
	if s.status < 200 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Flush lets events through at once, also for those that look for http.Flusher and not for Unwrap.
func (s *statusWriter) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// Unwrap gives http.ResponseController the deadlines and the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
