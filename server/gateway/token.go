package gateway

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A Token is a verified access token, without its raw value.
type Token struct {
	Subject  string
	Client   string
	Session  string
	Issuer   string
	Audience []string
	Scopes   []string
	Expires  time.Time
}

// algorithms are the signatures that a resource server can check with a public key. None and HS are not among them: with
// HS a public key would be a shared secret (RFC 8725 section 2.1).
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// leeway is what clocks may differ.
const leeway = 30 * time.Second

// A draft is a token that has been read, not yet believed.
type draft struct {
	jws    *jose.JSONWebSignature
	kid    string
	alg    jose.SignatureAlgorithm
	claims claims
	token  Token
}

// claims are the members of a token or of an answer about one (RFC 7662), by their exact names.
type claims map[string]json.RawMessage

// read parses a token and judges its header: the algorithm first, so that nothing else is done with one that is not ours.
func read(raw string) (*draft, *Refusal) {
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		var unexpected *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &unexpected) && unexpected.Got != "" {
			return nil, refuse("algorithm", "the token is signed with '%s'; accepted are RS, PS, ES and EdDSA signatures", short(string(unexpected.Got)))
		}
		return nil, refuse("malformed", "the token is no signed JWT (%d characters, %d parts)", len(raw), strings.Count(raw, ".")+1)
	}
	h := jws.Signatures[0].Protected
	d := &draft{jws: jws, kid: h.KeyID, alg: jose.SignatureAlgorithm(h.Algorithm)}
	if _, ok := h.ExtraHeaders["crit"]; ok {
		return nil, refuse("malformed", "the token has a crit header, of which nothing is understood here (RFC 7515 section 4.1.11)")
	}
	if typ, ok := h.ExtraHeaders[jose.HeaderType]; ok && !accessType(typ) {
		return nil, refuse("type", "the token's header says typ '%s'; an access token is a JWT or at+jwt (RFC 9068 section 2.1)", short(text(typ)))
	}
	// The members are picked by their exact names: encoding/json would take Aud for aud.
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &d.claims); err != nil || d.claims == nil {
		return nil, refuse("malformed", "the token's payload is no JSON object")
	}
	return d, nil
}

func text(v any) string { s, _ := v.(string); return s }

func accessType(typ any) bool {
	s, ok := typ.(string)
	s = strings.ToLower(s)
	return ok && slices.Contains([]string{"", "jwt", "at+jwt", "application/at+jwt"}, s)
}

// judge checks everything that needs no key, and fills in the token.
func (d *draft) judge(r Resource, now time.Time) *Refusal {
	return d.claims.judgeToken(&d.token, r, now)
}

func (c claims) judgeToken(t *Token, r Resource, now time.Time) *Refusal {
	t.Issuer = c.text("iss")
	if t.Issuer != r.Issuer {
		return refuse("issuer", "the token was issued by '%s', not by '%s'", short(t.Issuer), r.Issuer)
	}
	var ok bool
	if t.Audience, ok = c.texts("aud"); !ok {
		return refuse("claims", "the token's aud is neither a string nor an array of strings")
	}
	if !slices.Contains(t.Audience, r.URL) {
		return refuse("audience", "the token is for audience '%s', not for '%s'", short(strings.Join(t.Audience, " ")), r.URL)
	}
	if refusal := c.lifetime(t, now); refusal != nil {
		return refusal
	}
	// Keycloak says in a claim what a token is for: ID, Refresh, Offline, Logout and so on; an access token is a Bearer.
	if typ := c.text("typ"); typ != "" && !strings.EqualFold(typ, "Bearer") {
		return refuse("type", "the token is of type '%s', not an access token", short(typ))
	}
	if cnf, ok := c["cnf"]; ok && string(cnf) != "null" {
		return refuse("bound", "the token is bound to a key (cnf, RFC 7800) and cannot be used as a bearer token")
	}
	t.Subject, t.Session = c.text("sub"), c.text("sid")
	t.Client = c.text("azp")
	if t.Client == "" {
		t.Client = c.text("client_id")
	}
	t.Scopes = strings.Fields(c.text("scope"))
	return nil
}

func (c claims) lifetime(t *Token, now time.Time) *Refusal {
	exp, ok := c.time("exp")
	if !ok {
		return refuse("claims", "the token has no expiry (exp)")
	}
	t.Expires = exp
	if !now.Before(exp.Add(leeway)) {
		return refuse("expired", "the token expired at %s", exp.UTC().Format(time.RFC3339))
	}
	if _, there := c["nbf"]; there {
		nbf, ok := c.time("nbf")
		if !ok {
			return refuse("claims", "the token's nbf is no time")
		}
		if now.Add(leeway).Before(nbf) {
			return refuse("not-yet", "the token is not valid before %s", nbf.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// texts returns a claim that is a string or an array of strings (RFC 7519 section 4.1.3); absent is empty.
func (c claims) texts(name string) ([]string, bool) {
	raw, ok := c[name]
	if !ok {
		return nil, true
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	var many []string
	return many, json.Unmarshal(raw, &many) == nil
}

// time returns a NumericDate (RFC 7519 section 2), within the years that a time.Time can be written in.
func (c claims) time(name string) (time.Time, bool) {
	var f *float64
	if json.Unmarshal(c[name], &f) != nil || f == nil || math.Abs(*f) > 253402300799 {
		return time.Time{}, false
	}
	whole, part := math.Modf(*f)
	return time.Unix(int64(whole), int64(part*1e9)), true
}

// short cuts what a stranger wrote before it goes into a message.
func short(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
