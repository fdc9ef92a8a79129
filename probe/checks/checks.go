// Package checks knows what a handshake must look like: one file per stage of requirements and how they are judged, and
// the signatures by which an edge is told from an origin.
package checks

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// All is the catalogue, in the order in which a client meets what it judges.
var All = slices.Concat(network, tunnels, edgeSettings, edge, edgeIssuer, originCompare, challenge, resourceMetadata, serverMetadata, registration, authorization, token,
	initialize, tools, session, audit, witness)

// Lookup returns the check with an id, nil when there is none.
func Lookup(id string) *probe.Check {
	for _, c := range All {
		if c.ID == id {
			return c
		}
	}
	return nil
}
