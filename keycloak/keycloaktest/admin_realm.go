package keycloaktest

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// settings that a realm may have besides those that every realm has.
var furtherSettings = []string{"id", "realm", "displayName", "displayNameHtml", "loginTheme", "accountTheme", "adminTheme", "emailTheme",
	"supportedLocales", "defaultLocale", "eventsExpiration", "adminEventsExpiration", "passwordPolicy", "attributes", "webAuthnPolicyResidentKey",
	"webAuthnPolicyPasswordlessResidentKey", "maxSecondaryAuthFailures", "scimApiEnabled", "codeSecret", "privateKey", "publicKey", "certificate",
	"identityProviders", "identityProviderMappers", "authenticationFlows", "authenticatorConfig", "requiredActions", "clientScopes", "clients", "users",
	"groups", "roles", "components", "scopeMappings", "clientScopeMappings", "protocolMappers", "defaultDefaultClientScopes",
	"defaultOptionalClientScopes", "defaultRoles", "defaultGroups", "federatedUsers", "organizations", "keycloakVersion", "localizationTexts"}

// imports are parts of a realm that the real one makes along with it, and this one does not.
var imports = []string{"clientScopes", "clients", "users", "groups", "roles", "components", "identityProviders", "authenticationFlows"}

// keptAttribute is Keycloak's own: a PUT with attributes replaces all others.
func keptAttribute(name string) bool {
	return strings.HasPrefix(name, "ciba") || strings.HasPrefix(name, "oauth2") || strings.HasPrefix(name, "par")
}

func listRealms(c *call) answer {
	all := []map[string]any{}
	for _, r := range c.realms {
		switch have := c.rights(r); {
		case !have.any():
		case !have.has("view-realm"):
			all = append(all, map[string]any{"realm": r.name})
		case c.r.URL.Query().Get("briefRepresentation") == "true":
			all = append(all, r.brief())
		default:
			all = append(all, r.rep())
		}
	}
	if len(all) == 0 {
		return forbidden()
	}
	return found(all)
}

func createRealm(c *call) answer {
	if !c.mayCreateRealms() {
		return forbidden()
	}
	fields, ok := c.readSettings()
	if !ok {
		return complained(http.StatusBadRequest, "unable to read contents from stream")
	}
	name, _ := fields["realm"].(string)
	switch {
	case name == "":
		return complained(http.StatusBadRequest, "Realm name cannot be empty")
	case strings.Contains(name, "/"):
		return failed(http.StatusBadRequest, "Character '/' not allowed.")
	case c.Keycloak.realm(name) != nil:
		return complained(http.StatusConflict, "Realm "+name+" already exists")
	}
	for _, part := range imports {
		if _, ok := fields[part]; ok {
			return complained(http.StatusNotImplemented, "the small Keycloak imports no "+part)
		}
	}
	id, _ := fields["id"].(string)
	if id == "" {
		id = newID()
	}
	r := c.newRealm(id, name)
	r.take(fields, true)
	c.realms = append(c.realms, r)
	c.manage(r)
	return created(c.base + "/admin/realms/" + pathEscape(name))
}

// manage gives who made a realm every right in it.
func (c *call) manage(r *realm) {
	master := c.realms[0]
	by := master.managementClient(r.name+"-realm", c.old)
	master.clients = append(master.clients, by)
	if c.admin.admin {
		return
	}
	if c.admin.roles == nil {
		c.admin.roles = map[string][]string{}
	}
	c.admin.roles[by.rep.ID] = []string{"realm-admin"}
}

// readSettings reads a realm's representation; a name that no realm has is not one.
func (c *call) readSettings() (fields map[string]any, ok bool) {
	if json.Unmarshal(c.body, &fields) != nil || !isJSON(c.r) {
		return nil, false
	}
	return fields, c.unknownSetting(fields) == ""
}

func (c *call) unknownSetting(fields map[string]any) string {
	known := c.realms[0].fields
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, ok := known[name]; !ok && !slices.Contains(furtherSettings, name) {
			return name
		}
	}
	return ""
}

// take merges settings; attributes replace what is not Keycloak's own, but in a new realm, which has no other.
func (r *realm) take(fields map[string]any, fresh bool) {
	for name, v := range fields {
		if v == nil || name == "id" || name == "realm" || name == "attributes" {
			continue
		}
		r.fields[name] = v
	}
	given, ok := fields["attributes"].(map[string]any)
	if !ok {
		return
	}
	now, _ := r.fields["attributes"].(map[string]any)
	kept := maps.Clone(now)
	if !fresh {
		maps.DeleteFunc(kept, func(name string, _ any) bool { return !keptAttribute(name) })
	}
	for name, v := range given {
		if v != nil {
			kept[name] = v
		}
	}
	r.fields["attributes"] = kept
}

// readRealm shows who may not view the realm little more than its name.
func readRealm(c *call) answer {
	if c.rights(c.realm).has("view-realm") {
		return found(c.realm.rep())
	}
	stub := map[string]any{"realm": c.realm.name, "bruteForceProtected": c.realm.flag("bruteForceProtected"), "supportedLocales": []string{}}
	if !c.old {
		stub["organizationsEnabled"] = false
	}
	return found(stub)
}

func updateRealm(c *call) answer {
	var fields map[string]any
	if a, ok := c.decode(&fields, "RealmRepresentation"); !ok {
		return a
	}
	if name := c.unknownSetting(fields); name != "" {
		return c.unrecognized("RealmRepresentation", name)
	}
	if a, ok := c.checkSettings(fields); !ok {
		return a
	}
	if name, _ := fields["realm"].(string); name != "" && name != c.realm.name {
		if c.Keycloak.realm(name) != nil {
			return complained(http.StatusConflict, "Realm with same name exists")
		}
		if by := c.realms[0].client(c.realm.name + "-realm"); by != nil {
			by.rep.ClientID = name + "-realm"
		}
		c.realm.name = name
	}
	c.realm.take(fields, false)
	return status(http.StatusNoContent)
}

func (c *call) checkSettings(fields map[string]any) (answer, bool) {
	for name, v := range fields {
		have, known := c.realm.fields[name]
		if known && v != nil && have != nil && name != "defaultRole" && reflect.TypeOf(have) != reflect.TypeOf(v) {
			return refused(http.StatusBadRequest, "unknown_error", "Cannot parse the JSON"), false
		}
	}
	if s, ok := fields["sslRequired"].(string); ok && !slices.Contains([]string{"all", "external", "none"}, strings.ToLower(s)) {
		return complained(http.StatusInternalServerError, "Failed to update realm"), false
	}
	number := func(name string) float64 {
		if n, ok := fields[name].(float64); ok {
			return n
		}
		return float64(c.realm.number(name))
	}
	if !c.old && number("clientSessionIdleTimeout") > number("ssoSessionIdleTimeout") {
		return complained(http.StatusBadRequest, "Client Session Idle Timeout cannot be greater than Realm SSO Idle Timeout."), false
	}
	return answer{}, true
}

func deleteRealm(c *call) answer {
	if c.realm.name == "master" {
		return complained(http.StatusBadRequest, "Can't delete master realm")
	}
	c.realms[0].removeClient(c.realms[0].client(c.realm.name + "-realm"))
	c.realms = slices.DeleteFunc(c.realms, func(r *realm) bool { return r == c.realm })
	return status(http.StatusNoContent)
}
