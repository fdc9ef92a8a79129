package bridge

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A hasty server asks something back before it has even been read from: within the write of the request.
type hasty struct {
	said chan jsonrpc.Message
	read chan struct{} // one for each message that was taken before
	end  chan struct{}
}

func (h *hasty) Read(context.Context) (jsonrpc.Message, error) {
	select {
	case h.read <- struct{}{}: // the one before is where it belongs
	default:
	}
	select {
	case m := <-h.said:
		return m, nil
	case <-h.end:
		return nil, io.EOF
	}
}

func (h *hasty) Write(_ context.Context, m jsonrpc.Message) error {
	r, ok := m.(*jsonrpc.Request)
	if !ok || !r.IsCall() {
		return nil
	}
	if r.Method == "tools/call" {
		for len(h.read) > 0 {
			<-h.read
		}
		id, _ := jsonrpc.MakeID("asked")
		h.said <- &jsonrpc.Request{ID: id, Method: "elicitation/create", Params: []byte(`{"message":"now?"}`)}
		<-h.read
	}
	h.said <- &jsonrpc.Response{ID: r.ID, Result: []byte(`{}`)}
	return nil
}

func (h *hasty) Close() error      { return nil }
func (h *hasty) SessionID() string { return "" }

func TestWhatAServerAsksAtOnceReachesTheCall(t *testing.T) {
	t.Parallel()
	h := &hasty{said: make(chan jsonrpc.Message, 4), read: make(chan struct{}, 1), end: make(chan struct{})}
	t.Cleanup(func() { close(h.end) })
	r := serve(t, &log{}, Options{Name: "hasty", Dial: func(context.Context) (sdk.Connection, error) { return h, nil }}, nil)
	session := r.post(t, hello).Header.Get(headerSession)
	resp := r.post(t, `{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"x"}}`, headerSession, session)
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "elicitation/create") || !strings.Contains(string(body), `"id":8`) {
		t.Errorf("the call is answered %q, %v", body, err)
	}
}
