package keycloak

// proofs are the checks that pass once a resource is in place, by what it is.
var proofs = map[string][]string{
	"realm":               {"server-metadata.issuer-matches", "token.issuer-matches"},
	"scope":               {"token.audience-names-target", "token.scope-granted"},
	"login":               {"authorization.client-known", "authorization.redirect-accepted", "authorization.scope-accepted", "authorization.pkce-enforced", "token.client-authenticated", "token.lifetime"},
	"machine":             {"token.issued", "token.client-authenticated", "token.audience-names-target"},
	"administrator":       nil,
	"admin-roles":         nil,
	"introspection":       nil,
	"hidden-scopes":       {"authorization.scope-accepted"},
	"realm-scope":         {"authorization.scope-accepted"},
	"registration-policy": {"registration.accepted"},
	"client-profile":      nil,
	"client-policy":       nil,
	"user":                {"authorization.login-walked"},
}
