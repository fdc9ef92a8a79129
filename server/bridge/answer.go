package bridge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// brokenCode is a code of the range that JSON-RPC leaves to servers.
const brokenCode = -32001

// answer waits for the response of a call: one document where nothing comes before it, else a stream of events.
func answer(w http.ResponseWriter, r *http.Request, c *call, l *link) {
	a := answering{w: w, streams: strings.Contains(r.Header.Get("Accept"), "text/event-stream")}
	quiet := time.NewTimer(quietMost)
	defer quiet.Stop()
	for {
		select {
		case m := <-c.out:
			if a.before(m) != nil {
				return
			}
		case m := <-c.end:
			a.last(c, m)
			return
		case <-quiet.C: // an edge holds the headers back until something comes, and cuts what stays silent
			if a.comment() != nil {
				return
			}
		case <-l.ended:
			select {
			case m := <-c.end: // it had answered before
				a.last(c, m)
			default:
				a.last(c, &jsonrpc.Response{ID: c.id, Error: &jsonrpc.Error{Code: brokenCode, Message: behind(l.why())}})
			}
			return
		case <-r.Context().Done():
			return
		}
		quiet.Reset(quietMost)
	}
}

// answering is an answer that is under way. A client that takes no events is told nothing but the response.
type answering struct {
	w       http.ResponseWriter
	streams bool
	events  *events
}

func (a *answering) before(m *jsonrpc.Request) error {
	if !a.streams {
		return nil
	}
	if a.events == nil {
		a.events = begin(a.w)
	}
	return a.events.send(m)
}

func (a *answering) comment() error {
	switch {
	case !a.streams:
		return nil
	case a.events == nil:
		a.events = begin(a.w)
		return nil
	}
	return a.events.comment()
}

// last tells what came before the response, and the response.
func (a *answering) last(c *call, m *jsonrpc.Response) {
	for {
		select {
		case one := <-c.out:
			if a.before(one) != nil {
				return
			}
			continue
		default:
		}
		break
	}
	if a.events != nil {
		_ = a.events.send(m) // who has gone needs no answer
		return
	}
	writeMessage(a.w, http.StatusOK, m)
}

func writeMessage(w http.ResponseWriter, status int, m jsonrpc.Message) {
	text, err := jsonrpc.EncodeMessage(m)
	if err != nil { // what was read can be written
		status, text = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who has gone needs no answer
}

func refuse(w http.ResponseWriter, status int, id jsonrpc.ID, code int64, message string) {
	writeMessage(w, status, &jsonrpc.Response{ID: id, Error: &jsonrpc.Error{Code: code, Message: message}})
}

func behind(why error) string {
	return "the MCP server behind this gateway cannot answer: " + why.Error()
}

// unavailable says that the server behind cannot be had.
func (b *Bridge) unavailable(w http.ResponseWriter, id jsonrpc.ID, why error) {
	b.o.Logger.Warn("the MCP server behind cannot be had", "upstream", b.o.Name, "error", why)
	status := http.StatusBadGateway
	var later *tooSoon
	if errors.As(why, &later) {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", fmt.Sprint(int(later.wait/time.Second)+1))
	}
	refuse(w, status, id, brokenCode, behind(why))
}

// events is an answer of type text/event-stream.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// quietMost is how long a stream may be silent.
const quietMost = 15 * time.Second

func begin(w http.ResponseWriter) *events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	e := &events{w: w, control: http.NewResponseController(w)}
	_ = e.comment() // an edge holds the headers back until the first byte; who has gone is told by the next write
	return e
}

func (e *events) comment() error { return e.write([]byte(": open\n\n")) }

func (e *events) send(m jsonrpc.Message) error {
	text, err := jsonrpc.EncodeMessage(m)
	if err != nil {
		return err
	}
	return e.write(append(append([]byte("event: message\ndata: "), text...), "\n\n"...))
}

func (e *events) write(b []byte) error {
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	if err := e.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// A backoff holds back what fails as soon as it is begun: 1 s, then twice as long each time, up to a minute.
type backoff struct {
	mu    sync.Mutex
	wait  time.Duration
	until time.Time
	last  error
}

// soon is an end that came too early to count as a life.
const soon = 5 * time.Second

type tooSoon struct {
	wait time.Duration
	last error
}

func (t *tooSoon) Error() string {
	return fmt.Sprintf("it is started again in %s at the earliest; last time %v", t.wait.Round(time.Second), t.last)
}

func (b *backoff) may(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) {
		return &tooSoon{b.until.Sub(now), b.last}
	}
	return nil
}

func (b *backoff) failed(now time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wait = min(max(2*b.wait, time.Second), time.Minute)
	b.until, b.last = now.Add(b.wait), err
}

func (b *backoff) went() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wait = 0
}
