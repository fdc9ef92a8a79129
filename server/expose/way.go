// Package expose knows by which ways a server on this machine gets a public URL: what each way can carry, what it needs, what
// its own program on this machine says of it, and what a proxy of one's own has to be told.
package expose

import (
	"context"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A Way is one of them.
type Way interface {
	// Name is what expose.way in mcpwiz.yaml calls it.
	Name() string
	Caps() Caps
	// Needs says in sentences what must be there before it can be used.
	Needs() []string
	// Check looks at a public URL: whether it is one that this way can have, and what the way's own program on this machine
	// says of it. It asks nobody but this machine. An error: the URL cannot be read, or the context ended.
	Check(ctx context.Context, publicURL string) (State, error)
}

// Caps say what a way can carry. A duration, size or sentence that is zero: no such limit is known.
type Caps struct {
	// Title is what people call it.
	Title string
	// StreamGET and StreamPOST: events of a stream arrive as they are sent, on the server's own stream and in answer to a call.
	StreamGET, StreamPOST bool
	// Idle is after how long without a byte a stream is cut; FirstByte how long an answer may take to begin.
	Idle, FirstByte time.Duration
	// OwnDomain: it can have a name of one's own. StableName: the name is the same after a restart. Paths: several local
	// services can be told apart by path. Keycloak can then be carried beside the server, without its administration.
	OwnDomain, StableName, Paths bool
	// MaxBody is the largest request, in bytes.
	MaxBody int64
	// Interstitial is what a browser is shown first, Limit how much may pass.
	Interstitial, Limit string
	// Trial: it serves for trying out, not to stay.
	Trial bool
}

// A State is what was found out about a public URL.
type State struct {
	// Is: the way's own program on this machine says that it carries the URL. To is where to.
	Is bool
	To string
	// Agent is what the program says, or that nobody was there to ask.
	Agent string
	// Problems are sentences about what cannot work.
	Problems []string
}

// All are the ways, the one to begin with first, as the local programs that are asked say of them.
func All(l Local) []Way {
	return []Way{
		named{plan.WayCloudflare, l}, named{plan.WayExistingTunnel, l}, quick{l}, ngrok{l}, tailscale{l}, own{},
	}
}

// Lookup returns a way by its name; "" is one's own proxy, as in mcpwiz.yaml.
func Lookup(name string, l Local) (Way, bool) {
	if name == "" {
		name = plan.WayOwn
	}
	for _, w := range All(l) {
		if w.Name() == name {
			return w, true
		}
	}
	return nil, false
}
