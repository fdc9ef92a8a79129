package cloudflare

import (
	"net/netip"
	"net/url"
	"path"
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
