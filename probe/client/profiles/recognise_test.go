package profiles

import (
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
)

func TestRecognise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ agent, name, want string }{
		{"Claude-User", "", "claude-ai"},
		{"Claude-User", "Anthropic/ClaudeAI", "claude-ai"},
		{"Claude-User", "Anthropic/Toolbox", "claude-ai"},
		{"Anthropic/1.0.0", "", "claude-ai"},
		{"python-httpx/0.28.1", "", "claude-ai"},
		{"python-httpx/0.28.1", "Claude", "claude-ai"},
		{"", "claude-ai", "claude-ai"},
		{"python-httpx/0.28.1", "an application", "python-sdk"},
		{"python-httpx/0.27.0", "mcp", "python-sdk"},
		{"python-httpx2/2.16.2", "", "python-sdk"},
		{"claude-code/2.1.330 (sdk-cli)", "claude-code", "claude-code"},
		{"claude-code/2.1.330 (sdk-cli)", "", "claude-code"},
		{"Bun/1.4.4", "Claude Code (files)", "claude-code"},
		{"Bun/1.4.4", "", ""},
		{"openai-mcp/1.0.0", "", "chatgpt"},
		{"openai-mcp/1.0.0", "openai-mcp", "chatgpt"},
		{"undici", "inspector-cli", "inspector"},
		{"undici", "MCP Inspector", "inspector"},
		{"node", "Visual Studio Code", "vscode"},
		{"node", "Visual Studio Code - Insiders", "vscode"},
		{"", "cursor-vscode", "cursor"},
		{"codex-mcp-client/0.154.0", "codex-mcp-client", "codex"},
		{"node", "gemini-cli-mcp-client", "gemini-cli"},
		{"node", "Gemini CLI MCP Client", "gemini-cli"},
		{"", "goose-desktop", "goose"},
		{"undici", "mcpc", "mcpc"},
		{"", "FastMCP Client", "fastmcp"},
		{"node", "MCP CLI Proxy", "mcp-remote"},
		{"node", "mcp-remote-fallback-test", "mcp-remote"},
		{"node", "claude-ai (via mcp-remote 0.15.1)", "mcp-remote"},
		{"", "", ""},
		{"node", "", ""},
		{"curl/8.5.0", "", ""},
		{"", "something of my own", ""},
		{"Mozilla/5.0 Claude-User", "", ""},
	} {
		got := ""
		if p := Recognise(c.agent, c.name); p != nil {
			got = p.ID
		}
		if got != c.want {
			t.Errorf("%q, %q: got %q, want %q", c.agent, c.name, got, c.want)
		}
	}
}

// A client that behaves as its profile says is recognised, by its first request to the endpoint or by what it registers, as no
// other.
func TestEachProfileRecognisesItsOwn(t *testing.T) {
	t.Parallel()
	for name, p := range parsed(t) {
		if len(p.Recognise) == 0 {
			continue
		}
		agent := ""
		if p.Headers.MCPUserAgent != nil {
			agent = *p.Headers.MCPUserAgent
		}
		asking := Recognise(agent, p.Protocol.Client.Name)
		registered, _ := p.Register.Body["client_name"].(string)
		registering := Recognise("", registered)
		if (asking == nil || asking.ID != p.ID) && (registering == nil || registering.ID != p.ID) {
			t.Errorf("%s: %q, %q is taken for %v, %q for %v", name, agent, p.Protocol.Client.Name, asking, registered, registering)
		}
	}
}

// Two profiles with the same sign would make it a matter of their order.
func TestSignsAreOfOneProfile(t *testing.T) {
	t.Parallel()
	of := map[probe.Sign]string{}
	for name, p := range parsed(t) {
		for _, s := range p.Recognise {
			if of[s] != "" {
				t.Errorf("%+v is in %s and in %s", s, of[s], name)
			}
			of[s] = name
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"ab", "a", false}, {"", "*", true}, {"x", "*", true},
		{"Claude Code (a/b)", "Claude Code (*", true}, {"Claude Code", "Claude Code (*", false},
		{"x (via mcp-remote 1)", "*(via mcp-remote *", true}, {"aba", "ab*ba", false}, {"abba", "ab*ba", true},
		{"a-b-c", "a*b*c", true}, {"a-c-b", "a*b*c", false}, {"abc", "*b*", true},
	} {
		if got := like(c.name, c.pattern); got != c.want {
			t.Errorf("%q like %q: %v", c.name, c.pattern, got)
		}
	}
}
