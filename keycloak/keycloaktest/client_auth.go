package keycloaktest

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A clientFault says why a client was not authenticated. The token endpoint answers with it; introspection has words of
// its own.
type clientFault struct {
	status     int
	code, text string
	// wrong: a credential was there, or should have been, and is not the right one.
	wrong bool
}

const invalidClient = "Invalid client or Invalid client credentials"

var (
	noSuchClient = &clientFault{http.StatusUnauthorized, "invalid_client", invalidClient, false}
	wrongSecret  = &clientFault{http.StatusUnauthorized, "unauthorized_client", invalidClient, true}
)

func badAssertion(text string) *clientFault {
	return &clientFault{http.StatusBadRequest, "invalid_client", text, true}
}

func (f *clientFault) answer() answer { return refused(f.status, f.code, f.text) }

// remoteIP is where a request comes from.
func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "127.0.0.1" // called without a wire
	}
	return host
}

// authenticateClient: by Basic (RFC 6749 2.3.1), the form, an assertion (RFC 7523 2.2), or, of a public client, its name.
func (c *call) authenticateClient() (*client, *clientFault) {
	if c.form.Get("client_assertion_type") != "" {
		return c.byAssertion()
	}
	id, secret, method := c.form.Get("client_id"), c.form.Get("client_secret"), "client_secret_post"
	if user, password, ok := c.r.BasicAuth(); ok {
		id, secret, method = unescaped(user), unescaped(password), "client_secret_basic"
	}
	of := c.realm.client(id)
	switch {
	case of == nil || !of.rep.Enabled || of.rep.BearerOnly:
		return nil, noSuchClient
	case of.rep.Public:
		return of, nil
	case of.rep.Authenticator == "client-jwt":
		return nil, badAssertion("Parameter client_assertion_type is missing")
	case secret != "" && !of.mayUse(method):
		return nil, &clientFault{http.StatusUnauthorized, "unauthorized_client", "Invalid method used to get client secret. " +
			"Client requires method '" + of.rep.Attributes[allowedMethod] + "' to obtain client secret from the request", true}
	case secret == "" || secret != of.rep.Secret:
		return nil, wrongSecret
	}
	return of, nil
}

// allowedMethod is the attribute that holds a client to the method with which it was registered, since 26.6.
const allowedMethod = "client.secret.authentication.allowed.method"

func (c *client) mayUse(method string) bool {
	allowed := c.rep.Attributes[allowedMethod]
	return allowed == "" || allowed == method
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signatureAlgorithms that a client may sign with.
var signatureAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// assertion is what a client says of itself. The audience may be a string or a list.
type assertion struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"`
	ID       string          `json:"jti"`
	Expires  *float64        `json:"exp"`
	Issued   *float64        `json:"iat"`
}

func (a assertion) audience() []string {
	var one string
	if json.Unmarshal(a.Audience, &one) == nil {
		return []string{one}
	}
	var all []string
	_ = json.Unmarshal(a.Audience, &all) // none then, which no audience matches
	return all
}

func (c *call) byAssertion() (*client, *clientFault) {
	if kind := c.form.Get("client_assertion_type"); kind != assertionType {
		return nil, badAssertion("Parameter client_assertion_type has value '" + kind + "' but expected is '" + assertionType + "'")
	}
	jws, err := jose.ParseSignedCompact(c.form.Get("client_assertion"), signatureAlgorithms)
	if err != nil {
		return nil, badAssertion("client_assertion parameter missing")
	}
	var said assertion
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &said) != nil {
		return nil, badAssertion("Invalid token")
	}
	of := c.realm.client(said.Subject)
	switch {
	case of == nil || !of.rep.Enabled:
		return nil, noSuchClient
	case of.rep.Authenticator != "client-jwt":
		return nil, noSuchClient
	}
	if fault := verifiedBy(of, jws); fault != nil {
		return nil, fault
	}
	return of, c.checkAssertion(said)
}

// verifiedBy checks the signature with the keys that the client has registered.
func verifiedBy(of *client, jws *jose.JSONWebSignature) *clientFault {
	unloadable := badAssertion("Unable to load public key")
	var set jose.JSONWebKeySet
	if !of.attribute("use.jwks.string") || json.Unmarshal([]byte(of.rep.Attributes["jwks.string"]), &set) != nil {
		return unloadable
	}
	header := jws.Signatures[0].Header
	if want := of.rep.Attributes["token.endpoint.auth.signing.alg"]; want != "" && want != header.Algorithm {
		return badAssertion("Invalid signature algorithm")
	}
	keys := set.Keys
	if header.KeyID != "" {
		keys = set.Key(header.KeyID)
	}
	if len(keys) == 0 {
		return unloadable
	}
	for _, key := range keys {
		if _, err := jws.Verify(key); err == nil {
			return nil
		}
	}
	return badAssertion("Invalid token signature")
}

// checkAssertion holds the claims to RFC 7523 3: the issuer or one of the endpoints, and only that, as the audience; over
// some day; and used once.
func (c *call) checkAssertion(said assertion) *clientFault {
	at := c.issuer() + "/protocol/openid-connect/"
	accepted := map[string]bool{c.issuer(): true, at + "token": true, at + "token/introspect": true, at + "ext/par/request": true}
	audience := said.audience()
	switch {
	case said.Issuer != said.Subject:
		return badAssertion("Issuer mismatch. The issuer should match the subject")
	case len(audience) > 1:
		return badAssertion("Multiple audiences not allowed")
	case len(audience) == 0 || !accepted[audience[0]]:
		return badAssertion("Invalid token audience")
	case said.Expires == nil:
		return badAssertion("Token exp claim is required")
	case c.now.Unix() >= int64(*said.Expires):
		return badAssertion("Token is not active")
	case said.Issued != nil && int64(*said.Issued) > c.now.Unix()+15:
		return badAssertion("Token was issued in the future")
	case said.ID == "":
		return badAssertion("Token jti claim is required")
	}
	until := time.Unix(int64(*said.Expires), 0)
	if said.Issued == nil && until.Sub(c.now) > time.Minute {
		return badAssertion("Token expiration is too far in the future and iat claim not present in token")
	}
	if !c.realm.once(said.ID, until, c.now) {
		return badAssertion("Token reuse detected")
	}
	return nil
}

// bearerToken is the access token of a request, from its header or its form (RFC 6750 2).
func (c *call) bearerToken() string {
	if token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return c.form.Get("access_token")
}
