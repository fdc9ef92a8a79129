package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// What was written is judged the same when it is read back, from either form: every capture of the catalogue, with facts
// as they come from a file and as a program has them.
func TestReadBackIsIdentical(t *testing.T) {
	t.Parallel()
	for i, file := range captures(t) {
		if testing.Short() && i%10 > 0 {
			continue
		}
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			start, all := events(t, file)
			hows := []func(any) any{func(v any) any { return v }}
			if slices.ContainsFunc(all, func(e probe.Event) bool { _, ok := e.(probe.Noted); return ok }) {
				hows = append(hows, native)
			}
			for _, how := range hows {
				y := replayed(start, all, how)
				doc, lines, found := y.written(t)
				for form, data := range map[string][]byte{"json": doc, "jsonl": lines} {
					again, sums := reread(t, data, ReadOptions{Checks: checks.All, Tool: us})
					if !reflect.DeepEqual(found, again[y.id]) {
						t.Errorf("%s: findings (-before +after):\n%s", form, cmp.Diff(found, again[y.id]))
					}
					if d := cmp.Diff([]probe.Summary{probe.Summarise(found)}, sums); d != "" {
						t.Errorf("%s: summary (-before +after):\n%s", form, d)
					}
				}
			}
		})
	}
}

// replayed is the story of a capture, with its facts' data passed through how.
func replayed(start probe.Started, all []probe.Event, how func(any) any) story {
	return story{id: start.Handshake, target: start.Target, source: start.Source, profile: start.Profile, expect: start.Expect,
		checks: checks.All, tell: func(s *probe.Session) {
			for _, e := range all {
				if n, ok := e.(probe.Noted); ok {
					n.Fact.Data, _ = how(n.Fact.Data).(map[string]any)
					e = n
				}
				s.Replay(e)
			}
		}}
}

// native gives plain data the types that a program would.
func native(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := map[string]any{}
		for k, e := range v {
			o[k] = native(e)
		}
		return o
	case []any:
		var words []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return v
			}
			words = append(words, s)
		}
		return words
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// Reading and writing again changes nothing but who tells it: a report of a report is no rumour.
func TestReadOfWhatWasReadIsIdentical(t *testing.T) {
	t.Parallel()
	start, all := events(t, filepath.Join("../checks/testdata", "session.refresh-continues", "fail.jsonl"))
	y := replayed(start, all, func(v any) any { return v })
	doc, _, _ := y.written(t)
	other := probe.Tool{Name: "mcpwiz", Version: "9"}
	once := rewritten(t, doc, other)
	if twice := rewritten(t, once, other); string(twice) != string(once) {
		t.Error(cmp.Diff(string(once), string(twice)))
	}
	if !strings.Contains(string(once), `"captured_by": {
    "name": "mcpwiz",
    "version": "1.2.3"
  }`) {
		t.Error("who captured it is lost")
	}
}

