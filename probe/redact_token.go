package probe

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxToken     = 64 << 10
	maxClaimList = 64
)

// token conceals a token and adds what may be told of it.
func (r *redactor) token(where, value string) string {
	if value == "" {
		return ""
	}
	to := r.secret(value)
	s, _ := Redacted(to)
	t, ok := r.cache.token(s.Fingerprint)
	if !ok {
		t = r.describe(value, s)
		r.cache.keepToken(t)
	}
	t.Where = where
	r.x.Tokens = append(r.x.Tokens, t)
	return to
}

// describe takes a JWT apart without verifying it; anything else is opaque. An encrypted one shows its header alone.
func (r *redactor) describe(value string, s Secret) Token {
	t := Token{Length: s.Length, Fingerprint: s.Fingerprint, Unfit: unfit(value)}
	parts := strings.Split(value, ".")
	if len(value) > maxToken || len(parts) != 3 && len(parts) != 5 {
		return t
	}
	header := segment(parts[0])
	if header == nil {
		return t
	}
	t.Alg, t.Kid, t.Typ = short(header["alg"]), short(header["kid"]), short(header["typ"])
	if len(parts) == 5 {
		t.JWT = true
		return t
	}
	claims := segment(parts[1])
	if claims == nil {
		return Token{Length: s.Length, Fingerprint: s.Fingerprint, Unfit: unfit(value)}
	}
	t.JWT, t.Claims = true, r.claims(claims)
	return t
}

// b64token are the characters of a bearer token in a header (RFC 6750 section 2.1), the letters and digits left out.
const b64token = "-._~+/="

// unfit tells the first character of a token that is none of a bearer token's, by its code point and place.
func unfit(value string) string {
	for i, c := range value {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !strings.ContainsRune(b64token, c) {
			return fmt.Sprintf("U+%04X at character %d of %d", c, utf8.RuneCountInString(value[:i])+1, utf8.RuneCountInString(value))
		}
	}
	return ""
}

// segment decodes a JWT's header or claims (RFC 7515 section 3.1); nil when they are none.
func segment(part string) map[string]any {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return nil
	}
	v, _ := decodeJSON(text)
	o, _ := v.(map[string]any)
	return o
}

func (r *redactor) claims(all map[string]any) map[string]any {
	told := map[string]any{}
	for name, v := range all {
		switch {
		case name == "cnf":
			told[name] = true
		case hashedClaims[name]:
			s, _ := v.(string)
			if s == "" {
				continue
			}
			told[name] = r.f.Of(s)
			if name == "sid" {
				r.secret(s)
			}
		case keptClaims[name]:
			if v := r.claim(v); v != nil {
				told[name] = v
			}
		}
	}
	if len(told) == 0 {
		return nil
	}
	return told
}

// claim keeps what a registered claim may be: a text, a number, true or false, or a list of texts.
func (r *redactor) claim(v any) any {
	switch v := v.(type) {
	case string:
		return r.keptText(v)
	case json.Number, bool:
		return v
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v[:min(len(v), maxClaimList)] {
			if s, ok := e.(string); ok {
				list = append(list, r.keptText(s))
			}
		}
		return list
	}
	return nil
}

// short returns a text of a JOSE header, which names things and is never long.
func short(v any) string {
	s, _ := v.(string)
	if len(s) > 256 {
		return ""
	}
	return s
}

// isJWT reports whether a value is written as a JWT (RFC 7519 section 3).
func isJWT(value string) bool {
	if !strings.HasPrefix(value, "eyJ") {
		return false
	}
	dots := 0
	for i := range len(value) {
		if value[i] == '.' {
			dots++
		} else if !isPiece(value[i]) {
			return false
		}
	}
	return dots == 2 || dots == 4
}
