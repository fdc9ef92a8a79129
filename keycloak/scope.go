package keycloak

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// scope is a client scope with the audience mapper that puts one server into the audience of a token. It goes over the
// wire raw: gocloak's mapper has no included.custom.audience and loses it.
type scope struct {
	a     *Admin
	realm string
	want  plan.Scope
}

func (s *scope) Name() string    { return "keycloak/scope/" + s.want.Name }
func (s *scope) Proof() []string { return proofs["scope"] }

// scopeRep is Keycloak's ClientScopeRepresentation as far as we own it.
type scopeRep struct {
	ID          string            `json:"id,omitempty"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Protocol    string            `json:"protocol,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Mappers     []mapperRep       `json:"protocolMappers,omitempty"`
}

// mapperRep is Keycloak's ProtocolMapperRepresentation.
type mapperRep struct {
	ID              string            `json:"id,omitempty"`
	Name            string            `json:"name"`
	Protocol        string            `json:"protocol"`
	Type            string            `json:"protocolMapper"`
	ConsentRequired bool              `json:"consentRequired"`
	Config          map[string]string `json:"config"`
}

const (
	openIDConnect   = "openid-connect"
	audienceMapper  = "oidc-audience-mapper"
	mapperName      = "mcp-audience"
	resourceMapper  = "mcp-resource"
	customAudience  = "included.custom.audience"
	clientAudience  = "included.client.audience"
	scopesPath      = "client-scopes"
	mapperPath      = "protocol-mappers"
	mapperModelPath = "models"
)

// mapperConfig of the audience mapper: without access.token.claim it is accepted and does nothing.
func (s *scope) mapperConfig() map[string]string {
	return map[string]string{
		customAudience:              s.want.Server,
		"access.token.claim":        "true",
		"id.token.claim":            "false",
		"introspection.token.claim": "true",
		"lightweight.claim":         "false",
	}
}

// resourceConfig is of a second mapper, for a Keycloak with resource indicators: a token for a resource is given only where the
// audience has the client whose resource it is. That client's id is the server's url, so the audience stays one.
func (s *scope) resourceConfig() map[string]string {
	if !s.a.on(featureResources) {
		return nil
	}
	config := s.mapperConfig()
	delete(config, customAudience)
	config[clientAudience] = s.want.Server
	return config
}

// attributes that decide whether tokens name the scope, and what the user is asked.
func (s *scope) attributes(tagged string) map[string]string {
	return map[string]string{
		"include.in.token.scope":    "true",
		"display.on.consent.screen": "true",
		"consent.screen.text":       s.want.ConsentText,
		tag:                         tagged,
	}
}

// scopes returns the client scopes of a realm; none when the realm is not there.
func (a *Admin) scopes(ctx context.Context, realm string) (scopes []scopeRep, noSuchRealm bool, err error) {
	err = a.raw(ctx, "list the client scopes of realm "+realm, http.MethodGet, nil, &scopes, "realms", realm, scopesPath)
	if noRealm(err) {
		return nil, true, nil
	}
	return scopes, false, err
}

func named(scopes []scopeRep, name string) *scopeRep {
	for i := range scopes {
		if scopes[i].Name == name {
			return &scopes[i]
		}
	}
	return nil
}

func (s *scope) Plan(ctx context.Context) (plan.Change, error) {
	all, _, err := s.a.scopes(ctx, s.realm)
	if err != nil {
		return plan.Change{}, err
	}
	have := named(all, s.want.Name)
	if have == nil {
		return s.compare(&scopeRep{}, tagOurs).change(plan.Create, nil)
	}
	if stop := s.foreign(have); stop != "" {
		free := s.freeName(all)
		return plan.Change{Action: plan.Refuse, Stop: stop, Propose: "name: " + free + " for this scope in mcpwiz.yaml", FreeName: free}, nil
	}
	c, err := s.planChange(have)
	if c.Action == plan.Refuse {
		c.FreeName = s.freeName(all)
	}
	return c, err
}

