package checks

import "github.com/mcpwiz/mcpwiz/probe"

var serverMetadata = []*probe.Check{}
