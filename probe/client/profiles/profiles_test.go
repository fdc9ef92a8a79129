package profiles

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

// parsed returns the profiles of this package by their files' names, told one by one what is wrong with them.
func parsed(t *testing.T) map[string]*probe.Profile {
	t.Helper()
	entries, err := files.ReadDir(".")
	if err != nil || len(entries) == 0 {
		t.Fatal("no profiles", err)
	}
	all := map[string]*probe.Profile{}
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(e.Name(), data)
		if err != nil {
			t.Error(err)
			continue
		}
		all[e.Name()] = p
	}
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func TestEachFileIsTheProfileItIsCalledAfter(t *testing.T) {
	t.Parallel()
	all := parsed(t)
	for name, p := range all {
		if p.ID+".json" != name {
			t.Errorf("%s holds the profile %s", name, p.ID)
		}
		if q, err := Load(p.ID); err != nil || q.ID != p.ID {
			t.Errorf("%s is not loaded: %v", p.ID, err)
		}
	}
	if ids := IDs(); len(ids) != len(all) || !slices.IsSorted(ids) || len(All()) != len(ids) {
		t.Errorf("ids %v", ids)
	}
}

func TestUnknownIDIsToldWhatIsKnown(t *testing.T) {
	t.Parallel()
	_, err := Load("claude")
	if err == nil || !strings.Contains(err.Error(), `no profile "claude": known are any, chatgpt, claude-ai`) {
		t.Errorf("%v", err)
	}
}

// A fact that nobody can look up is none: it was observed by us, with a version, or it has a public address.
func TestFactsCanBeLookedUp(t *testing.T) {
	t.Parallel()
	wire := regexp.MustCompile(`^observed on the wire with .*\d`)
	for name, p := range parsed(t) {
		for path, f := range p.Facts {
			if observed := wire.MatchString(f.Source); observed != (f.Grade == "observed") {
				t.Errorf("%s: %s is %s from %q", name, path, f.Grade, f.Source)
			} else if !observed && !strings.Contains(f.Source, "https://") {
				t.Errorf("%s: %s cannot be looked up: %q", name, path, f.Source)
			}
			if strings.Contains(f.Source, ".md") && !strings.Contains(f.Source, "https://") || strings.Contains(f.Source, "/work") {
				t.Errorf("%s: %s names a file of one machine: %q", name, path, f.Source)
			}
		}
	}
}

// What other rooms build on.
func TestClaude(t *testing.T) {
	t.Parallel()
	p, err := Load("claude-ai")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Hosted || p.Grant != "authorization_code" || p.Title != "Claude (web, Desktop, mobile)" {
		t.Errorf("%+v", p)
	}
	if uri := "https://claude.ai/api/mcp/auth_callback"; !slices.Equal(p.Authorize.RedirectURIs, []string{uri}) {
		t.Errorf("redirect URIs %v", p.Authorize.RedirectURIs)
	}
	if uri := "https://claude.com/api/mcp/auth_callback"; !slices.Equal(p.Authorize.Registered, []string{uri}) {
		t.Errorf("registered %v", p.Authorize.Registered)
	}
	if !slices.Contains(p.Discovery.Requires, "authorization_endpoint") || p.Discovery.Fallback != "mcp-origin" {
		t.Errorf("without authorization_endpoint Claude sends the browser to the MCP server: %+v", p.Discovery)
	}
}

func TestMachineNeedsNoAuthorizationEndpoint(t *testing.T) {
	t.Parallel()
	p, err := Load("m2m")
	if err != nil {
		t.Fatal(err)
	}
	if p.Grant != "client_credentials" || slices.Contains(p.Discovery.Requires, "authorization_endpoint") {
		t.Errorf("%s requires %v", p.Grant, p.Discovery.Requires)
	}
}
