package tui

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// named is a story in which findings of a check name a resource.
func named(t testing.TB, story_, check, resource string) []probe.Event {
	t.Helper()
	all := slices.Clone(story(t, story_))
	n := 0
	for i, e := range all {
		if f, ok := e.(probe.Found); ok && f.Finding.Check == check {
			f.Finding.By = resource
			all[i], n = f, n+1
		}
	}
	if n == 0 {
		t.Fatalf("%s tells nothing of %s", story_, check)
	}
	return all
}

const (
	scopeOfTools  = "keycloak/scope/mcp:tools"
	endpointCheck = "server-metadata.authorization-endpoint"
)

// What came of it is told in every look, above the card or the two lines of a small window.
func TestProofIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ of, check, wide, slim string }{
		{"healthy", "token.audience-names-target", " ✓ keycloak/scope/mcp:tools is proved: what judges it passes (1)", " ✓ proved: keycloak/scope/mcp:tools"},
		{"operators-story", "token.audience-names-target", " ? keycloak/scope/mcp:tools is not proved: nothing of it was reached", " ? keycloak/scope/mcp:tools is not pr"},
		{"operators-story", endpointCheck, " ✗ keycloak/scope/mcp:tools did not mend server-metadata.authorization-", " ✗ keycloak/scope/mcp:tools did not"},
	} {
		for look, l := range looks {
			for _, size := range [][2]int{{80, 24}, {40, 15}} {
				a, p := fed(t, l, size[0], size[1], nil)
				end(a, p)
				p.Prove(scopeOfTools, []string{c.check})
				p.Enter(t.Context(), a.t)
				feed(a, p, story(t, c.of))
				if p.proofLine(size[0]) != "" {
					t.Error("told before the handshake is over")
				}
				end(a, p)
				view, want := a.View(), c.wide
				fits(t, view, size[0], size[1])
				if size[0] < narrow {
					want = c.slim
				}
				if l.ASCII {
					want = strings.NewReplacer("✓", "+", "✗", "x").Replace(want)
				}
				if !strings.Contains(plainText(view), want) {
					t.Errorf("%s, %v: %q is not told:\n%s", look, size, want, plainText(view))
				}
			}
		}
	}
}

// f is there when the handshake is over and a resource of ours would mend what is told, in the stage that is open too; what
// was found of it is proved with what the resource itself names.
func TestMend(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 80, 24, named(t, "operators-story", endpointCheck, "keycloak/realm/mcp"))
	p.o.Mend = func(f probe.Finding) tea.Msg { return Goto{f.By} }
	if went(press(a, "f")) != nil {
		t.Error("mended before the handshake is over")
	}
	end(a, p)
	if got := went(press(a, "f")); got != (Goto{"keycloak/realm/mcp"}) || !strings.Contains(plainText(a.View()), "f mend") {
		t.Errorf("f leads to %v:\n%s", got, plainText(a.View()))
	}
	press(a, "enter")
	if got := went(press(a, "f")); got != (Goto{"keycloak/realm/mcp"}) || !strings.Contains(plainText(a.View()), "f mend") {
		t.Errorf("f on the open stage leads to %v:\n%s", got, plainText(a.View()))
	}
	p.Prove("keycloak/realm/mcp", []string{"token.issuer-matches"})
	if want := []string{"token.issuer-matches", endpointCheck}; !slices.Equal(p.proves.checks, want) {
		t.Errorf("proved by %v, want %v", p.proves.checks, want)
	}
}

// A handshake is made again when what it was made with has changed, and else not.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	a, p := fed(t, looks["dark"], 80, 24, story(t, "healthy"))
	end(a, p)
	p.Enter(t.Context(), a.t)
	if p.running() {
		t.Error("made again without a reason")
	}
	p.Again()
	p.Enter(t.Context(), a.t)
	if !p.running() {
		t.Error("not made again")
	}
	end(a, p)
	p.Enter(t.Context(), a.t)
	if p.running() {
		t.Error("made a third time")
	}
}
