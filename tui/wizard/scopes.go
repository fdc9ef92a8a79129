package wizard

import (
	"cmp"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// renameScope names a scope anew, and where a server requires it. No page asks for scopes: those that follow from the servers
// are written down first, that of the first server without its URL, which may change yet.
func (d *draft) renameScope(was, name string) {
	now, c := d.answers().Connection, &d.start.Connection
	scopes := slices.Clone(c.Scopes)
	if len(scopes) == 0 {
		for _, s := range now.Defaults().Scopes {
			if s.Server == now.Servers[0].URL {
				s.Server = ""
			}
			scopes = append(scopes, plan.Scope{Name: s.Name, Server: s.Server})
		}
	}
	for i := range scopes {
		if cmp.Or(scopes[i].Name, plan.DefaultScope) == was {
			scopes[i].Name = name
		}
	}
	c.Scopes, c.Servers = scopes, slices.Clone(c.Servers)
	for i := range c.Servers {
		c.Servers[i].Scopes = slices.Clone(c.Servers[i].Scopes)
		for j, s := range c.Servers[i].Scopes {
			if s == was {
				c.Servers[i].Scopes[j] = name
			}
		}
	}
}
