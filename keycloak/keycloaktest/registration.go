package keycloaktest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// clientMetadata is what a client asks for (RFC 7591 2), as far as it does something here.
type clientMetadata struct {
	RedirectURIs  []string        `json:"redirect_uris"`
	Method        string          `json:"token_endpoint_auth_method"`
	Grants        []string        `json:"grant_types"`
	ResponseTypes []string        `json:"response_types"`
	ClientID      string          `json:"client_id"`
	Name          string          `json:"client_name"`
	URI           string          `json:"client_uri"`
	Scope         string          `json:"scope"`
	Keys          json.RawMessage `json:"jwks"`
}

// metadataMembers may be sent; any other is refused.
var metadataMembers = strings.Fields(`redirect_uris token_endpoint_auth_method grant_types response_types client_id client_name client_uri scope jwks
	client_secret client_id_issued_at client_secret_expires_at registration_client_uri registration_access_token logo_uri contacts tos_uri policy_uri
	jwks_uri software_id software_version software_statement application_type sector_identifier_uri subject_type id_token_signed_response_alg
	id_token_encrypted_response_alg id_token_encrypted_response_enc userinfo_signed_response_alg userinfo_encrypted_response_alg
	userinfo_encrypted_response_enc request_object_signing_alg request_object_encryption_alg request_object_encryption_enc default_max_age
	require_auth_time default_acr_values initiate_login_uri request_uris token_endpoint_auth_signing_alg tls_client_certificate_bound_access_tokens
	dpop_bound_access_tokens tls_client_auth_subject_dn post_logout_redirect_uris backchannel_logout_uri backchannel_logout_session_required
	backchannel_logout_revoke_offline_tokens frontchannel_logout_uri frontchannel_logout_session_required require_pushed_authorization_requests
	backchannel_token_delivery_mode backchannel_client_notification_endpoint backchannel_authentication_request_signing_alg
	authorization_signed_response_alg authorization_encrypted_response_alg authorization_encrypted_response_enc`)

// readMetadata reads a registration. What nobody knows is refused before anything else is looked at.
func (c *call) readMetadata() (m clientMetadata, a answer, ok bool) {
	if a, ok := c.decode(&m, looseName); !ok {
		return m, a, false
	}
	for _, name := range slices.Sorted(maps.Keys(c.sent())) {
		if !slices.Contains(metadataMembers, name) {
			return m, c.unrecognized("OIDCClientRepresentation", name), false
		}
	}
	return m, answer{}, true
}

// jwtBearer is the grant that Claude's metadata ask for besides (RFC 7523 2.1).
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

func invalidMetadata(text string) answer {
	return refused(http.StatusBadRequest, "invalid_client_metadata", text)
}

// register answers RFC 7591 3, to anybody: what policies are held against is the anonymous ones.
func register(c *call) answer {
	m, a, ok := c.readMetadata()
	switch {
	case !ok:
		return a
	case c.insecure():
		return refused(http.StatusForbidden, "invalid_request", "HTTPS required")
	case c.r.Header.Get("Authorization") != "":
		return refused(http.StatusUnauthorized, "invalid_token", "Failed decode token")
	}
	if a, ok := c.admit(m, true); !ok {
		return a
	}
	if m.ClientID != "" {
		return invalidMetadata("Client Identifier included")
	}
	rep := newClientRep()
	rep.ID = newID()
	rep.ClientID = rep.ID
	if a, ok := c.describe(&rep, m); !ok {
		return a
	}
	if c.realm.forcesPKCE() {
		rep.Attributes["pkce.code.challenge.method"] = "S256"
	}
	one := c.addClient(rep, true, m.Scope != "")
	shown := c.registration(one)
	shown["client_id_issued_at"] = c.now.Unix()
	return c.allowOrigin(answer{status: http.StatusCreated, body: encode(shown)}.with("Content-Type", "application/json;charset=UTF-8").
		with("Location", c.registrationURI(one)))
}

// describe turns what a client asks for into what the realm keeps of it.
func (c *call) describe(rep *clientRep, m clientMetadata) (answer, bool) {
	public := m.Method == "none"
	switch {
	case !slices.Contains([]string{"", "none", "client_secret_basic", "client_secret_post", "private_key_jwt"}, m.Method),
		m.Method == "private_key_jwt" && !hasKeys(m.Keys), public && !c.old && slices.Contains(m.Grants, jwtBearer):
		return invalidMetadata("Client metadata invalid"), false
	}
	for _, uri := range m.RedirectURIs {
		if why := c.badRedirectURI(uri); why != "" {
			return refused(http.StatusBadRequest, "invalid_redirect_uri", why), false
		}
		if !strings.Contains(uri, ":") {
			return unknownError(), false
		}
	}
	has := func(grant string) bool { return slices.Contains(m.Grants, grant) }
	rep.Name, rep.BaseURL, rep.RedirectURIs = m.Name, m.URI, m.RedirectURIs
	rep.ConsentRequired, rep.FullScope, rep.Public, rep.ServiceAccounts = true, false, public, has("client_credentials")
	rep.ImplicitFlow = slices.ContainsFunc(m.ResponseTypes, func(t string) bool { return strings.Contains(t, "token") })
	rep.DirectAccess = has("password")
	rep.Attributes = c.registrationAttributes(m, m.Grants == nil || has("refresh_token"))
	switch m.Method {
	case "none":
		rep.Authenticator = "none"
	case "private_key_jwt":
		rep.Authenticator = "client-jwt"
	}
	if m.Scope != "" {
		rep.DefaultScopes, rep.OptionalScopes = []string{"basic"}, strings.Fields(m.Scope)
	}
	return answer{}, true
}

