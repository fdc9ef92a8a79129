package keycloaktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func listScopes(c *call) answer {
	all := []scopeRep{}
	for _, s := range c.realm.scopes {
		all = append(all, s.rep)
	}
	return found(all)
}

func createScope(c *call) answer {
	var rep scopeRep
	if a, ok := c.decode(&rep, looseName); !ok {
		return a
	}
	if a, ok := checkScope(rep); !ok {
		return a
	}
	if c.realm.scope(rep.Name) != nil {
		return complained(http.StatusConflict, "Client Scope "+rep.Name+" already exists")
	}
	if rep.ID == "" {
		rep.ID = newID()
	}
	rep.Attributes = c.mergedAttributes(map[string]string{})
	for i := range rep.Mappers {
		rep.Mappers[i].ID = newID()
		rep.Mappers[i].trim()
	}
	c.realm.scopes = append(c.realm.scopes, &scope{rep})
	return created(c.adminURL("client-scopes", rep.ID)).with("Cache-Control", "no-cache")
}

func checkScope(rep scopeRep) (answer, bool) {
	switch {
	case rep.Name == "":
		return unknownError(), false
	case strings.ContainsAny(rep.Name, " \"\\"):
		return complained(http.StatusBadRequest, fmt.Sprintf("Unexpected name %q for ClientScope", rep.Name)), false
	case rep.Protocol != openIDConnect && rep.Protocol != "saml":
		return complained(http.StatusBadRequest, "Unexpected protocol"), false
	}
	return answer{}, true
}

func unknownError() answer {
	return refused(http.StatusInternalServerError, "unknown_error", "For more on this error consult the server log.")
}

func (c *call) adminURL(parts ...string) string {
	to := c.base + "/admin/realms/" + pathEscape(c.realm.name)
	for _, p := range parts {
		to += "/" + pathEscape(p)
	}
	return to
}

// withScope serves what the path's {scope} names.
func (c *call) withScope(serve func(*scope) answer) answer {
	s := c.realm.scopeByID(c.at["scope"])
	if s == nil {
		return failed(http.StatusNotFound, c.noScope())
	}
	return serve(s)
}

// noScope is worded in two ways.
func (c *call) noScope() string {
	if strings.Contains(c.r.URL.Path, "/client-scopes/"+c.at["scope"]) && !strings.Contains(c.r.URL.Path, "-client-scopes/") {
		return "Could not find client scope"
	}
	return "Client scope not found"
}

func readScope(c *call) answer { return c.withScope(func(s *scope) answer { return found(s.rep) }) }

func updateScope(c *call) answer {
	return c.withScope(func(s *scope) answer {
		var sent scopeRep
		if a, ok := c.decode(&sent, looseName); !ok {
			return a
		}
		if sent.Name == "" {
			return unknownError()
		}
		if other := c.realm.scope(sent.Name); other != nil && other != s {
			return complained(http.StatusConflict, "Client Scope "+sent.Name+" already exists")
		}
		s.rep.Name = sent.Name
		if _, ok := c.sent()["description"]; ok {
			s.rep.Description = sent.Description
		}
		if sent.Protocol != "" {
			s.rep.Protocol = sent.Protocol
		}
		s.rep.Attributes = c.mergedAttributes(s.rep.Attributes)
		return status(http.StatusNoContent)
	})
}

// mergedAttributes lays those that are sent over those that are there. null takes one away; an empty value is a value,
// unlike a client's.
func (c *call) mergedAttributes(have map[string]string) map[string]string {
	var sent struct {
		Attributes map[string]*string `json:"attributes"`
	}
	_ = json.Unmarshal(c.body, &sent) // read before
	next := maps.Clone(have)
	for name, v := range sent.Attributes {
		if v == nil {
			delete(next, name)
		} else {
			next[name] = *v
		}
	}
	return next
}

func deleteScope(c *call) answer {
	return c.withScope(func(s *scope) answer {
		c.realm.drop(s)
		return status(http.StatusNoContent)
	})
}

