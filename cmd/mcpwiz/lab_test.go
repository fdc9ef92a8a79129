package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/client/profiles"
	"github.com/mcpwiz/mcpwiz/server/lab"
)

func newLaboratory(t *testing.T) *laboratory {
	t.Helper()
	l, err := (&program{out: io.Discard, err: io.Discard, env: func(string) (string, bool) { return "", false }}).laboratory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The lab names each thing once, and as right what the catalogue has.
func TestLabNames(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, f := range slices.Concat(lab.Faults, lab.Healthy) {
		if names[f.Name] || f.Name == "" || f.Does == "" {
			t.Errorf("%q is there twice, or says nothing", f.Name)
		}
		names[f.Name] = true
		for _, id := range slices.Concat(f.First, f.Heard) {
			if checks.Lookup(id) == nil {
				t.Errorf("%s: no check is named %s", f.Name, id)
			}
		}
	}
	if len(lab.Faults) < 80 || len(lab.Pairs) < 30 || len(lab.Healthy) < 12 {
		t.Errorf("%d faults, %d pairs, %d healthy servers", len(lab.Faults), len(lab.Pairs), len(lab.Healthy))
	}
}

// In a narrow window rows break at words, and nothing is wider but a word that is.
func TestLabInANarrowWindow(t *testing.T) {
	t.Parallel()
	x := &experiment{name: "plain + audience-of-another", as: "claude-ai", named: "edge.not-blocked", took: 20 * time.Millisecond,
		wrong: []string{"overheard, token.sub-present fails and is not explained: sub is missing"}}
	const want = `WRONG  plain + audience-of-another as
       claude-ai, 20 ms
       named: edge.not-blocked
       overheard: -
       overheard, token.sub-present
       fails and is not explained: sub
       is missing`
	if got := x.row(32, 40); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := x.row(32, 0); strings.Count(got, "\n") != 1 || x.row(32, 300) != got {
		t.Errorf("got\n%s\nand\n%s", got, x.row(32, 300))
	}
	for _, f := range slices.Concat(lab.Faults, lab.Healthy) {
		for _, window := range []int{40, 72, 100} {
			for line := range strings.Lines(listed(f, 32, window)) {
				if len([]rune(strings.TrimSuffix(line, "\n"))) > window && len(strings.Fields(line)) > 1 {
					t.Errorf("%s at %d columns: %q", f.Name, window, line)
				}
			}
		}
	}
}

// Every fault of the lab is named first, provoked and overheard, and nothing else is.
func TestLabFaults(t *testing.T) {
	t.Parallel()
	l := newLaboratory(t)
	for i, f := range lab.Faults {
		if testing.Short() && i%8 > 0 {
			continue // it takes long under the race detector
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			one, err := l.try(t.Context(), f, f.Profile(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range one.wrong {
				t.Errorf("%s named, %q overheard in %s: %s", one.named, one.heard, one.took, wrong)
			}
		})
	}
}

// Of two faults at once both are named, or the second waits for the first.
func TestLabPairs(t *testing.T) {
	t.Parallel()
	l := newLaboratory(t)
	for i, p := range lab.Pairs {
		if testing.Short() && i%8 > 0 {
			continue // as the faults
		}
		t.Run(p.First+"+"+p.Second, func(t *testing.T) {
			t.Parallel()
			one, err := l.tryKnownPair(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range one.wrong {
				t.Errorf("%s named: %s", one.named, wrong)
			}
		})
	}
}

// Nothing is wrong with a healthy server, whoever comes. That it is overheard as well is tried by make faults.
func TestLabHealthy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes long under the race detector")
	}
	l := newLaboratory(t)
	for _, f := range lab.Healthy {
		for _, as := range profiles.IDs() {
			t.Run(f.Name+"/"+as, func(t *testing.T) {
				t.Parallel()
				one, err := l.examine(t.Context(), f, as, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, wrong := range one.wrong {
					t.Error(wrong)
				}
			})
		}
	}
}
