package cloudflare

import (
	"fmt"
	"slices"
	"strings"
)

// A condition is an expression of the Rules language, as far as it says something of requests that are known in part; see
// https://developers.cloudflare.com/ruleset-engine/rules-language/.
type condition func(visit) judged

// A judged is what an expression says of a visit.
type judged struct {
	truth truth
	// open is what it depends on, where that is not known beforehand: what is left of the expression.
	open string
}

type truth int8

const (
	no truth = iota
	maybe
	yes
)

// maxExpression is what Cloudflare takes, and maxDepth how far we follow its brackets.
const (
	maxExpression = 4096
	maxDepth      = 100
)

// parse reads an expression whole. What it does not know in it is unknown, not an error: the language grows.
func parse(expression string) (condition, error) {
	if len(expression) > maxExpression {
		return nil, fmt.Errorf("the expression has more than %d characters", maxExpression)
	}
	all, err := split(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{text: expression, all: all}
	c, err := p.or()
	if err == nil && p.peek().kind != end {
		err = p.wrong()
	}
	return c, err
}

// holds tells what an expression says of a visit; one that cannot be read depends on all that it says.
func holds(expression string, v visit) judged {
	c, err := parse(expression)
	if err != nil {
		return judged{maybe, expression}
	}
	return c(v)
}

type parser struct {
	text  string
	all   []lexeme
	at    int
	depth int
}

func (p *parser) peek() lexeme { return p.all[p.at] }

func (p *parser) next() lexeme {
	l := p.all[p.at]
	if p.at < len(p.all)-1 {
		p.at++
	}
	return l
}

// takes moves on where the next lexeme is one of these words or marks.
func (p *parser) takes(words ...string) bool {
	if l := p.peek(); l.kind == quotedText || l.kind == end || !slices.Contains(words, l.text) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(mark string) error {
	if !p.takes(mark) {
		return p.wrong()
	}
	return nil
}

func (p *parser) wrong() error {
	return fmt.Errorf("the expression cannot be read at %d", p.peek().from+1)
}

// nested holds brackets and negations to a depth.
func (p *parser) nested(read func() (condition, error)) (condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.wrong()
	}
	defer func() { p.depth-- }()
	return read()
}

// since is the text from a lexeme up to where the parser is.
func (p *parser) since(first lexeme) string {
	return strings.TrimSpace(p.text[first.from:p.all[max(p.at-1, 0)].to])
}

// or, xor, and, not: the last binds most.
func (p *parser) or() (condition, error) { return p.chain(p.xor, either, "or", "||") }

func (p *parser) xor() (condition, error) { return p.chain(p.and, differ, "xor", "^^") }

func (p *parser) and() (condition, error) { return p.chain(p.not, both, "and", "&&") }

func (p *parser) chain(below func() (condition, error), join func(a, b judged) judged, words ...string) (condition, error) {
	left, err := below()
	for err == nil && p.takes(words...) {
		var right condition
		if right, err = below(); err == nil {
			l := left
			left = func(v visit) judged { return join(l(v), right(v)) }
		}
	}
	return left, err
}

func (p *parser) not() (condition, error) {
	switch {
	case p.takes("not", "!"):
		c, err := p.nested(p.not)
		if err != nil {
			return nil, err
		}
		return func(v visit) judged { return c(v).negated() }, nil
	case p.takes("("):
		c, err := p.nested(p.or)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	return p.comparison()
}

func (j judged) negated() judged {
	if j.truth == maybe {
		return judged{maybe, "not (" + j.open + ")"}
	}
	return judged{truth: yes - j.truth}
}

// both is and: what is certain falls out of what it depends on.
func both(a, b judged) judged {
	switch {
	case a.truth == no || b.truth == no:
		return judged{truth: no}
	case a.truth == yes:
		return b
	case b.truth == yes:
		return a
	}
	return judged{maybe, bracketed(a.open) + " and " + bracketed(b.open)}
}

func either(a, b judged) judged {
	switch {
	case a.truth == yes || b.truth == yes:
		return judged{truth: yes}
	case a.truth == no:
		return b
	case b.truth == no:
		return a
	}
	return judged{maybe, a.open + " or " + b.open}
}

func differ(a, b judged) judged {
	switch {
	case a.truth == no:
		return b
	case b.truth == no:
		return a
	case a.truth == yes:
		return b.negated()
	case b.truth == yes:
		return a.negated()
	}
	return judged{maybe, bracketed(a.open) + " xor " + bracketed(b.open)}
}

func bracketed(open string) string {
	if strings.Contains(open, " or ") || strings.Contains(open, " xor ") {
		return "(" + open + ")"
	}
	return open
}