func (s *scope) planChange(have *scopeRep) (plan.Change, error) {
	whose := ownerOf(have.Attributes)
	if whose == stranger && !s.want.Adopt {
		f := s.compare(have, "")
		if len(f) == 0 {
			return plan.Change{Action: plan.None, Note: "not made by mcpwiz, and as it should be"}, nil
		}
		return plan.Change{Action: plan.Refuse, Fields: f, Stop: "a client scope of that name is there that mcpwiz did not make, and it would have to change",
			Propose: "adopt: true for this scope in mcpwiz.yaml lets mcpwiz change it; or take another name"}, nil
	}
	want := s.attributes(ownedTag(whose))
	before := scopeBefore{have.Description, absentAsNull(have.Attributes, want), s.mapper(have), have.mapperNamed(resourceMapper), s.want.Server}
	return s.compare(have, ownedTag(whose)).change(plan.Update, before)
}

// scopeBefore is what Undo puts back.
type scopeBefore struct {
	Description string             `json:"description"`
	Attributes  map[string]*string `json:"attributes"`
	Mapper      *mapperRep         `json:"mapper,omitempty"`
	Resource    *mapperRep         `json:"resource_mapper,omitempty"`
	// Server is the audience that the mapper was given.
	Server string `json:"server"`
}

// absentAsNull returns what the attributes in want were before. A client scope keeps "" as a value, where a client
// deletes the attribute; null deletes it in both.
func absentAsNull(have, want map[string]string) map[string]*string {
	before := map[string]*string{}
	for name := range want {
		before[name] = nil
		if v, there := have[name]; there {
			before[name] = &v
		}
	}
	return before
}

func (s *scope) compare(have *scopeRep, tagged string) fields {
	var f fields
	f.want("description", have.Description, s.want.Description)
	want := s.attributes(tagged)
	if tagged == "" {
		delete(want, tag)
	}
	f.attributes(have.Attributes, want)
	f.mapper("mapper.", s.mapper(have), s.mapperConfig())
	f.mapper("resource-mapper.", have.mapperNamed(resourceMapper), s.resourceConfig())
	return f
}

// mapper notes what differs in the configuration of a mapper, which may not be there.
func (f *fields) mapper(prefix string, have *mapperRep, want map[string]string) {
	config := map[string]string{}
	if have != nil {
		config = have.Config
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		f.want(prefix+name, config[name], want[name])
	}
}

func (s *scopeRep) mapperNamed(name string) *mapperRep {
	for i, m := range s.Mappers {
		if m.Type == audienceMapper && m.Name == name {
			return &s.Mappers[i]
		}
	}
	return nil
}

// mapper returns the audience mapper that names our server, or else the one of our name.
func (s *scope) mapper(have *scopeRep) *mapperRep {
	var byName *mapperRep
	for i, m := range have.Mappers {
		if m.Type != audienceMapper {
			continue
		}
		if m.Config[customAudience] == s.want.Server {
			return &have.Mappers[i]
		}
		if m.Name == mapperName {
			byName = &have.Mappers[i]
		}
	}
	return byName
}

// foreign says why the scope can never be ours: two audiences on one scope make each server's tokens valid at the other.
func (s *scope) foreign(have *scopeRep) string {
	if have.Protocol != openIDConnect {
		return fmt.Sprintf("a client scope of that name is there for protocol %.40q", have.Protocol)
	}
	for _, m := range have.Mappers {
		if m.Type != audienceMapper {
			continue
		}
		for _, key := range []string{customAudience, clientAudience} {
			if aud := m.Config[key]; aud != "" && aud != s.want.Server {
				return fmt.Sprintf("a client scope of that name puts %.200q into the audience: with %s beside it, the tokens of each server would be valid at the other",
					aud, s.want.Server)
			}
		}
	}
	return ""
}

// freeName proposes a name that says whose the scope is.
func (s *scope) freeName(all []scopeRep) string {
	name := s.want.Name
	if u, err := url.Parse(s.want.Server); err == nil && u.Hostname() != "" {
		name = s.want.Name + ":" + u.Hostname()
	}
	for n := 2; named(all, name) != nil; n++ {
		name = fmt.Sprintf("%s-%d", s.want.Name, n)
	}
	return name
}
