package report

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

// reported are stories as a collector has them, seen through a choice.
func reported(c Choice, stories ...story) []*Report {
	collected := NewCollector(shelf)
	for _, y := range stories {
		y.run(c.Sink(shelf, collected.Sink))
	}
	return collected.Reports()
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		story
		JUnitOptions
	}{
		"operator.junit.xml":      {operator(), JUnitOptions{}},
		"operator-warn.junit.xml": {operator(), JUnitOptions{FailOnWarn: true}},
		"incomplete.junit.xml":    {incomplete(), JUnitOptions{}},
	} {
		var b bytes.Buffer
		if err := WriteJUnit(&b, c.JUnitOptions, reported(Choice{}, c.story)...); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// What CI systems count is what was found, whatever the server sent.
func TestJUnitCounts(t *testing.T) {
	t.Parallel()
	for _, y := range []story{healthy(), operator(), incomplete(), overheard(), hostileStory(), markupStory()} {
		c := NewCollector(y.checks)
		_, sum := y.run(c.Sink)
		var b bytes.Buffer
		if err := WriteJUnit(&b, JUnitOptions{}, c.Reports()...); err != nil {
			t.Fatal(err)
		}
		var doc junitDocument
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatalf("%s: %v", y.id, err)
		}
		n := sum.Counts
		want := []int{n.Pass + n.Warn + n.Fail + n.Skip + n.Unknown + n.NotReached, n.Fail, 0, n.Skip + n.Unknown + n.NotReached}
		if sum.Status == probe.Incomplete {
			want[2], want[3] = n.NotReached, n.Skip+n.Unknown
		}
		if d := cmp.Diff(want, []int{doc.Tests, doc.Failures, doc.Errors, doc.Skipped}); d != "" {
			t.Errorf("%s: tests, failures, errors, skipped (-want +got):\n%s", y.id, d)
		}
		if at := strings.IndexFunc(strings.ReplaceAll(b.String(), "\n", " "), acts); at >= 0 {
			t.Errorf("%s: raw: %.80q", y.id, b.String()[at:])
		}
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for name, y := range map[string]story{"operator.md": operator(), "incomplete.md": incomplete()} {
		var b bytes.Buffer
		if err := WriteMarkdown(&b, reported(Choice{}, y)...); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// What a server sends stays text: no markup, no mention, no end of the block it stands in.
func TestMarkdownOfWhatIsHostile(t *testing.T) {
	t.Parallel()
	fences := "````\n```\n# owned\n@octocat ![x](https://evil.example) <b>"
	y := story{id: "fences", target: mcp, source: probe.Provoked, checks: []*probe.Check{
		shelved("challenge.fences", "title "+fences, probe.Must, probe.Connection, func(t *probe.Trace) probe.Verdict {
			return probe.Fail("%s", fences).On(t.Exchanges[0]).So("%s", fences).Mend("%s", fences)
		})}, tell: func(s *probe.Session) {
		x := sent(1, "GET", mcp, 200, nil)
		x.Response.Body = probe.Body{Type: "text/plain", Text: fences}
		s.Add(x)
	}}
	for _, y := range []story{y, markupStory(), hostileStory()} {
		c := NewCollector(y.checks)
		y.run(c.Sink)
		var b bytes.Buffer
		if err := WriteMarkdown(&b, c.Reports()...); err != nil {
			t.Fatal(err)
		}
		outside := regexp.MustCompile("(?ms)^(`{3,})http$.*?^`{3,}$").ReplaceAllString(b.String(), "")
		outside = regexp.MustCompile("`+[^`]+`+").ReplaceAllString(outside, "")
		for _, never := range []string{"<script", "<img", "<b>", "@octocat", "\n# ", "![x]"} {
			if strings.Contains(outside, never) {
				t.Errorf("%s: %q is markup in\n%s", y.id, never, outside)
			}
		}
		if at := strings.IndexFunc(strings.ReplaceAll(b.String(), "\n", " "), acts); at >= 0 {
			t.Errorf("%s: raw: %.80q", y.id, b.String()[at:])
		}
	}
}

func TestBundle(t *testing.T) {
	t.Parallel()
	y := operator()
	_, lines, _ := y.written(t)
	var b bytes.Buffer
	bundle := Bundle{Capture: lines, Text: []byte(y.text(t, TextOptions{Verbose: true})), Versions: us, At: began}
	if err := bundle.Write(&b, reported(Choice{}, y)...); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
		if !f.Modified.Equal(began) {
			t.Errorf("%s is of %s", f.Name, f.Modified.Format(time.RFC3339))
		}
	}
	for name, want := range map[string]string{
		"capture.jsonl": `"event":"started"`, "report.json": `"schema": "mcpwiz.report/1"`, "report.html": "<!doctype html>",
		"report.md": "First to mend", "report.txt": "exchange 1", "versions.json": `"version": "1.2.3"`, "README.txt": "capture.jsonl",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%.300s", name, want, files[name])
		}
		if name != "README.txt" && !strings.Contains(files["README.txt"], name) {
			t.Errorf("README.txt does not list %s", name)
		}
	}
	if len(files) != 7 {
		t.Errorf("%d files", len(files))
	}
	again, _ := reread(t, []byte(files["capture.jsonl"]), ReadOptions{Checks: shelf, Tool: us})
	if len(again["operator"]) == 0 {
		t.Error("the capture in the bundle cannot be judged again")
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		Choice
		status probe.Status
		first  string
		told   int
	}{
		"all":                   {Choice{}, probe.Unhealthy, "server-metadata.authorization-endpoint", 12},
		"a stage":               {Choice{Only: []string{"challenge"}}, probe.Healthy, "", 2},
		"an id":                 {Choice{Only: []string{"network.certificate"}}, probe.Healthy, "", 1},
		"a pattern":             {Choice{Only: []string{"*-metadata.*"}}, probe.Unhealthy, "server-metadata.authorization-endpoint", 3},
		"a symptom":             {Choice{Only: []string{"authorization"}}, probe.Unhealthy, "server-metadata.authorization-endpoint", 1},
		"not reached":           {Choice{Only: []string{"token", "tools"}}, probe.Incomplete, "", 2},
		"without":               {Choice{Skip: []string{"server-metadata.*", "authorization", "token", "tools", "registration"}}, probe.Healthy, "", 6},
		"some of, but one less": {Choice{Only: []string{"challenge"}, Skip: []string{"*.scope"}}, probe.Healthy, "", 1},
	} {
		if err := c.Check(shelf); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r := reported(c.Choice, operator())[0]
		first := ""
		if r.Summary.First != nil {
			first = *r.Summary.First
		}
		if r.Summary.Status != c.status || first != c.first || len(r.Findings) != c.told {
			t.Errorf("%s: %s, first %q, %d told; want %s, %q, %d", name, r.Summary.Status, first, len(r.Findings), c.status, c.first, c.told)
		}
		if len(r.Exchanges) != 4 {
			t.Errorf("%s: the evidence is left out: %d exchanges", name, len(r.Exchanges))
		}
	}
	for _, wrong := range []Choice{{Only: []string{"tokn"}}, {Skip: []string{"[x"}}, {Skip: []string{"*"}}} {
		if wrong.Check(shelf) == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	bad, good := reported(Choice{}, operator())[0], reported(Choice{}, healthy())[0]
	if all := Changes(bad, bad); len(all) > 0 {
		t.Errorf("nothing changed, and is told: %v", all)
	}
	for name, pair := range map[string][2]*Report{"mended.txt": {bad, good}, "broken.txt": {good, bad}} {
		var b bytes.Buffer
		NewText(&b, TextOptions{Width: 80, Checks: shelf}).Changed(pair[0], pair[1])
		clock := pair[1].Started.Local().Format("15:04:05")
		golden(t, "watch-"+name, bytes.Replace(b.Bytes(), []byte(clock), []byte("12:00:00"), 1))
	}
}
