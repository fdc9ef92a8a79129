package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bubbletea, which every command is linked with, would ask the terminal for its colours while the program starts. On a
// terminal that answers nothing the doctor writes no escape, and does not wait for an answer.
func TestDoctorOnAMuteTerminal(t *testing.T) {
	t.Parallel()
	capture, err := filepath.Abs("../../probe/checks/testdata/token.signature-verifies/pass.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s := onScreen(t, t.TempDir(), "doctor", "--format", "json", "--read", capture)
	code := s.ends()
	if took := time.Since(begin); took > 4*time.Second { // termenv waits for 5 s
		t.Errorf("done after %s", took)
	}
	if text := s.text(); code == exitUsage || code == exitBroken || !strings.Contains(text, `"schema": "mcpwiz.report/1"`) {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if text := s.text(); strings.Contains(text, "\x1b") {
		t.Errorf("escapes are written: %q", text[:min(len(text), 200)])
	}
}
