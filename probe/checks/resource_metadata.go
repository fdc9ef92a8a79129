package checks

import "github.com/mcpwiz/mcpwiz/probe"

var resourceMetadata = []*probe.Check{}