func listMappers(c *call) answer {
	return c.withScope(func(s *scope) answer {
		all := []mapper{}
		for _, m := range s.rep.Mappers {
			all = append(all, m.complete())
		}
		return found(all)
	})
}

// knownMapper: by the names that all of Keycloak's bear.
func knownMapper(kind string) bool {
	return strings.HasPrefix(kind, "oidc-") || strings.HasPrefix(kind, "saml-")
}

func createMapper(c *call) answer {
	return c.withScope(func(s *scope) answer {
		var m mapper
		if a, ok := c.decode(&m, "ProtocolMapperRepresentation"); !ok {
			return a
		}
		switch {
		case slices.ContainsFunc(s.rep.Mappers, func(x mapper) bool { return x.Name == m.Name }):
			return complained(http.StatusConflict, "Protocol mapper exists with same name")
		case !knownMapper(m.Type):
			return failed(http.StatusNotFound, "ProtocolMapper provider not found")
		}
		m.ID = newID()
		m.trim()
		s.rep.Mappers = append(slices.Clone(s.rep.Mappers), m)
		return created(c.adminURL("client-scopes", s.rep.ID, "protocol-mappers", "models", m.ID))
	})
}

func (c *call) withMapper(serve func(s *scope, i int) answer) answer {
	return c.withScope(func(s *scope) answer {
		i := slices.IndexFunc(s.rep.Mappers, func(m mapper) bool { return m.ID == c.at["mapper"] })
		if i < 0 {
			return failed(http.StatusNotFound, "Model not found")
		}
		return serve(s, i)
	})
}

func readMapper(c *call) answer {
	return c.withMapper(func(s *scope, i int) answer { return found(s.rep.Mappers[i].complete()) })
}

// updateMapper replaces the whole configuration.
func updateMapper(c *call) answer {
	return c.withMapper(func(s *scope, i int) answer {
		var m mapper
		if a, ok := c.decode(&m, "ProtocolMapperRepresentation"); !ok {
			return a
		}
		switch {
		case m.ID == "":
			return unknownError()
		case !knownMapper(m.Type):
			return failed(http.StatusNotFound, "ProtocolMapper provider not found")
		}
		m.ID = s.rep.Mappers[i].ID
		m.trim()
		s.rep.Mappers = slices.Clone(s.rep.Mappers)
		s.rep.Mappers[i] = m
		return status(http.StatusNoContent)
	})
}

func deleteMapper(c *call) answer {
	return c.withMapper(func(s *scope, i int) answer {
		s.rep.Mappers = slices.Delete(slices.Clone(s.rep.Mappers), i, i+1)
		return status(http.StatusNoContent)
	})
}

// realmList returns the list that the path names, and the other one.
func (c *call) realmList() (this, other *[]*scope) {
	if strings.Contains(c.r.URL.Path, "/default-default-client-scopes") {
		return &c.realm.defaults, &c.realm.optional
	}
	return &c.realm.optional, &c.realm.defaults
}

func listRealmScopes(c *call) answer {
	this, _ := c.realmList()
	return found(references(*this, true))
}

// references are scopes as lists show them: a realm's with the protocol, a client's without.
func references(all []*scope, protocol bool) any {
	type reference struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Protocol string `json:"protocol,omitempty"`
	}
	list := []reference{}
	for _, s := range all {
		r := reference{ID: s.rep.ID, Name: s.rep.Name}
		if protocol {
			r.Protocol = s.rep.Protocol
		}
		list = append(list, r)
	}
	return list
}

func addRealmScope(c *call) answer {
	return c.withScope(func(s *scope) answer {
		this, other := c.realmList()
		if slices.Contains(*this, s) || slices.Contains(*other, s) {
			return refused(http.StatusConflict, "conflict", "Duplicate resource error")
		}
		*this = append(*this, s)
		return status(http.StatusNoContent)
	})
}

func removeRealmScope(c *call) answer {
	return c.withScope(func(s *scope) answer {
		this, _ := c.realmList()
		*this = slices.DeleteFunc(*this, func(x *scope) bool { return x == s })
		return status(http.StatusNoContent)
	})
}
