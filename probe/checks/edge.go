package checks

import "github.com/mcpwiz/mcpwiz/probe"

var edge = []*probe.Check{}
