package keycloaktest

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// realmRoutes are below /realms/{realm}.
var realmRoutes = []route{
	{http.MethodGet, "", realmDocument},
	{http.MethodGet, ".well-known/openid-configuration", metadata},
	{http.MethodGet, ".well-known/oauth-authorization-server", metadata},
	{http.MethodGet, "protocol/openid-connect/certs", certs},
	{http.MethodOptions, "protocol/openid-connect/token", preflight},
	{http.MethodOptions, "protocol/openid-connect/revoke", preflight},
	{http.MethodPost, "protocol/openid-connect/token", tokenEndpoint},
	{http.MethodPost, "protocol/openid-connect/token/introspect", introspect},
	{http.MethodPost, "protocol/openid-connect/revoke", revoke},
	{http.MethodGet, "protocol/openid-connect/userinfo", userinfo},
	{http.MethodPost, "protocol/openid-connect/userinfo", userinfo},
	{http.MethodOptions, "clients-registrations/openid-connect", registrationPreflight},
	{http.MethodPost, "clients-registrations/openid-connect", register},
	{http.MethodGet, "clients-registrations/openid-connect/{client}", readRegistration},
	{http.MethodPut, "clients-registrations/openid-connect/{client}", updateRegistration},
	{http.MethodDelete, "clients-registrations/openid-connect/{client}", deleteRegistration},
	{http.MethodGet, "protocol/openid-connect/auth", authorize},
	{http.MethodPost, "protocol/openid-connect/auth", authorize},
	{http.MethodGet, "login-actions/authenticate", authenticate},
	{http.MethodPost, "login-actions/authenticate", authenticate},
	{http.MethodGet, "login-actions/required-action", requiredAction},
	{http.MethodPost, "login-actions/required-action", requiredAction},
	{http.MethodPost, "login-actions/consent", consent},
	{http.MethodGet, "protocol/openid-connect/logout", logout},
	{http.MethodPost, "protocol/openid-connect/logout", logout},
	{http.MethodPost, "protocol/openid-connect/logout/logout-confirm", logoutConfirm},
}

func hasOpenID(scope string) bool { return slices.Contains(strings.Fields(scope), "openid") }

// allowOrigin lets a page of any origin read an answer.
func (c *call) allowOrigin(a answer) answer {
	if origin := c.r.Header.Get("Origin"); origin != "" {
		return a.with("Access-Control-Allow-Origin", origin).with("Access-Control-Allow-Credentials", "true")
	}
	return a
}

func preflight(c *call) answer { return c.allowMethods("POST, OPTIONS") }

// registrationPreflight says yes to every origin; before 26.5 it says nothing.
func registrationPreflight(c *call) answer {
	if c.old {
		return status(http.StatusOK)
	}
	return c.allowMethods("DELETE, POST, GET, OPTIONS, PUT")
}

func (c *call) allowMethods(methods string) answer {
	return c.allowOrigin(status(http.StatusOK)).with("Access-Control-Allow-Methods", methods).with("Access-Control-Max-Age", "3600").
		with("Access-Control-Allow-Headers", "Origin, Accept, X-Requested-With, Access-Control-Request-Method, Access-Control-Request-Headers, "+
			"DPoP, Content-Type, Authorization")
}

func (c *call) publicKey() []byte {
	der, err := x509.MarshalPKIXPublicKey(c.key().Public())
	if err != nil {
		panic(err) // the key is ours
	}
	return der
}

func realmDocument(c *call) answer {
	return found(struct {
		Realm     string `json:"realm"`
		PublicKey string `json:"public_key"`
		Tokens    string `json:"token-service"`
		Account   string `json:"account-service"`
		NotBefore int    `json:"tokens-not-before"`
	}{c.realm.name, base64.StdEncoding.EncodeToString(c.publicKey()), c.issuer() + "/protocol/openid-connect", c.issuer() + "/account", 0})
}

// metadata are the same in all their places (OpenID Connect Discovery 1.0 3, RFC 8414 2).
func metadata(c *call) answer {
	if c.insecure() {
		return refused(http.StatusForbidden, "invalid_request", "HTTPS required")
	}
	var all map[string]any
	readDefaults("metadata", &all, "{issuer}", c.issuer())
	scopes := []string{"openid"}
	for _, s := range forClients(c.realm.scopes) {
		if s.attribute("include.in.openid.provider.metadata") {
			scopes = append(scopes, s.rep.Name)
		}
	}
	all["scopes_supported"] = scopes
	if c.old {
		grants, _ := all["grant_types_supported"].([]any)
		all["grant_types_supported"] = slices.DeleteFunc(grants, func(g any) bool { return g == "urn:ietf:params:oauth:grant-type:jwt-bearer" })
	}
	return c.allowOrigin(document(http.StatusOK, all).with("Cache-Control", "no-cache, must-revalidate, no-transform, no-store"))
}

// certs are the realm's two keys. Nothing is encrypted here, so the second is the first under another name.
func certs(c *call) answer {
	if c.insecure() {
		return refused(http.StatusForbidden, "invalid_request", "HTTPS required")
	}
	key := c.key().Public()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key, KeyID: c.realm.sigKid, Algorithm: "RS256", Use: "sig"},
		{Key: key, KeyID: c.realm.encKid, Algorithm: "RSA-OAEP", Use: "enc"},
	}}
	return c.allowOrigin(document(http.StatusOK, set).with("Cache-Control", "no-cache"))
}

// readKeys are the same for an administrator, beside the one that only the realm has.
func readKeys(c *call) answer {
	type key struct {
		Provider  string `json:"providerId"`
		Priority  int    `json:"providerPriority"`
		Kid       string `json:"kid"`
		Status    string `json:"status"`
		Type      string `json:"type"`
		Algorithm string `json:"algorithm"`
		PublicKey string `json:"publicKey,omitempty"`
		Use       string `json:"use"`
	}
	r, public := c.realm, base64.StdEncoding.EncodeToString(c.publicKey())
	var keys []key
	active := map[string]string{}
	for _, k := range []key{{"hmac-generated", 100, r.hsKid, "ACTIVE", "OCT", "HS512", "", "SIG"},
		{"rsa-generated", 100, r.sigKid, "ACTIVE", "RSA", "RS256", public, "SIG"},
		{"rsa-enc-generated", 100, r.encKid, "ACTIVE", "RSA", "RSA-OAEP", public, "ENC"}} {
		provider := find(r.components, func(one *component) bool { return one.ProviderID == k.Provider })
		if provider == nil {
			continue
		}
		k.Provider, active[k.Algorithm] = provider.ID, k.Kid
		keys = append(keys, k)
	}
	return found(map[string]any{"active": active, "keys": keys})
}
