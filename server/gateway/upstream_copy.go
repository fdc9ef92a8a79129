package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Buffers for bodies: small ones hold an idle stream cheaply, large ones are for what has an end.
var (
	streamBuffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}
	bodyBuffers   = sync.Pool{New: func() any { return new([32 << 10]byte) }}
)

// copy passes the body on: what has a length as it fits, all else piece by piece, each flushed as it comes.
func (u *Upstream) copy(w http.ResponseWriter, resp *http.Response, message []byte) error {
	events := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	if !events && resp.ContentLength >= 0 {
		buffer := bodyBuffers.Get().(*[32 << 10]byte)
		defer bodyBuffers.Put(buffer)
		_, err := io.CopyBuffer(onlyWriter{w}, resp.Body, buffer[:])
		return err
	}
	end, err := flushing(w, resp.Body)
	if err == nil || errors.Is(err, errGone) || !events || message == nil {
		return err
	}
	return u.lastEvent(w, end, message, err)
}

// onlyWriter keeps io.CopyBuffer from asking the writer to read by itself, in a buffer of its own.
type onlyWriter struct{ io.Writer }

// errGone: the client takes no more.
var errGone = errors.New("the client has gone")

// flushing copies and flushes; it returns the last four bytes that were passed on.
func flushing(w http.ResponseWriter, body io.Reader) (end []byte, err error) {
	buffer := streamBuffers.Get().(*[4 << 10]byte)
	defer streamBuffers.Put(buffer)
	control := http.NewResponseController(w)
	// The headers of a stream are wanted before its first event: an edge holds them back long enough.
	_ = control.Flush()
	var last [4]byte
	for {
		n, err := body.Read(buffer[:])
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				return nil, errGone
			}
			if failed := control.Flush(); failed != nil && !errors.Is(failed, http.ErrNotSupported) {
				return nil, errGone
			}
			kept := copy(last[:], last[min(n, len(last)):])
			copy(last[kept:], buffer[max(0, n-len(last)):n])
		}
		switch {
		case errors.Is(err, io.EOF):
			return last[:], nil
		case err != nil:
			return last[:], err
		}
	}
}

// lastEvent tells in the stream that it broke off, where an event has just ended; in the middle of one nothing can be told.
func (u *Upstream) lastEvent(w http.ResponseWriter, end, message []byte, broke error) error {
	between := bytes.HasSuffix(end, []byte("\n\n")) || bytes.HasSuffix(end, []byte("\n\r\n")) || bytes.Equal(end, make([]byte, len(end)))
	if !between {
		return broke
	}
	u.Logger.Warn("the upstream broke off in the middle of a stream; the client is told in it", "upstream", u.URL.Redacted(), "error", broke)
	text, err := json.Marshal(brokenMessage(idOf(message), errors.New("it broke off in the middle of the answer")))
	if err != nil {
		return errors.Join(broke, err)
	}
	_, _ = w.Write(append(append([]byte("event: message\ndata: "), text...), "\n\n"...)) // who has gone need not be told
	return nil
}
