package keycloaktest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A component configures the realm: its keys, and what registration is held to.
type component struct {
	ID           string              `json:"id"`
	Name         string              `json:"name,omitempty"`
	ProviderID   string              `json:"providerId"`
	ProviderType string              `json:"providerType"`
	ParentID     string              `json:"parentId"`
	SubType      string              `json:"subType,omitempty"`
	Config       map[string][]string `json:"config"`
}

const registrationPolicy = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy"

func (r *realm) makeComponents(old bool) {
	readDefaults("components", &r.components)
	if old {
		r.components = slices.DeleteFunc(r.components, func(c *component) bool { return c.ProviderID == "registration-web-origins" })
	}
	for _, c := range r.components {
		c.ID, c.ParentID = newID(), r.id
	}
}

// policy returns a registration policy's configuration; subType is anonymous or authenticated.
func (r *realm) policy(provider, subType string) *component {
	return find(r.components, func(c *component) bool {
		return c.ProviderType == registrationPolicy && c.ProviderID == provider && c.SubType == subType
	})
}

// on reads a switch.
func (c *component) on(name string) bool {
	v := c.Config[name]
	return len(v) > 0 && v[0] == "true"
}

func listComponents(c *call) answer {
	q := c.r.URL.Query()
	all := []*component{}
	for _, one := range c.realm.components {
		if is(q.Get("type"), one.ProviderType) && is(q.Get("parent"), one.ParentID) && is(q.Get("name"), one.Name) {
			all = append(all, one)
		}
	}
	return found(all)
}

func is(want, have string) bool { return want == "" || want == have }

func createComponent(c *call) answer {
	one := component{ParentID: c.realm.id, Config: map[string][]string{}}
	if a, ok := c.decode(&one, "ComponentRepresentation"); !ok {
		return a
	}
	if a, ok := c.checkComponent(one); !ok {
		return a
	}
	if one.ID == "" {
		one.ID = newID()
	}
	c.realm.components = append(c.realm.components, &one)
	return created(c.adminURL("components", one.ID))
}

func (c *call) withComponent(serve func(*component) answer) answer {
	one := find(c.realm.components, func(x *component) bool { return x.ID == c.at["component"] })
	if one == nil {
		return failed(http.StatusNotFound, "Could not find component")
	}
	return serve(one)
}

func readComponent(c *call) answer {
	return c.withComponent(func(one *component) answer { return found(one) })
}

func updateComponent(c *call) answer {
	return c.withComponent(func(one *component) answer {
		sent := component{}
		if a, ok := c.decode(&sent, "ComponentRepresentation"); !ok {
			return a
		}
		next := *one
		next.Config = maps.Clone(one.Config)
		for key, v := range sent.Config { // what is left out stays, what is empty goes
			if next.Config[key] = v; len(v) == 0 || len(v) == 1 && v[0] == "" {
				delete(next.Config, key)
			}
		}
		if sent.Name != "" {
			next.Name = sent.Name
		}
		if a, ok := c.checkComponent(next); !ok {
			return a
		}
		*one = next
		return status(http.StatusNoContent)
	})
}

// checkComponent: scopes that registration may ask for must be there, but openid; hosts must be checked somehow.
func (c *call) checkComponent(one component) (answer, bool) {
	var missing []string
	for _, name := range one.Config["allowed-client-scopes"] {
		if name != "openid" && c.realm.scope(name) == nil {
			missing = append(missing, name)
		}
	}
	if one.ProviderID == "trusted-hosts" && !one.on("host-sending-registration-request-must-match") && !one.on("client-uris-must-match") {
		return complained(http.StatusBadRequest, "At least one of hosts verification or client URIs validation must be enabled"), false
	}
	if len(missing) > 0 {
		return complained(http.StatusBadRequest, "Client scopes not allowed: ["+strings.Join(missing, ", ")+"]"), false
	}
	return answer{}, true
}

func deleteComponent(c *call) answer {
	return c.withComponent(func(one *component) answer {
		c.realm.components = slices.DeleteFunc(c.realm.components, func(x *component) bool { return x == one })
		return status(http.StatusNoContent)
	})
}
