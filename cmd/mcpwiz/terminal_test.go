package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/mcpwiz/mcpwiz/keycloak/keycloaktest"
)

// A screen is a terminal with a program on it, as a person sees and uses it.
type screen struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	seen bytes.Buffer
	over chan struct{}
}

func onScreen(t *testing.T, dir string, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, cmd: exec.Command("mcpwiz", args...), over: make(chan struct{})}
	s.cmd.Dir = dir
	inherited := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MCPWIZ_") })
	s.cmd.Env = append(inherited, "TERM=xterm-256color", "LANG=C.UTF-8", "NO_COLOR=")
	terminal, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	s.pty = terminal
	go func() {
		defer close(s.over)
		_, _ = io.Copy(writerFunc(s.take), s.pty) // a pty ends with EIO
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		s.pty.Close()
	})
	return s
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (s *screen) take(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.Write(b)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

func (s *screen) awaits(text string) {
	s.t.Helper()
	for range 400 {
		if strings.Contains(s.text(), text) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("%q does not come; the screen has:\n%s", text, s.text())
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// ends returns the exit code.
func (s *screen) ends() int {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end; the screen has:\n%s", s.text())
	}
	_ = s.cmd.Wait() // the code says it
	return s.cmd.ProcessState.ExitCode()
}

func setupOnScreen(t *testing.T) *screen {
	t.Helper()
	k, err := keycloaktest.Start(keycloaktest.Options{AdminPassword: "canary-typed"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	dir := t.TempDir()
	return onScreen(t, dir, "setup", "--url", "https://mcp.example.com/mcp", "--issuer", k.URL+"/realms/mcp", "--create-realm", "--admin-user", "admin")
}

// On a terminal the password is asked for without showing it, and nothing is applied without a yes.
func TestSetupAsks(t *testing.T) {
	t.Parallel()
	s := setupOnScreen(t)
	s.awaits("Keycloak password of admin: ")
	s.types("canary-typed\r")
	s.awaits("Apply it? [y/N] ")
	if _, err := os.Stat(filepath.Join(s.cmd.Dir, "mcpwiz.secrets.yaml")); err == nil {
		t.Error("something was applied before the answer")
	}
	s.types("y\r")
	if code := s.ends(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, s.text())
	}
	if !strings.Contains(s.text(), "✓ keycloak/client/claude  made") || strings.Contains(s.text(), "canary-typed") {
		t.Errorf("the screen has:\n%s", s.text())
	}
}

func TestSetupTakesNoForAnAnswer(t *testing.T) {
	t.Parallel()
	s := setupOnScreen(t)
	s.awaits("Keycloak password of admin: ")
	s.types("canary-typed\r")
	s.awaits("Apply it? [y/N] ")
	s.types("\r")
	if code := s.ends(); code != exitFailed || !strings.Contains(s.text(), "Nothing was touched.") {
		t.Errorf("exit code %d:\n%s", code, s.text())
	}
}

// Ctrl-C at a question ends it, with the code of an interrupt, and the terminal shows what is typed again.
func TestInterruptAtAQuestion(t *testing.T) {
	t.Parallel()
	s := setupOnScreen(t)
	s.awaits("Keycloak password of admin: ")
	s.types("\x03")
	if code := s.ends(); code != exitInterrupted || !strings.Contains(s.text(), "interrupted") {
		t.Errorf("exit code %d:\n%s", code, s.text())
	}
}
