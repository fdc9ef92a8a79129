package keycloaktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// documents is the feature that takes the URL of a metadata document for a client id.
const documents = "cimd"

// A policyEntry is a profile or a policy of the realm, as it was sent.
type policyEntry struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Enabled     *bool  `json:"enabled,omitempty"`
	Executors   []struct {
		Executor string          `json:"executor"`
		Options  json.RawMessage `json:"configuration"`
	} `json:"executors,omitempty"`
	Conditions []struct {
		Condition string          `json:"condition"`
		Options   json.RawMessage `json:"configuration"`
	} `json:"conditions,omitempty"`
	Profiles []string `json:"profiles,omitempty"`
}

const (
	executorProvider  = "org.keycloak.services.clientpolicy.executor.ClientPolicyExecutorProvider"
	conditionProvider = "org.keycloak.services.clientpolicy.condition.ClientPolicyConditionProvider"
)

// componentTypes are what client policies can be made of, with their options.
func (c *call) componentTypes() map[string]any {
	type property struct {
		Name string `json:"name"`
	}
	type kind struct {
		ID         string     `json:"id"`
		Properties []property `json:"properties"`
	}
	of := func(id string, options ...string) kind {
		k := kind{id, []property{}}
		for _, o := range options {
			k.Properties = append(k.Properties, property{o})
		}
		return k
	}
	executors := []kind{of("pkce-enforcer", "auto-configure")}
	conditions := []kind{of("client-access-type", "is-negative-logic", "type"), of("client-updater-context", "is-negative-logic", "update-client-source")}
	if c.has(documents) {
		executors = append(executors, of("client-id-metadata-document", "cimd-allow-http-scheme", "cimd-allow-permitted-domains",
			"cimd-restrict-same-domain", "cimd-required-properties", "only-allow-confidential-client"))
		conditions = append(conditions, of("client-id-uri", "is-negative-logic", "client-id-uri-scheme", "client-id-uri-allow-permitted-domains"))
	}
	return map[string]any{executorProvider: executors, conditionProvider: conditions}
}

// knows: there is an executor or a condition of that name.
func (c *call) knows(name string) bool {
	for _, known := range []string{"pkce-enforcer", "client-access-type", "client-updater-context"} {
		if name == known {
			return true
		}
	}
	return c.has(documents) && (name == "client-id-metadata-document" || name == "client-id-uri")
}

func readPolicies(c *call) answer {
	if strings.HasSuffix(strings.TrimSuffix(c.r.URL.Path, "/"), "/profiles") {
		return found(map[string]any{"profiles": append([]policyEntry{}, c.realm.profiles...)})
	}
	return found(map[string]any{"policies": append([]policyEntry{}, c.realm.policies...)})
}

// updateProfiles replaces the list; a policy that names one that is gone stays.
func updateProfiles(c *call) answer {
	var sent struct {
		Profiles []policyEntry `json:"profiles"`
	}
	if a, ok := c.decode(&sent, "ClientProfilesRepresentation"); !ok {
		return a
	}
	for _, p := range sent.Profiles {
		for _, e := range p.Executors {
			if !c.knows(e.Executor) {
				return complained(http.StatusBadRequest, "proposed client profile contains the executor with its invalid configuration.")
			}
		}
	}
	c.realm.profiles = sent.Profiles
	return status(http.StatusNoContent)
}

// updatePolicies replaces the list; every profile named must be there.
func updatePolicies(c *call) answer {
	var sent struct {
		Policies []policyEntry `json:"policies"`
	}
	if a, ok := c.decode(&sent, "ClientPoliciesRepresentation"); !ok {
		return a
	}
	for i, p := range sent.Policies {
		for _, name := range p.Profiles {
			if !slices.ContainsFunc(c.realm.profiles, func(e policyEntry) bool { return e.Name == name }) {
				return complained(http.StatusBadRequest, fmt.Sprintf("Policy %s contains invalid profile %s", p.Name, name))
			}
		}
		for _, one := range p.Conditions {
			if !c.knows(one.Condition) {
				return complained(http.StatusBadRequest, "proposed client policy contains the condition with its invalid configuration.")
			}
		}
		if off := false; p.Enabled == nil {
			sent.Policies[i].Enabled = &off
		}
	}
	c.realm.policies = sent.Policies
	return status(http.StatusNoContent)
}

// forcesPKCE: a policy on anonymous registrations has a profile that writes S256 into new clients.
func (r *realm) forcesPKCE() bool {
	for _, p := range r.policies {
		if p.Enabled == nil || !*p.Enabled || len(p.Conditions) != 1 || p.Conditions[0].Condition != "client-updater-context" ||
			!strings.Contains(string(p.Conditions[0].Options), `"ByAnonymous"`) {
			continue
		}
		for _, name := range p.Profiles {
			if of := entryOf(r.profiles, name); of != nil && of.enforcesPKCE() {
				return true
			}
		}
	}
	return false
}

func entryOf(all []policyEntry, name string) *policyEntry {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

func (p *policyEntry) enforcesPKCE() bool {
	for _, e := range p.Executors {
		var options struct {
			Auto bool `json:"auto-configure"`
		}
		if e.Executor == "pkce-enforcer" && json.Unmarshal(e.Options, &options) == nil && options.Auto {
			return true
		}
	}
	return false
}

// exportRealm tells the version to who may manage the realm; of what the real one adds there is no more than the settings, so
// an export with clients or roles is none that it has.
func exportRealm(c *call) answer {
	if c.r.URL.RawQuery != "" {
		return failed(http.StatusNotFound, "HTTP 404 Not Found")
	}
	all := c.realm.rep()
	all["keycloakVersion"] = c.o.Version
	return found(all)
}
