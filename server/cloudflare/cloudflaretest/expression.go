package cloudflaretest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A test is what an expression of the Rules language says about a visit; see the documentation's "Rules language", of which
// this understands what custom rules are commonly written with.
type test func(*visit) bool

// A value is a field, a literal or what a function makes of them; nil where the request has none.
type value struct {
	// kind is text, number, address or truth.
	kind string
	of   func(*visit) any
}

// longestExpression is what the API takes.
const longestExpression = 4096

type expressionParser struct {
	text string
	all  []lexeme
	at   int
	deep int
}

// parseExpression reads an expression whole.
func parseExpression(text string) (test, error) {
	if len(text) > longestExpression {
		return nil, &badExpression{text, longestExpression, "the expression is longer than 4096 characters"}
	}
	all, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &expressionParser{text: text, all: all}
	t, err := p.or()
	if err == nil && p.peek().kind != "end" {
		err = p.wrong("unrecognized input")
	}
	return t, err
}

func (p *expressionParser) peek() lexeme { return p.all[p.at] }

func (p *expressionParser) next() lexeme {
	l := p.all[p.at]
	p.at = min(p.at+1, len(p.all)-1)
	return l
}

func (p *expressionParser) wrong(why string) error { return &badExpression{p.text, p.peek().at, why} }

// takes moves on when the next lexeme is one of these, and not a string that reads like it.
func (p *expressionParser) takes(any ...string) bool {
	if l := p.peek(); l.kind != "text" && slices.Contains(any, l.text) {
		p.next()
		return true
	}
	return false
}

func (p *expressionParser) expect(mark string) error {
	if !p.takes(mark) {
		return p.wrong("expected \"" + mark + "\"")
	}
	return nil
}

// or, xor, and, not: this is their order, the last binds most.
func (p *expressionParser) or() (test, error) {
	return p.binary(p.xor, func(a, b bool) bool { return a || b }, "or", "||")
}

func (p *expressionParser) xor() (test, error) {
	return p.binary(p.and, func(a, b bool) bool { return a != b }, "xor", "^^")
}

func (p *expressionParser) and() (test, error) {
	return p.binary(p.not, func(a, b bool) bool { return a && b }, "and", "&&")
}

func (p *expressionParser) binary(below func() (test, error), join func(a, b bool) bool, names ...string) (test, error) {
	left, err := below()
	for err == nil && p.takes(names...) {
		var right test
		if right, err = below(); err == nil {
			l := left
			left = func(v *visit) bool { return join(l(v), right(v)) }
		}
	}
	return left, err
}

// deepest is how far parentheses and negations may be nested.
const deepest = 100

func (p *expressionParser) not() (test, error) {
	p.deep++
	defer func() { p.deep-- }()
	if p.deep > deepest {
		return nil, p.wrong("nested too deep")
	}
	switch {
	case p.takes("not", "!"):
		t, err := p.not()
		if err != nil {
			return nil, err
		}
		return func(v *visit) bool { return !t(v) }, nil
	case p.takes("("):
		t, err := p.or()
		if err != nil {
			return nil, err
		}
		return t, p.expect(")")
	}
	return p.comparison()
}

func (p *expressionParser) comparison() (test, error) {
	left, err := p.value()
	if err != nil {
		return nil, err
	}
	l := p.peek()
	if l.kind == "text" || !slices.Contains(operators, l.text) {
		if left.kind != "truth" {
			return nil, p.wrong("expected an operator")
		}
		return func(v *visit) bool { b, _ := left.of(v).(bool); return b }, nil
	}
	p.next()
	op := l.text
	if op == "strict" {
		if !p.takes("wildcard") {
			return nil, p.wrong("expected \"wildcard\"")
		}
		op = "strict wildcard"
	}
	if op == "in" {
		return p.set(left)
	}
	right, err := p.value()
	if err != nil {
		return nil, err
	}
	return p.compare(left, op, right)
}

var operators = []string{
	"eq", "ne", "lt", "le", "gt", "ge", "==", "!=", "<", "<=", ">", ">=", "contains", "matches", "~", "in", "wildcard", "strict",
}

func (p *expressionParser) compare(left value, op string, right value) (test, error) {
	if left.kind != right.kind {
		return nil, p.wrong("expected a value of the kind " + left.kind)
	}
	switch op {
	case "contains", "matches", "~", "wildcard", "strict wildcard":
		if left.kind != "text" {
			return nil, p.wrong("the operator is for strings")
		}
		return p.textual(left, op, right)
	case "eq", "==":
		return func(v *visit) bool { a, b := left.of(v), right.of(v); return a != nil && a == b }, nil
	case "ne", "!=":
		return func(v *visit) bool { return left.of(v) != right.of(v) }, nil
	}
	if left.kind != "number" && left.kind != "text" {
		return nil, p.wrong("the operator is for numbers and strings")
	}
	return func(v *visit) bool { return ordered(left.of(v), op, right.of(v)) }, nil
}

func ordered(a any, op string, b any) bool {
	n := 0
	switch x := a.(type) {
	case int64:
		y, ok := b.(int64)
		if !ok {
			return false
		}
		n = cmp.Compare(x, y)
	case string:
		y, ok := b.(string)
		if !ok {
			return false
		}
		n = strings.Compare(x, y)
	default:
		return false
	}
	switch op {
	case "lt", "<":
		return n < 0
	case "le", "<=":
		return n <= 0
	case "gt", ">":
		return n > 0
	}
	return n >= 0
}

func (p *expressionParser) textual(left value, op string, right value) (test, error) {
	both := func(how func(a, b string) bool) test {
		return func(v *visit) bool {
			a, isA := left.of(v).(string)
			b, isB := right.of(v).(string)
			return isA && isB && how(a, b)
		}
	}
	if op == "contains" {
		return both(strings.Contains), nil
	}
	pattern, ok := right.of(&visit{}).(string)
	if !ok {
		return nil, p.wrong("expected a string")
	}
	switch op {
	case "wildcard":
		pattern = "(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	case "strict wildcard":
		pattern = "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, p.wrong("regex parse error: " + err.Error())
	}
	return both(func(a, _ string) bool { return re.MatchString(a) }), nil
}

// integer reads one.
func integer(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
