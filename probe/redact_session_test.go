package probe

import (
	"fmt"
	"strings"
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

// A header that net/textproto cannot read is quoted in its error: what it says is concealed there as it would be in its place.
func TestUnreadableHeadersAreConcealed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"Mcp-Session-Id: canary7f5a2c\x7f01": `"Mcp-Session-Id: [redacted 15 `,
		"Set-Cookie: a=canary7f5a2c\x00":     `"Set-Cookie: [redacted 15 `,
		"X canary7f5a2c0123456789":           `"X [redacted 22 `,
		"Content-Type: text/\x01html":        `"Content-Type: text/\x01html"`,
		"this is no header":                  `"this is no header"`,
	} {
		tap := &Tap{}
		text := fmt.Sprintf("net/http: HTTP/1.x transport connection broken: malformed MIME header line: %q", line)
		x := tap.redact(&raw{start: time.Now(), method: "POST", url: "https://mcp.example.com/mcp", err: &WireError{Kind: "protocol", Text: text}})
		for what, got := range map[string]string{"error": x.Error.Text, "sieve": tap.Sieve(text)} {
			if strings.Contains(got, "canary") || !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
	}
}
