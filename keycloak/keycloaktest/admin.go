package keycloaktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

func pathEscape(s string) string { return url.PathEscape(s) }

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// adminRoutes are below /admin/realms/{realm}.
var adminRoutes = []route{
	{http.MethodGet, "", readRealm},
	{http.MethodPut, "", updateRealm},
	{http.MethodDelete, "", deleteRealm},
	{http.MethodGet, "keys", readKeys},
	{http.MethodGet, "roles", readRealmRoles},
	{http.MethodGet, "roles/{role}", readRealmRole},

	{http.MethodGet, "events", listEvents},
	{http.MethodDelete, "events", clearEvents},

	{http.MethodGet, "client-scopes", listScopes},
	{http.MethodPost, "client-scopes", createScope},
	{http.MethodGet, "client-scopes/{scope}", readScope},
	{http.MethodPut, "client-scopes/{scope}", updateScope},
	{http.MethodDelete, "client-scopes/{scope}", deleteScope},
	{http.MethodGet, "client-scopes/{scope}/protocol-mappers/models", listMappers},
	{http.MethodPost, "client-scopes/{scope}/protocol-mappers/models", createMapper},
	{http.MethodGet, "client-scopes/{scope}/protocol-mappers/models/{mapper}", readMapper},
	{http.MethodPut, "client-scopes/{scope}/protocol-mappers/models/{mapper}", updateMapper},
	{http.MethodDelete, "client-scopes/{scope}/protocol-mappers/models/{mapper}", deleteMapper},
	{http.MethodGet, "default-default-client-scopes", listRealmScopes},
	{http.MethodPut, "default-default-client-scopes/{scope}", addRealmScope},
	{http.MethodDelete, "default-default-client-scopes/{scope}", removeRealmScope},
	{http.MethodGet, "default-optional-client-scopes", listRealmScopes},
	{http.MethodPut, "default-optional-client-scopes/{scope}", addRealmScope},
	{http.MethodDelete, "default-optional-client-scopes/{scope}", removeRealmScope},

	{http.MethodGet, "clients", listClients},
	{http.MethodPost, "clients", createClient},
	{http.MethodGet, "clients/{client}", readClient},
	{http.MethodPut, "clients/{client}", updateClient},
	{http.MethodDelete, "clients/{client}", deleteClient},
	{http.MethodGet, "clients/{client}/roles", readClientRoles},
	{http.MethodGet, "clients/{client}/roles/{role}", readClientRole},
	{http.MethodGet, "clients/{client}/client-secret", readSecret},
	{http.MethodPost, "clients/{client}/client-secret", renewSecret},
	{http.MethodGet, "clients/{client}/service-account-user", readServiceAccount},
	{http.MethodGet, "clients/{client}/session-count", countSessions},
	{http.MethodGet, "clients/{client}/offline-session-count", countOfflineSessions},
	{http.MethodGet, "clients/{client}/default-client-scopes", listClientScopes},
	{http.MethodPut, "clients/{client}/default-client-scopes/{scope}", addClientScope},
	{http.MethodDelete, "clients/{client}/default-client-scopes/{scope}", removeClientScope},
	{http.MethodGet, "clients/{client}/optional-client-scopes", listClientScopes},
	{http.MethodPut, "clients/{client}/optional-client-scopes/{scope}", addClientScope},
	{http.MethodDelete, "clients/{client}/optional-client-scopes/{scope}", removeClientScope},

	{http.MethodGet, "users", listUsers},
	{http.MethodPost, "users", createUser},
	{http.MethodGet, "users/count", countUsers},
	{http.MethodGet, "users/{user}", readUser},
	{http.MethodPut, "users/{user}", updateUser},
	{http.MethodDelete, "users/{user}", deleteUser},
	{http.MethodPut, "users/{user}/reset-password", resetPassword},
	{http.MethodGet, "users/{user}/sessions", listUserSessions},
	{http.MethodPost, "users/{user}/logout", logoutUser},
	{http.MethodGet, "users/{user}/consents", listConsents},
	{http.MethodDelete, "users/{user}/consents/{client}", deleteConsent},
	{http.MethodGet, "users/{user}/role-mappings/realm", mapRoles},
	{http.MethodPost, "users/{user}/role-mappings/realm", mapRoles},
	{http.MethodDelete, "users/{user}/role-mappings/realm", mapRoles},
	{http.MethodGet, "users/{user}/role-mappings/clients/{client}", mapRoles},
	{http.MethodPost, "users/{user}/role-mappings/clients/{client}", mapRoles},
	{http.MethodDelete, "users/{user}/role-mappings/clients/{client}", mapRoles},
	{http.MethodDelete, "sessions/{session}", deleteSession},

	{http.MethodGet, "client-policies/profiles", readPolicies},
	{http.MethodPut, "client-policies/profiles", updateProfiles},
	{http.MethodGet, "client-policies/policies", readPolicies},
	{http.MethodPut, "client-policies/policies", updatePolicies},
	{http.MethodPost, "partial-export", exportRealm},

	{http.MethodGet, "identity-provider/instances", listProviders},
	{http.MethodPost, "identity-provider/instances", createProvider},
	{http.MethodGet, "authentication/flows/{flow}/executions", listExecutions},
	{http.MethodPost, "authentication/executions/{execution}/config", configureExecution},
	{http.MethodGet, "authentication/config/{config}", readExecutionConfig},

	{http.MethodGet, "components", listComponents},
	{http.MethodPost, "components", createComponent},
	{http.MethodGet, "components/{component}", readComponent},
	{http.MethodPut, "components/{component}", updateComponent},
	{http.MethodDelete, "components/{component}", deleteComponent},
}

