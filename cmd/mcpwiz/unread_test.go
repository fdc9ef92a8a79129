package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// A reader that goes away, as in mcpwiz demo | head, leaves nothing behind.
func TestDemoUnread(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := exec.Command("mcpwiz", "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Error(err)
	}
	out.Close()
	_ = demo.Wait() // the code says it
	if code := demo.ProcessState.ExitCode(); code != exitUnread {
		t.Errorf("exit code %d, want %d", code, exitUnread)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range left {
		t.Errorf("%s is left behind", one.Name())
	}
}

// A reader that has read enough is told of no failure: what writes a list ends quietly.
func TestReaderHasReadEnough(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, args := range [][]string{
		{"undo", "--list", "--url", "https://mcp.example.com/mcp", "--issuer", "https://auth.example.com/realms/mcp"}, {"profiles"},
		{"profiles", "--format", "json"}, {"profiles", "show", "claude-ai"}, {"lab", "list"}, {"explain"}, {"version"}, {"completion", "bash"},
	} {
		gone, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		var talk bytes.Buffer
		c := exec.Command("mcpwiz", args...)
		c.Stdout, c.Stderr, c.Env = out, &talk, append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+home, "XDG_CONFIG_HOME="+home)
		_ = c.Run() // the code says it
		if code := c.ProcessState.ExitCode(); code != exitUnread || talk.Len() > 0 {
			t.Errorf("mcpwiz %v: exit code %d, want %d: %s", args, code, exitUnread, talk.String())
		}
		out.Close()
	}
}
