package checks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

var update = flag.Bool("update", false, "write the golden findings of the captures")

func TestCatalogueIsValid(t *testing.T) {
	t.Parallel()
	if err := probe.Validate(All); err != nil {
		t.Fatal(err)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	if Lookup("no.such-check") != nil {
		t.Error("a check that does not exist was found")
	}
	for _, c := range All {
		if Lookup(c.ID) != c {
			t.Errorf("%s is not found by its id", c.ID)
		}
	}
}

// A check tells a stranger what it is about: its texts are held to the shape that reports rely on.
func TestChecksAreDescribed(t *testing.T) {
	t.Parallel()
	for _, c := range All {
		if !strings.HasPrefix(c.ID, string(c.Stage)+".") {
			t.Errorf("%s: the id does not begin with its stage %s", c.ID, c.Stage)
		}
		if c.Title == "" || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: title %q is empty or ends in a full stop", c.ID, c.Title)
		}
		if !strings.HasPrefix(c.Spec, "https://") {
			t.Errorf("%s: spec %q is no link", c.ID, c.Spec)
		}
		if c.Level != probe.Must && c.Level != probe.Should || c.Owner == "" {
			t.Errorf("%s: level %q or owner %q is missing", c.ID, c.Level, c.Owner)
		}
		if n := strings.Count(c.Doc+" ", ". "); n < 2 || n > 9 {
			t.Errorf("%s: its doc has %d sentences: why it matters, how it shows, how to mend it", c.ID, n)
		}
	}
}

// The captures are the specification: testdata/<check id>/pass*.jsonl must pass; fail*.jsonl must fail, or warn where the
// check is a Should; warn*.jsonl, skip*.jsonl and unknown*.jsonl must come to that. Beside each lies the finding told.
func TestCaptures(t *testing.T) {
	t.Parallel()
	for _, c := range All {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			var passes, misses int
			captures, err := filepath.Glob(filepath.Join("testdata", c.ID, "*.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range captures {
				switch judgeCapture(t, c, file) {
				case probe.Passed:
					passes++
				case probe.Failed, probe.Warned:
					misses++
				}
			}
			if passes == 0 || misses == 0 {
				t.Errorf("%d captures pass and %d do not: a check needs both", passes, misses)
			}
		})
	}
}

// Every capture belongs to a check; those in whole/ are of whole handshakes.
func TestNoCaptureIsOrphaned(t *testing.T) {
	t.Parallel()
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if d.IsDir() && d.Name() != "whole" && Lookup(d.Name()) == nil {
			t.Errorf("testdata/%s belongs to no check", d.Name())
		}
	}
}

func judgeCapture(t *testing.T, c *probe.Check, file string) probe.Outcome {
	t.Helper()
	f := findingOf(t, c.ID, replay(t, file))
	if want := outcomeOf(c, file); f.Outcome != want {
		t.Errorf("%s: %s, want %s: %s", file, f.Outcome, want, f.Detail)
	}
	if f.Outcome == probe.Failed || f.Outcome == probe.Warned {
		if f.Detail == "" || f.Effect == "" || f.Remedy == "" || f.Owner == "" {
			t.Errorf("%s: what was seen, its effect, the remedy or who must act is not told: %+v", file, f)
		}
	}
	golden(t, strings.TrimSuffix(file, ".jsonl")+".golden.json", f)
	return f.Outcome
}

func outcomeOf(c *probe.Check, file string) probe.Outcome {
	for prefix, o := range map[string]probe.Outcome{
		"pass": probe.Passed, "warn": probe.Warned, "skip": probe.Skipped, "unknown": probe.Unclear,
	} {
		if strings.HasPrefix(filepath.Base(file), prefix) {
			return o
		}
	}
	if c.Level == probe.Should {
		return probe.Warned
	}
	return probe.Failed
}

func findingOf(t *testing.T, id string, all []probe.Finding) probe.Finding {
	t.Helper()
	for _, f := range all {
		if f.Check == id {
			return f
		}
	}
	t.Fatalf("no finding of %s", id)
	return probe.Finding{}
}

// replay judges a capture with the whole catalogue.
func replay(t *testing.T, file string) []probe.Finding {
	t.Helper()
	s := opened(t, file)
	s.Close()
	return s.Findings()
}

func opened(t *testing.T, file string) *probe.Session {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s *probe.Session
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := probe.DecodeEvent(lines.Bytes())
		if err != nil {
			t.Fatalf("%s:%d: %v", file, n, err)
		}
		if start, ok := e.(probe.Started); ok {
			s = open(start)
			continue
		}
		if s == nil {
			t.Fatalf("%s:%d: a capture begins with started", file, n)
		}
		s.Replay(e)
	}
	if s == nil {
		t.Fatalf("%s: no handshake", file)
	}
	return s
}

func open(e probe.Started) *probe.Session {
	return probe.NewSession(probe.Opening{
		ID: e.Handshake, Target: e.Target, Source: probe.Read, Profile: e.Profile, Expect: e.Expect, Checks: All, At: e.At,
	}, func(probe.Event) {})
}

func golden(t *testing.T, file string, f probe.Finding) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
