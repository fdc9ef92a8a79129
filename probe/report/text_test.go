package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

func TestText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		story
		TextOptions
	}{
		"healthy":          {healthy(), TextOptions{Width: 80}},
		"healthy-wide":     {healthy(), TextOptions{Width: 100, Wide: true}},
		"operator":         {operator(), TextOptions{}},
		"operator-80":      {operator(), TextOptions{Width: 80}},
		"operator-40":      {operator(), TextOptions{Width: 40}},
		"operator-ascii":   {operator(), TextOptions{Width: 80, ASCII: true}},
		"operator-color":   {operator(), TextOptions{Width: 80, Color: true}},
		"operator-wide":    {operator(), TextOptions{Width: 80, Wide: true}},
		"operator-verbose": {operator(), TextOptions{Width: 80, Verbose: true}},
		"incomplete":       {incomplete(), TextOptions{Width: 80}},
		"incomplete-40":    {incomplete(), TextOptions{Width: 40}},
		"overheard":        {overheard(), TextOptions{Width: 80}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", []byte(c.text(t, c.TextOptions)))
		})
	}
}

// A stage's lines wait until the client is past it and all its checks are told; what changes later is told again.
func TestStageIsHeldBackUntilItIsOver(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Checks: shelf})
	s := overheard().open(text.Sink)
	says := func(when string, want bool, line string) {
		t.Helper()
		if got := strings.Contains(b.String(), line); got != want {
			t.Errorf("%s: %q told: %v, want %v in\n%s", when, line, got, want, b.String())
		}
	}
	s.Note(certificate)
	s.Add(rpc(1, "initialize", 503, ""))
	says("before anything was judged", false, "mcp.example.com")
	s.Begin(probe.StageChallenge)
	says("as the client comes to it", true, "network              ✓ 1")
	says("as the client comes to it", false, "challenge ")
	s.Begin(probe.StageServerMetadata)
	says("past it", true, "challenge            ✗ 1  ! 1\n")
	says("past it, with a check untold", false, "resource-metadata")
	s.Add(resource)
	s.Begin(probe.StageRegistration)
	says("with all its checks told", true, "resource-metadata    ✓ 1\n")
	says("unchanged", false, "told again")
	s.Add(challenged(4, challenge))
	s.Begin(probe.StageToken)
	says("changed, before the end", false, "told again")
	s.Close()
	says("at the end", true, "told again: what came later changed it\nchallenge            ✓ 2\n")
	if n := strings.Count(b.String(), "network "); n != 1 {
		t.Errorf("a stage that did not change is told %d times:\n%s", n, b.String())
	}
}

// What does not apply, or is excused, is known at once: it does not hold a stage back as evidence does that may still come.
func TestStageIsNotHeldBackByWhatIsKnown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Checks: shelf})
	s := healthy().open(text.Sink)
	s.Excuse(probe.Registration, "a client id is given")
	s.Note(certificate)
	s.Add(challenged(1, challenge))
	s.Add(resource)
	s.Add(metadata(whole))
	s.Begin(probe.StageAuthorization)
	if line := "registration         – a client id is given\n"; !strings.Contains(b.String(), line) {
		t.Errorf("%q is not told yet:\n%s", line, b.String())
	}
	s.Begin(probe.StageTools)
	if strings.Contains(b.String(), "token  ") {
		t.Errorf("told before its evidence came:\n%s", b.String())
	}
	s.Close()
}

// Of two handshakes at once the lines would mix: each is told when it ends, after one empty line.
func TestHandshakesAtOnceAreToldOneByOne(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Width: 80, Checks: shelf})
	one, two := operator(), healthy()
	s, z := one.open(text.Sink), two.open(text.Sink)
	one.tell(s)
	s.Begin(probe.StageTools)
	two.tell(z)
	z.Begin(probe.StageSession)
	if b.Len() > 0 {
		t.Errorf("told while both are open:\n%s", b.String())
	}
	z.Close()
	s.Close()
	if want := two.text(t, TextOptions{Width: 80}) + "\n" + one.text(t, TextOptions{Width: 80}); b.String() != want {
		t.Error(cmp.Diff(want, b.String()))
	}
}

// hostile is what a server may send to whoever looks at a report in a terminal: title, clipboard, cursor, colours, bells,
// other directions of writing, and a line that looks like one of ours.
const hostile = "\x1b]0;owned\x07\x1b[2J\u009b31m\x7f\r\u202egnp\u2066x\u2069\u2028z\n✓ all is well\b\x00"

