package checks

import "github.com/mcpwiz/mcpwiz/probe"

var token = []*probe.Check{}
