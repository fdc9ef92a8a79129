package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/server/record"
)

func TestNewCallbacksAreShown(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/mcpwiz.yaml"
	var out, said bytes.Buffer
	p := &program{out: &out, err: &said}
	keep := p.keepSightings(path)
	at := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for _, d := range []record.Difference{
		{Profile: "claude-ai", Knob: record.KnobRedirect, Seen: "https://claude.ai/api/mcp/next_callback", At: at},
		{Profile: "claude-ai", Knob: record.KnobRedirect, Seen: "https://claude.ai/api/mcp/next_callback", At: at},
		{Profile: "claude-ai", Knob: record.KnobRedirect, Seen: "https://claude.ai/registered", At: at},
		{Profile: "claude-ai", Knob: record.KnobRedirect, Seen: "javascript:alert(1)", At: at},
		{Profile: "claude-ai", Knob: record.KnobAgent, Seen: "https://claude.ai/no-callback", At: at},
		{Profile: "cursor", Knob: record.KnobRedirect, Seen: "http://localhost:1/other", At: at},
	} {
		keep(d)
	}
	c := plan.Connection{
		Servers:  []plan.Server{{URL: "https://mcp.example.com/mcp"}},
		Keycloak: plan.Keycloak{Issuer: "https://id.example.com/realms/mcp"},
		Clients:  []plan.Client{{Profile: "claude-ai", RedirectURIs: []string{"https://claude.ai/registered"}}, {Profile: "m2m"}},
	}
	all, err := p.newCallbacks(c, path)
	if err != nil || len(all) != 1 || all[0].Client != "claude" || all[0].RedirectURI != "https://claude.ai/api/mcp/next_callback" {
		t.Fatalf("%+v, %v, %s", all, err, said.String())
	}
	if err := p.writeNewCallbacks(all); err != nil || !strings.Contains(out.String(), "    + https://claude.ai/api/mcp/next_callback\n") ||
		!strings.Contains(out.String(), "redirect_uris of client claude in mcpwiz.yaml") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// Whoever sends callbacks without end fills neither the disk nor the page.
func TestSightingsAreBounded(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/mcpwiz.yaml"
	p := &program{err: new(bytes.Buffer)}
	keep := p.keepSightings(path)
	for i := range 100 {
		keep(record.Difference{Profile: "claude-ai", Knob: record.KnobRedirect, Seen: "https://claude.ai/" + strings.Repeat("x", i)})
	}
	all, err := loadSightings(path)
	if err != nil || len(all) != sightingsMost || all[len(all)-1].RedirectURI != "https://claude.ai/"+strings.Repeat("x", 99) {
		t.Errorf("%d kept, %v", len(all), err)
	}
	if err := os.WriteFile(sightingsPath(path), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.newCallbacks(plan.Connection{}, path); err == nil || !strings.Contains(err.Error(), "sightings.json") {
		t.Errorf("a broken file: %v", err)
	}
}
