package checks

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// What whole handshakes come to: their status, the check to mend first, and what some findings are.
var wholeHandshakes = map[string]struct {
	status probe.Status
	first  string
	// found tells outcomes by check, with "because" and the check that explains it where one does.
	found map[string]string
}{
	"healthy": {status: probe.Healthy, found: map[string]string{
		"server-metadata.authorization-endpoint": "pass", "server-metadata.keys-usable": "pass", "tools.listed": "pass",
	}},
	"operators-story": {status: probe.Unhealthy, first: "server-metadata.authorization-endpoint", found: map[string]string{
		"server-metadata.authorization-endpoint":         "fail",
		"server-metadata.grant-types":                    "warn because server-metadata.authorization-endpoint",
		"authorization.endpoint-on-authorization-server": "fail because server-metadata.authorization-endpoint",
		"token.issued": "skip because server-metadata.authorization-endpoint",
		"tools.listed": "skip because server-metadata.authorization-endpoint",
	}},
	"operators-story-as-a-machine": {status: probe.Healthy, found: map[string]string{
		"server-metadata.authorization-endpoint": "skip", "server-metadata.token-endpoint": "pass", "server-metadata.machine-grant": "pass",
		"token.issued": "pass",
	}},
	"operators-story-first-revision": {status: probe.Unhealthy, first: "server-metadata.authorization-endpoint", found: map[string]string{
		"resource-metadata.found": "warn", "authorization.endpoint-on-authorization-server": "fail because server-metadata.authorization-endpoint",
	}},
	"edge-challenges": {status: probe.Unhealthy, first: "edge.not-blocked", found: map[string]string{
		"resource-metadata.public": "fail because edge.not-blocked", "server-metadata.public": "fail because edge.not-blocked",
		"resource-metadata.names-target": "skip because resource-metadata.public",
	}},
	"other-make-oidc-alone":    {status: probe.Healthy, found: map[string]string{"server-metadata.found": "pass", "server-metadata.issuer-matches": "pass"}},
	"other-make-separate-host": {status: probe.Healthy, found: map[string]string{"server-metadata.found": "pass", "server-metadata.well-formed": "pass"}},
}

func TestWholeHandshakes(t *testing.T) {
	t.Parallel()
	for name, want := range wholeHandshakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := opened(t, filepath.Join("testdata", "whole", name+".jsonl"))
			sum := s.Close()
			all := s.Findings()
			if sum.Status != want.status || told(sum.First) != want.first {
				t.Errorf("%s, first %q; want %s, first %q", sum.Status, told(sum.First), want.status, want.first)
			}
			for id, outcome := range want.found {
				if got := inWords(findingOf(t, id, all)); got != outcome {
					t.Errorf("%s: %s, want %s", id, got, outcome)
				}
			}
			for _, f := range all {
				if want.status == probe.Healthy && (f.Outcome == probe.Failed || f.NotReached()) {
					t.Errorf("%s: %s in a healthy handshake: %s", f.Check, f.Outcome, f.Detail)
				}
			}
		})
	}
}

func told(id *string) string {
	if id == nil {
		return ""
	}
	return *id
}

func inWords(f probe.Finding) string {
	if f.Because != "" {
		return string(f.Outcome) + " because " + f.Because
	}
	return string(f.Outcome)
}

// No whole handshake lies there that nothing is said about.
func TestWholeHandshakesAreJudged(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "whole", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var unjudged []string
	for _, file := range files {
		name := filepath.Base(file)
		if _, ok := wholeHandshakes[name[:len(name)-len(".jsonl")]]; !ok {
			unjudged = append(unjudged, name)
		}
	}
	if slices.Sort(unjudged); len(unjudged) > 0 {
		t.Errorf("%v: nothing is said of what they come to", unjudged)
	}
}
