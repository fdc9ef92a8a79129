package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The README shows the doctor's words as the doctor says them, but for the line that names versions.
func TestReadmeIsTrue(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	doctor := exec.Command("mcpwiz", "doctor", "--read", "../../probe/checks/testdata/whole/operators-story.jsonl")
	doctor.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	out, _ := doctor.Output() // it exits with 1: the capture is of a failure
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "captured by ") {
			continue
		}
		if !strings.Contains(string(readme), "\n    "+line+"\n") {
			t.Errorf("the README lacks, or words otherwise: %s", line)
		}
	}
	if len(out) == 0 {
		t.Error("the doctor says nothing")
	}
}

// The README shows the live probe as the page draws it: without its colours, and without blanks at the ends of lines.
func TestReadmeShowsTheLiveProbe(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile("../../tui/testdata/probe/failed-80x24-dark.txt")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	for line := range strings.Lines(regexp.MustCompile(`␛\[[0-9;]*m`).ReplaceAllString(string(drawn), "")) {
		page.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
	}
	if !strings.Contains(string(readme), "\n\n"+page.String()+"\n") {
		t.Errorf("the README shows another page than is drawn now:\n%s", page.String())
	}
}
