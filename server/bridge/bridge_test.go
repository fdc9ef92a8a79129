package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const envServe = "BRIDGE_TEST_SERVE"

// TestMain is also the command that is bridged to: an MCP server over stdin and stdout.
func TestMain(m *testing.M) {
	switch os.Getenv(envServe) {
	case "":
		os.Exit(m.Run())
	case "broken":
		fmt.Fprintln(os.Stderr, "no licence found")
		os.Exit(3)
	}
	fmt.Fprintln(os.Stderr, "serving", os.Getenv("MCPWIZ_SECRET"))
	if err := behindServer().Run(context.Background(), &sdk.StdioTransport{}); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type arguments struct {
	Text string `json:"text,omitempty"`
}

// behindServer has a tool for everything that can pass between a client and a server.
func behindServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "behind", Version: "1"}, nil)
	text := func(format string, args ...any) *sdk.CallToolResult {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf(format, args...)}}}
	}
	add := func(name string, do func(context.Context, *sdk.CallToolRequest, arguments) (*sdk.CallToolResult, any, error)) {
		sdk.AddTool(s, &sdk.Tool{Name: name}, do)
	}
	add("echo", func(_ context.Context, _ *sdk.CallToolRequest, a arguments) (*sdk.CallToolResult, any, error) {
		return text("%s from %d", a.Text, os.Getpid()), nil, nil
	})
	add("progress", func(ctx context.Context, r *sdk.CallToolRequest, _ arguments) (*sdk.CallToolResult, any, error) {
		for i := range 3 {
			if err := r.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(i + 1), Total: 3}); err != nil {
				return nil, nil, err
			}
		}
		return text("done"), nil, nil
	})
	add("ask", func(ctx context.Context, r *sdk.CallToolRequest, a arguments) (*sdk.CallToolResult, any, error) {
		answer, err := r.Session.Elicit(ctx, &sdk.ElicitParams{Message: a.Text})
		if err != nil {
			return nil, nil, err
		}
		return text("the user %ss", answer.Action), nil, nil
	})
	add("hang", func(ctx context.Context, _ *sdk.CallToolRequest, _ arguments) (*sdk.CallToolResult, any, error) {
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "cancelled as asked")
		return nil, nil, ctx.Err()
	})
	add("die", func(context.Context, *sdk.CallToolRequest, arguments) (*sdk.CallToolResult, any, error) {
		fmt.Fprintln(os.Stderr, "out of memory")
		os.Exit(1)
		return nil, nil, nil
	})
	add("change", func(context.Context, *sdk.CallToolRequest, arguments) (*sdk.CallToolResult, any, error) {
		add("more", func(context.Context, *sdk.CallToolRequest, arguments) (*sdk.CallToolResult, any, error) {
			return text("x"), nil, nil
		})
		return text("changed"), nil, nil
	})
	return s
}

// A log that tests read while it is written.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(b) }
func (l *log) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

type rig struct {
	*Bridge
	front *httptest.Server
	log   *log
}

