package checks

import "github.com/mcpwiz/mcpwiz/probe"

var network = []*probe.Check{}
