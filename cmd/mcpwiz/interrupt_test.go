package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A called is the binary as it was called.
type called struct {
	*exec.Cmd
	out, err bytes.Buffer
}

func call(t *testing.T, dir string, env []string, args ...string) *called {
	t.Helper()
	c := &called{Cmd: exec.Command("mcpwiz", args...)}
	c.Dir, c.Stdout, c.Stderr = dir, &c.out, &c.err
	c.Env = append(append(os.Environ(), "LANG=C.UTF-8"), env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

// ends returns the exit code.
func (c *called) ends(t *testing.T) int {
	t.Helper()
	over := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer over.Stop()
	_ = c.Wait() // the code says it
	return c.ProcessState.ExitCode()
}

// hang answers nothing until the client is gone, which is noticed once its body has been read.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// Ctrl-C during setup says what is in place and where the journal is; the same command then goes on.
func TestInterruptSetup(t *testing.T) {
	t.Parallel()
	small := keycloaktest.New(keycloaktest.Options{AdminPassword: "canary-admin"})
	var slow atomic.Bool
	slow.Store(true)
	reached := make(chan struct{}, 1)
	k := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/clients") {
			reached <- struct{}{}
			hang(r)
			return
		}
		small.ServeHTTP(w, r)
	}))
	t.Cleanup(k.Close)
	dir := t.TempDir()
	env := []string{"MCPWIZ_KEYCLOAK_PASSWORD=canary-admin"}
	args := []string{"setup", "--url", "https://mcp.example.com/mcp", "--issuer", k.URL + "/realms/mcp", "--create-realm", "--admin-user", "admin", "--yes"}
	c := call(t, dir, env, args...)
	<-reached
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := c.ends(t); code != exitInterrupted {
		t.Errorf("exit code %d, want %d:\n%s", code, exitInterrupted, &c.err)
	}
	for _, want := range []string{"2 of 3 changes are in place", ".mcpwiz/journal.jsonl", "interrupted"} {
		if !strings.Contains(c.err.String(), want) {
			t.Errorf("%q is not told:\n%s", want, &c.err)
		}
	}
	records, err := plan.ReadJournal(filepath.Join(dir, ".mcpwiz", "journal.jsonl"))
	if err != nil || len(records) == 0 || records[len(records)-1].Kind != plan.Failed {
		t.Errorf("the journal does not end with what failed: %v %v", records, err)
	}
	slow.Store(false)
	c = call(t, dir, env, args...)
	if code := c.ends(t); code != 0 || !strings.Contains(c.err.String(), "✓ keycloak/client/claude  made") ||
		!strings.Contains(c.err.String(), "did not come to its end: this one goes on where it stopped") {
		t.Errorf("exit code %d of the second run:\n%s", code, &c.err)
	}
}

// Ctrl-C during a handshake tells what was seen until then.
func TestInterruptDoctor(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 16)
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case reached <- struct{}{}:
		default:
		}
		hang(r)
	}))
	t.Cleanup(mute.Close)
	c := call(t, t.TempDir(), nil, "doctor", mute.URL+"/mcp")
	<-reached
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := c.ends(t); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if !strings.Contains(c.err.String(), "interrupted: this is what was seen until then") || !strings.Contains(c.out.String(), "as claude-ai") {
		t.Errorf("told:\n%s\n%s", &c.out, &c.err)
	}
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