// stdio bridges to a command; mode is what it is to do.
func stdio(t *testing.T, mode string, change func(*Options)) *rig {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := &log{}
	dial, err := Command([]string{"env", envServe + "=" + mode, own}, slog.New(slog.NewTextHandler(l, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, Options{Name: "test", Dial: dial}, change)
}

func serve(t *testing.T, l *log, o Options, change func(*Options)) *rig {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(l, nil))
	if change != nil {
		change(&o)
	}
	b := New(o)
	f := httptest.NewServer(b)
	ctx, stop := context.WithCancel(context.Background())
	go b.Run(ctx)
	t.Cleanup(func() {
		stop()
		f.CloseClientConnections()
		f.Close()
		b.Close()
	})
	return &rig{b, f, l}
}

// connect opens a session; where version is that of the era without sessions, none.
func (r *rig) connect(t *testing.T, version string, o *sdk.ClientOptions, alone bool) *sdk.ClientSession {
	t.Helper()
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o)
	s, err := c.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: r.front.URL, MaxRetries: -1, DisableStandaloneSSE: alone},
		&sdk.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tool(t *testing.T, s *sdk.ClientSession, name, text string) string {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments{text}, Meta: sdk.Meta{"progressToken": "the-client-s"}})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r.Content[0].(*sdk.TextContent).Text
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func TestTheOfficialClientReachesACommand(t *testing.T) {
	t.Setenv("MCPWIZ_SECRET", "never told")
	for _, version := range []string{"2025-03-26", "2025-11-25", "2026-07-28"} {
		for n := range 4 {
			shared, alone := n&1 == 1, n&2 == 2
			loose := version == "2026-07-28"
			r := stdio(t, "serve", func(o *Options) { o.Shared = shared })
			var mu sync.Mutex
			var progress []float64
			changed := make(chan struct{}, 8)
			s := r.connect(t, version, &sdk.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, p *sdk.ProgressNotificationClientRequest) {
					mu.Lock()
					defer mu.Unlock()
					if p.Params.ProgressToken == "the-client-s" {
						progress = append(progress, p.Params.Progress)
					}
				},
				ElicitationHandler: func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
					return &sdk.ElicitResult{Action: "decline"}, nil
				},
				ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { changed <- struct{}{} },
			}, alone)
			if got := tool(t, s, "echo", "hello"); !strings.HasPrefix(got, "hello from ") {
				t.Errorf("echo: %s", got)
			}
			tool(t, s, "progress", "")
			eventually(t, "progress", func() bool { mu.Lock(); defer mu.Unlock(); return slices.Equal(progress, []float64{1, 2, 3}) })
			if !shared && !loose {
				if got := tool(t, s, "ask", "may I?"); got != "the user declines" {
					t.Errorf("ask: %s", got)
				}
			}
			if !alone {
				tool(t, s, "change", "")
				select {
				case <-changed:
				case <-time.After(20 * time.Second):
					t.Errorf("shared %v: the client is not told that the tools have changed", shared)
				}
			}
			if !strings.Contains(r.log.String(), "serving") || strings.Contains(r.log.String(), "never told") {
				t.Errorf("the log: %s", r.log)
			}
		}
	}
}

func TestSessionsHaveCommandsOfTheirOwnOrShareOne(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		r := stdio(t, "serve", func(o *Options) { o.Shared = shared })
		a, b := r.connect(t, "2025-06-18", nil, true), r.connect(t, "2025-06-18", nil, true)
		if one := tool(t, a, "echo", "x") == tool(t, b, "echo", "x"); one != shared {
			t.Errorf("shared %v: one command: %v", shared, one)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		tool(t, b, "echo", "after the other has gone")
	}
}

func TestWhoCancelsIsHeard(t *testing.T) {
	t.Parallel()
	r := stdio(t, "serve", nil)
	s := r.connect(t, "2025-06-18", nil, true)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.CallTool(ctx, &sdk.CallToolParams{Name: "hang", Arguments: arguments{}})
		done <- err
	}()
	eventually(t, "the call is open", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, s := range r.sessions {
			if len(s.calls()) == 1 {
				return true
			}
		}
		return false
	})
	cancel()
	<-done
	eventually(t, "the command is told", func() bool { return strings.Contains(r.log.String(), "cancelled as asked") })
}

func TestACommandThatDiesIsToldWithItsLastWords(t *testing.T) {
	t.Parallel()
	r := stdio(t, "serve", nil)
	s := r.connect(t, "2025-06-18", nil, true)
	_, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "die", Arguments: arguments{}})
	if err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("the call that killed it: %v", err)
	}
	resp := r.post(t, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, headerSession, s.ID())
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the session afterwards: %d", resp.StatusCode)
	}
}

func (r *rig) post(t *testing.T, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.front.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

const hello = `{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`

func TestACommandThatCannotStartIsHeldBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	r := stdio(t, "broken", func(o *Options) { o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now } })
	says := func(status int, words string) {
		t.Helper()
		var told struct {
			ID    int
			Error struct{ Message string }
		}
		resp := r.post(t, hello)
		if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != status || told.ID != 7 || !strings.Contains(told.Error.Message, words) {
			t.Errorf("%d %+v, want %d with %q", resp.StatusCode, told, status, words)
		}
		if status == 503 && resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	says(200, "no licence found") // it was there when it was written to
	eventually(t, "it has ended", func() bool { return r.starts.may(now) != nil })
	says(503, "no licence found")
	mu.Lock()
	now = now.Add(2 * time.Second)
	mu.Unlock()
	says(200, "no licence found")
}

