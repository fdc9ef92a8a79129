package record

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpwiz/mcpwiz/probe"
)

// known is a client of which all that is compared is known.
func known() *probe.Profile {
	agent := "Claude-User"
	return &probe.Profile{
		ID: "claude-ai", Date: "2026-10-30",
		Protocol:  probe.ProtocolKnobs{Open: []probe.ProtocolOpening{{Method: "initialize", Version: "2025-11-25"}}},
		Headers:   probe.HeaderKnobs{MCPUserAgent: &agent},
		Authorize: probe.AuthorizeKnobs{RedirectURIs: []string{"https://claude.ai/cb", "http://localhost:{port}/callback"}},
		Recognise: []probe.Sign{{UserAgent: "Anthropic/"}},
		Facts:     map[string]probe.Known{"protocol": {}, "headers": {}, "authorization": {}},
	}
}

// differing is a stand at which every client that says its name is the known one.
func differing(t *testing.T, p *probe.Profile) (*stand, *[]Difference) {
	var told []Difference
	return newStand(t, func(o *Options) {
		o.Recognise = func(c Client) *probe.Profile {
			if c.Name == "" {
				return nil
			}
			return p
		}
		o.Differs = func(d Difference) { told = append(told, d) }
	}), &told
}

func (s *stand) opens(agent, method, version string) {
	x := s.exchange(ask{call: method, client: "claude-ai", agent: agent, status: 401})
	x.Request.Body.JSON.(map[string]any)["params"].(map[string]any)["protocolVersion"] = version
	s.Heard(x)
}

func (s *stand) registers(uris ...any) {
	x := s.exchange(ask{url: "https://mcp.example.com/register", status: 201})
	x.Request.Body = probe.Body{Type: "application/json", JSON: map[string]any{"client_name": "Claude", "redirect_uris": uris}}
	s.Heard(x)
}

func TestWhatDiffersIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		does func(*stand)
		want []Difference
	}{
		"as the profile says": {func(s *stand) {
			s.opens("Claude-User", "initialize", "2025-11-25")
			s.registers("https://claude.ai/cb", "http://localhost:4711/callback")
		}, nil},
		"another version of the same": {func(s *stand) { s.opens("Claude-User/2.0 (x)", "initialize", "2025-11-25") }, nil},
		"another name that it has":    {func(s *stand) { s.opens("Anthropic/1.0.0", "initialize", "2025-11-25") }, nil},
		"another callback": {func(s *stand) { s.registers("https://claude.ai/cb", "https://claude.ai/new") },
			[]Difference{{"claude-ai", KnobRedirect, "https://claude.ai/cb, http://localhost:{port}/callback", "https://claude.ai/new", time.Time{}}}},
		"another path on loopback": {func(s *stand) { s.registers("http://localhost:4711/other") },
			[]Difference{{"claude-ai", KnobRedirect, "https://claude.ai/cb, http://localhost:{port}/callback", "http://localhost:4711/other", time.Time{}}}},
		"another User-Agent": {func(s *stand) { s.opens("Claude-Next/1", "initialize", "2025-11-25") },
			[]Difference{{"claude-ai", KnobAgent, "claude-user, anthropic", "Claude-Next/1", time.Time{}}}},
		"another User-Agent beside its own, as the doctor has": {func(s *stand) {
			s.opens("Claude-User", "initialize", "2025-11-25")
			s.opens("curl/8.5.0", "initialize", "2025-11-25")
		}, nil},
		"another opening": {func(s *stand) { s.opens("Claude-User", "initialize", "2027-01-01") },
			[]Difference{{"claude-ai", KnobOpening, "initialize 2025-11-25", "initialize 2027-01-01", time.Time{}}}},
		"somebody who does not say his name": {func(s *stand) {
			s.hear(ask{agent: "curl/8", status: 401, method: http.MethodGet})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, told := differing(t, known())
			c.does(s)
			s.pass(20 * time.Second)
			s.pass(20 * time.Second)
			for i := range *told {
				(*told)[i].At = time.Time{}
			}
			if d := cmp.Diff(c.want, *told); d != "" {
				t.Fatal(d)
			}
			if got := strings.Count(s.log.String(), "a client differs from its profile of 2026-10-30"); got != len(c.want) {
				t.Errorf("told to the log %d times", got)
			}
			if len(c.want) > 0 {
				h := s.only()
				noted := false
				for _, e := range s.Events(h.ID) {
					n, ok := e.(probe.Noted)
					noted = noted || ok && n.Fact.Kind == "client-habit" && n.Fact.Data["seen"] == c.want[0].Seen
				}
				if !noted {
					t.Error("the handshake has no fact of it")
				}
			}
		})
	}
}

// What the profile says that it does not know is no habit to differ from.
func TestWhatIsUnknownDoesNotDiffer(t *testing.T) {
	t.Parallel()
	p := known()
	p.Facts, p.Unknown = nil, []string{"protocol", "headers", "authorization"}
	s, told := differing(t, p)
	s.opens("Other/1", "initialize", "2027-01-01")
	s.registers("https://other.example/cb")
	s.pass(20 * time.Second)
	if len(*told) > 0 {
		t.Errorf("%+v", *told)
	}
}
