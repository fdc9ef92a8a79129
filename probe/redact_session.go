package probe

import (
	"fmt"
	"net/http"
)

// SessionID is the kind of fact that tells of a session id what its concealed value no longer shows: Data has "unfit", the first
// byte that is none of visible ASCII, and its place (MCP 2025-11-25, session management: 0x21 to 0x7E).
const SessionID = "session-id"

func unfitSession(in *raw) []Fact {
	for _, id := range http.Header(in.reply).Values("Mcp-Session-Id") {
		for i := range len(id) {
			if id[i] < 0x21 || id[i] > 0x7E {
				unfit := fmt.Sprintf("0x%02X at byte %d of %d", id[i], i+1, len(id))
				return []Fact{{Kind: SessionID, Source: "tap", At: in.start, Data: map[string]any{"unfit": unfit}}}
			}
		}
	}
	return nil
}
