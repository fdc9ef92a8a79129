package probe

import (
	"net/url"
	"regexp"
	"strings"
)

// url keeps a URL but for what its parameters, fragment and user part say that is on no list. What stays is left byte for
// byte as it was: checks compare it.
func (r *redactor) url(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s, fragment, hasFragment := strings.Cut(s, "#")
	s, query, hasQuery := strings.Cut(s, "?")
	s = r.path(r.userinfo(s))
	if hasQuery {
		s += "?" + r.params(query)
	}
	if hasFragment {
		s += "#" + r.fragment(fragment)
	}
	return s
}

// userinfo takes the password out of an authority (RFC 3986 section 3.2.1).
func (r *redactor) userinfo(s string) string {
	scheme, rest, ok := strings.Cut(s, "//")
	if !ok {
		return s
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, `/\`); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return s
	}
	user, password, ok := strings.Cut(authority[:at], ":")
	if !ok {
		return s
	}
	r.secret(unescaped(password))
	return scheme + "//" + user + authority[at:] + path
}

// path conceals path parameters (";jsessionid=...") and segments that are tokens.
func (r *redactor) path(s string) string {
	if !strings.Contains(s, ";") && !strings.Contains(s, "eyJ") {
		return s
	}
	segments := strings.Split(s, "/")
	for i, segment := range segments {
		parts := strings.Split(segment, ";")
		for j, part := range parts {
			name, value, ok := strings.Cut(part, "=")
			switch {
			case isJWT(part):
				parts[j] = url.QueryEscape(r.secret(part))
			case j > 0 && ok:
				parts[j] = name + "=" + url.QueryEscape(r.secret(unescaped(value)))
			}
		}
		segments[i] = strings.Join(parts, ";")
	}
	return strings.Join(segments, "/")
}

// fragment conceals what an authorization response may bear there (OAuth 2.0 Multiple Response Types section 2.1). A
// fragment that is no list of parameters is a place in a page, if it is short.
func (r *redactor) fragment(s string) string {
	place, query, ok := strings.Cut(s, "?")
	switch {
	case ok:
		return r.fragment(place) + "?" + r.params(query)
	case strings.Contains(s, "="):
		return r.params(s)
	case len(s) < minPiece:
		return s
	}
	return url.QueryEscape(r.unlisted(s))
}

// params conceals the values of a query that are on no list.
func (r *redactor) params(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok && plainName(pair):
		case !ok:
			pairs[i] = url.QueryEscape(r.unlisted(unescaped(pair)))
		default:
			pairs[i] = r.pair(name, value)
		}
	}
	return strings.Join(pairs, "&")
}

func (r *redactor) pair(rawName, rawValue string) string {
	name, value := unescaped(rawName), unescaped(rawValue)
	if !plainName(name) {
		rawName = url.QueryEscape(r.unlisted(name))
	}
	kept := r.param(name, value)
	if kept == value {
		return rawName + "=" + rawValue
	}
	return rawName + "=" + url.QueryEscape(kept)
}

// param returns what may be told of a parameter's value.
func (r *redactor) param(name, value string) string {
	switch {
	case value == "":
		return ""
	case tokenNames[name] && r.side != "":
		return r.token(r.side+name, value)
	case keptParams[name]:
		return r.keptText(value)
	case secretName(name):
		return r.secret(value)
	}
	return r.unlisted(value)
}

// plainName reports whether a parameter's name can be told: it is a name and not a value in a name's place.
func plainName(name string) bool {
	if len(name) > 40 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !isPiece(c) && strings.IndexByte(".[]:~", c) < 0 {
			return false
		}
	}
	return len(name) < minPiece || !strings.ContainsAny(name, "0123456789")
}

// unescaped is a parameter's value, or what stands there when it is not escaped as it should be.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(plain, "�")
	}
	return s
}

// keptText keeps a text but for a password in a URL and for what looks like a token.
func (r *redactor) keptText(s string) string {
	if strings.Contains(s, "//") && strings.Contains(s, "@") {
		s = inText.ReplaceAllStringFunc(s, r.userinfo)
	}
	return r.nested(r.jwts(s))
}

// nested conceals, in a text that stays, what the parameters of a URL in it name as secrets.
func (r *redactor) nested(s string) string {
	if !strings.Contains(s, "=") || !strings.ContainsAny(s, "?#&") {
		return s
	}
	return nestedPair.ReplaceAllStringFunc(s, func(found string) string {
		name, value, _ := strings.Cut(found[1:], "=")
		if value == "" || !secretName(name) || strings.Contains(value, "%5Bredacted") {
			return found
		}
		return found[:1] + name + "=" + url.QueryEscape(r.secret(unescaped(value)))
	})
}

// prose keeps a text that people read: URLs in it are redacted as URLs, and what it calls a secret is one.
func (r *redactor) prose(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if strings.Contains(s, "malformed MIME header") {
		s = r.quotedField(s)
	}
	if strings.Contains(s, "//") {
		s = inText.ReplaceAllStringFunc(s, r.url)
	}
	s = r.jwts(s)
	return called.ReplaceAllStringFunc(s, func(found string) string {
		m := called.FindStringSubmatch(found)
		if strings.HasPrefix(m[2], "%5Bredacted") || len(m[2]) < 20 && !strings.ContainsAny(m[2], "0123456789") {
			return found // concealed already, or a word
		}
		return m[1] + r.unlisted(m[2])
	})
}

var (
	inText     = regexp.MustCompile(`(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^\s"'<>\x60{}|]+`)
	called     = regexp.MustCompile(`(?i)((?:password|passwd|secret|token|code|verifier|state|assertion|session_?id|api_?key)["']?\s?[=:]\s?["']?)([A-Za-z0-9._~+/%-]{6,}=*)`)
	nestedPair = regexp.MustCompile(`[?#&][A-Za-z_-]{1,40}=[^?#&\s"'<>]*`)
	jwtish     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}`)
)

// jwts conceals what looks like a token (RFC 7519: a header that begins with `{"`).
func (r *redactor) jwts(s string) string {
	if !strings.Contains(s, "eyJ") {
		return s
	}
	return jwtish.ReplaceAllStringFunc(s, r.secret)
}

// cleanURLs redacts the URLs and tokens in all strings of a fact's data.
func (r *redactor) cleanURLs(v any) any {
	switch v := v.(type) {
	case string:
		s := r.jwts(v)
		if strings.Contains(s, "//") {
			s = inText.ReplaceAllStringFunc(s, r.url)
		}
		return s
	case []any:
		for i := range v {
			v[i] = r.cleanURLs(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = r.cleanURLs(v[name])
		}
	}
	return v
}
