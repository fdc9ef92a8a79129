package keycloaktest

import (
	"maps"
	"slices"
)

// A scope is a client scope with what it puts into tokens.
type scope struct{ rep scopeRep }

type scopeRep struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Protocol    string            `json:"protocol,omitempty"`
	Attributes  map[string]string `json:"attributes"`
	Mappers     []mapper          `json:"protocolMappers,omitempty"`
}

type mapper struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Protocol        string            `json:"protocol"`
	Type            string            `json:"protocolMapper"`
	ConsentRequired bool              `json:"consentRequired"`
	Config          map[string]string `json:"config"`
}

const openIDConnect = "openid-connect"

// The realm's lists for new clients, 26.7.3; those of SAML are shown among them.
var (
	realmDefaults = []string{"role_list", "saml_organization", "AuthnContextClassRef", "profile", "email", "roles", "web-origins", "acr", "basic"}
	realmOptional = []string{"offline_access", "address", "phone", "microprofile-jwt", "organization"}
)

func (r *realm) makeScopes(old bool) {
	var reps []scopeRep
	readDefaults("client-scopes", &reps)
	for _, rep := range reps {
		if old && rep.Name == "AuthnContextClassRef" {
			continue
		}
		rep.ID = newID()
		for i := range rep.Mappers {
			rep.Mappers[i].ID = newID()
		}
		r.scopes = append(r.scopes, &scope{rep})
	}
	r.defaults, r.optional = r.scopesNamed(realmDefaults), r.scopesNamed(realmOptional)
}

// scopesNamed drops names that no scope has.
func (r *realm) scopesNamed(names []string) []*scope {
	var all []*scope
	for _, n := range names {
		if s := r.scope(n); s != nil && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func scopeNames(all []*scope) []string {
	names := []string{}
	for _, s := range all {
		names = append(names, s.rep.Name)
	}
	return names
}

// forClients leaves out the scopes of SAML.
func forClients(all []*scope) []*scope {
	return slices.DeleteFunc(slices.Clone(all), func(s *scope) bool { return s.rep.Protocol != openIDConnect })
}

// attribute returns the value of one that is a switch; Keycloak's default is on.
func (s *scope) attribute(name string) bool { return s.rep.Attributes[name] != "false" }

func (s *scope) inToken() bool { return s.attribute("include.in.token.scope") }

// onConsent: the user is asked for it.
func (s *scope) onConsent() bool { return s.attribute("display.on.consent.screen") }

// consentTexts are what the theme shows for the texts of Keycloak's own scopes.
var consentTexts = map[string]string{
	"${profileScopeConsentText}":       "User profile",
	"${emailScopeConsentText}":         "Email address",
	"${addressScopeConsentText}":       "Address",
	"${phoneScopeConsentText}":         "Phone number",
	"${offlineAccessScopeConsentText}": "Offline Access",
	"${rolesScopeConsentText}":         "User roles",
	"${organizationScopeConsentText}":  "Organization",
}

func (s *scope) consentText() string {
	text := s.rep.Attributes["consent.screen.text"]
	if text == "" {
		return s.rep.Name
	}
	if shown, ok := consentTexts[text]; ok {
		return shown
	}
	return text
}

// trim drops what Keycloak does not store of a mapper's configuration.
func (m *mapper) trim() {
	if m.Config == nil {
		m.Config = map[string]string{}
	}
	maps.DeleteFunc(m.Config, func(_, v string) bool { return v == "" })
}

// complete returns the mapper with what its configuration leaves out; the scope's own representation does not show that.
func (m mapper) complete() mapper {
	m.Config = maps.Clone(m.Config)
	for name, from := range map[string]string{"introspection.token.claim": "access.token.claim", "userinfo.token.claim": "id.token.claim"} {
		if v, ok := m.Config[from]; ok && m.Config[name] == "" {
			m.Config[name] = v
		}
	}
	return m
}

// drop takes a scope that is deleted out of every list.
func (r *realm) drop(s *scope) {
	without := func(all []*scope) []*scope {
		return slices.DeleteFunc(all, func(x *scope) bool { return x == s })
	}
	r.scopes, r.defaults, r.optional = without(r.scopes), without(r.defaults), without(r.optional)
	for _, c := range r.clients {
		c.defaults, c.optional = without(c.defaults), without(c.optional)
	}
}
