package checks

import "github.com/mcpwiz/mcpwiz/probe"

var authorization = []*probe.Check{}
