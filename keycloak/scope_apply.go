package keycloak

import (
	"context"
	"encoding/json"
	"errors"
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
	if err := s.setMapper(ctx, have.ID, mapperName, s.mapper(have), s.mapperConfig()); err != nil {
		return err
	}
	if config := s.resourceConfig(); config != nil {
		return s.setMapper(ctx, have.ID, resourceMapper, have.mapperNamed(resourceMapper), config)
	}
	return nil
}

// setMapper makes the mapper, or changes what we own of it: a PUT replaces the whole configuration.
func (s *scope) setMapper(ctx context.Context, id, name string, have *mapperRep, want map[string]string) error {
	if have == nil {
		return s.addMapper(ctx, id, newMapper(name, want))
	}
	changed := *have
	changed.Config = maps.Clone(have.Config)
	maps.Copy(changed.Config, want)
	return s.putMapper(ctx, id, changed)
}

func (s *scope) create(ctx context.Context) error {
	attributes := s.attributes(tagOurs)
	attributes["include.in.openid.provider.metadata"] = "true"
	mappers := []mapperRep{newMapper(mapperName, s.mapperConfig())}
	if config := s.resourceConfig(); config != nil {
		mappers = append(mappers, newMapper(resourceMapper, config))
	}
	return s.a.raw(ctx, "create client scope "+s.want.Name, http.MethodPost, scopeRep{
		Name: s.want.Name, Description: s.want.Description, Protocol: openIDConnect, Attributes: attributes, Mappers: mappers,
	}, nil, "realms", s.realm, scopesPath)
}

func newMapper(name string, config map[string]string) mapperRep {
	return mapperRep{Name: name, Protocol: openIDConnect, Type: audienceMapper, Config: config}
}

func (s *scope) find(ctx context.Context) (*scopeRep, error) {
	all, _, err := s.a.scopes(ctx, s.realm)
	return named(all, s.want.Name), err
}

func (s *scope) put(ctx context.Context, verb, id string, body any) error {
	return s.a.raw(ctx, verb+" client scope "+s.want.Name, http.MethodPut, body, nil, "realms", s.realm, scopesPath, id)
}

func (s *scope) addMapper(ctx context.Context, id string, m mapperRep) error {
	return s.a.raw(ctx, "add the audience mapper to client scope "+s.want.Name, http.MethodPost, m, nil,
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
	return errors.Join(s.mapperBack(ctx, have.ID, s.mapper(have), before.Mapper),
		s.mapperBack(ctx, have.ID, have.mapperNamed(resourceMapper), before.Resource))
}

func (s *scope) mapperBack(ctx context.Context, id string, now, before *mapperRep) error {
	switch {
	case before == nil && now != nil:
		return s.deleteMapper(ctx, id, now.ID)
	case before != nil && now != nil:
		back := *before
		back.ID = now.ID
		return s.putMapper(ctx, id, back)
	}
	return nil
}