func hasKeys(raw json.RawMessage) bool {
	var set struct{ Keys []json.RawMessage }
	return json.Unmarshal(raw, &set) == nil && len(set.Keys) > 0
}

func (c *call) registrationAttributes(m clientMetadata, refresh bool) map[string]string {
	all := map[string]string{"oidc.ciba.grant.enabled": "false", "backchannel.logout.session.required": "true", "standard.token.exchange.enabled": "false",
		"frontchannel.logout.session.required": "false", "oauth2.device.authorization.grant.enabled": "false",
		"backchannel.logout.revoke.offline.tokens": "false", "use.refresh.tokens": "false"}
	if refresh {
		all["use.refresh.tokens"] = "true"
	}
	if !c.old {
		all["oauth2.jwt.authorization.grant.enabled"] = "false"
		if strings.HasPrefix(m.Method, "client_secret_") {
			all[allowedMethod] = m.Method
		}
	}
	if m.Method == "private_key_jwt" {
		all["use.jwks.string"], all["jwks.string"] = "true", string(m.Keys)
	}
	return all
}

func (c *call) registrationURI(one *client) string {
	return c.issuer() + "/clients-registrations/openid-connect/" + pathEscape(one.rep.ClientID)
}

// registration is the answer to a registration, and to reading one. The token for it is renewed when there is none.
func (c *call) registration(one *client) map[string]any {
	method := one.rep.Authenticator
	switch {
	case method == "client-jwt":
		method = "private_key_jwt"
	case !one.rep.Public:
		method = "client_secret_basic"
		if m := one.rep.Attributes[allowedMethod]; m != "" {
			method = m
		}
	}
	shown := map[string]any{"redirect_uris": one.rep.RedirectURIs, "token_endpoint_auth_method": method, "grant_types": one.grants(),
		"response_types": one.responseTypes(), "client_id": one.rep.ClientID, "scope": strings.Join(scopeNames(forClients(one.optional)), " "),
		"subject_type": "public", "request_uris": []string{}, "tls_client_certificate_bound_access_tokens": false, "dpop_bound_access_tokens": false,
		"post_logout_redirect_uris": one.rep.RedirectURIs, "registration_client_uri": c.registrationURI(one),
		"registration_access_token": c.registrationToken(one), "backchannel_logout_session_required": false,
		"require_pushed_authorization_requests": false, "frontchannel_logout_session_required": false}
	for name, v := range map[string]string{"client_name": one.rep.Name, "client_uri": one.rep.BaseURL} {
		if v != "" {
			shown[name] = v
		}
	}
	if !one.rep.Public {
		shown["client_secret"], shown["client_secret_expires_at"] = one.rep.Secret, 0
	}
	return shown
}

func (c *client) grants() []string {
	all := []string{"authorization_code"}
	for _, g := range []struct {
		on   bool
		name string
	}{{c.rep.ImplicitFlow, "implicit"}, {c.rep.DirectAccess, "password"}, {c.rep.ServiceAccounts, "client_credentials"},
		{c.attribute("use.refresh.tokens"), "refresh_token"}} {
		if g.on {
			all = append(all, g.name)
		}
	}
	return all
}

func (c *client) responseTypes() []string {
	if c.rep.ImplicitFlow {
		return []string{"code", "none", "id_token", "id_token token", "code id_token", "code token", "code id_token token"}
	}
	return []string{"code", "none"}
}

// registrationToken never expires (RFC 7592 3); it is good as long as its id is the one that the client has.
func (c *call) registrationToken(one *client) string {
	if one.registrationID == "" {
		one.registrationID, one.registeredAt = newID(), c.now.Unix()
	}
	claims := map[string]any{"exp": 0, "iat": one.registeredAt, "jti": one.registrationID, "iss": c.issuer(), "aud": c.issuer(),
		"typ": "RegistrationAccessToken", "registration_auth": "anonymous"}
	if !c.old {
		claims["allowed-origins"] = []string{}
	}
	return c.realm.seal(claims)
}