// answerAdmin answers below /admin: who asks comes first, then whether the realm is there, then the right.
func (c *call) answerAdmin(parts []string) answer {
	if len(parts) == 0 {
		return redirect(c.base + "/admin/master/console/")
	}
	if !c.authenticate() {
		return failed(http.StatusUnauthorized, "HTTP 401 Unauthorized")
	}
	switch {
	case len(parts) == 1 && parts[0] == "serverinfo":
		return serverInfo(c)
	case len(parts) == 1 && parts[0] == "realms":
		serve, _ := match([]route{{http.MethodGet, "realms", listRealms}, {http.MethodPost, "realms", createRealm}}, c.r.Method, parts)
		return serve(c)
	case parts[0] != "realms":
		return failed(http.StatusNotFound, "HTTP 404 Not Found")
	}
	if c.realm = c.Keycloak.realm(parts[1]); c.realm == nil {
		return failed(http.StatusNotFound, "Realm not found.")
	}
	serve, at := match(adminRoutes, c.r.Method, parts[2:])
	c.at = at
	if !c.may(parts[2:]) {
		return forbidden()
	}
	return serve(c)
}

func forbidden() answer { return failed(http.StatusForbidden, "HTTP 403 Forbidden") }

// authenticate finds who bears the token. It is bound to the name under which it was fetched.
func (c *call) authenticate() bool {
	token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	for _, r := range c.realms {
		at := *c
		at.realm = r
		if claims, live := at.accessToken(token); live {
			c.admin, c.by, c.bearerOf = at.bearer(claims), r, r.client(text(claims, "azp"))
			return c.admin != nil
		}
	}
	return false
}

// looseName stands for a representation of which members that nobody knows are ignored.
const looseName = ""

// decode reads a JSON body; when it cannot, the answer says so as the real one does.
func (c *call) decode(into any, name string) (answer, bool) {
	if !isJSON(c.r) {
		return failed(http.StatusUnsupportedMediaType, "The content-type header value did not match the value in @Consumes"), false
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	if name != looseName {
		d.DisallowUnknownFields()
	}
	err := d.Decode(into)
	if err == nil {
		return answer{}, true
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return c.unrecognized(name, strings.Trim(field, `"`)), false
	}
	if json.Valid(c.body) {
		return refused(http.StatusBadRequest, "unknown_error", "Cannot parse the JSON"), false
	}
	return refused(http.StatusBadRequest, "invalid_request", "Cannot parse the JSON"), false
}

func (c *call) unrecognized(name, field string) answer {
	return failed(http.StatusBadRequest, fmt.Sprintf("Invalid json representation for %s. Unrecognized field %q at line 1 column %d.",
		name, field, column(c.body, field)))
}

// column is where Keycloak's reader stands when it has met a member: behind a number or a word, or one into what else follows.
func column(body []byte, field string) int {
	at := bytes.Index(body, []byte(`"`+field+`"`)) + len(field) + 2
	for at < len(body) && strings.IndexByte(": \t\r\n", body[at]) >= 0 {
		at++
	}
	if at < len(body) && strings.IndexByte(`"{[`, body[at]) >= 0 {
		return at + 2
	}
	for at < len(body) && strings.IndexByte(",}] \t\r\n", body[at]) < 0 {
		at++
	}
	return at + 1
}

// merge lays a JSON body over a copy of what is there: members that are absent stay, lists are replaced, the members of a
// map are merged.
func merge[T any](c *call, have T, name string) (T, answer, bool) {
	var next T
	if err := json.Unmarshal(encode(have), &next); err != nil {
		panic(err)
	}
	a, ok := c.decode(&next, name)
	return next, a, ok
}

// sent tells which members a JSON body has.
func (c *call) sent() map[string]json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(c.body, &all) // what could not be read was refused before
	return all
}

// serverInfo tells which features are on, and to some the version.
func serverInfo(c *call) answer {
	have := c.rights(c.by)
	if !have.any() && !c.mayCreateRealms() {
		return forbidden()
	}
	type feature struct {
		Name    string `json:"name"`
		Label   string `json:"label"`
		Type    string `json:"type"`
		Enabled bool   `json:"enabled"`
	}
	features := []feature{{"DPOP", "OAuth 2.0 Demonstrating Proof-of-Possession at the Application Layer", "DEFAULT", true},
		{"PAR", "OAuth 2.0 Pushed Authorization Requests (PAR)", "DEFAULT", true}}
	if !c.old {
		features = append(features, feature{"CIMD", "OAuth Client ID Metadata Document", "EXPERIMENTAL", c.has(documents)},
			feature{"RESOURCE_INDICATORS", "Resource Indicators for OAuth 2.0", "EXPERIMENTAL", c.has(resourceIndicators)})
	}
	info := map[string]any{"features": features, "componentTypes": c.componentTypes()}
	if c.mayCreateRealms() || !c.old && have.has("manage-realm") {
		info["systemInfo"] = map[string]any{"version": c.o.Version}
	}
	return found(info)
}