func TestRequestsWithoutASessionPass(t *testing.T) {
	t.Parallel()
	r := stdio(t, "serve", nil)
	for _, c := range []struct {
		body   string
		header []string
		status int
		says   string
	}{
		{`{"jsonrpc":"2.0","id":"a","method":"no/such"}`, nil, 200, `"id":"a"`},
		{`{"jsonrpc":"2.0","method":"notifications/x"}`, nil, 202, ""},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{headerMethod, "tools/call"}, 400, "Mcp-Method is"},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, nil, 400, "answers nobody"},
		{`[]`, nil, 400, "not one JSON-RPC message"},
		{`{`, nil, 400, "not one JSON-RPC message"},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{headerSession, "made-up"}, 404, "session_not_found"},
	} {
		resp := r.post(t, c.body, c.header...)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.body, resp.StatusCode, body, c.status, c.says)
		}
	}
	resp, err := http.Get(r.front.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != http.MethodPost {
		t.Errorf("GET without a session: %d, %v", resp.StatusCode, resp.Header)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	r := stdio(t, "serve", func(o *Options) { o.Most, o.Idle = 2, 200*time.Millisecond })
	for range 2 {
		if resp := r.post(t, hello); resp.StatusCode != 200 {
			t.Fatalf("answered %d", resp.StatusCode)
		}
	}
	if resp := r.post(t, hello); resp.StatusCode != 503 {
		t.Errorf("one too many: %d", resp.StatusCode)
	}
	eventually(t, "idle sessions end", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.sessions) == 0 })
	if resp := r.post(t, hello); resp.StatusCode != 200 {
		t.Errorf("after they have ended: %d", resp.StatusCode)
	}
}

func TestAnOlderServerSpeaksSSE(t *testing.T) {
	t.Parallel()
	s := behindServer()
	var mu sync.Mutex
	seen := map[string]string{}
	h := sdk.NewSSEHandler(func(*http.Request) *sdk.Server { return s }, nil)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method] = r.Header.Get("Authorization")
		mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(up.Close)
	at, _ := url.Parse(up.URL)
	own := func() (http.Header, error) { return http.Header{"Authorization": {"Bearer ours"}}, nil }
	r := serve(t, &log{}, Options{Name: "old", Dial: SSE(at, own)}, nil)
	session := r.connect(t, "2025-06-18", nil, true)
	if got := tool(t, session, "echo", "old"); !strings.HasPrefix(got, "old from ") {
		t.Error(got)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["GET"] != "Bearer ours" || seen["POST"] != "Bearer ours" {
		t.Errorf("the upstream got %v", seen)
	}
	r.Close()
}

// A server that has messages sent elsewhere gets them without what is meant for its own origin.
func TestOwnHeadersGoToTheirOriginAlone(t *testing.T) {
	t.Parallel()
	at, _ := url.Parse("http://a.example/sse")
	got := ""
	o := ownTo{at, func() (http.Header, error) { return http.Header{"Authorization": {"x"}}, nil },
		roundTrip(func(r *http.Request) (*http.Response, error) { got = r.Header.Get("Authorization"); return nil, io.EOF })}
	for to, want := range map[string]string{"http://a.example/message": "x", "http://b.example/message": "", "https://a.example/": ""} {
		req, _ := http.NewRequest(http.MethodPost, to, nil)
		if _, err := o.RoundTrip(req); !errors.Is(err, io.EOF) || got != want {
			t.Errorf("%s got %q, %v", to, got, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLinesOfStderr(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := &lines{log: slog.New(slog.NewTextHandler(&b, nil))}
	for _, piece := range []string{"one\ntw", "o\r\n\nthr", "ee", strings.Repeat("x", 3*lineMost), "\nlast"} {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, want := range []string{"line=one\n", "line=two\n", "line=three" + "xxx"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %.300s", want, b.String())
		}
	}
	if l.lastLine() != "last" {
		t.Errorf("the last line is %q", l.lastLine())
	}
}

func FuzzWithToken(f *testing.F) {
	f.Add([]byte(`{"_meta":{"progressToken":1}}`))
	f.Add([]byte(`{"_meta":[]}`))
	f.Fuzz(func(t *testing.T, params []byte) {
		changed, was, err := withToken(json.RawMessage(params), 7)
		if err == nil && was != nil && !json.Valid(changed) {
			t.Errorf("%s became %s", params, changed)
		}
	})
}
