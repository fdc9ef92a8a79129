package server

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// A measured response remembers what became of it; all else passes through it untouched.
type measured struct {
	http.ResponseWriter
	status int
	bytes  int64
}

var measuredPool = sync.Pool{New: func() any { return new(measured) }}

// WriteHeader remembers the final status, not those of 1xx (RFC 9110 section 15.2).
func (m *measured) WriteHeader(status int) {
	if m.status < 200 {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *measured) Write(b []byte) (int, error) {
	if m.status < 200 {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(b)
	m.bytes += int64(n)
	return n, err
}

// Flush lets events through at once, also for those that look for http.Flusher and not for Unwrap.
func (m *measured) Flush() { _ = http.NewResponseController(m.ResponseWriter).Flush() }

// Unwrap gives http.ResponseController the deadlines and the connection.
func (m *measured) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// measure counts and logs what an endpoint answers, where somebody wants that; else it is next itself.
func (n *endpoint) measure(next http.Handler, o Options) http.Handler {
	if o.metrics == nil && o.AccessLog == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		m := measuredPool.Get().(*measured)
		*m = measured{ResponseWriter: w}
		defer func() {
			took := time.Since(began)
			status, bytes := m.status, m.bytes
			m.ResponseWriter = nil
			measuredPool.Put(m)
			if status == 0 { // nobody got an answer
				status = 499
			}
			if o.metrics != nil {
				o.metrics.request(n.URL, r.Method, status, took)
			}
			if o.AccessLog != nil {
				logAccess(o.AccessLog, n.URL, r, status, bytes, took)
			}
		}()
		next.ServeHTTP(m, r)
	})
}

// logAccess writes a line of the access log. Queries, tokens, cookies and session ids are not in it.
func logAccess(log *slog.Logger, server string, r *http.Request, status int, bytes int64, took time.Duration) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	if told := forwardedFor(r); told != "" {
		from = told
	}
	log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("server", server), slog.String("method", r.Method), slog.String("path", r.URL.EscapedPath()), slog.Int("status", status),
		slog.Int64("bytes", bytes), slog.Duration("took", took), slog.String("from", from), slog.String("user_agent", cut(r.UserAgent())),
		slog.String("host", cut(r.Host)), slog.Bool("token", r.Header.Get("Authorization") != ""), slog.String("ray", cut(r.Header.Get("Cf-Ray"))))
}

// cut keeps a line of the log short, whatever a client sends.
func cut(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most]
	}
	return s
}

// outcomeOf is how the verification of a token ended, for counting.
func outcomeOf(err error) string {
	var refusal *gateway.Refusal
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &refusal):
		return refusal.Reason
	}
	return "unavailable"
}
