package mcp

import (
	"net/http"
	"strings"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// An errorWriter turns what the SDK refuses in plain text below JSON-RPC ("session not found", "malformed payload") into
// JSON, as every other refusal here is; all else passes unchanged, streams as they come.
type errorWriter struct {
	http.ResponseWriter
	status int // of the refusal that is held back, 0 for none
	said   []byte
}

// saidMost is what is kept of a refusal's text.
const saidMost = 4 << 10

func (w *errorWriter) WriteHeader(status int) {
	if status >= 400 && strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		w.status = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *errorWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		return w.ResponseWriter.Write(b)
	}
	if room := saidMost - len(w.said); room > 0 {
		w.said = append(w.said, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

// Flush lets the events of a stream through.
func (w *errorWriter) Flush() {
	if w.status == 0 {
		// Who cannot flush writes through at once, or has nobody waiting for the event.
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}

// Unwrap is for http.ResponseController.
func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// end answers with the refusal that was held back.
func (w *errorWriter) end() {
	if w.status == 0 {
		return
	}
	w.Header().Del("Content-Length")
	gateway.WriteError(w.ResponseWriter, w.status, invalidRequest, strings.TrimSpace(string(w.said)))
}
