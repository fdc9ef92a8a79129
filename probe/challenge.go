package probe

import (
	"errors"
	"fmt"
	"strings"
)

// A Challenge is one challenge of a WWW-Authenticate field (RFC 9110 section 11.6.1).
type Challenge struct {
	Scheme string
	// Params by lower-case name; of a repeated one the first.
	Params  map[string]string
	Token68 string

	// The parameters of a Bearer challenge (RFC 6750 section 3, RFC 9728 section 5.1).
	ResourceMetadata, Scope, Error, ErrorDescription string
}

// Challenge returns the Bearer challenge of an answer, nil when there is none that can be read.
func (x *Exchange) Challenge() *Challenge {
	if x == nil || x.Response == nil {
		return nil
	}
	for _, field := range x.Response.Header.Values("Www-Authenticate") {
		all, _ := ParseChallenges(field)
		for _, c := range all {
			if strings.EqualFold(c.Scheme, "Bearer") {
				return &c
			}
		}
	}
	return nil
}

// ParseChallenges reads a WWW-Authenticate field value: challenges separated by commas, each a scheme with a token68 or
// with parameters separated by commas. With an error it returns the challenges read until then.
func ParseChallenges(field string) ([]Challenge, error) {
	p := challengeParser{rest: field}
	for {
		p.skip(" \t,")
		if p.rest == "" {
			break
		}
		if err := p.next(); err != nil {
			return p.challenges(), fmt.Errorf("WWW-Authenticate at %q: %w", clip(p.rest, 24), err)
		}
	}
	if len(p.all) == 0 {
		return nil, errors.New("WWW-Authenticate is empty")
	}
	return p.challenges(), nil
}

type challengeParser struct {
	rest string
	all  []Challenge
}

// next reads a scheme, or one parameter of the challenge at hand: after a comma only the '=' tells them apart.
func (p *challengeParser) next() error {
	name := p.token()
	if name == "" {
		return errors.New("expected a scheme or a parameter name")
	}
	gap := p.skip(" \t")
	if strings.HasPrefix(p.rest, "=") {
		return p.param(name)
	}
	if p.rest != "" && p.rest[0] != ',' && gap == 0 {
		return fmt.Errorf("unexpected %q after %q", p.rest[0], name)
	}
	p.all = append(p.all, Challenge{Scheme: name, Params: map[string]string{}})
	return p.token68()
}

// token68 reads the form that Basic-like schemes use instead of parameters (RFC 9110 section 11.2).
func (p *challengeParser) token68() error {
	end := strings.IndexAny(p.rest, " \t,")
	word := p.rest
	if end >= 0 {
		word = p.rest[:end]
	}
	bare := strings.TrimRight(word, "=")
	if word == "" || bare == "" || strings.ContainsAny(bare, "=\"") {
		return nil
	}
	after := strings.TrimLeft(p.rest[len(word):], " \t")
	if after != "" && after[0] != ',' || bare == word && after == "" && !strings.ContainsAny(word, "+/-._~0123456789") {
		return nil
	}
	p.all[len(p.all)-1].Token68 = word
	p.rest = after
	return nil
}

func (p *challengeParser) param(name string) error {
	if len(p.all) == 0 {
		return fmt.Errorf("parameter %q before any scheme", name)
	}
	p.rest = p.rest[1:]
	p.skip(" \t")
	value, err := p.value()
	if err != nil {
		return fmt.Errorf("value of %q: %w", name, err)
	}
	c := &p.all[len(p.all)-1]
	if name = strings.ToLower(name); !hasKey(c.Params, name) {
		c.Params[name] = value
	}
	p.skip(" \t")
	if p.rest != "" && p.rest[0] != ',' {
		return fmt.Errorf("no comma after parameter %q", name)
	}
	return nil
}

func (p *challengeParser) value() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		if v := p.token(); v != "" {
			return v, nil
		}
		return "", errors.New("neither a token nor a quoted string")
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("the quoted string does not end")
}

func (p *challengeParser) token() string {
	i := 0
	for i < len(p.rest) && tokenByte(p.rest[i]) {
		i++
	}
	word := p.rest[:i]
	p.rest = p.rest[i:]
	return word
}

func (p *challengeParser) skip(set string) int {
	n := len(p.rest)
	p.rest = strings.TrimLeft(p.rest, set)
	return n - len(p.rest)
}

func (p *challengeParser) challenges() []Challenge {
	for i := range p.all {
		c := &p.all[i]
		c.ResourceMetadata, c.Scope = c.Params["resource_metadata"], c.Params["scope"]
		c.Error, c.ErrorDescription = c.Params["error"], c.Params["error_description"]
	}
	return p.all
}

// tokenByte: tchar of RFC 9110 section 5.6.2.
func tokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func hasKey(m map[string]string, k string) bool { _, ok := m[k]; return ok }

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
