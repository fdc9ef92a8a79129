package client

import (
	"context"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Step is one thing that a client does on the wire. Do returns only why it could not even begin: what came of it is in
// the trace.
type Step struct {
	Title        string
	Stage        probe.Stage
	Makes, Needs []probe.Evidence
	Do           func(context.Context, *Emulator) error
}

// Steps returns what the emulator does, in order.
func (e *Emulator) Steps() []Step { return nil }
