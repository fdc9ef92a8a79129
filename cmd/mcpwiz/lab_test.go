package main

import (
	"io"
	"slices"
	"testing"

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