func rewritten(t *testing.T, data []byte, tool probe.Tool) []byte {
	t.Helper()
	c := NewCollector(checks.All)
	if _, err := Read(strings.NewReader(string(data)), ReadOptions{Checks: checks.All, Tool: tool}, c.Sink); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := WriteJSON(&b, c.Reports()...); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// Another version may find other things, and says so; the same version needs no word.
func TestAnotherVersionIsTold(t *testing.T) {
	t.Parallel()
	doc, lines, _ := operator().written(t)
	for form, data := range map[string][]byte{"json": doc, "jsonl": lines} {
		for version, want := range map[string]bool{"1.2.3": false, "2.0.0": true} {
			var b bytes.Buffer
			text, c := NewText(&b, TextOptions{Width: 80, Checks: shelf}), NewCollector(shelf)
			tool := probe.Tool{Name: "mcpwiz", Version: version}
			_, err := Read(bytes.NewReader(data), ReadOptions{Checks: shelf, Tool: tool}, func(e probe.Event) { text.Sink(e); c.Sink(e) })
			if err != nil {
				t.Fatal(err)
			}
			line := "captured by mcpwiz 1.2.3, judged by mcpwiz 2.0.0: findings may differ\n"
			if got := strings.Contains(b.String(), line); got != want {
				t.Errorf("%s read by %s: %s", form, version, b.String())
			}
			if !strings.HasPrefix(b.String(), mcp+"  read, as claude-ai (profile of 2026-10-30)\n") {
				t.Errorf("%s: %s", form, b.String())
			}
			r := c.Reports()[0]
			if r.Source != probe.Read || r.Tool != tool || r.CapturedBy == nil || *r.CapturedBy != us {
				t.Errorf("%s: source %s, tool %v, captured by %v", form, r.Source, r.Tool, r.CapturedBy)
			}
		}
	}
}

// A capture is judged as the profile in it, unless another is asked for; then also a client recognised late is that.
func TestProfileOfAReader(t *testing.T) {
	t.Parallel()
	other := &probe.Profile{ID: "other", Title: "Other"}
	for _, y := range []story{operator(), overheard()} {
		doc, lines, _ := y.written(t)
		for form, data := range map[string][]byte{"json": doc, "jsonl": lines} {
			for asked, want := range map[*probe.Profile]string{nil: "claude-ai", other: "other"} {
				c := NewCollector(shelf)
				if _, err := Read(bytes.NewReader(data), ReadOptions{Checks: shelf, Profile: asked}, c.Sink); err != nil {
					t.Fatal(err)
				}
				if got := c.Reports()[0].Profile; got == nil || got.ID != want {
					t.Errorf("%s as %s: profile %v, want %s", y.id, form, got, want)
				}
			}
		}
	}
}

// The checks are the reader's: what a report says was found is not believed.
func TestFindingsAreNotTakenFromTheFile(t *testing.T) {
	t.Parallel()
	doc, lines, found := operator().written(t)
	for form, data := range map[string][]byte{"json": doc, "jsonl": lines} {
		text := strings.ReplaceAll(string(data), `"fail"`, `"pass"`)
		again, sums := reread(t, []byte(text), ReadOptions{Checks: shelf, Tool: us})
		if d := cmp.Diff(found, again["operator"]); d != "" || sums[0].Status != probe.Unhealthy {
			t.Errorf("%s: %s\n%s", form, sums[0].Status, d)
		}
	}
}

func TestWhatIsNoCaptureIsTold(t *testing.T) {
	t.Parallel()
	doc, lines, _ := operator().written(t)
	line := strings.SplitAfter(string(lines), "\n")
	seen := strings.Join(line[:3], "")
	for name, c := range map[string]struct{ text, want string }{
		"empty":               {"", "it is empty"},
		"blank":               {" \n\t\n", "it is empty"},
		"text":                {"hello", "line 1: not JSON: invalid character 'h'"},
		"cut off":             {string(doc[:len(doc)/2]), "not JSON: unexpected EOF"},
		"something follows":   {string(doc) + "{}", "something follows the report"},
		"other JSON":          {`{"a": 1}`, `neither a report (no "schema") nor a capture (no "event" in its first line)`},
		"a list":              {"[1]", "line 1: a JSON array is no report"},
		"other schema":        {`{"schema": "https://json.schemastore.org/sarif"}`, "which is no report of mcpwiz"},
		"newer schema":        {`{"schema": "mcpwiz.report/2"}`, `its schema is "mcpwiz.report/2"; this version reads "mcpwiz.report/1" and "mcpwiz.reports/1": a newer mcpwiz wrote it`},
		"wrong type":          {"{\"schema\": \"mcpwiz.report/1\",\n\"target\": 1}", "line 2: target is a JSON number"},
		"null report":         {`{"schema": "mcpwiz.reports/1", "reports": [null]}`, "report 1 is null"},
		"no number":           {`{"schema": "mcpwiz.report/1", "exchanges": [{}]}`, "report 1: an exchange is without its number"},
		"gap":                 {`{"schema": "mcpwiz.report/1", "exchanges": [{"n": 1}, {"n": 3}]}`, "report 1: exchange 3 comes after exchange 1"},
		"line is no event":    {line[0] + "what\n", "line 2: not an event: invalid character 'w'"},
		"unknown event":       {line[0] + "\n" + `{"event": "danced"}`, `line 3: unknown event "danced"`},
		"event of wrong type": {line[0] + `{"event": "noted", "fact": 1}`, "line 2: event noted: json: cannot unmarshal number"},
		"before its start":    {strings.Join(line[1:], ""), `line 1: handshake "operator" has not started`},
		"starts twice":        {line[0] + line[0], `line 2: handshake "operator" starts twice`},
		"gap in lines":        {strings.Replace(seen, `"n":1`, `"n":2`, 1), "exchange 2 comes after exchange 0"},
		"line cut off":        {seen[:len(seen)-9] + "\n" + line[3], "line 3: not an event: unexpected end of JSON input"},
		"only line cut off":   {line[0][:len(line[0])-9], "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(strings.NewReader(c.text), ReadOptions{Checks: shelf, Tool: us}, func(probe.Event) {})
			if err == nil || !strings.HasPrefix(err.Error(), "read capture: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Whoever wrote a capture may be ended in the middle of a line: what came before is judged, and it is told.
func TestTornLastLineIsTold(t *testing.T) {
	t.Parallel()
	_, lines, _ := operator().written(t)
	whole := strings.SplitAfter(string(lines), "\n")
	c, told := NewCollector(shelf), ""
	torn := strings.Join(whole[:4], "") + whole[4][:len(whole[4])-9]
	sums, err := Read(strings.NewReader(torn), ReadOptions{Checks: shelf, Tool: us, Told: func(what string) { told += what }}, c.Sink)
	if err != nil || len(sums) != 1 || len(c.Reports()[0].Exchanges) != 2 || !strings.HasPrefix(told, "line 5 is the last and is torn") {
		t.Errorf("%v, %v, told %q", sums, err, told)
	}
}

func TestReadingThatFailsIsTold(t *testing.T) {
	t.Parallel()
	_, err := Read(iotest.ErrReader(errors.New("the disk is gone")), ReadOptions{}, func(probe.Event) {})
	if err == nil || err.Error() != "read capture: the disk is gone" {
		t.Error(err)
	}
}

// A file of someone else's says anything: reading it does not fail but by an error, and what it is read as can be written
// and read again with the same findings.
func FuzzRead(f *testing.F) {
	for _, y := range []story{operator(), overheard()} {
		var lines, doc bytes.Buffer
		l, c := NewLines(&lines), NewCollector(y.checks)
		y.run(l.Sink, c.Sink)
		if err := WriteJSON(&doc, c.Reports()...); err != nil {
			f.Fatal(err)
		}
		f.Add(lines.Bytes())
		f.Add(doc.Bytes())
	}
	f.Add([]byte(`{"schema":"mcpwiz.reports/1","reports":[{"handshake":"a","facts":[{"kind":"certificate"}]},{"handshake":"a"}]}`))
	f.Add([]byte(`{"event":"started"}` + "\n" + `{"event":"seen","exchange":{"n":1,"request":{"method":"POST","url":"%"},"response":{"body":{"json":{"issuer":[1e999]}}}}}`))
	f.Add([]byte(`{"log":{"creator":{"name":"a"},"entries":[{"startedDateTime":"2026-11-01T12:00:00Z","time":1e308,"timings":{"wait":1e308},"request":{"method":"POST",
		"url":"https://mcp.example.com/mcp?token=abcdefgh","headers":[{"name":":a","value":"b"},{"name":"Cookie","value":"a=b\nc=d"}],"postData":{"text":"{\"jsonrpc\":\"2.0\"}"}},
		"response":{"status":200,"content":{"text":"eyJ9","encoding":"base64"}}},{"request":{"method":"GET","url":"/"},"response":{"status":0,"_error":"net::ERR_CERT_INVALID"}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := NewCollector(shelf)
		var told bytes.Buffer
		text := NewText(&told, TextOptions{Width: 40, Checks: shelf})
		sums, err := Read(bytes.NewReader(data), ReadOptions{Checks: shelf, Tool: us}, func(e probe.Event) { c.Sink(e); text.Sink(e) })
		if err != nil {
			return
		}
		if at := strings.IndexFunc(strings.ReplaceAll(told.String(), "\n", " "), acts); at >= 0 {
			t.Fatalf("told raw: %.80q", told.String()[at:])
		}
		var others bytes.Buffer
		err = errors.Join(WriteHTML(&others, PageOptions{Answered: checks.Answered}, c.Reports()...), WriteMarkdown(&others, c.Reports()...),
			WriteJUnit(&others, JUnitOptions{}, c.Reports()...))
		if at := strings.IndexFunc(strings.ReplaceAll(others.String(), "\n", " "), acts); err != nil || at >= 0 {
			t.Fatalf("%v, told raw: %.80q", err, others.String()[max(at, 0):])
		}
		var doc bytes.Buffer
		if err := WriteJSON(&doc, c.Reports()...); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&doc, ReadOptions{Checks: shelf, Tool: us}, func(probe.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(sums, again); d != "" && len(c.Reports()) == len(sums) {
			t.Fatal(d)
		}
	})
}
