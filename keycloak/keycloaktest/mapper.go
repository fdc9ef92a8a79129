package keycloaktest

import (
	"slices"
	"strings"
)

// A claimant is what mappers write claims about.
type claimant struct {
	client *client
	user   *user
	scopes []*scope
	// notes of the session: when the user signed in, where a service account calls from.
	notes map[string]any
	// resource is the only one that the token is for, where one was asked for (RFC 8707 2.2).
	resource string
}

// mappers are those of the scopes granted, and the client's own.
func (x claimant) mappers() []mapper {
	all := slices.Clone(x.client.rep.Mappers)
	for _, s := range x.scopes {
		all = append(all, s.rep.Mappers...)
	}
	return all
}

// write adds the claims of every mapper whose switch is on: access.token.claim, id.token.claim, userinfo.token.claim,
// introspection.token.claim or lightweight.claim.
func (x claimant) write(claims map[string]any, realm *realm, on string) {
	var audience []string
	for _, m := range x.mappers() {
		if m.complete().Config[on] != "true" {
			continue
		}
		switch m.Type {
		case "oidc-audience-mapper":
			for _, key := range []string{"included.client.audience", "included.custom.audience"} {
				if aud := m.Config[key]; aud != "" {
					audience = append(audience, aud)
					break
				}
			}
		case "oidc-audience-resolve-mapper":
			for of := range x.clientRoles(realm) {
				if of != x.client.rep.ClientID {
					audience = append(audience, of)
				}
			}
		default:
			x.claim(claims, realm, m)
		}
	}
	if x.resource != "" {
		audience = []string{x.resource}
	}
	setAudience(claims, audience)
}

// setAudience: one is a string, several are a list, none is absent.
func setAudience(claims map[string]any, audience []string) {
	slices.Sort(audience)
	switch audience = slices.Compact(audience); len(audience) {
	case 0:
	case 1:
		claims["aud"] = audience[0]
	default:
		claims["aud"] = audience
	}
}

// claim writes what one mapper says of the user.
func (x claimant) claim(claims map[string]any, realm *realm, m mapper) {
	name := m.Config["claim.name"]
	switch m.Type {
	case "oidc-sub-mapper":
		claims["sub"] = x.user.rep.ID
	case "oidc-acr-mapper":
		claims["acr"] = "1"
	case "oidc-full-name-mapper":
		if full := x.user.name(); full != "" {
			claims["name"] = full
		}
	case "oidc-usermodel-attribute-mapper":
		if v, ok := x.user.attributeOf(m.Config["user.attribute"]); ok {
			put(claims, name, v)
		}
	case "oidc-usermodel-property-mapper":
		if m.Config["user.attribute"] == "emailVerified" {
			put(claims, name, x.user.rep.EmailVerified)
		}
	case "oidc-usersessionmodel-note-mapper":
		if v, ok := x.notes[m.Config["user.session.note"]]; ok {
			put(claims, name, v)
		}
	case "oidc-hardcoded-claim-mapper":
		put(claims, name, m.Config["claim.value"])
	case "oidc-usermodel-realm-role-mapper":
		if roles := x.realmRoles(realm); len(roles) > 0 {
			put(claims, name, roles)
		}
	case "oidc-usermodel-client-role-mapper":
		for of, roles := range x.clientRoles(realm) {
			putIn(claims, strings.Split(name, "."), of, roles)
		}
	case "oidc-allowed-origins-mapper":
		if origins := x.origins(); len(origins) > 0 {
			claims["allowed-origins"] = origins
		}
	}
}

// put writes a claim whose name may say where in an object it stands.
func put(claims map[string]any, name string, v any) {
	putIn(claims, strings.Split(name, "."), "", v)
}

// putIn does so with ${client_id} standing for a client, whose id may hold dots.
func putIn(claims map[string]any, path []string, client string, v any) {
	name := strings.ReplaceAll(path[0], "${client_id}", client)
	if len(path) == 1 {
		claims[name] = v
		return
	}
	inner, ok := claims[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		claims[name] = inner
	}
	putIn(inner, path[1:], client, v)
}

// realmRoles are the user's that reach the token: all of them, or with full scope off those that a scope granted asks for.
func (x claimant) realmRoles(realm *realm) []string {
	var names []string
	for _, r := range realm.roles {
		byDefault := strings.HasPrefix(r.Name, "default-roles-") || r.Name == "offline_access" || r.Name == "uma_authorization"
		switch {
		case x.client.rep.FullScope && (byDefault || slices.Contains(x.user.roles[realm.id], r.Name)):
			names = append(names, r.Name)
		case r.Name == "offline_access" && slices.ContainsFunc(x.scopes, func(s *scope) bool { return s.rep.Name == r.Name }):
			names = append(names, r.Name)
		}
	}
	return names
}

// clientRoles are the same of clients: those of account every user has.
func (x claimant) clientRoles(realm *realm) map[string][]string {
	if !x.client.rep.FullScope {
		return nil
	}
	all := map[string][]string{"account": {"manage-account", "manage-account-links", "view-profile"}}
	for id, names := range x.user.roles {
		if of := realm.clientByID(id); of != nil && len(names) > 0 {
			all[of.rep.ClientID] = expanded(names)
		}
	}
	return all
}

func (x claimant) origins() []string {
	if slices.Contains(x.client.rep.WebOrigins, "+") {
		return originsOf(x.client.rep.RedirectURIs)
	}
	return x.client.rep.WebOrigins
}
