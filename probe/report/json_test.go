package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, y := range []story{healthy(), operator(), overheard()} {
		doc, lines, found := y.written(t)
		golden(t, y.id+".json", doc)
		golden(t, y.id+".jsonl", lines)
		for form, data := range map[string][]byte{"json": doc, "jsonl": lines} {
			again, _ := reread(t, data, ReadOptions{Checks: shelf, Tool: us})
			if d := cmp.Diff(found, again[y.id]); d != "" {
				t.Errorf("%s as %s: findings (-before +after):\n%s", y.id, form, d)
			}
		}
	}
}

// What programs rely on: every member that the schema names is there, whatever happened, and no list is null.
func TestJSONHasTheMembersOfItsSchema(t *testing.T) {
	t.Parallel()
	members := []string{"schema", "tool", "target", "profile", "source", "handshake", "started", "duration_ms", "expected", "excused",
		"facts", "summary", "findings", "exchanges"}
	finding := []string{"check", "stage", "level", "outcome", "title", "detail", "effect", "owner", "because", "remedy", "missing", "by",
		"spec", "doc", "exchanges"}
	seen := map[string]bool{}
	nothing := story{id: "nothing", target: mcp, source: probe.Overheard, tell: func(*probe.Session) {}}
	for _, y := range []story{healthy(), operator(), incomplete(), overheard(), nothing} {
		doc, _, _ := y.written(t)
		var r map[string]any
		if err := json.Unmarshal(doc, &r); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(r)); !slices.Equal(got, slices.Sorted(slices.Values(members))) {
			t.Errorf("%s has the members %v", y.id, got)
		}
		for _, name := range []string{"expected", "excused", "facts", "findings", "exchanges", "summary", "tool"} {
			if r[name] == nil {
				t.Errorf("%s: %s is null", y.id, name)
			}
		}
		if y.profile == nil && y.id == "nothing" && r["profile"] != nil {
			t.Errorf("%s: the profile of nobody is %v", y.id, r["profile"])
		}
		for _, f := range r["findings"].([]any) {
			for name := range f.(map[string]any) {
				if !slices.Contains(finding, name) {
					t.Errorf("%s: a finding has a member %s", y.id, name)
				}
				seen[name] = true
			}
		}
		sum := r["summary"].(map[string]any)
		if _, there := sum["first"]; !there || sum["status"] == "" {
			t.Errorf("%s: summary %v", y.id, sum)
		}
		counts := slices.Sorted(maps.Keys(sum["counts"].(map[string]any)))
		if want := []string{"fail", "not_reached", "pass", "skip", "unknown", "warn"}; !slices.Equal(counts, want) {
			t.Errorf("%s: counts %v", y.id, counts)
		}
	}
	for _, name := range finding {
		if !seen[name] {
			t.Errorf("no finding has a member %s", name)
		}
	}
}

func TestSeveralReportsAreOneDocument(t *testing.T) {
	t.Parallel()
	c := NewCollector(shelf)
	stories := []story{operator(), healthy(), incomplete()}
	var found [][]probe.Finding
	for _, y := range stories {
		f, _ := y.run(c.Sink)
		found = append(found, f)
	}
	var b bytes.Buffer
	if err := WriteJSON(&b, c.Reports()...); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "{\n  \"schema\": \"mcpwiz.reports/1\",\n  \"reports\": [\n    {\n      \"schema\": \"mcpwiz.report/1\",") {
		t.Errorf("%.120s", b.String())
	}
	again, sums := reread(t, b.Bytes(), ReadOptions{Checks: shelf, Tool: us})
	for i, y := range stories {
		if d := cmp.Diff(found[i], again[y.id]); d != "" {
			t.Errorf("%s: findings (-before +after):\n%s", y.id, d)
		}
	}
	var status []probe.Status
	for _, s := range sums {
		status = append(status, s.Status)
	}
	if want := []probe.Status{probe.Unhealthy, probe.Healthy, probe.Incomplete}; !slices.Equal(status, want) {
		t.Errorf("status %v, want %v", status, want)
	}
}

func TestNoReportIsADocumentToo(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	sums, err := Read(&b, ReadOptions{}, func(probe.Event) {})
	if err != nil || len(sums) != 0 || Exit(sums...) != ExitIncomplete {
		t.Errorf("%v, %v", sums, err)
	}
}

// Of handshakes at once the lines mix, and each is told apart by its id.
func TestLinesOfHandshakesAtOnce(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := NewLines(&b)
	one, two := operator(), healthy()
	s, z := one.open(l.Sink), two.open(l.Sink)
	one.tell(s)
	two.tell(z)
	s.Close()
	z.Close()
	again, _ := reread(t, b.Bytes(), ReadOptions{Checks: shelf, Tool: us})
	for id, want := range map[string][]probe.Finding{one.id: s.Findings(), two.id: z.Findings()} {
		if d := cmp.Diff(want, again[id]); d != "" {
			t.Errorf("%s: findings (-before +after):\n%s", id, d)
		}
	}
}

// fullDisk fails after some bytes.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestWritingThatFailsIsTold(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer) error{
		"write report: ": func(w io.Writer) error {
			text := NewText(w, TextOptions{Checks: shelf})
			operator().run(text.Sink)
			return text.Err()
		},
		"write capture: ": func(w io.Writer) error {
			l := NewLines(w)
			operator().run(l.Sink)
			return l.Err()
		},
		"write report: no": func(w io.Writer) error {
			c := NewCollector(shelf)
			operator().run(c.Sink)
			return WriteJSON(w, c.Reports()...)
		},
	} {
		if err := write(&fullDisk{room: 300}); err == nil || !strings.HasPrefix(err.Error(), name) || !strings.HasSuffix(err.Error(), "no space left on device") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	sum := func(s probe.Status) probe.Summary { return probe.Summary{Status: s} }
	for _, c := range []struct {
		all  []probe.Summary
		want int
	}{
		{nil, 3}, {[]probe.Summary{sum(probe.Healthy)}, 0}, {[]probe.Summary{sum(probe.Unhealthy)}, 1}, {[]probe.Summary{sum(probe.Incomplete)}, 3},
		{[]probe.Summary{sum(probe.Incomplete), sum(probe.Healthy)}, 3}, {[]probe.Summary{sum(probe.Incomplete), sum(probe.Unhealthy), sum(probe.Healthy)}, 1},
	} {
		if got := Exit(c.all...); got != c.want {
			t.Errorf("%v: %d, want %d", c.all, got, c.want)
		}
	}
}
