package probe

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkTapHandlerGate is a request that is not wanted: 2 us at most.
func BenchmarkTapHandlerGate(b *testing.B) {
	tap := &Tap{To: func(Exchange) {}, Want: func(*http.Request) bool { return false }}
	h := tap.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest("POST", "/mcp", nil)
	r.Header.Set("Authorization", "Bearer "+canaryJWT)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// BenchmarkTapHandler is what a request waits for that is copied; the redaction is the worker's.
func BenchmarkTapHandler(b *testing.B) {
	tap := &Tap{To: func(Exchange) {}, queueLimit: 1}
	h := tap.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, strings.Repeat("x", 180))
	}))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/mcp", strings.NewReader(strings.Repeat("x", 140)))
		r.Header.Set("Authorization", "Bearer "+canaryJWT)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func benchRaw(body, answer string) *raw {
	return &raw{
		overheard: true, method: "POST", url: "https://mcp.example/mcp",
		header:   map[string][]string{"Authorization": {"Bearer " + canaryJWT}, "Content-Type": {"application/json"}, "User-Agent": {"Claude-User"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {canaries["session"]}},
		body:     rawBody{data: []byte(body), size: int64(len(body)), whole: true},
		answered: true, status: 200, reply: map[string][]string{"Content-Type": {"application/json"}},
		answer: rawBody{data: []byte(answer), size: int64(len(answer)), whole: true},
	}
}

func BenchmarkRedact(b *testing.B) {
	for name, in := range map[string]*raw{
		"call":     benchRaw(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello"}]}}`),
		"tools":    benchRaw(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":1,"result":{"tools":[`+strings.Repeat(`{"name":"echo","description":"says it again","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}},`, 30)+`{"name":"last"}]}}`),
		"64k":      benchRaw(`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"`+strings.Repeat("some text ", 6500)+`"}]}}`),
		"metadata": benchRaw(``, `{"issuer":"https://kc.example",`+strings.Repeat(`"authorization_endpoint":"https://kc.example/realms/r/protocol/openid-connect/auth",`, 1)+`"scopes_supported":["`+strings.Repeat(`offline_access","`, 300)+`"]}`),
	} {
		b.Run(name, func(b *testing.B) {
			tap := &Tap{}
			b.ReportAllocs()
			for b.Loop() {
				tap.redact(in)
			}
		})
	}
}

// BenchmarkSieve is a megabyte against all secrets of a long run.
func BenchmarkSieve(b *testing.B) {
	tap := &Tap{}
	f := NewFingerprinter()
	for i := range 300 {
		tap.Hide(f.Of(string(rune(i))) + f.Of(string(rune(i+1000))))
	}
	text := strings.Repeat("eyJhbGciOiJSUzI1NiIs 0123456789abcdef/", 1<<20/38)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tap.known.strike(text)
	}
}
