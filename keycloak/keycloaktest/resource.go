package keycloaktest

import (
	"net/http"
	"slices"
)

// resourceIndicators is the feature that makes resource more than a parameter that is ignored (RFC 8707).
const resourceIndicators = "resource-indicators"

// grant answers with tokens. With resource indicators on, the resource asked for must be that of a client which is in the
// audience by its id; whether it is known at all comes out here only.
func (c *call) grant(g grant) answer {
	resource := c.form.Get("resource")
	if resource == "" || !c.has(resourceIndicators) {
		return document(http.StatusOK, c.issue(g))
	}
	if !slices.Contains(c.resourcesOf(g), resource) {
		return refused(http.StatusBadRequest, "invalid_target", "The requested resource is invalid, missing, unknown, or malformed.")
	}
	if g.session == nil {
		return unknownError() // as 26.7.3 does
	}
	g.resource = resource
	return document(http.StatusOK, c.issue(g))
}

// resourcesOf are the resource URLs of the clients that the grant's mappers put into the audience.
func (c *call) resourcesOf(g grant) []string {
	var all []string
	for _, m := range g.mappers() {
		if of := c.realm.client(m.Config["included.client.audience"]); m.Type == "oidc-audience-mapper" && of != nil && of.rep.Attributes["resource_url"] != "" {
			all = append(all, of.rep.Attributes["resource_url"])
		}
	}
	return all
}
