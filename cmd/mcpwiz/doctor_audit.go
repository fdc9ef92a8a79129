package main

import (
	"context"
	"slices"

	"github.com/mcpwiz/mcpwiz/keycloak"
	"github.com/mcpwiz/mcpwiz/probe/client"
)

// lookInside has handshakes ask Keycloak's administrator too, where a connection is given.
func (p *program) lookInside(ctx context.Context, file string, all []client.Options) error {
	if file == "" {
		return nil
	}
	c, err := p.load(&connectionFlags{file: file, untouched: true})
	if err != nil {
		return err
	}
	s := provisioning{program: p, connection: c, path: file}
	if err := s.begin(ctx); err != nil {
		return err
	}
	return s.inform(ctx, all)
}

// inform has the first handshake be told how the realm is, and each what Keycloak logs of it from now on.
func (s *provisioning) inform(ctx context.Context, all []client.Options) error {
	u := keycloak.NewAudit(s.admin, s.connection, s.resources)
	for i := range all {
		o := &all[i]
		if i == 0 {
			o.Informants, o.Informed = append(o.Informants, u.Facts), slices.Concat(o.Informed, u.Expect())
		}
		events, err := u.Events(ctx, o.ClientID)
		if err != nil {
			return err
		}
		o.Informants, o.Informed = append(o.Informants, events), slices.Concat(o.Informed, u.ExpectEvents())
	}
	return nil
}
