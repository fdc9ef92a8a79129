package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

// faults are what one server may have, and what is then to be mended first.
var faults = []struct {
	name  string
	fault fault
	as    string
	first string
}{
	{"none", fault{}, "claude-ai", ""},
	{"none as a machine", fault{}, "m2m", ""},
	{"metadata without authorization_endpoint", fault{keycloak: without("authorization_endpoint")}, "claude-ai",
		"server-metadata.authorization-endpoint"},
	{"a token for another server", fault{audience: "https://other.example.com/mcp"}, "claude-ai", "token.audience-names-target"},
	{"a token for another server, as a machine", fault{audience: "https://other.example.com/mcp"}, "m2m", "token.audience-names-target"},
}

// One faulty server, three sources: what the doctor provokes, what is read from its capture, and what the server overhears of
// the same client come to the same.
func TestThreeSources(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, f.fault)
			var capture bytes.Buffer
			lines := report.NewLines(&capture)
			provoked := report.NewCollector(checks.All)
			sum := r.handshake(t, f.as, false, func(e probe.Event) { lines.Sink(e); provoked.Sink(e) })
			if first := first(sum); first != f.first {
				t.Errorf("first to mend is %q, want %q", first, f.first)
			}
			told := provoked.Reports()[0].Findings
			sameWhenRead(t, capture.Bytes(), sum, told)
			sameWhenOverheard(t, r, told, f.first)
		})
	}
}

func first(s probe.Summary) string {
	if s.First == nil {
		return ""
	}
	return *s.First
}

func sameWhenRead(t *testing.T, capture []byte, sum probe.Summary, told []probe.Finding) {
	t.Helper()
	again := report.NewCollector(checks.All)
	sums, err := report.Read(bytes.NewReader(capture), report.ReadOptions{Checks: checks.All}, again.Sink)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]probe.Summary{sum}, sums); d != "" {
		t.Errorf("read back the summary differs (-provoked +read):\n%s", d)
	}
	if d := cmp.Diff(told, again.Reports()[0].Findings); d != "" {
		t.Errorf("read back the findings differ (-provoked +read):\n%s", d)
	}
}

// sameWhenOverheard holds the witness to the doctor: the same outcome for what both have evidence of, and for the rest that it
// was not seen.
func sameWhenOverheard(t *testing.T, r *rig, provoked []probe.Finding, want string) {
	t.Helper()
	r.stop() // the witness has then been told everything
	all := r.server.Handshakes()
	if len(all) != 1 {
		t.Fatalf("the witness has %d handshakes of one client", len(all))
	}
	by := map[string]probe.Finding{}
	for _, f := range provoked {
		by[f.Check] = f
	}
	both := 0
	for _, f := range all[0].Findings {
		p := by[f.Check]
		switch {
		case f.Outcome == p.Outcome:
			if f.Outcome != probe.Skipped {
				both++
			}
		case p.NotReached(): // the server asks the authorization server by itself, and has seen more
		case all[0].Profile == nil && (p.Outcome == probe.Skipped || f.Outcome == probe.Skipped): // who is not known may do anything
		case f.Outcome != probe.Skipped || f.Because == "" && !strings.HasPrefix(f.Detail, "not seen"):
			t.Errorf("%s: overheard %s (%s), provoked %s (%s)", f.Check, f.Outcome, f.Detail, p.Outcome, p.Detail)
		}
	}
	if both < 15 {
		t.Errorf("only %d checks judged something in both", both)
	}
	if first := first(all[0].Summary); first != want {
		t.Errorf("overheard, the first to mend is %q, want %q", first, want)
	}
}

// No secret of a run is in any output, log or report.
func TestNothingSecretIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, fault{})
	var out, again bytes.Buffer
	lines := report.NewLines(&out)
	text := report.NewText(&out, report.TextOptions{Wide: true, Checks: checks.All})
	collector := report.NewCollector(checks.All)
	for _, as := range []string{"claude-ai", "m2m"} {
		r.handshake(t, as, true, func(e probe.Event) { lines.Sink(e); text.Sink(e); collector.Sink(e) })
	}
	if err := report.WriteJSON(&again, collector.Reports()...); err != nil {
		t.Fatal(err)
	}
	r.stop()
	kept, err := json.Marshal(r.server.Handshakes())
	if err != nil {
		t.Fatal(err)
	}
	names := r.secrets.Names()
	if len(names) < 3 {
		t.Fatalf("only %v are kept", names)
	}
	for _, name := range names {
		secret, _ := r.secrets.Get(name)
		for where, what := range map[string]string{"out": out.String(), "json": again.String(), "log": r.log.String(), "witness": string(kept)} {
			if strings.Contains(what, secret.Reveal()) {
				t.Errorf("%s is in %s", name, where)
			}
		}
	}
	// What stays of a token is its header and some claims; the words of one are long.
	for _, word := range strings.FieldsFunc(out.String()+again.String()+r.log.String(), func(c rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", c)
	}) {
		if strings.Count(word, ".") == 2 && strings.HasPrefix(word, "eyJ") {
			t.Errorf("a token is told: %.20s...", word)
		}
	}
	if !slices.ContainsFunc(collector.Reports(), func(r *report.Report) bool { return len(r.Exchanges) > 10 }) {
		t.Error("nothing was seen at all")
	}
}
