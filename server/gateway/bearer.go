package gateway

import (
	"net/url"
	"strings"
)

// A credential is what an Authorization header came to.
type credential struct {
	token string
	// malformed says why a header that is there cannot be read (RFC 6750 section 3.1, invalid_request).
	malformed string
	// scheme is another scheme than Bearer.
	scheme string
}

// credentialOf reads the Authorization headers of a request (RFC 6750 section 2.1). A Bearer without a token is the same
// as none: such a client has nothing to lose by being challenged.
func credentialOf(headers []string) credential {
	if len(headers) == 0 {
		return credential{}
	}
	if len(headers) > 1 {
		return credential{malformed: "more than one Authorization header"}
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(headers[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return credential{scheme: scheme}
	}
	token := strings.Trim(rest, " ")
	switch {
	case token == "":
		return credential{}
	case len(token) > tokenLimit:
		return credential{malformed: "the token is longer than 32 kB"}
	case !b64token(token):
		return credential{malformed: "the token has characters that no bearer token has (RFC 6750 section 2.1)"}
	}
	return credential{token: token}
}

// b64token reports whether s is one: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=".
func b64token(s string) bool {
	body := strings.TrimRight(s, "=")
	for _, c := range []byte(body) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return body != ""
}

// tokenInQuery reports whether a URL bears an access token, which MCP forbids in every revision.
func tokenInQuery(u *url.URL) bool {
	if !strings.Contains(u.RawQuery, "token") {
		return false
	}
	q := u.Query()
	return q.Has("access_token") || q.Has("token") || q.Has("bearer_token")
}
