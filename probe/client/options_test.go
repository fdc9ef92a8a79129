package client

import (
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client/browser"
)

func TestNew(t *testing.T) {
	t.Parallel()
	code, machine := &probe.Profile{ID: "c", Grant: authorizationCode}, &probe.Profile{ID: "m", Grant: clientCredentials}
	const target = "https://mcp.example.com/mcp"
	var somebody struct{ browser.SignIn }
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"stranger":         {Options{Target: target, Profile: code}, ""},
		"machine stranger": {Options{Target: target, Profile: machine}, ""},
		"machine":          {Options{Target: target, Profile: machine, ClientID: "x", ClientSecret: "y"}, ""},
		"no URL":           {Options{Target: "mcp.example.com/mcp", Profile: code}, "no absolute http or https URL"},
		"password in URL":  {Options{Target: "https://u:p@mcp.example.com/mcp", Profile: code}, "user or password"},
		"password, no web": {Options{Target: "ftp://u:p@mcp.example.com/mcp", Profile: code}, "user or password"},
		"no such port":     {Options{Target: "https://mcp.example.com:99999/mcp", Profile: code}, "a port that is none"},
		"port 0":           {Options{Target: "https://mcp.example.com:0/mcp", Profile: code}, "a port that is none"},
		"broken URL":       {Options{Target: "https://mcp.example.com/%zz", Profile: code}, "the MCP server's URL"},
		"no profile":       {Options{Target: target}, "no profile"},
		"no client":        {Options{Target: target, Profile: code, ClientSecret: "y"}, "without the client id"},
		"no proof":         {Options{Target: target, Profile: machine, ClientID: "x"}, "neither a secret nor a private key"},
		"machine signs in": {Options{Target: target, Profile: machine, SignIn: somebody}, "nobody signs in"},
		"no key":           {Options{Target: target, Profile: machine, ClientID: "x", PrivateKey: "y"}, "not PEM"},
		"another grant":    {Options{Target: target, Profile: &probe.Profile{Grant: "password"}}, `grant "password"`},
	} {
		_, err := New(c.options)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestResourceParam(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, sent, named, want string }{
		{"https://MCP.example.com:443/Mcp/", "", "", "https://mcp.example.com/Mcp"},
		{"https://mcp.example.com", "", "", "https://mcp.example.com"},
		{"http://localhost:80/mcp#x", "canonical", "", "http://localhost/mcp"},
		{"https://mcp.example.com:8443/mcp", "canonical", "https://mcp.example.com:8443/mcp/", "https://mcp.example.com:8443/mcp"},
		{"https://MCP.example.com/mcp/#x", "typed", "https://mcp.example.com", "https://mcp.example.com/mcp/"},
		{"https://mcp.example.com/mcp/", "metadata", "https://MCP.example.com/", "https://MCP.example.com/"},
		{"https://mcp.example.com/mcp/", "metadata", "", "https://mcp.example.com/mcp/"},
		{"https://mcp.example.com/mcp/", "metadata-alone", "https://mcp.example.com/mcp/", "https://mcp.example.com/mcp/"},
		{"https://mcp.example.com/mcp/", "metadata-alone", "", ""},
	} {
		e, err := New(Options{Target: c.target, Profile: &probe.Profile{Grant: authorizationCode, Discovery: probe.DiscoveryKnobs{ResourceSent: c.sent}}})
		if err != nil {
			t.Fatal(err)
		}
		if c.named != "" {
			e.wallet.resource = &probe.Document{Members: map[string]any{"resource": c.named}}
		}
		if got := e.resourceParam(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
