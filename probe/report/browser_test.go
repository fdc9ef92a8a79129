package report

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A browser is a Chromium that is spoken to over two pipes (--remote-debugging-pipe): JSON messages that end in NUL.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	id      int
	session string
	events  []browserMessage
}

type browserMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// newBrowser starts the browser that MCPWIZ_TEST_BROWSER names, with one page that runs no script of its own.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := os.Getenv("MCPWIZ_TEST_BROWSER")
	if program == "" {
		t.Skip("no browser looks at the page: MCPWIZ_TEST_BROWSER names a Chromium, make test finds one on PATH")
	}
	profile, err := os.MkdirTemp("", "mcpwiz-browser-")
	if err != nil {
		t.Fatal(err)
	}
	hears, to := pipe(t)
	from, says := pipe(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	c := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles, c.WaitDelay = []*os.File{hears, says}, 10*time.Second
	if err := c.Start(); err != nil {
		cancel()
		t.Fatalf("start the browser: %v", err)
	}
	_, _ = hears.Close(), says.Close()
	b := &browser{t: t, to: to, from: bufio.NewReaderSize(from, 1<<20)}
	t.Cleanup(func() {
		_, _ = fmt.Fprintf(to, `{"id":1000000,"method":"Browser.close"}`+"\x00")
		_, _ = to.Close(), c.Wait()
		cancel()
		_ = from.Close()
		for range 50 { // its children end a little later
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// call asks the browser for something and waits for its answer; what it tells meanwhile is kept.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.id++
	message := map[string]any{"id": b.id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.read(method)
		switch {
		case m.ID == 0:
			b.events = append(b.events, m)
		case m.ID == b.id && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		case m.ID == b.id:
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatalf("%s: %v in %s", method, err, m.Result)
				}
			}
			return
		}
	}
}

func (b *browser) read(waitingFor string) browserMessage {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("the browser is gone while waiting for %s: %v", waitingFor, err)
	}
	var m browserMessage
	if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
		b.t.Fatalf("%s: %v", waitingFor, err)
	}
	return m
}

// open shows a page in a window of a size, on a light or dark screen.
func (b *browser) open(page []byte, width int, scheme string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.events = nil
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for !b.told("Page.loadEventFired") {
		b.events = append(b.events, b.read("the page"))
	}
}

func (b *browser) told(method string) bool {
	for _, m := range b.events {
		if m.Method == method {
			return true
		}
	}
	return false
}

// eval has the browser answer a question about what it shows.
func (b *browser) eval(result any, script string) {
	b.t.Helper()
	var answer struct {
		Result    struct{ Value json.RawMessage }
		Exception *struct{ Text string } `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &answer)
	if answer.Exception != nil {
		b.t.Fatalf("%s: %+v", answer.Exception.Text, answer.Result)
	}
	if err := json.Unmarshal(answer.Result.Value, result); err != nil {
		b.t.Fatalf("%v in %.200s", err, answer.Result.Value)
	}
}

// fetched are the addresses that the page asked for, but for itself.
func (b *browser) fetched() []string {
	var all []string
	for _, m := range b.events {
		var asked struct{ Request struct{ URL string } }
		if m.Method == "Network.requestWillBeSent" && json.Unmarshal(m.Params, &asked) == nil && !strings.HasSuffix(asked.Request.URL, "/page.html") {
			all = append(all, asked.Request.URL)
		}
	}
	return all
}

// complaints are what the browser says of the page in its console.
func (b *browser) complaints() []string {
	var all []string
	for _, m := range b.events {
		if m.Method == "Log.entryAdded" {
			all = append(all, string(m.Params))
		}
	}
	return all
}
