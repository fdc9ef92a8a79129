package checks

import "github.com/mcpwiz/mcpwiz/probe"

var challenge = []*probe.Check{}