func hostileStory() story {
	fails := func(t *probe.Trace) probe.Verdict {
		x := t.Exchanges[0]
		return probe.Fail("seen %s", x.Request.URL).On(x).So("so %s", hostile).Mend("mend %s", hostile).Who(probe.Owner("owner" + hostile)).By("by" + hostile)
	}
	unknown := func(t *probe.Trace) probe.Verdict { return probe.Unknown("unknown " + hostile) }
	return story{id: "h" + hostile, target: mcp + "/" + hostile, source: probe.Provoked, expect: []probe.Evidence{probe.Evidence("e" + hostile)},
		profile: &probe.Profile{ID: "id" + hostile, Date: "date" + hostile},
		checks: []*probe.Check{
			shelved("challenge.fails", "title "+hostile, probe.Must, probe.Connection, fails),
			shelved("challenge.unknown", "title "+hostile, probe.Must, probe.Connection, unknown),
			shelved("token.expected", "title "+hostile, probe.Must, probe.Evidence("e"+hostile), unknown),
			shelved("token.excused", "title "+hostile, probe.Must, probe.Evidence("x"+hostile), unknown),
		},
		tell: func(s *probe.Session) {
			s.Excuse(probe.Evidence("x"+hostile), "reason "+hostile)
			s.Add(sent(1, "GET", mcp+hostile, 200, map[string]any{hostile: hostile}))
			s.Note(probe.Fact{Kind: "k" + hostile, Source: hostile, At: began, Data: map[string]any{hostile: []any{hostile}}})
		}}
}

func TestTextShowsWhatTerminalsActOn(t *testing.T) {
	t.Parallel()
	y := hostileStory()
	for _, o := range []TextOptions{{}, {Width: 40}, {Width: 80, Wide: true, ASCII: true, Verbose: true}} {
		text := y.text(t, o)
		if at := strings.IndexFunc(strings.ReplaceAll(text, "\n", " "), acts); at >= 0 {
			t.Errorf("%+v: told raw: %.80q", o, text[at:])
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "✓ all is well") {
				t.Errorf("%+v: a line of the server's looks like ours: %q", o, line)
			}
		}
		if !strings.Contains(text, `\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\x0d\u202egnp`) {
			t.Errorf("%+v: what was sent is not shown: %.300q", o, text)
		}
	}
}

func TestMachinesAreToldWhatTerminalsActOnAsEscapes(t *testing.T) {
	t.Parallel()
	y := hostileStory()
	doc, lines, found := y.written(t)
	for form, text := range map[string][]byte{"json": doc, "jsonl": lines} {
		if at := strings.IndexFunc(strings.ReplaceAll(string(text), "\n", " "), acts); at >= 0 {
			t.Errorf("%s: written raw: %.80q", form, text[at:])
		}
		again, _ := reread(t, text, ReadOptions{Checks: y.checks, Tool: us})
		if d := cmp.Diff(found, again[y.id]); d != "" {
			t.Errorf("%s: findings (-before +after):\n%s", form, d)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"a b", 0, []string{"a b"}},
		{"a  b\n c", 10, []string{"a b c"}},
		{"aaa bbb", 6, []string{"aaa", "bbb"}},
		{"aaa bbb", 7, []string{"aaa bbb"}},
		{"see https://example.com/a-b_c here", 10, []string{"see", "https://example.com/a-b_c", "here"}},
		{"日本 語", 6, []string{"日本", "語"}},
		{"日本 語", 7, []string{"日本 語"}},
		{"\x1b[1maaa\x1b[0m bbb", 7, []string{"\x1b[1maaa\x1b[0m bbb"}},
	} {
		if got := wrap(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q at %d: %q", c.text, c.width, got)
		}
	}
}

func TestNothingIsToldOfNobody(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	text := NewText(&b, TextOptions{Checks: shelf})
	text.Sink(probe.Found{Handshake: "no", Finding: probe.Finding{Check: "challenge.status", Stage: probe.StageChallenge}})
	text.Sink(probe.Finished{Handshake: "no"})
	if b.Len() > 0 || text.Err() != nil {
		t.Errorf("%q, %v", b.String(), text.Err())
	}
	y := story{id: "empty", target: mcp, source: probe.Provoked, tell: func(*probe.Session) {}}
	if got, want := y.text(t, TextOptions{}), mcp+"  as a client that is not recognised\n\nHealthy. Nothing was judged.\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
