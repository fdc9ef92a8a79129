package main

import (
	"bufio"
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
	if code := demo.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range left {
		t.Errorf("%s is left behind", one.Name())
	}
}
