package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// unzip FILE puts what is in a ZIP file beside it.
func unzipCommand(ts *testscript.TestScript, _ bool, args []string) {
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer z.Close()
	for _, f := range z.File {
		in, err := f.Open()
		ts.Check(err)
		data, err := io.ReadAll(in)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(f.Name), data, 0o600))
	}
}

// A page of talk that is written by one goroutine and read by another.
type overheardTalk struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *overheardTalk) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *overheardTalk) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// Watched, a server that breaks and is mended again is told twice, and nothing else after the first report.
func TestWatchTellsWhatChanged(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="http://`+r.Host+`/.well-known/oauth-protected-resource/mcp"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	defer server.Close()
	out, talk := &overheardTalk{}, &overheardTalk{}
	nobody, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	p := &program{in: nobody, lines: bufio.NewReader(nobody), out: out, err: talk, env: func(string) (string, bool) { return "", false }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- p.execute(ctx, []string{"doctor", server.URL + "/mcp", "--watch=1s", "--only", "challenge.*"})
	}()
	awaits := func(where *overheardTalk, want string, times int) {
		t.Helper()
		for limit := time.Now().Add(time.Minute); strings.Count(where.String(), want) < times; time.Sleep(20 * time.Millisecond) {
			select {
			case err := <-ended:
				t.Fatalf("it ended: %v\n%s%s", err, talk, out)
			default:
			}
			if time.Now().After(limit) {
				t.Fatalf("%q was not told %d times:\n%s%s", want, times, talk, out)
			}
		}
	}
	awaits(talk, "watching, every 1s", 1)
	broken.Store(true)
	awaits(out, "was    pass", 1)
	broken.Store(false)
	awaits(out, "(was fail)", 1)
	cancel()
	if code := p.end(ctx, <-ended); code != exitInterrupted {
		t.Errorf("it ends with %d", code)
	}
	if n := strings.Count(out.String(), "Not tried"); n != 1 {
		t.Errorf("the report is told %d times:\n%s", n, out)
	}
}
