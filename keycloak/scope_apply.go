package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

func (s *scope) Apply(ctx context.Context, c plan.Change) error {
	if c.Action == plan.Create {
		return s.create(ctx)
	}
	have, err := s.find(ctx)
	if err != nil {
		return err
	}
	if have == nil {
		return fmt.Errorf("change client scope %s: it is gone", s.want.Name)
	}
	// A PUT merges attributes, needs the name, and ignores mappers.
	body := scopeRep{Name: s.want.Name, Description: s.want.Description, Attributes: s.attributes(ownedTag(ownerOf(have.Attributes)))}
	if err := s.put(ctx, "change", have.ID, body); err != nil {
		return err
	}
	m := s.mapper(have)
	if m == nil {
		return s.addMapper(ctx, have.ID)
	}
	// A PUT of a mapper replaces the whole configuration.
	config := maps.Clone(m.Config)
	maps.Copy(config, s.mapperConfig())
	changed := *m
	changed.Config = config
	return s.putMapper(ctx, have.ID, changed)
}

func (s *scope) create(ctx context.Context) error {
	attributes := s.attributes(tagOurs)
	attributes["include.in.openid.provider.metadata"] = "true"
	return s.a.raw(ctx, "create client scope "+s.want.Name, http.MethodPost, scopeRep{
		Name: s.want.Name, Description: s.want.Description, Protocol: openIDConnect, Attributes: attributes, Mappers: []mapperRep{s.newMapper()},
	}, nil, "realms", s.realm, scopesPath)
}

func (s *scope) newMapper() mapperRep {
	return mapperRep{Name: mapperName, Protocol: openIDConnect, Type: audienceMapper, Config: s.mapperConfig()}
}

func (s *scope) find(ctx context.Context) (*scopeRep, error) {
	all, _, err := s.a.scopes(ctx, s.realm)
	return named(all, s.want.Name), err
}

func (s *scope) put(ctx context.Context, verb, id string, body any) error {
	return s.a.raw(ctx, verb+" client scope "+s.want.Name, http.MethodPut, body, nil, "realms", s.realm, scopesPath, id)
}

func (s *scope) addMapper(ctx context.Context, id string) error {
	return s.a.raw(ctx, "add the audience mapper to client scope "+s.want.Name, http.MethodPost, s.newMapper(), nil,
		"realms", s.realm, scopesPath, id, mapperPath, mapperModelPath)
}

func (s *scope) putMapper(ctx context.Context, id string, m mapperRep) error {
	return s.a.raw(ctx, "change the audience mapper of client scope "+s.want.Name, http.MethodPut, m, nil,
		"realms", s.realm, scopesPath, id, mapperPath, mapperModelPath, m.ID)
}

func (s *scope) deleteMapper(ctx context.Context, id, mapper string) error {
	return s.a.raw(ctx, "take the audience mapper from client scope "+s.want.Name, http.MethodDelete, nil, nil,
		"realms", s.realm, scopesPath, id, mapperPath, mapperModelPath, mapper)
}

func (s *scope) Undo(ctx context.Context, c plan.Change) error {
	have, err := s.find(ctx)
	switch {
	case err != nil:
		return err
	case have == nil:
		return plan.ErrGone
	case c.Action == plan.Create:
		if ownerOf(have.Attributes) != ours {
			return fmt.Errorf("delete client scope %s: %w", s.want.Name, plan.ErrNotOurs)
		}
		return s.a.do(ctx, "delete client scope "+s.want.Name, func(ctx context.Context, token string) error {
			return s.a.api.DeleteClientScope(ctx, token, segment(s.realm), have.ID)
		})
	}
	var before scopeBefore
	if err := json.Unmarshal(c.Before, &before); err != nil {
		return fmt.Errorf("put back client scope %s: read what was before: %w", s.want.Name, err)
	}
	if before.Server != "" { // the connection may say another one by now
		s = &scope{s.a, s.realm, plan.Scope{Name: s.want.Name, Server: before.Server}}
	}
	return s.putBack(ctx, have, before)
}

func (s *scope) putBack(ctx context.Context, have *scopeRep, before scopeBefore) error {
	body := map[string]any{"name": s.want.Name, "description": before.Description, "attributes": before.Attributes}
	if err := s.put(ctx, "put back", have.ID, body); err != nil {
		return err
	}
	switch m := s.mapper(have); {
	case before.Mapper == nil && m != nil:
		return s.deleteMapper(ctx, have.ID, m.ID)
	case before.Mapper != nil && m != nil:
		back := *before.Mapper
		back.ID = m.ID
		return s.putMapper(ctx, have.ID, back)
	}
	return nil
}
