package main

import (
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A doctor that tries at our own server what must be refused leaves no warning in its log.
func TestDoctorWarnsNobodyWhoServes(t *testing.T) {
	t.Parallel()
	r := newRig(t, fault{})
	o := r.options(t, "claude-ai")
	o.Probes = true
	if sum := emulated(t, o, func(probe.Event) {}); sum.Status != probe.Healthy {
		t.Fatalf("the handshake ends %s at %s", sum.Status, toMend(sum))
	}
	r.stop()
	if log := r.log.String(); strings.Contains(log, `"level":"WARN"`) || strings.Count(log, "somebody tried tokens") != 1 {
		t.Errorf("the log says\n%s", log)
	}
}
