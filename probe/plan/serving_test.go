package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestScopesOfSingleOperations(t *testing.T) {
	t.Parallel()
	c, err := Parse("mcpwiz.yaml", []byte(`version: 1
servers:
  - url: https://mcp.example.com/mcp
    tool_scopes:
      delete_file: [mcp:write]
      read_file: [mcp:tools]
    method_scopes:
      resources/read: [mcp:read, mcp:write]
keycloak:
  issuer: https://auth.example.com/realms/mcp
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "none is left for every token") {
		t.Errorf("the default scope is one of a tool's alone: %v", err)
	}
	c.Servers[0].Scopes = []string{"mcp:tools"}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // defaults of defaults are the same
		c = c.Defaults()
		if got := c.ScopesOf("https://mcp.example.com/mcp"); !slices.Equal(got, []string{"mcp:tools"}) {
			t.Errorf("required of each token: %q", got)
		}
		if got := c.StepUpScopes("https://mcp.example.com/mcp"); !slices.Equal(got, []string{"mcp:read", "mcp:write"}) {
			t.Errorf("of single operations: %q", got)
		}
		var made []string
		for _, s := range c.Scopes {
			made = append(made, s.Name)
		}
		if !slices.Equal(made, []string{"mcp:tools", "mcp:read", "mcp:write"}) {
			t.Errorf("made in Keycloak: %q", made)
		}
	}
	for text, want := range map[string]string{
		"tool_scopes: {x: mcp}":             `servers[0].tool_scopes.x is "mcp", must be a list`,
		"tool_scopes: [x]":                  "servers[0].tool_scopes is a list, must be names with values",
		"tool_scopes: {x: [a], x: [b]}":     "is there twice",
		"method_scopes: {tools/call: [[]]}": "servers[0].method_scopes.tools/call[0] is a list, must be text",
	} {
		_, err := Parse("f", []byte("version: 1\nservers:\n  - url: https://a.example/mcp\n    "+text+"\nkeycloak:\n  issuer: https://b.example/realms/x\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
