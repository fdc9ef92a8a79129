package cloudflaretest

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// fields of a request, by their names in the Rules language.
var fields = map[string]value{
	"http.host":                        textField(func(v *visit) string { return v.host }),
	"http.user_agent":                  textField(func(v *visit) string { return v.r.UserAgent() }),
	"http.referer":                     textField(func(v *visit) string { return v.r.Referer() }),
	"http.cookie":                      textField(func(v *visit) string { return v.r.Header.Get("Cookie") }),
	"http.x_forwarded_for":             textField(func(v *visit) string { return v.r.Header.Get("X-Forwarded-For") }),
	"http.request.method":              textField(func(v *visit) string { return v.r.Method }),
	"http.request.version":             textField(func(v *visit) string { return v.r.Proto }),
	"http.request.uri":                 textField(func(v *visit) string { return v.r.URL.RequestURI() }),
	"http.request.full_uri":            textField(func(v *visit) string { return v.scheme + "://" + v.host + v.r.URL.RequestURI() }),
	"http.request.uri.path":            textField(func(v *visit) string { return v.r.URL.EscapedPath() }),
	"http.request.uri.path.extension":  textField(func(v *visit) string { return strings.ToLower(strings.TrimPrefix(path.Ext(v.r.URL.Path), ".")) }),
	"http.request.uri.query":           textField(func(v *visit) string { return v.r.URL.RawQuery }),
	"http.request.body.raw":            textField(func(v *visit) string { return string(v.body) }),
	"http.request.body.size":           {"number", func(v *visit) any { return int64(len(v.body)) }},
	"ip.src":                           {"address", func(v *visit) any { return v.from.IP }},
	"ip.src.country":                   textField(func(v *visit) string { return v.from.Country }),
	"ip.geoip.country":                 textField(func(v *visit) string { return v.from.Country }),
	"ip.src.asnum":                     {"number", func(v *visit) any { return int64(v.from.ASN) }},
	"ip.geoip.asnum":                   {"number", func(v *visit) any { return int64(v.from.ASN) }},
	"ssl":                              {"truth", func(v *visit) any { return v.scheme == "https" }},
	"cf.client.bot":                    {"truth", func(v *visit) any { return v.from.Verified }},
	"cf.bot_management.verified_bot":   {"truth", func(v *visit) any { return v.from.Verified }},
	"cf.bot_management.score":          {"number", func(v *visit) any { return int64(v.score()) }},
	"cf.verified_bot_category":         textField(func(v *visit) string { return botCategory(v.r.UserAgent()) }),
	"cf.threat_score":                  {"number", func(*visit) any { return int64(0) }},
	"cf.tls_client_auth.cert_verified": {"truth", func(*visit) any { return false }},
	"true":                             {"truth", func(*visit) any { return true }},
	"false":                            {"truth", func(*visit) any { return false }},
}

func textField(of func(*visit) string) value {
	return value{"text", func(v *visit) any {
		if v.r == nil {
			return nil
		}
		return of(v)
	}}
}

// functions of one string, and of two.
var functions = map[string]func(string) any{
	"lower": func(s string) any { return strings.ToLower(s) },
	"upper": func(s string) any { return strings.ToUpper(s) },
	"len":   func(s string) any { return int64(len(s)) },
	"url_decode": func(s string) any {
		if u, err := url.PathUnescape(strings.ReplaceAll(s, "+", " ")); err == nil {
			return u
		}
		return s
	},
}

var relations = map[string]func(a, b string) bool{"starts_with": strings.HasPrefix, "ends_with": strings.HasSuffix}

