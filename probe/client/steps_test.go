package client

import (
	"slices"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

func everyStep(t *testing.T) []Step {
	t.Helper()
	e := &Emulator{opt: Options{
		ClientID: "x", Probes: true, Origin: "http://127.0.0.1:1", Profile: &probe.Profile{Grant: authorizationCode, Protocol: probe.ProtocolKnobs{GetStream: true}},
	}}
	return e.Steps()
}

// The steps' needs are what the judge looks for upstream when a step makes nothing: else what was not reached would be
// explained by what it does not rest on.
func TestNeedsAreUpstream(t *testing.T) {
	t.Parallel()
	for _, s := range everyStep(t) {
		for _, need := range s.Needs {
			if !slices.ContainsFunc(s.Makes, func(made probe.Evidence) bool { return restsOn(made, need, map[probe.Evidence]bool{}) }) {
				t.Errorf("%q needs %s, which is not upstream of %v", s.Title, need, s.Makes)
			}
		}
	}
}

func restsOn(made, need probe.Evidence, seen map[probe.Evidence]bool) bool {
	if seen[made] {
		return false
	}
	seen[made] = true
	return slices.ContainsFunc(probe.Upstream(made), func(up probe.Evidence) bool { return up == need || restsOn(up, need, seen) })
}

// What a step needs an earlier one makes, and stages come in order on the happy path.
func TestStepsAreInOrder(t *testing.T) {
	t.Parallel()
	var made []probe.Evidence
	stage := 0
	for _, s := range everyStep(t) {
		for _, need := range s.Needs {
			if !slices.Contains(made, need) {
				t.Errorf("%q needs %s, which no step before it makes", s.Title, need)
			}
		}
		made = append(made, s.Makes...)
		if i := slices.Index(probe.Stages, s.Stage); !s.aside && i < stage {
			t.Errorf("%q goes back to stage %s", s.Title, s.Stage)
		} else if !s.aside {
			stage = i
		}
	}
}

// Only the happy path waits for itself: what is beside it waits for what it needs and for nothing else.
func TestAsideStepsDoNotWait(t *testing.T) {
	t.Parallel()
	all := everyStep(t)
	for i, s := range all {
		for _, j := range waitsFor(all, i) {
			if !s.aside && all[j].aside {
				t.Errorf("the happy path waits at %q for %q", s.Title, all[j].Title)
			}
		}
		if len(s.Needs) == 0 && s.aside && len(waitsFor(all, i)) > 0 {
			t.Errorf("%q waits for nothing that it needs", s.Title)
		}
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	named := func(name string, readOnly bool, required ...string) tool {
		x := tool{Name: name}
		x.Schema.Required = required
		if readOnly {
			x.Annotations.ReadOnly = &readOnly
		}
		x.Schema.Properties = map[string]struct {
			Type string `json:"type"`
		}{"text": {"string"}, "n": {"number"}}
		return x
	}
	writes := named("whoami", false)
	writes.Annotations.ReadOnly = new(bool)
	if got, _, ok := harmless([]tool{writes}); ok {
		t.Errorf("%s was chosen, which says that it has effects", got)
	}
	for want, all := range map[string][]tool{
		"whoami": {named("list", true), named("echo", false, "text"), named("whoami", false)},
		"echo":   {named("list", true), named("echo", false, "text"), named("drop", false)},
		"list":   {named("drop", false), named("list", true), named("echo", true, "n")},
		"":       {named("drop", false), named("read", true, "text"), named("whoami", true, "text")},
	} {
		got, arguments, ok := harmless(all)
		if got != want || ok != (want != "") || want == "echo" && arguments["text"] == "" {
			t.Errorf("%q was chosen with %v, want %q", got, arguments, want)
		}
	}
}
