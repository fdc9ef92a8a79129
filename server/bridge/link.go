package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A link is one connection to the server behind. Requests of clients get ids of its own, so that several clients can share it, and
// each answer and each word of progress finds its way back.
type link struct {
	conn  sdk.Connection
	stray func(*link, *jsonrpc.Request) // told what belongs to no call

	mu    sync.Mutex
	last  int64
	calls map[int64]*call
	err   error
	ended chan struct{} // closed when the connection is
	once  sync.Once
	done  chan struct{} // closed when it is closed down

	// greeting is what initialize was answered with, where sessions share the connection.
	greeting sync.Mutex
	greeted  json.RawMessage
}

// A call is a request of a client's that is not answered yet.
type call struct {
	number int64
	id     jsonrpc.ID // the client's
	token  json.RawMessage
	// out is what the server says before it answers, and end its answer.
	out chan *jsonrpc.Request
	end chan *jsonrpc.Response
	// alone: nobody waits for it any more. It is the session's to say.
	alone bool
}

// outRoom is what may wait for a client to take it.
const outRoom = 64

// errClosed: we have ended it.
var errClosed = errors.New("closed")

func newLink(conn sdk.Connection, stray func(*link, *jsonrpc.Request)) *link {
	return &link{conn: conn, stray: stray, calls: map[int64]*call{}, ended: make(chan struct{}), done: make(chan struct{})}
}

// begin sends a request under an id of ours. known is told of the call before it is sent, for the server may say something about it
// at once; it may be nil.
func (l *link) begin(ctx context.Context, r *jsonrpc.Request, known func(*call)) (*call, error) {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return nil, l.err
	}
	l.last++
	c := &call{number: l.last, id: r.ID, out: make(chan *jsonrpc.Request, outRoom), end: make(chan *jsonrpc.Response, 1)}
	params, token, err := withToken(r.Params, c.number)
	if err != nil {
		l.mu.Unlock()
		return nil, err
	}
	c.token = token
	l.calls[c.number] = c
	l.mu.Unlock()
	if known != nil {
		known(c)
	}
	sent := &jsonrpc.Request{ID: number(c.number), Method: r.Method, Params: params}
	if err := l.write(ctx, sent); err != nil {
		l.leave(c, false)
		return nil, err
	}
	return c, nil
}

// number is an id of ours. MakeID fails for nothing but other types.
func number(n int64) jsonrpc.ID {
	id, _ := jsonrpc.MakeID(float64(n))
	return id
}

// leave is called when nobody waits for the call any more; with cancel the server is told so, if it has not answered.
func (l *link) leave(c *call, cancel bool) {
	l.mu.Lock()
	_, open := l.calls[c.number]
	delete(l.calls, c.number)
	l.mu.Unlock()
	if !open || !cancel {
		return
	}
	params, _ := json.Marshal(map[string]any{"requestId": c.number, "reason": "the client has gone"})
	ctx, stop := context.WithTimeout(context.Background(), writeTime)
	defer stop()
	_ = l.write(ctx, &jsonrpc.Request{Method: "notifications/cancelled", Params: params}) // who has ended need not be told
}

// writeTime is how long the server behind may take to read one message.
const writeTime = 10 * time.Second

// write sends a message. A server that does not read holds up no more than the request that wrote to it.
func (l *link) write(ctx context.Context, m jsonrpc.Message) error {
	written := make(chan error, 1)
	go func() { written <- l.conn.Write(context.WithoutCancel(ctx), m) }()
	wait := time.NewTimer(writeTime)
	defer wait.Stop()
	select {
	case err := <-written:
		if err != nil {
			return fmt.Errorf("it cannot be written to: %w", err)
		}
		return nil
	case <-l.ended:
		return l.why()
	case <-wait.C:
		return fmt.Errorf("it does not read what is sent to it (%s)", writeTime)
	}
}

// pump brings what the server says to whom it is for, until it ends.
func (l *link) pump() error {
	for {
		m, err := l.conn.Read(context.Background())
		if err != nil {
			return l.fail(err)
		}
		switch m := m.(type) {
		case *jsonrpc.Response:
			l.answered(m)
		case *jsonrpc.Request:
			if c, told := l.about(m); c != nil {
				c.tell(told) // what nobody takes is past
			} else {
				l.stray(l, m)
			}
		}
	}
}

