package probe

import "strings"

// The shapes of the documents of a handshake.
var (
	// metadata: RFC 8414 section 2, RFC 9728 section 2, OpenID Connect Discovery section 3. Public by definition.
	metadata = &shape{rest: whole}
	// registration: RFC 7591 sections 2 and 3.2, RFC 7592, client id metadata documents.
	registration = &shape{rest: whole, members: with(map[string]rule{
		"registration_client_uri": link,
	}, hidden, "client_secret registration_access_token software_statement")}
	// tokenAnswer: RFC 6749 sections 5.1 and 5.2, RFC 8693 section 2.2.1, OpenID Connect Core section 3.1.3.3.
	tokenAnswer = &shape{rest: concealed, members: with(map[string]rule{
		"access_token":      tokenMember("access_token"),
		"refresh_token":     tokenMember("refresh_token"),
		"id_token":          tokenMember("id_token"),
		"error_description": phrase,
	}, whole, "token_type expires_in refresh_expires_in scope issued_token_type not-before-policy error error_uri")}
	// jwks: RFC 7517 section 5.
	jwks = &shape{rest: concealed, members: map[string]rule{"keys": publicKeys}}
	// introspection: RFC 7662 section 2.2.
	introspection = &shape{rest: concealed, members: with(map[string]rule{"error_description": phrase},
		whole, "active iss aud azp client_id scope token_type typ exp iat nbf resource error")}
	// other: RFC 9457, RFC 6749 section 5.2, what Keycloak and edges answer when something is wrong.
	other = &shape{members: rules(phrase, phraseNames)}
)

// phraseNames are the members of an unknown object that say what is wrong, or how things stand.
const phraseNames = `status error error_code error_name error_category error_description error_uri errorMessage
	error_message active message title detail reason type live ready reasons errors msg loc`

var phraseMembers = set(phraseNames)

// publicMembers of a JWK: RFC 7517 section 4, the public parameters of RFC 7518 section 6 and RFC 8037 section 2.
var publicMembers = set("kty crv x y n e kid use alg key_ops x5c x5t x5t#S256 x5u exp iat nbf ext")

// json redacts a JSON value by what it is.
func (r *redactor) json(v any, side string) any {
	switch v := v.(type) {
	case map[string]any:
		kept, _ := r.shapeOf(v, side)(r, v)
		return kept
	case []any:
		for i := range v {
			v[i] = r.json(v[i], side)
		}
		return v
	}
	v, _ = concealed(r, v)
	return v
}

// shapeOf tells what an object is, from its members and from where it was found.
func (r *redactor) shapeOf(o map[string]any, side string) rule {
	has := func(names string) bool {
		for name := range strings.FieldsSeq(names) {
			if _, ok := o[name]; ok {
				return true
			}
		}
		return false
	}
	answer := side == "response."
	switch {
	case has("jsonrpc"), has("id") && has("result"), has("method") && has("params"): // a message that lacks jsonrpc is one all the same
		return message.of
	case answer && has("access_token refresh_token id_token"):
		return tokenAnswer.of
	case has("kty"):
		return publicKey
	case has("keys"):
		return jwks.of
	case has("redirect_uris client_secret registration_access_token registration_client_uri"):
		return registration.of
	case answer && (metadataPath(r.x.URL().Path) || has("authorization_endpoint token_endpoint authorization_servers bearer_methods_supported")):
		return metadata.of
	case answer && has("active"):
		return introspection.of
	}
	return other.of
}
