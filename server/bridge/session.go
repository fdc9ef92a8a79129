package bridge

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// A session is one client's, from its initialize on (MCP 2025-11-25 and before).
type session struct {
	b         *Bridge
	id, owner string
	link      *link

	mu     sync.Mutex
	used   time.Time
	open   []*call               // in the order in which they came
	stream chan *jsonrpc.Request // of the GET that is open
	kept   []*jsonrpc.Request    // until there is one
}

// keptMost is what is kept for a client that does not listen.
const keptMost = 64

// initialize greets. Of sessions that share a connection the first greets for all: a server can be initialized once.
func (s *session) initialize(w http.ResponseWriter, r *http.Request, m *jsonrpc.Request) {
	if !s.b.o.Shared {
		s.call(w, r, m)
		return
	}
	s.link.greeting.Lock()
	defer s.link.greeting.Unlock()
	if s.link.greeted != nil {
		writeMessage(w, http.StatusOK, &jsonrpc.Response{ID: m.ID, Result: s.link.greeted})
		return
	}
	c, err := s.link.begin(r.Context(), m, nil)
	if err != nil {
		s.b.end(s, err)
		s.b.unavailable(w, m.ID, err)
		return
	}
	defer s.link.leave(c, false)
	select {
	case response := <-c.end:
		if response.Error == nil {
			s.link.greeted = response.Result
			_ = s.link.write(r.Context(), &jsonrpc.Request{Method: initialized}) // where it has ended the next request says so
		}
		writeMessage(w, http.StatusOK, response)
	case <-s.link.ended:
		s.b.end(s, s.link.why())
		s.b.unavailable(w, m.ID, s.link.why())
	case <-r.Context().Done():
		s.b.end(s, r.Context().Err())
	}
}

const (
	initialized = "notifications/initialized"
	cancelled   = "notifications/cancelled"
)

// pass brings one message of the client's to the server behind.
func (s *session) pass(w http.ResponseWriter, r *http.Request, m jsonrpc.Message) {
	request, ok := m.(*jsonrpc.Request)
	switch {
	case ok && request.IsCall():
		s.call(w, r, request)
		return
	case ok && request.Method == cancelled:
		m = s.cancel(request)
	case s.b.o.Shared && (!ok || request.Method == initialized): // said once, by the first; and nobody was asked
		m = nil
	}
	if m != nil {
		if err := s.link.write(r.Context(), m); err != nil {
			s.b.unavailable(w, jsonrpc.ID{}, err)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// cancel names the request by our id; one that is not open is none any more.
func (s *session) cancel(m *jsonrpc.Request) jsonrpc.Message {
	var params map[string]json.RawMessage
	var id any
	if json.Unmarshal(m.Params, &params) != nil || json.Unmarshal(params["requestId"], &id) != nil {
		return nil
	}
	for _, c := range s.calls() {
		if same(c.id, id) {
			params["requestId"], _ = json.Marshal(c.number)
			told, err := json.Marshal(params)
			if err != nil {
				return nil
			}
			return &jsonrpc.Request{Method: m.Method, Params: told}
		}
	}
	return nil
}

func same(id jsonrpc.ID, raw any) bool {
	other, err := jsonrpc.MakeID(raw)
	return err == nil && id == other
}

func (s *session) call(w http.ResponseWriter, r *http.Request, m *jsonrpc.Request) {
	var added *call
	c, err := s.link.begin(r.Context(), m, func(c *call) {
		added = c
		s.add(c)
	})
	if err != nil {
		if added != nil {
			s.remove(added)
		}
		if m.Method == "initialize" {
			s.b.end(s, err)
		}
		s.b.unavailable(w, m.ID, err)
		return
	}
	answer(w, r, c, s.link)
	if r.Context().Err() == nil {
		s.remove(c)
		return
	}
	// A client that hangs up has not cancelled (MCP 2025-11-25, transports): it says so in a notification, which may be under way.
	s.alone(c)
	go func() {
		select {
		case <-c.end:
		case <-s.link.ended:
		case <-time.After(s.b.o.Idle):
		}
		s.remove(c)
	}()
}

func (s *session) calls() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*call(nil), s.open...)
}

func (s *session) add(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, c)
	if s.stream != nil {
		return
	}
	for len(s.kept) > 0 && c.tell(s.kept[0]) { // there is somebody to tell again
		s.kept = s.kept[1:]
	}
}

// alone has a call go on for nobody.
func (s *session) alone(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.alone = true
}

func (s *session) remove(c *call) {
	s.link.leave(c, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.open {
		if one == c {
			s.open = append(s.open[:i], s.open[i+1:]...)
			return
		}
	}
}

// stray is what the server says that answers nothing: it goes to the client's stream; where it has none, to the request that
// came last, since what the server says during a request may be about it; else it is kept until the client listens.
func (s *session) stray(l *link, m *jsonrpc.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := len(s.open); {
	case s.stream != nil:
		select {
		case s.stream <- m:
			return
		default: // it takes nothing
		}
	case n > 0 && !s.open[n-1].alone && s.open[n-1].tell(m):
		return
	}
	if len(s.kept) < keptMost {
		s.kept = append(s.kept, m)
	} else if m.IsCall() {
		go l.refuse(m, "the client does not listen")
	}
}

// listen is the stream of a GET; there is one at a time.
func (s *session) listen(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.stream != nil {
		s.mu.Unlock()
		gateway.WriteError(w, http.StatusConflict, "stream_open", "this session has a stream already")
		return
	}
	in := make(chan *jsonrpc.Request, keptMost+outRoom)
	for _, m := range s.kept {
		in <- m
	}
	s.kept, s.stream = nil, in
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stream = nil
		for len(in) > 0 { // what was not taken waits for the next stream
			s.kept = append(s.kept, <-in)
		}
		s.kept = s.kept[:min(len(s.kept), keptMost)]
	}()
	events := begin(w)
	quiet := time.NewTimer(quietMost)
	defer quiet.Stop()
	for {
		select {
		case m := <-in:
			if events.send(m) != nil {
				return
			}
		case <-quiet.C:
			if events.comment() != nil {
				return
			}
			s.touch(s.b.o.Now())
		case <-s.link.ended:
			return
		case <-r.Context().Done():
			return
		}
		quiet.Reset(quietMost)
	}
}

func (s *session) touch(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
}

// idle is how long nobody has used the session; one with a request that somebody waits for is in use.
func (s *session) idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.open, func(c *call) bool { return !c.alone }) {
		s.used = now
	}
	return now.Sub(s.used)
}

// drop ends what is the session's own.
func (s *session) drop(why error) {
	if !s.b.o.Shared {
		s.link.close(why)
	}
}
