package keycloak

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// placeholders stand where secrets belong, each by the name of an environment variable.
type placeholders struct {
	// values stand in what was rehearsed, by the variable's name.
	values map[string]string
	// of says what each is.
	of map[string]string
}

// newPlaceholders returns secrets of which none is true: in their place comes the variable's name. Of a key that is kept the
// public part is no secret.
func newPlaceholders(c plan.Connection, kept *plan.Secrets) (*plan.Secrets, placeholders, error) {
	p := placeholders{map[string]string{}, map[string]string{}}
	untrue, err := plan.LoadSecrets("")
	if err != nil {
		return nil, p, err
	}
	for _, client := range c.Clients {
		name := p.name("MCPWIZ_SECRET_", client.ID)
		p.values[name], p.of[name] = name, "the secret of client "+client.ID
		if err := untrue.Keep(plan.ClientSecret(client.ID), plan.Secret(name)); err != nil {
			return nil, p, err
		}
		if err := p.key(client.ID, kept, untrue); err != nil {
			return nil, p, err
		}
	}
	for _, user := range c.Users {
		name := p.name("MCPWIZ_PASSWORD_", user.Name)
		p.values[name], p.of[name] = name, "the password of user "+user.Name
		if err := untrue.Keep(plan.UserPassword(user.Name), plan.Secret(name)); err != nil {
			return nil, p, err
		}
	}
	return untrue, p, nil
}

// key takes the key that is kept; else one is made whose public part a variable stands for.
func (p placeholders) key(client string, kept, untrue *plan.Secrets) error {
	if key, ok := kept.Get(plan.ClientKey(client)); ok {
		return untrue.Keep(plan.ClientKey(client), key)
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	jwks, err := publicJWKS(key)
	if err != nil {
		return err
	}
	name := p.name("MCPWIZ_JWKS_", client)
	p.values[name], p.of[name] = jwks, "the public keys of client "+client+", a JWK set; where it comes into JSON, with its quotes escaped"
	return untrue.Keep(plan.ClientKey(client), key)
}

// name is one that a shell knows and that nothing else has.
func (p placeholders) name(prefix, of string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, of)
	name := prefix + plain
	for n := 2; p.of[name] != ""; n++ {
		name = fmt.Sprintf("%s%s_%d", prefix, plain, n)
	}
	return name
}

// A hole is where a secret belongs.
type hole string

// dig returns a value in which holes are where the placeholders were, and notes which there are.
func (p placeholders) dig(v any, used map[string]string) any {
	switch x := v.(type) {
	case string:
		for name, value := range p.values {
			if x == value {
				used[name] = p.of[name]
				return hole(name)
			}
		}
	case map[string]any:
		dug := map[string]any{}
		for k, v := range x {
			dug[k] = p.dig(v, used)
		}
		return dug
	case []any:
		dug := make([]any, len(x))
		for i, v := range x {
			dug[i] = p.dig(v, used)
		}
		return dug
	}
	return v
}

// names are those that are used, in order.
func names(used map[string]string) []string { return slices.Sorted(maps.Keys(used)) }
