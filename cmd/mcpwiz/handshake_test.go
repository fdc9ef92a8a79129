package main

import (
	"errors"
	"strings"
	"testing"
)

// What is typed in the URL's place comes back on a terminal: quoted, never as it was, and never with a password.
func TestURLWithoutScheme(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"mcp.example.com/mcp":      "did you mean https://mcp.example.com/mcp?",
		"localhost:8080/mcp":       "did you mean http://localhost:8080/mcp?",
		"/mcp":                     "e.g. https://mcp.example.com/mcp",
		"foo\x1b[31m":              "e.g. https://mcp.example.com/mcp",
		"u:secret@mcp.example.com": "e.g. https://mcp.example.com/mcp",
		"mcp.example.com/\u009b2J": "did you mean https://mcp.example.com/%C2%9B2J?",
	} {
		err := (&handshakeOptions{target: target, telling: tellingOptions{format: "text", failOn: "fail"}}).take(nil)
		var f *failure
		if !errors.As(err, &f) || f.code != exitUsage || f.hint != want {
			t.Errorf("%q: %v, hint %q", target, err, f.hint)
			continue
		}
		if said := f.err.Error() + f.hint; strings.ContainsAny(said, "\x1b\u009b\u202e") || strings.Contains(said, "secret") {
			t.Errorf("%q is told raw: %q", target, said)
		}
	}
}

func TestWatchIsHeldToAnInterval(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--watch=0s", "--watch=-1s", "--watch=10ms"} {
		p := newProgram(nil, nil, nil, func(string) (string, bool) { return "", false })
		err := p.execute(t.Context(), []string{"doctor", "http://127.0.0.1:1/mcp", flag})
		if err == nil || !strings.Contains(err.Error(), "at least 1s lie between two handshakes") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
