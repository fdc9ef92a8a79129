// Package bridge serves over Streamable HTTP what MCP servers speak that have no such endpoint: those that are a command and
// speak over stdin and stdout, and older ones that speak HTTP with SSE (MCP 2024-11-05).
package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// Options say what is bridged to.
type Options struct {
	// Name is what people call the server behind, for errors and the log.
	Name string
	// Dial makes a connection to it: starts the command, or opens the stream. It ends with Close, not with ctx.
	Dial func(ctx context.Context) (sdk.Connection, error)
	// Shared has all sessions use one connection; else each has its own.
	Shared bool
	Logger *slog.Logger
	// Idle ends a session that nobody has used for so long; zero is 30 minutes. Most are the sessions at a time; zero is 200.
	Idle time.Duration
	Most int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// A Bridge is the MCP endpoint; it is an http.Handler behind the guard.
type Bridge struct {
	o Options
	// starts holds back connections to a server that ends as soon as it has begun.
	starts backoff

	mu       sync.Mutex
	sessions map[string]*session
	shared   *link // of shared sessions, and of requests without one
	opening  chan struct{}
	closed   bool
}

// New returns a bridge; it dials when it is first asked for something.
func New(o Options) *Bridge {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Most == 0 {
		o.Most = 200
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Bridge{o: o, sessions: map[string]*session{}, opening: make(chan struct{}, 1)}
}

const (
	headerSession = "Mcp-Session-Id"
	headerMethod  = "Mcp-Method"
)

// ServeHTTP serves one request of either era: what opens with initialize has a session from then on; what bears no session id and
// opens nothing is passed on as it is, for servers of MCP 2026-07-28, and for the others to refuse.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		b.post(w, r)
	case http.MethodGet, http.MethodDelete:
		s := b.session(w, r)
		switch {
		case s == nil:
		case r.Method == http.MethodDelete:
			b.end(s, errors.New("the client has ended its session"))
			w.WriteHeader(http.StatusNoContent)
		default:
			s.listen(w, r)
		}
	default:
		gateway.WriteError(w, http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not served")
	}
}

func (b *Bridge) post(w http.ResponseWriter, r *http.Request) {
	body, ok := gateway.Message(w, r)
	if !ok {
		return
	}
	m, err := jsonrpc.DecodeMessage(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, jsonrpc.ID{}, jsonrpc.CodeInvalidRequest, "the body is not one JSON-RPC message (batches are no longer of MCP): "+err.Error())
		return
	}
	request, _ := m.(*jsonrpc.Request)
	if request != nil {
		if named := r.Header.Get(headerMethod); named != "" && named != request.Method {
			refuse(w, http.StatusBadRequest, request.ID, sdk.CodeHeaderMismatch, fmt.Sprintf("%s is %q, the message says %q", headerMethod, named, request.Method))
			return
		}
	}
	switch {
	case r.Header.Get(headerSession) != "":
		if s := b.session(w, r); s != nil {
			s.pass(w, r, m)
		}
	case request != nil && request.Method == "initialize" && request.IsCall():
		b.open(w, r, request)
	default:
		b.loose(w, r, m)
	}
}

// open begins a session with its initialize request.
func (b *Bridge) open(w http.ResponseWriter, r *http.Request, initialize *jsonrpc.Request) {
	if b.full() {
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusServiceUnavailable, initialize.ID, brokenCode, "too many sessions are open; try again later")
		return
	}
	s := &session{b: b, id: rand.Text(), owner: ownerOf(r), used: b.o.Now()}
	var err error
	if b.o.Shared {
		s.link, err = b.common(r.Context())
	} else {
		s.link, err = b.dial(r.Context(), s.stray)
	}
	if err != nil {
		b.unavailable(w, initialize.ID, err)
		return
	}
	if !b.enter(s) {
		s.drop(errStopping)
		b.unavailable(w, initialize.ID, errStopping)
		return
	}
	w.Header().Set(headerSession, s.id)
	s.initialize(w, r, initialize)
}

