package checks

import "github.com/mcpwiz/mcpwiz/probe"

var registration = []*probe.Check{}
