package checks

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A live trace is judged at any moment: after every exchange, of which the last may still wait for its answer. No judge
// may stumble over what is not there yet.
func TestJudgesBearUnfinishedTraces(t *testing.T) {
	t.Parallel()
	captures, err := filepath.Glob(filepath.Join("testdata", "*", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range captures {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		for n := 1; n <= len(lines); n++ {
			waiting(t, file, lines[:n]).Close()
		}
	}
}

// waiting replays a capture's first lines, the last exchange without its answer.
func waiting(t *testing.T, file string, lines [][]byte) *probe.Session {
	t.Helper()
	var s *probe.Session
	for i, line := range lines {
		e, err := probe.DecodeEvent(line)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		switch e := e.(type) {
		case probe.Started:
			s = open(e)
		case probe.Seen:
			if i == len(lines)-1 {
				e.Exchange.Response, e.Exchange.Error, e.Exchange.Open = nil, nil, true
			}
			s.Replay(e)
		default:
			s.Replay(e)
		}
	}
	return s
}
