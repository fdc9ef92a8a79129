package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

var began = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

var us = probe.Tool{Name: "mcpwiz", Version: "1.2.3"}

var claude = &probe.Profile{ID: "claude-ai", Title: "Claude (web, Desktop, mobile)", Date: "2026-10-30", Hosted: true, Grant: "authorization_code"}

// A story is what a session of these tests is given.
type story struct {
	id      string
	target  string
	source  probe.Source
	profile *probe.Profile
	expect  []probe.Evidence
	checks  []*probe.Check
	tell    func(*probe.Session)
}

// run tells a story to a session and its events to the sinks. The session judges when it is told to and at the end.
func (y story) run(sinks ...probe.Sink) ([]probe.Finding, probe.Summary) {
	s := y.open(sinks...)
	y.tell(s)
	sum := s.Close()
	return s.Findings(), sum
}

func (y story) open(sinks ...probe.Sink) *probe.Session {
	return probe.NewSession(probe.Opening{
		ID: y.id, Tool: us, Target: y.target, Source: y.source, Profile: y.profile, Expect: y.expect, Checks: y.checks,
		At: began, Quiet: time.Hour,
	}, func(e probe.Event) {
		for _, sink := range sinks {
			sink(e)
		}
	})
}

// written returns a story as WriteJSON and as a Lines write it.
func (y story) written(t *testing.T) (asJSON, asLines []byte, found []probe.Finding) {
	t.Helper()
	var lines, doc bytes.Buffer
	l, c := NewLines(&lines), NewCollector(y.checks)
	found, _ = y.run(l.Sink, c.Sink)
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(&doc, c.Reports()...); err != nil {
		t.Fatal(err)
	}
	return doc.Bytes(), lines.Bytes(), found
}

// text returns a story as people are told it.
func (y story) text(t *testing.T, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	o.Checks = y.checks
	w := NewText(&b, o)
	y.run(w.Sink)
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// reread returns the findings of every handshake in a capture, judged again, by handshake.
func reread(t *testing.T, data []byte, o ReadOptions) (map[string][]probe.Finding, []probe.Summary) {
	t.Helper()
	c := NewCollector(o.Checks)
	sums, err := Read(bytes.NewReader(data), o, c.Sink)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]probe.Finding{}
	for _, r := range c.Reports() {
		found[r.Handshake] = r.Findings
	}
	return found, sums
}

// events reads a capture of the catalogue's.
func events(t testing.TB, file string) (probe.Started, []probe.Event) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := readLines(data, ReadOptions{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %d handshakes, %v", file, len(all), err)
	}
	return all[0].started, all[0].events
}

// captures are those of the catalogue, each a handshake.
func captures(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../checks/testdata/*/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	return files
}
