package cloudflare

import (
	"cmp"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A visit is a request that a client makes, as far as it is known before it is made.
type visit struct {
	method, host, path, agent string
	// from is the network that it comes from and country where that is; the zero values: anywhere.
	from    netip.Prefix
	country string
}

// A value is a field, a literal or what a function makes of them: a string, int64, bool, netip.Prefix (one of these addresses),
// or nil for what is not known.
type value func(visit) any

func always(x any) value { return func(visit) any { return x } }

// known are the fields whose value a visit has, by their names in the Rules language. Every other field is unknown.
var known = map[string]value{
	"http.host":                       func(v visit) any { return v.host },
	"http.user_agent":                 func(v visit) any { return v.agent },
	"http.request.method":             func(v visit) any { return v.method },
	"http.request.uri":                func(v visit) any { return v.path },
	"http.request.uri.path":           func(v visit) any { return v.path },
	"raw.http.request.uri.path":       func(v visit) any { return v.path },
	"http.request.uri.path.extension": func(v visit) any { return strings.ToLower(strings.TrimPrefix(path.Ext(v.path), ".")) },
	"http.request.full_uri":           func(v visit) any { return "https://" + v.host + v.path },
	"raw.http.request.full_uri":       func(v visit) any { return "https://" + v.host + v.path },
	"http.cookie":                     always(""),
	"http.referer":                    always(""),
	"ssl":                             always(true),
	"true":                            always(true),
	"false":                           always(false),
	"ip.src":                          func(v visit) any { return orUnknown(v.from.IsValid(), v.from) },
	"ip.src.country":                  country,
	"ip.geoip.country":                country,
}

func country(v visit) any { return orUnknown(v.country != "", v.country) }

func orUnknown(is bool, x any) any {
	if !is {
		return nil
	}
	return x
}

// functions of one text.
var functions = map[string]func(string) any{
	"lower": func(s string) any { return strings.ToLower(s) },
	"upper": func(s string) any { return strings.ToUpper(s) },
	"len":   func(s string) any { return int64(len(s)) },
	"url_decode": func(s string) any {
		u, err := url.PathUnescape(strings.ReplaceAll(s, "+", " "))
		return orUnknown(err == nil, u)
	},
}

// relations are functions of two.
var relations = map[string]func(s, part string) bool{"starts_with": strings.HasPrefix, "ends_with": strings.HasSuffix}

func (p *parser) value() (value, error) {
	l := p.next()
	switch {
	case l.kind == quotedText:
		return always(l.text), nil
	case l.kind != word:
		p.at = max(p.at-1, 0)
		return nil, p.wrong()
	case p.takes("("):
		return p.call(l.text)
	}
	v := literal(l.text)
	for p.takes("[") { // a header, an element, all of them: not known beforehand
		v = always(nil)
		for !p.takes("]") {
			if p.next().kind == end {
				return nil, p.wrong()
			}
		}
	}
	return v, nil
}

// literal is what a word stands for.
func literal(w string) value {
	if f, ok := known[w]; ok {
		return f
	}
	if n, err := strconv.ParseInt(w, 10, 64); err == nil {
		return always(n)
	}
	if n, ok := network(w); ok {
		return always(n)
	}
	return always(nil)
}

// network reads an address as one of itself, or a network.
func network(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	n, err := netip.ParsePrefix(s)
	return n.Masked(), err == nil
}

// call reads a function's arguments; its opening bracket is taken.
func (p *parser) call(name string) (value, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.wrong()
	}
	defer func() { p.depth-- }()
	var args []value
	for !p.takes(")") {
		// An argument may be a comparison: any(http.request.headers["x"][*] eq "y").
		first := p.at
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if l := p.peek(); l.text != "," && l.text != ")" || l.kind == quotedText {
			p.at = first
			if _, err := p.or(); err != nil {
				return nil, err
			}
			v = always(nil)
		}
		args = append(args, v)
		if !p.takes(",") && p.peek().text != ")" {
			return nil, p.wrong()
		}
	}
	return applied(name, args), nil
}

// applied is a function's value, unknown for one that is not among those we know.
func applied(name string, args []value) value {
	one, two := functions[name], relations[name]
	return func(v visit) any {
		var texts []string
		for _, a := range args {
			if s, ok := a(v).(string); ok {
				texts = append(texts, s)
			}
		}
		switch {
		case len(texts) != len(args):
		case one != nil && len(texts) == 1:
			return one(texts[0])
		case two != nil && len(texts) == 2:
			return two(texts[0], texts[1])
		case name == "concat":
			return strings.Join(texts, "")
		}
		return nil
	}
}

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
