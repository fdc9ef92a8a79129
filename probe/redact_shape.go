package probe

import (
	"encoding/json"
	"strings"
)

// A rule says what is kept of a JSON value; a shape does for an object, member by member. Members that a shape does not
// name follow its rest; without one, what is nested follows the shape again and texts are concealed.
type (
	rule  func(r *redactor, v any) (kept any, ok bool)
	shape struct {
		members map[string]rule
		rest    rule
	}
)

// of is the rule of an object of this shape, and of an array of such.
func (s *shape) of(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return s.object(r, v), true
	case []any:
		for i := range v {
			v[i], _ = s.of(r, v[i])
		}
		return v, true
	}
	return concealed(r, v)
}

func (s *shape) object(r *redactor, o map[string]any) map[string]any {
	return r.members(o, func(name string, _ any) rule { return s.rule(name) })
}

// members applies to each member of an object its rule.
func (r *redactor) members(o map[string]any, ruleOf func(name string, v any) rule) map[string]any {
	kept := make(map[string]any, len(o))
	for name, v := range o {
		if v, ok := ruleOf(name, v)(r, v); ok {
			kept[r.name(name)] = v
		} else {
			r.concealed++
		}
	}
	return kept
}

// unlessSecret is the rule of all members that are no secrets by name.
func unlessSecret(otherwise rule) func(string, any) rule {
	return func(name string, _ any) rule {
		if secretName(name) {
			return hidden
		}
		return otherwise
	}
}

func (s *shape) rule(name string) rule {
	switch rule, ok := s.members[name]; {
	case ok:
		return rule
	case secretName(name):
		return hidden
	case s.rest == nil:
		return s.of
	}
	return s.rest
}

// name keeps the name of a member, which is not always a name.
func (r *redactor) name(name string) string {
	if len(name) > 128 {
		return r.unlisted(name)
	}
	return r.jwts(name)
}

// whole keeps a value as it is, but for members that are secrets by name, private keys, and passwords in URLs.
func whole(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return r.keptText(v), true
	case []any:
		for i := range v {
			v[i], _ = whole(r, v[i])
		}
	case map[string]any:
		if _, isKey := v["kty"].(string); isKey {
			return publicKey(r, v)
		}
		return r.members(v, unlessSecret(whole)), true
	}
	return v, true
}

// hidden conceals what is a secret by its name. What is no text under such a name is a description of it, as in a schema.
func hidden(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		if wordlike(v) { // "code": "SESSION_EXPIRED", which must not tear other texts
			return r.unlisted(v), true
		}
		return r.secret(v), true
	case json.Number:
		if len(v) < 5 { // an error code; the shortest one-time code has six digits
			return v, true
		}
		return r.secret(v.String()), true
	case []any:
		for i := range v {
			v[i], _ = hidden(r, v[i])
		}
	case map[string]any:
		return whole(r, v)
	}
	return v, true
}

// wordlike reports whether a value is but words of one case.
func wordlike(s string) bool {
	return len(s) < 24 && (strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_- ") == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_- ") == "")
}

// concealed keeps names, numbers and structure, and no text.
func concealed(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return r.unlisted(v), true
	case []any:
		for i := range v {
			v[i], _ = concealed(r, v[i])
		}
	case map[string]any:
		return r.members(v, unlessSecret(concealed)), true
	}
	return v, true
}

// buried conceals every text and number.
func buried(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return r.secret(v), true
	case json.Number:
		return r.secret(v.String()), true
	case []any:
		for i := range v {
			v[i], _ = buried(r, v[i])
		}
	case map[string]any:
		for name := range v {
			v[name], _ = buried(r, v[name])
		}
	}
	return v, true
}

// publicKey keeps a JWK's public members; a private key's are concealed.
func publicKey(r *redactor, v any) (any, bool) {
	o, ok := v.(map[string]any)
	if !ok {
		return concealed(r, v)
	}
	for name, member := range o {
		if !publicMembers[name] {
			o[name], _ = buried(r, member)
		}
	}
	return o, true
}

// publicKeys is publicKey for each of an array.
func publicKeys(r *redactor, v any) (any, bool) {
	all, ok := v.([]any)
	if !ok {
		return concealed(r, v)
	}
	for i := range all {
		all[i], _ = publicKey(r, all[i])
	}
	return all, true
}

// dropped keeps nothing, but learns what must not stand elsewhere either.
func dropped(r *redactor, v any) (any, bool) {
	concealed(r, v)
	return nil, false
}

// phrase keeps a short text that people read, and of an object in its place those that are in it.
func phrase(r *redactor, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return r.prose(clipWords(v, maxPhrase)), true
	case map[string]any:
		return r.members(v, func(name string, member any) rule {
			_, text := member.(string)
			if _, list := member.([]any); (text || list) && phraseMembers[name] {
				return phrase
			}
			return unlessSecret(concealed)(name, member)
		}), true
	case []any: // what validators say, one sentence for each member that is wrong
		for i := range v {
			v[i], _ = phrase(r, v[i])
		}
		return v, true
	}
	return concealed(r, v)
}

const maxPhrase = 1 << 10

// link keeps a URL as a URL.
func link(r *redactor, v any) (any, bool) {
	if s, ok := v.(string); ok {
		return r.url(s), true
	}
	return concealed(r, v)
}

// tokenMember is the rule of an answer's member that holds a token.
func tokenMember(name string) rule {
	return func(r *redactor, v any) (any, bool) {
		if s, ok := v.(string); ok {
			return r.token("response."+name, s), true
		}
		return concealed(r, v)
	}
}

// rules gives each of the names a rule.
func rules(r rule, names string) map[string]rule { return with(nil, r, names) }

// with gives further names a rule.
func with(all map[string]rule, r rule, names string) map[string]rule {
	if all == nil {
		all = map[string]rule{}
	}
	for name := range set(names) {
		all[name] = r
	}
	return all
}
