package probe

import (
	"testing"
	"time"
)

func TestUnfitSessionIDsAreTold(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]any{
		"7b1c-A_~!": nil, "a b": "0x20 at byte 2 of 3", "caf\xe9": "0xE9 at byte 4 of 4", "\x01": "0x01 at byte 1 of 1",
	} {
		tap := &Tap{}
		x := tap.redact(&raw{start: time.Now(), method: "POST", url: "https://mcp.example.com/mcp", answered: true, status: 200,
			reply: map[string][]string{"Mcp-Session-Id": {id}}})
		var got any
		for _, f := range x.Notes {
			got = f.Data["unfit"]
		}
		if got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}
