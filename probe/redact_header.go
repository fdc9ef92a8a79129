package probe

import (
	"encoding/base64"
	"net/http"
	"strings"
)

const (
	maxHeaders     = 128
	maxHeaderValue = 4 << 10
)

// header keeps the fields of a message: all names, and the values that are on the list.
func (r *redactor) header(in map[string][]string, side string) http.Header {
	if len(in) == 0 {
		return nil
	}
	out := make(http.Header, len(in))
	for name, all := range in {
		name = http.CanonicalHeaderKey(name)
		if len(out) >= maxHeaders || len(name) > 80 {
			continue
		}
		for _, v := range all {
			out[name] = append(out[name], r.field(name, strings.ToValidUTF8(v, "�"), side))
		}
	}
	return out
}

func (r *redactor) field(name, value, side string) string {
	if len(value) > maxHeaderValue && name != "Authorization" {
		return r.unlisted(value)
	}
	switch {
	case name == "Authorization" || name == "Proxy-Authorization":
		return r.authorization(value, side)
	case name == "Cookie":
		return r.cookies(value)
	case name == "Set-Cookie":
		return r.setCookie(value)
	case name == "Location":
		r.side = side
		defer func() { r.side = "" }()
		return r.url(value)
	case urlHeaders[name]:
		return r.url(value)
	case textHeaders[name]:
		return inText.ReplaceAllStringFunc(r.jwts(value), r.url)
	case keptHeaders[name]:
		return r.keptText(value)
	case strings.Contains(strings.ToLower(name), "session-id"), secretName(name), secretName(strings.TrimPrefix(name, "X-")):
		return r.secret(value)
	}
	for _, prefix := range keptHeaderPrefixes {
		if strings.HasPrefix(name, prefix) {
			return r.keptText(value)
		}
	}
	return r.unlisted(value)
}

// authorization keeps the scheme, and of Basic the client id (RFC 6749 section 2.3.1: both parts are form-encoded).
func (r *redactor) authorization(value, side string) string {
	scheme, rest, _ := strings.Cut(value, " ")
	credentials := strings.TrimSpace(rest)
	switch {
	case !authSchemes[strings.ToLower(scheme)]:
		return r.secret(value)
	case credentials == "":
		return scheme
	}
	switch strings.ToLower(scheme) {
	case "bearer", "dpop":
		return scheme + " " + r.token(side+"authorization", credentials)
	case "basic":
		return scheme + " " + r.basic(credentials)
	}
	return scheme + " " + r.secret(credentials)
}

func (r *redactor) basic(credentials string) string {
	both, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		both, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(credentials, "="))
	}
	id, password, ok := strings.Cut(string(both), ":")
	if err != nil || !ok {
		return r.secret(credentials)
	}
	r.secret(credentials)
	r.secret(password)
	return "client_id=" + unescaped(id) + " " + r.secret(unescaped(password))
}

// cookies keeps the names (RFC 6265 section 4.2.1).
func (r *redactor) cookies(value string) string {
	parts := strings.Split(value, ";")
	for i, part := range parts {
		name, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			name, v = "", name
		}
		parts[i] = name + "=" + r.cookie(v)
	}
	return strings.Join(parts, "; ")
}

// cookie conceals a cookie's value, with and without quotes.
func (r *redactor) cookie(value string) string {
	bare := strings.Trim(value, `"`)
	if plain := unescaped(bare); plain != bare {
		r.secret(plain)
	}
	return r.secret(bare)
}

// setCookie keeps the name and the attributes (RFC 6265 section 4.1).
func (r *redactor) setCookie(value string) string {
	parts := strings.Split(value, ";")
	name, v, ok := strings.Cut(strings.TrimSpace(parts[0]), "=")
	if !ok {
		name, v = "", name
	}
	parts[0] = name + "=" + r.cookie(v)
	for i, part := range parts[1:] {
		attribute, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case ok && !cookieAttributes[strings.ToLower(attribute)]:
			attribute += "=" + r.unlisted(v)
		case ok:
			attribute += "=" + v
		}
		parts[i+1] = attribute
	}
	return strings.Join(parts, "; ")
}

// values returns the values of a header field.
func values(h map[string][]string, name string) []string { return http.Header(h).Values(name) }
