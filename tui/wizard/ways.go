package wizard

import (
	"cmp"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// ways are those in which a client can get its id, as its profile knows them.
func ways(p *probe.Profile) []option {
	all := []option{{plan.PreRegistered, "mcpwiz makes it: it is typed in"}}
	if slices.Contains(p.Register.Order, "dcr") {
		all = append(all, option{plan.Dynamic, "it registers itself"})
	}
	if slices.Contains(p.Register.Order, "cimd") {
		all = append(all, option{plan.MetadataDocument, "by its metadata document"})
	}
	return all
}

// waysInWords say what each takes, and opens.
var waysInWords = map[string]string{
	plan.PreRegistered:    "needs nothing experimental and no open registration",
	plan.Dynamic:          "opens registration without a sign-in, for this client's own hosts; the plan shows it",
	plan.MetadataDocument: "nothing is typed; needs Keycloak with --features=cimd, for Claude 26.8",
}

// registersItself: it brings along what it is, and nothing of that is asked.
func (d *clientDraft) registersItself() bool {
	return plan.Client{Registration: d.way}.RegistersItself()
}

// itself is a client that brings along what it is: of what was there only whose server it comes to is kept.
func (d *clientDraft) itself(c plan.Client) plan.Client {
	return plan.Client{Profile: c.Profile, Registration: d.way, Server: c.Server}
}

// wayOf is how the file says that the client gets its id.
func wayOf(c plan.Client) string { return cmp.Or(c.Registration, plan.PreRegistered) }
