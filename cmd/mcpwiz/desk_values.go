package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
	"github.com/mcpwiz/mcpwiz/tui/wizard"
)

// awaited is the client that is waited for: Claude where it is one of them.
func awaited(a wizard.Answers) (plan.Client, bool) {
	all := slices.DeleteFunc(a.Connection.Defaults().Clients, func(c plan.Client) bool { return c.Profile == plan.Introspection })
	if i := slices.IndexFunc(all, func(c plan.Client) bool { return c.Profile == defaultProfile }); i >= 0 {
		return all[i], true
	}
	if len(all) == 0 {
		return plan.Client{}, false
	}
	return all[0], true
}

// values are what mcpwiz credentials prints.
func (d *desk) values(a wizard.Answers) []tui.Value {
	one, ok := awaited(a)
	if !ok {
		return nil
	}
	if one.RegistersItself() { // it brings its id along
		return []tui.Value{{Label: "URL", Text: one.Server}}
	}
	all := []tui.Value{{Label: "URL", Text: one.Server}, {Label: "client id", Text: one.ID}}
	registered, err := keycloak.RegistrationOf(a.Connection, one, d.profileOf)
	if err == nil && registered.Secret {
		if secret, err := keptSecret(connectionFlags{file: d.path}, one.ID); err == nil {
			all = append(all, tui.Value{Label: "secret", Text: secret, Secret: true})
		}
	}
	if one.Profile != defaultProfile {
		all = append(all, tui.Value{Label: "issuer", Text: a.Connection.Keycloak.Issuer})
	}
	return all
}

// where says where to click, and what people ask next.
func (d *desk) where(a wizard.Answers) string {
	one, ok := awaited(a)
	if !ok {
		return ""
	}
	switch {
	case one.RegistersItself() && one.Profile == "claude-code":
		return "Claude Code: claude mcp add --transport http mcpwiz " + one.Server + ", then /mcp to sign in."
	case one.RegistersItself() && one.Profile == "claude-ai" && strings.HasPrefix(one.Server, "https:"):
		return "Claude: Settings, Connectors, Add custom connector. Type (no id, no secret: it brings its own):"
	case one.RegistersItself() && one.Profile != "claude-ai":
		return "Give the client (it brings its id along):"
	}
	switch one.Profile {
	case "claude-ai":
		if u, err := url.Parse(one.Server); err == nil && u.Scheme == "http" {
			return "A rehearsal: Claude itself needs an https URL. With one: Settings, Connectors, Add custom connector. Type:"
		}
		return "Claude: Settings, Connectors, Add custom connector. Type (id and secret under Advanced settings):"
	case "claude-code":
		return "Claude Code: claude mcp add --transport http --client-id " + one.ID + " mcpwiz " + one.Server + ", then /mcp to sign in."
	case machine:
		return "Give the machine, for client_credentials:"
	}
	return "Give the client:"
}

// page is where a browser is opened for it.
func (d *desk) page(a wizard.Answers) string {
	if one, ok := awaited(a); ok && one.Profile == "claude-ai" {
		return "https://claude.ai/settings/connectors"
	}
	return ""
}