func (l *link) fail(err error) error {
	l.mu.Lock()
	if l.err == nil {
		l.err = fmt.Errorf("the server behind has ended: %w", err)
		close(l.ended)
	} else {
		err = errClosed
	}
	l.mu.Unlock()
	go l.close(err)
	return err
}

func (l *link) answered(r *jsonrpc.Response) {
	n, ok := numberOf(r.ID.Raw())
	if !ok {
		return
	}
	result := r.Result
	var members map[string]json.RawMessage
	if bytes.Contains(result, []byte(sdk.MetaKeySubscriptionID)) && json.Unmarshal(result, &members) == nil && l.subscribed(members) != nil {
		if changed, err := json.Marshal(members); err == nil {
			result = changed
		}
	}
	l.mu.Lock()
	c := l.calls[n]
	delete(l.calls, n)
	l.mu.Unlock()
	if c != nil {
		c.end <- &jsonrpc.Response{ID: c.id, Result: result, Error: r.Error}
	}
}

func numberOf(raw any) (int64, bool) {
	switch n := raw.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// about finds the call that a notification is about, by the token of its progress or by the id of a subscription, and puts the
// client's own in the place of ours.
func (l *link) about(m *jsonrpc.Request) (*call, *jsonrpc.Request) {
	var params map[string]json.RawMessage
	if m.IsCall() || json.Unmarshal(m.Params, &params) != nil {
		return nil, nil
	}
	c := l.numbered(params["progressToken"])
	switch {
	case c != nil && c.token != nil && m.Method == "notifications/progress":
		params["progressToken"] = c.token
	default:
		if c = l.subscribed(params); c == nil {
			return nil, nil
		}
	}
	told, err := json.Marshal(params)
	if err != nil {
		return nil, nil
	}
	return c, &jsonrpc.Request{Method: m.Method, Params: told}
}

// subscribed puts the client's id into what bears ours as that of a subscription (MCP 2026-07-28, subscriptions).
func (l *link) subscribed(of map[string]json.RawMessage) *call {
	var meta map[string]json.RawMessage
	if json.Unmarshal(of["_meta"], &meta) != nil {
		return nil
	}
	c := l.numbered(meta[sdk.MetaKeySubscriptionID])
	if c == nil {
		return nil
	}
	id, err := json.Marshal(c.id.Raw())
	if err != nil {
		return nil
	}
	meta[sdk.MetaKeySubscriptionID] = id
	if of["_meta"], err = json.Marshal(meta); err != nil {
		return nil
	}
	return c
}

func (l *link) numbered(raw json.RawMessage) *call {
	var n int64
	if raw == nil || json.Unmarshal(raw, &n) != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[n]
}

// tell hands a message to who waits for the answer, unless too much waits there already: one client that takes nothing must not
// hold up the others.
func (c *call) tell(m *jsonrpc.Request) bool {
	select {
	case c.out <- m:
		return true
	default:
		return false
	}
}

// refuse answers a request of the server's.
func (l *link) refuse(r *jsonrpc.Request, why string) {
	ctx, stop := context.WithTimeout(context.Background(), writeTime)
	defer stop()
	// Who has ended needs no answer.
	_ = l.write(ctx, &jsonrpc.Response{ID: r.ID, Error: &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: why}})
}

func (l *link) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// close ends the connection, and waits until the command behind it has ended.
func (l *link) close(why error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = why
		close(l.ended)
	}
	l.mu.Unlock()
	l.once.Do(func() {
		_ = l.conn.Close() // how a command ends that was told to end is nobody's concern
		close(l.done)
	})
	<-l.done
}

// withToken puts a token of ours in the place of the client's, where it asks for progress.
func withToken(params json.RawMessage, n int64) (changed, was json.RawMessage, err error) {
	var all, meta map[string]json.RawMessage
	if len(params) == 0 || json.Unmarshal(params, &all) != nil || json.Unmarshal(all["_meta"], &meta) != nil || meta["progressToken"] == nil {
		return params, nil, nil
	}
	was = meta["progressToken"]
	meta["progressToken"], _ = json.Marshal(n)
	if all["_meta"], err = json.Marshal(meta); err != nil {
		return nil, nil, err
	}
	changed, err = json.Marshal(all)
	return changed, was, err
}
