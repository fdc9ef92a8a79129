package checks

import "github.com/mcpwiz/mcpwiz/probe"

var session = []*probe.Check{}