// loose passes on what belongs to no session.
func (b *Bridge) loose(w http.ResponseWriter, r *http.Request, m jsonrpc.Message) {
	request, ok := m.(*jsonrpc.Request)
	if !ok {
		refuse(w, http.StatusBadRequest, jsonrpc.ID{}, jsonrpc.CodeInvalidRequest, "a response without a session answers nobody")
		return
	}
	l, err := b.common(r.Context())
	if err != nil {
		b.unavailable(w, request.ID, err)
		return
	}
	if !request.IsCall() {
		if err := l.write(r.Context(), request); err != nil {
			b.unavailable(w, request.ID, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	c, err := l.begin(r.Context(), request, nil)
	if err != nil {
		b.unavailable(w, request.ID, err)
		return
	}
	defer l.leave(c, true)
	answer(w, r, c, l)
}

// session finds the session of a request; where there is none it is answered: 404 has a client begin anew (MCP 2025-11-25,
// session management). Who did not open it is told no more than that.
func (b *Bridge) session(w http.ResponseWriter, r *http.Request) *session {
	id := r.Header.Get(headerSession)
	if id == "" {
		w.Header().Set("Allow", http.MethodPost)
		gateway.WriteError(w, http.StatusMethodNotAllowed, "invalid_request", r.Method+" needs an "+headerSession+" header; without a session only POST is served")
		return nil
	}
	b.mu.Lock()
	s := b.sessions[id]
	b.mu.Unlock()
	if s == nil || s.owner != ownerOf(r) || s.link.over() {
		if s != nil && s.link.over() {
			b.end(s, s.link.why())
		}
		gateway.WriteError(w, http.StatusNotFound, "session_not_found", "no such session: it has ended, or was never here; begin with initialize")
		return nil
	}
	s.touch(b.o.Now())
	return s
}

// ownerOf binds a session to who opened it.
func ownerOf(r *http.Request) string {
	t := gateway.TokenFrom(r.Context())
	if t == nil {
		return ""
	}
	return t.Subject + "\x00" + t.Client
}

func (b *Bridge) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions) >= b.o.Most
}

func (b *Bridge) enter(s *session) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.sessions[s.id] = s
	return true
}

func (b *Bridge) end(s *session, why error) {
	b.mu.Lock()
	delete(b.sessions, s.id)
	b.mu.Unlock()
	s.drop(why)
}

// common is the connection that is nobody's own, made where there is none. One is made at a time.
func (b *Bridge) common(ctx context.Context) (*link, error) {
	select {
	case b.opening <- struct{}{}:
		defer func() { <-b.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b.mu.Lock()
	l, closed := b.shared, b.closed
	b.mu.Unlock()
	if closed {
		return nil, errStopping
	}
	if l != nil && !l.over() {
		return l, nil
	}
	l, err := b.dial(ctx, b.spread)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		go l.close(errStopping)
		return nil, errStopping
	}
	b.shared = l
	return l, nil
}

// spread gives what a shared connection says to nobody in particular to all of its sessions; what it asks is refused, since
// nobody in particular can answer.
func (b *Bridge) spread(l *link, request *jsonrpc.Request) {
	if request.IsCall() {
		l.refuse(request, "many clients share this server: none of them can be asked")
		return
	}
	b.mu.Lock()
	all := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range all {
		if s.link == l {
			s.stray(l, request)
		}
	}
}

var errStopping = errors.New("the gateway is stopping")

// dial makes a connection, unless those before it have just broken.
func (b *Bridge) dial(ctx context.Context, stray func(*link, *jsonrpc.Request)) (*link, error) {
	if err := b.starts.may(b.o.Now()); err != nil {
		return nil, err
	}
	conn, err := b.o.Dial(ctx)
	if err != nil {
		b.starts.failed(b.o.Now(), err)
		return nil, err
	}
	l := newLink(conn, stray)
	began := b.o.Now()
	go func() {
		err := l.pump()
		if lived := b.o.Now().Sub(began); !errors.Is(err, errClosed) {
			b.o.Logger.Warn("the MCP server behind has ended", "upstream", b.o.Name, "after", lived.Round(time.Millisecond), "error", err)
			if lived < soon {
				b.starts.failed(b.o.Now(), fmt.Errorf("it ended %s after its start: %w", lived.Round(time.Millisecond), err))
				return
			}
		}
		b.starts.went()
	}()
	return l, nil
}

// Run ends sessions that nobody uses, until ctx ends.
func (b *Bridge) Run(ctx context.Context) {
	tick := time.NewTicker(max(b.o.Idle/10, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var over []*session
		now := b.o.Now()
		b.mu.Lock()
		for _, s := range b.sessions {
			if s.idle(now) >= b.o.Idle || s.link.over() {
				over = append(over, s)
			}
		}
		b.mu.Unlock()
		for _, s := range over {
			b.end(s, fmt.Errorf("the session was not used for %s", b.o.Idle))
		}
	}
}

// Close ends every session and connection, and waits for commands to end.
func (b *Bridge) Close() error {
	b.mu.Lock()
	b.closed = true
	all, shared := b.sessions, b.shared
	b.sessions, b.shared = map[string]*session{}, nil
	b.mu.Unlock()
	var ending sync.WaitGroup
	for _, s := range all {
		ending.Go(func() { s.drop(errStopping) })
	}
	if shared != nil {
		ending.Go(func() { shared.close(errStopping) })
	}
	ending.Wait()
	return nil
}
