package record

import (
	"net/http"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// TestMachine: a token that a client was granted for itself tells that no user signed in, whatever the client calls itself.
func TestMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claims map[string]any
		want   bool
	}{
		"client_credentials":            {map[string]any{"azp": "robot", "client_id": "robot", "sub": "s"}, true},
		"a login":                       {map[string]any{"azp": "claude", "sub": "s", "sid": "x", "auth_time": 1}, false},
		"a login, with client_id":       {map[string]any{"azp": "claude", "client_id": "claude", "sub": "s", "sid": "x"}, false},
		"a login of RFC 9068":           {map[string]any{"client_id": "claude", "sub": "s"}, false},
		"one client in another's place": {map[string]any{"azp": "a", "client_id": "b", "sub": "s"}, false},
		"opaque":                        {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Client
			got.learn(probe.Exchange{
				Request: probe.Message{Method: http.MethodPost, URL: target, Header: http.Header{"User-Agent": {"python-httpx/0.28.1"}}},
				Tokens:  []probe.Token{{Where: "request.authorization", JWT: c.claims != nil, Claims: c.claims}},
			})
			if got.Machine != c.want {
				t.Errorf("machine is %t", got.Machine)
			}
		})
	}
}
