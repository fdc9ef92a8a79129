package keycloaktest

import (
	"encoding/json"
	"net/http"
)

// federation is who signs a realm's users in besides the realm, as far as it is told: nobody is sent there by this one.
type federation struct {
	providers []identityProvider
	// redirector configures the step of the login flow that sends everybody to one of them.
	redirector   map[string]string
	redirectorID string
}

type identityProvider struct {
	Alias    string            `json:"alias"`
	ID       string            `json:"internalId"`
	Provider string            `json:"providerId"`
	Enabled  bool              `json:"enabled"`
	Config   map[string]string `json:"config"`
}

func listProviders(c *call) answer {
	return found(append([]identityProvider{}, c.realm.federation.providers...))
}

func createProvider(c *call) answer {
	one := identityProvider{Enabled: true, ID: newID()}
	if a, ok := c.decode(&one, looseName); !ok {
		return a
	}
	c.realm.federation.providers = append(c.realm.federation.providers, one)
	return created(c.adminURL("identity-provider", "instances", one.Alias))
}

// redirectorStep is the id of the step in every realm's login flow.
const redirectorStep = "2ca3cd41-9a81-4963-947b-dbf584d1b0a1"

func listExecutions(c *call) answer {
	step := map[string]any{"id": redirectorStep, "providerId": "identity-provider-redirector", "requirement": "ALTERNATIVE"}
	if c.realm.federation.redirectorID != "" {
		step["authenticationConfig"] = c.realm.federation.redirectorID
	}
	return found([]any{map[string]any{"id": newID(), "providerId": "auth-cookie", "requirement": "ALTERNATIVE"}, step,
		map[string]any{"id": newID(), "providerId": "auth-username-password-form", "requirement": "REQUIRED"}})
}

func configureExecution(c *call) answer {
	var sent struct {
		Alias  string            `json:"alias"`
		Config map[string]string `json:"config"`
	}
	if json.Unmarshal(c.body, &sent) != nil || c.at["execution"] != redirectorStep {
		return failed(http.StatusNotFound, "Illegal execution")
	}
	c.realm.federation.redirector, c.realm.federation.redirectorID = sent.Config, newID()
	return created(c.adminURL("authentication", "config", c.realm.federation.redirectorID))
}

func readExecutionConfig(c *call) answer {
	if c.at["config"] != c.realm.federation.redirectorID {
		return failed(http.StatusNotFound, "Could not find authenticator config")
	}
	return found(map[string]any{"id": c.at["config"], "config": c.realm.federation.redirector})
}