// value reads a field, a literal or a function.
func (p *expressionParser) value() (value, error) {
	l := p.peek()
	if l.kind == "text" {
		p.next()
		return value{"text", func(*visit) any { return l.text }}, nil
	}
	if l.kind != "word" {
		return value{}, p.wrong("expected a field, a literal or a function")
	}
	if f, ok := fields[l.text]; ok {
		p.next()
		return f, nil
	}
	if l.text == "http.request.headers" {
		return p.header()
	}
	if _, ok := functions[l.text]; ok || relations[l.text] != nil {
		return p.function()
	}
	p.next()
	if n, ok := integer(l.text); ok {
		return value{"number", func(*visit) any { return n }}, nil
	}
	if a, err := netip.ParseAddr(l.text); err == nil {
		return value{"address", func(*visit) any { return a }}, nil
	}
	p.at--
	return value{}, p.wrong("unknown identifier")
}

// header reads http.request.headers["name"][0].
func (p *expressionParser) header() (value, error) {
	p.next()
	if err := p.expect("["); err != nil {
		return value{}, err
	}
	name := p.next()
	if name.kind != "text" {
		return value{}, p.wrong("expected a header's name")
	}
	for _, mark := range []string{"]", "[", "0", "]"} {
		if err := p.expect(mark); err != nil {
			return value{}, err
		}
	}
	return value{"text", func(v *visit) any {
		if v.r == nil || len(v.r.Header[http.CanonicalHeaderKey(name.text)]) == 0 {
			return nil
		}
		return v.r.Header.Get(name.text)
	}}, nil
}

func (p *expressionParser) function() (value, error) {
	name := p.next().text
	if err := p.expect("("); err != nil {
		return value{}, err
	}
	p.deep++
	defer func() { p.deep-- }()
	if p.deep > deepest {
		return value{}, p.wrong("nested too deep")
	}
	one, err := p.argument()
	if err != nil {
		return value{}, err
	}
	relation, takesTwo := relations[name]
	if !takesTwo {
		return value{map[bool]string{true: "number", false: "text"}[name == "len"], func(v *visit) any {
			if s, ok := one.of(v).(string); ok {
				return functions[name](s)
			}
			return nil
		}}, p.expect(")")
	}
	if err := p.expect(","); err != nil {
		return value{}, err
	}
	two, err := p.argument()
	if err != nil {
		return value{}, err
	}
	return value{"truth", func(v *visit) any {
		a, isA := one.of(v).(string)
		b, isB := two.of(v).(string)
		return isA && isB && relation(a, b)
	}}, p.expect(")")
}

func (p *expressionParser) argument() (value, error) {
	v, err := p.value()
	if err == nil && v.kind != "text" {
		err = p.wrong("expected a string")
	}
	return v, err
}

// set reads what stands after in: {a b c}, with ranges of numbers, and networks for addresses.
func (p *expressionParser) set(left value) (test, error) {
	if strings.HasPrefix(p.peek().text, "$") && p.peek().kind == "word" {
		return nil, p.wrong("unknown list")
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var any []func(any) bool
	for !p.takes("}") {
		one, err := p.member(left.kind)
		if err != nil {
			return nil, err
		}
		any = append(any, one)
	}
	return func(v *visit) bool {
		x := left.of(v)
		for _, is := range any {
			if is(x) {
				return true
			}
		}
		return false
	}, nil
}

func (p *expressionParser) member(kind string) (func(any) bool, error) {
	l := p.peek()
	if kind == "address" {
		if n, err := netip.ParsePrefix(l.text); err == nil && l.kind == "word" {
			p.next()
			return func(x any) bool { a, ok := x.(netip.Addr); return ok && n.Contains(a.Unmap()) }, nil
		}
	}
	if isField := fields[l.text].of != nil; isField && l.kind == "word" {
		return nil, p.wrong("expected a literal")
	}
	one, err := p.value()
	if err != nil {
		return nil, err
	}
	if one.kind != kind {
		return nil, p.wrong("expected a value of the kind " + kind)
	}
	from := one.of(&visit{})
	if !p.takes("..") {
		return func(x any) bool { return x == from }, nil
	}
	to, ok := integer(p.next().text)
	if kind != "number" || !ok {
		return nil, p.wrong("expected a number")
	}
	return func(x any) bool { n, is := x.(int64); return is && n >= from.(int64) && n <= to }, nil
}
