package client

import (
	"context"
	"errors"
	"net/url"

	"github.com/mcpwiz/mcpwiz/probe"
)

// An Emulator makes one handshake as its profile's client would.
type Emulator struct {
	opt    Options
	target *url.URL
	left   []string
}

// New returns an emulator, or what is wrong with the options.
func New(o Options) (*Emulator, error) {
	target, err := o.check()
	if err != nil {
		return nil, err
	}
	return &Emulator{opt: o, target: target}, nil
}

// Run makes the handshake and tells it to the sink. With an error it could not begin, or the context ended; the summary is
// that of what was seen until then.
func (e *Emulator) Run(ctx context.Context, sink probe.Sink) (probe.Summary, error) {
	return probe.Summary{}, errors.New("not yet")
}

// Left tells in words what was made and could not be ended.
func (e *Emulator) Left() []string { return e.left }
