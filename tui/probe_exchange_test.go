package tui

import (
	"slices"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
)

// What the client itself makes stands for a stage, before what a probe asked; what only ends what was made stands for none,
// and belongs to the end.
func TestWhatStandsForAStage(t *testing.T) {
	t.Parallel()
	s := newSeen(newCatalogue(checks.All))
	s.take(probe.Started{Handshake: "h1", Target: "https://mcp.example.com/mcp"})
	for i, x := range []struct{ method, url, probe string }{
		{"POST", "https://mcp.example.com/mcp", ""},
		{"POST", "https://mcp.example.com/mcp", "foreign-origin"},
		{"POST", "https://mcp.example.com/mcp", "user-agent"},
		{"POST", "https://id.example.com/realms/mcp/protocol/openid-connect/logout", "clean-up"},
	} {
		s.take(probe.Seen{Handshake: "h1", Exchange: probe.Exchange{
			ID: int64(i + 1), N: i + 1, Probe: x.probe, Request: probe.Message{Method: x.method, URL: x.url}, Response: &probe.Response{Status: 401},
		}})
	}
	s.sort()
	for stage, want := range map[probe.Stage]int{probe.StageChallenge: 1, probe.StageEdge: 3, probe.StageSession: 0} {
		got := 0
		if x, _ := s.telling(slices.Index(probe.Stages, stage)); x != nil {
			got = x.N
		}
		if got != want {
			t.Errorf("%s is told by exchange %d, want %d", stage, got, want)
		}
	}
	if last := s.of(slices.Index(probe.Stages, probe.StageSession)); len(last) != 1 || last[0].N != 4 {
		t.Errorf("what ended the login is not in the last stage: %v", last)
	}
}
