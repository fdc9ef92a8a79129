package record

import (
	"strings"
	"testing"
	"time"
)

// Tokens that are only tried beside good ones are told once and as no failure; a client that has no good one is told.
func TestTriedTokensAreFolded(t *testing.T) {
	t.Parallel()
	good := ask{call: "initialize", agent: "Claude-User", status: 200, grant: "alice's", token: "good", sub: "alice", azp: "claude", kid: "k1"}
	tried := func(change func(*ask)) ask {
		a := good
		a.status, a.token, a.grant = 401, "tried", "another's"
		change(&a)
		return a
	}
	unsigned := tried(func(a *ask) { a.alg, a.kid, a.sub, a.forged = "none", "", "mcpwiz", true })
	forged := tried(func(a *ask) { a.sub, a.forged = "mcpwiz", true })
	garbage := tried(func(a *ask) { a.alg, a.kid, a.sub, a.azp = "opaque", "", "", "" })
	foreign := tried(func(a *ask) { a.aud = "account" })
	for name, c := range map[string]struct {
		asks   []ask
		pause  time.Duration
		folded string
	}{
		"a doctor's":                         {[]ask{garbage, unsigned, good, forged, foreign, good}, 0, "refused=4"},
		"one of nobody's signature":          {[]ask{good, unsigned}, 0, "refused=1"},
		"one of a key that is not known":     {[]ask{good, tried(func(a *ask) { a.kid, a.forged = "k2", true })}, 0, ""},
		"from elsewhere":                     {[]ask{good, tried(func(a *ask) { a.remote, a.alg, a.forged = "203.0.113.1:1", "none", true })}, 0, ""},
		"by another client":                  {[]ask{good, tried(func(a *ask) { a.agent, a.alg, a.forged = "openai-mcp", "none", true })}, 0, ""},
		"another user's of another resource": {[]ask{good, tried(func(a *ask) { a.aud, a.sub = "account", "bob" }), good}, 0, ""},
		"renewed for another resource":       {[]ask{good, foreign}, 30 * time.Second, ""},
		"a client's only one":                {[]ask{foreign, foreign}, 0, ""},
		"a client's only one, later":         {[]ask{good, garbage}, 5 * time.Minute, ""},
		"refused for its scope":              {[]ask{good, tried(func(a *ask) { a.sub, a.status = "bob", 403 }), good}, 0, "no line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, nil)
			for i, a := range c.asks {
				if i == len(c.asks)-1 && c.pause > 0 {
					s.pass(c.pause)
				}
				s.hear(a)
			}
			s.pass(settle)
			log := s.log.String()
			told, folded := strings.Contains(log, "check=token.let-in"), strings.Count(log, "somebody tried tokens")
			switch {
			case c.folded == "no line":
				if folded > 0 {
					t.Errorf("folded:\n%s", log)
				}
			case c.folded == "" && (!told || folded > 0):
				t.Errorf("not told:\n%s", log)
			case c.folded != "" && (told || folded != 1 || !strings.Contains(log, c.folded)):
				t.Errorf("want one line with %s:\n%s", c.folded, log)
			}
			strays := 0
			for _, h := range s.Handshakes() {
				if h.Stray {
					strays++
				}
			}
			if (strays > 0) != strings.HasPrefix(c.folded, "refused") {
				t.Errorf("%d handshakes are strays", strays)
			}
			s.pass(quiet)
			if strings.Contains(s.log.String(), "a client stopped after token") && strings.HasPrefix(c.folded, "refused") {
				t.Errorf("a stray is told as a client:\n%s", &s.log)
			}
		})
	}
}
