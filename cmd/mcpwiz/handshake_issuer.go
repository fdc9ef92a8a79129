package main

import (
	"context"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// expectIssuer has a handshake be told which authorization server is meant, "" for who knows: an edge may send clients to another.
func expectIssuer(h *client.Options, issuer, source string) {
	if issuer == "" {
		return
	}
	h.Informants = append(h.Informants, func(_ context.Context, from, _ time.Time, note func(probe.Fact)) error {
		note(probe.Fact{Kind: probe.ExpectedIssuer, Source: source, At: from, Data: map[string]any{"issuer": issuer}})
		return nil
	})
}
