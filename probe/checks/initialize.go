package checks

import "github.com/mcpwiz/mcpwiz/probe"

var initialize = []*probe.Check{}
