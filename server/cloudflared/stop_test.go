package cloudflared

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// envTie names where one that waits connects to: the connection ends when it does, however that comes about.
const envTie = "TEST_TIE"

// wait is a connector that never comes up, and does not end by itself.
func wait(stubborn bool) {
	if stubborn {
		signal.Ignore(syscall.SIGTERM)
	}
	c, err := net.Dial("tcp", os.Getenv(envTie))
	if err != nil {
		os.Exit(1)
	}
	_, _ = c.Write([]byte{1})
	_, _ = io.Copy(io.Discard, c)
	os.Exit(1)
}

// tied returns the address that a child connects to, and its connection once it has.
func tied(t *testing.T) (string, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	came := make(chan net.Conn, 1)
	go func() {
		defer close(came)
		c, err := l.Accept()
		if err != nil {
			return
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
			came <- c
		}
	}()
	return l.Addr().String(), came
}

func comes(t *testing.T, came <-chan net.Conn) net.Conn {
	t.Helper()
	select {
	case c := <-came:
		if c != nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
	case <-time.After(30 * time.Second):
	}
	t.Fatal("the child did not come up")
	return nil
}

// goes waits until the child has gone.
func goes(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the child still runs")
	}
}

func TestOneThatDoesNotStopIsEnded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for three seconds")
	}
	at, came := tied(t)
	r := newRig(t, "stubborn")
	r.o.Grace, r.o.Env = time.Millisecond, append(r.o.Env, envTie+"="+at)
	stop := r.start(t)
	c := comes(t, came)
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	goes(t, c)
}

// Should this process be killed, nothing is left running.
func TestAChildDoesNotOutliveItsParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends the children of one that is killed")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	at, came := tied(t)
	parent := exec.Command(own)
	parent.Env = append(os.Environ(), envBe+"=parent", envTie+"="+at)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Process.Kill(); _ = parent.Wait() })
	c := comes(t, came)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	goes(t, c)
}

func TestTheEnvironmentDoesNotConfigureIt(t *testing.T) {
	t.Parallel()
	got := environment([]string{
		"PATH=/bin", "HTTPS_PROXY=http://proxy", "TUNNEL_TOKEN=a", "TUNNEL_METRICS=0.0.0.0:1", "TUNNEL_LOG_OUTPUT=json",
		"MCPWIZ_CLOUDFLARE_TOKEN=b", "MCPWIZ_REDIS_PASSWORD_FILE=/c", "MCPWIZ_FILE=mcpwiz.yaml",
	})
	if want := []string{"PATH=/bin", "HTTPS_PROXY=http://proxy", "MCPWIZ_FILE=mcpwiz.yaml"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// systemd itself reads the unit, where it is there.
func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on PATH")
	}
	own, err := os.Executable() // a program that is there
	if err != nil {
		t.Fatal(err)
	}
	unit, err := Unit(own, "/etc/mcpwiz/tunnel.token", "mcpwiz-mcp")
	if err != nil {
		t.Skip("the test binary lies where a unit cannot name it")
	}
	file := filepath.Join(t.TempDir(), "mcpwiz-tunnel.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s\n%s", err, out, unit)
	}
}
