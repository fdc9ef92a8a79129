package cloudflare

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var operators = []string{"eq", "==", "ne", "!=", "lt", "<", "le", "<=", "gt", ">", "ge", ">=", "contains", "matches", "~", "wildcard", "strict", "in"}

// comparison reads a value that is a truth by itself, or two and an operator between them.
func (p *parser) comparison() (condition, error) {
	first := p.peek()
	left, err := p.value()
	if err != nil {
		return nil, err
	}
	op := p.peek()
	if op.kind == quotedText || !slices.Contains(operators, op.text) {
		return truthOf(left, p.since(first)), nil
	}
	p.next()
	if op.text == "in" {
		return p.among(first, left)
	}
	name := op.text
	if name == "strict" {
		if err := p.expect("wildcard"); err != nil {
			return nil, err
		}
		name = "strict wildcard"
	}
	right, err := p.value()
	if err != nil {
		return nil, err
	}
	how, open := comparing(name), p.since(first)
	return func(v visit) judged { return settled(how(left(v), right(v)), open) }, nil
}

func truthOf(x value, open string) condition {
	return func(v visit) judged { return settled(x(v), open) }
}

// settled makes a truth of a bool, and an open question of anything else.
func settled(x any, open string) judged {
	switch x {
	case true:
		return judged{truth: yes}
	case false:
		return judged{truth: no}
	}
	return judged{maybe, open}
}

// among reads {a b 1..5 10.0.0.0/8}, or a list by its name, which is not known.
func (p *parser) among(first lexeme, left value) (condition, error) {
	if strings.HasPrefix(p.peek().text, "$") && p.peek().kind == word {
		p.next()
		return truthOf(always(nil), p.since(first)), nil
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var members []func(x any) any
	for !p.takes("}") {
		from, err := p.value()
		if err != nil {
			return nil, err
		}
		if !p.takes("..") {
			members = append(members, func(x any) any { return equal(x, from(visit{})) })
			continue
		}
		to, err := p.value()
		if err != nil {
			return nil, err
		}
		members = append(members, func(x any) any { return between(x, from(visit{}), to(visit{})) })
	}
	open := p.since(first)
	return func(v visit) judged {
		x, is := left(v), judged{truth: no}
		for _, one := range members {
			is = either(is, settled(one(x), open))
		}
		if is.truth == maybe {
			is.open = open
		}
		return is
	}, nil
}

// equal is true, false, or nil where that is not known: an address of a network may be another.
func equal(a, b any) any {
	n, isNet := a.(netip.Prefix)
	m, areNets := b.(netip.Prefix)
	switch {
	case a == nil || b == nil:
		return nil
	case !isNet || !areNets:
		return a == b
	case m.Bits() <= n.Bits() && m.Contains(n.Addr()):
		return true
	case !m.Overlaps(n):
		return false
	}
	return nil
}

func between(x, from, to any) any {
	n, a := x.(int64)
	lo, b := from.(int64)
	hi, c := to.(int64)
	return orUnknown(a && b && c, n >= lo && n <= hi)
}

func comparing(op string) func(a, b any) any {
	switch op {
	case "eq", "==":
		return equal
	case "ne", "!=":
		return func(a, b any) any {
			is, ok := equal(a, b).(bool)
			return orUnknown(ok, !is)
		}
	case "contains":
		return ofTexts(func(s, part string) any { return strings.Contains(s, part) })
	case "matches", "~":
		return ofTexts(matches)
	case "wildcard":
		return ofTexts(func(s, pattern string) any { return matches(s, "(?is)^"+wild(pattern)+"$") })
	case "strict wildcard":
		return ofTexts(func(s, pattern string) any { return matches(s, "(?s)^"+wild(pattern)+"$") })
	}
	return func(a, b any) any { return ordered(a, op, b) }
}

func wild(pattern string) string { return strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") }

// matches is unknown for a pattern that Go cannot read and Rust can.
func matches(s, pattern string) any {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	return re.MatchString(s)
}

func ofTexts(how func(a, b string) any) func(a, b any) any {
	return func(a, b any) any {
		s, ok := a.(string)
		t, both := b.(string)
		if !ok || !both {
			return nil
		}
		return how(s, t)
	}
}

func ordered(a any, op string, b any) any {
	order := 0
	switch x := a.(type) {
	case int64:
		y, ok := b.(int64)
		if !ok {
			return nil
		}
		order = cmp.Compare(x, y)
	case string:
		y, ok := b.(string)
		if !ok {
			return nil
		}
		order = strings.Compare(x, y)
	default:
		return nil
	}
	switch op {
	case "lt", "<":
		return order < 0
	case "le", "<=":
		return order <= 0
	case "gt", ">":
		return order > 0
	}
	return order >= 0
}
