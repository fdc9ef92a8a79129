package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
	"github.com/mcpwiz/mcpwiz/server/lab"
	"github.com/mcpwiz/mcpwiz/server/record"
)

// rehearsed are faults of the lab that a way on loopback may have too, over http and by the clients of a connection.
var rehearsed = strings.Fields(`plain
	no-authorization-endpoint no-s256 issuer-internal login-before-keycloak keycloak-hangs-up keys-unavailable keys-unavailable-machine
	issuer-slash issuer-slash-machine issuer-gone scope-nobody-grants scope-nobody-grants-machine
	audience-of-another audience-of-another-machine scope-on-demand scope-on-demand-machine clock-ahead clock-behind clock-behind-machine
	client-unknown client-unknown-machine wrong-secret wrong-secret-machine wrong-password`)

// known returns a fault of the lab.
func known(t testing.TB, name string) lab.Fault {
	t.Helper()
	f, ok := lab.Lookup(name)
	if !ok {
		t.Fatalf("the lab has no fault %s", name)
	}
	return f
}

// One faulty way, three sources: what the emulator provokes, what is read from its captures, and what the server overhears of
// the same client come to the same.
func TestThreeSources(t *testing.T) {
	t.Parallel()
	machine := known(t, "plain")
	machine.Name, machine.As = "plain-machine", "m2m"
	all := []lab.Fault{machine}
	for _, name := range rehearsed {
		all = append(all, known(t, name))
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, b behind) {
				if b.real && len(f.Server) > 0 {
					t.Skip("what is laid over Keycloak is the same over the small one")
				}
				r := newRigBehind(t, b, f)
				var capture bytes.Buffer
				lines := report.NewLines(&capture)
				told := report.NewCollector(checks.All)
				sum := r.handshake(t, f.Profile(), func(e probe.Event) { lines.Sink(e); told.Sink(e) })
				oneCause(t, sum, told.Reports()[0].Findings, f.First)
				var document bytes.Buffer
				if err := report.WriteJSON(&document, told.Reports()...); err != nil {
					t.Fatal(err)
				}
				sameWhenRead(t, "lines", &capture, sum, told.Reports()[0].Findings)
				sameWhenRead(t, "document", &document, sum, told.Reports()[0].Findings)
				r.stop() // the witness has then been told everything
				all := r.server.Handshakes()
				if len(all) != 1 {
					t.Fatalf("the witness has %d handshakes of one client", len(all))
				}
				sameWhenOverheard(t, told.Reports()[0].Findings, all[0])
				if f.Unheard != "" {
					oneCause(t, all[0].Summary, all[0].Findings, nil)
				} else {
					oneCause(t, all[0].Summary, all[0].Findings, f.HeardFirst())
				}
			})
		})
	}
}

func toMend(s probe.Summary) string {
	if s.First == nil {
		return ""
	}
	return *s.First
}

// oneCause holds the failures to the one fault that there is, "" for none: it is the first to mend, and what else fails is
// explained.
func oneCause(t *testing.T, sum probe.Summary, all []probe.Finding, right []string) {
	t.Helper()
	if first := toMend(sum); !slices.Contains(right, first) && (first != "" || len(right) > 0) {
		t.Errorf("first to mend is %q, want %q", first, right)
	}
	for _, f := range unexplained(all) {
		if !slices.Contains(right, f.Check) {
			t.Errorf("%s fails and is not explained: %s", f.Check, f.Detail)
		}
	}
}

func sameWhenRead(t *testing.T, form string, capture io.Reader, sum probe.Summary, told []probe.Finding) {
	t.Helper()
	again := report.NewCollector(checks.All)
	sums, err := report.Read(capture, report.ReadOptions{Checks: checks.All}, again.Sink)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]probe.Summary{sum}, sums); d != "" {
		t.Errorf("read back from a %s the summary differs (-provoked +read):\n%s", form, d)
	}
	if d := cmp.Diff(told, again.Reports()[0].Findings); d != "" {
		t.Errorf("read back from a %s the findings differ (-provoked +read):\n%s", form, d)
	}
}

// sameWhenOverheard holds the witness to the emulator: the same outcome for what both have evidence of, and for what passes a
// server by that it was not seen.
func sameWhenOverheard(t *testing.T, provoked []probe.Finding, h record.Handshake) {
	t.Helper()
	by := map[string]probe.Finding{}
	for _, f := range provoked {
		by[f.Check] = f
	}
	both := 0
	for _, f := range h.Findings {
		p := by[f.Check]
		switch {
		case f.Outcome == p.Outcome:
			if f.Outcome != probe.Skipped {
				both++
			}
		case p.Check == "": // what only a witness can know
		case f.Outcome == probe.Skipped && slices.Contains(copies, f.Check):
		case p.NotReached(): // the server asks the authorization server by itself, and has seen more
		case passesBy(f):
		case f.Outcome == probe.Unclear && strings.HasSuffix(f.Detail, "was not seen"):
		case h.Profile == nil && (p.Outcome == probe.Skipped || f.Outcome == probe.Skipped): // of a stranger nothing is left out
		default:
			t.Errorf("%s: overheard %s (%s), provoked %s (%s)", f.Check, f.Outcome, f.Detail, p.Outcome, p.Detail)
		}
	}
	if both < 15 {
		t.Errorf("only %d checks judged something in both", both)
	}
}

// What a doctor asks beside the client's own way, others may have asked: the client's handshake is overheard as if it had asked
// nothing.
func TestProbesAreNotTheClients(t *testing.T) {
	t.Parallel()
	for _, as := range []string{"claude-ai", "m2m"} {
		t.Run(as, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, fault{})
			o := r.options(t, as)
			o.Probes = true
			told := report.NewCollector(checks.All)
			if sum := emulated(t, o, told.Sink); sum.Status != probe.Healthy {
				t.Fatalf("the first to mend is %q", toMend(sum))
			}
			r.stop()
			all := slices.DeleteFunc(r.server.Handshakes(), func(h record.Handshake) bool { return h.Stopped != "" })
			if len(all) != 1 || toMend(all[0].Summary) != "" {
				t.Fatalf("overheard went all the way: %+v", all)
			}
			sameWhenOverheard(t, told.Reports()[0].Findings, all[0])
		})
	}
}

// copies are judged by what the doctor reads late and aside, when the client may have its token: the witness cannot tell that it
// was the same client's.
var copies = strings.Fields(`resource-metadata.copies-agree server-metadata.copies-agree server-metadata.mirror-agrees`)

// past is the evidence that passes a server by: what goes on between client, browser and authorization server, what only the
// client can look at, calls of tools, which are only counted once the tools were listed, and the signature of a token that is
// refused before it comes to that.
var past = strings.Fields(`authorization login callback registration token refresh tool-call fact:dns fact:certificate fact:token-signature fact:login-end`)

// passesBy reports whether a finding says that its evidence was not seen, and could not be.
func passesBy(f probe.Finding) bool {
	missing, unseen := strings.CutPrefix(f.Detail, "not seen: ")
	return unseen && f.Outcome == probe.Skipped && !slices.ContainsFunc(strings.Split(missing, ", "), func(e string) bool {
		return !slices.Contains(past, e) && !strings.HasPrefix(e, "probe:")
	})
}
