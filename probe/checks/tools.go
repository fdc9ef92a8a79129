package checks

import "github.com/mcpwiz/mcpwiz/probe"

var tools = []*probe.Check{}
