package cloudflare

import (
	"fmt"
	"strconv"
	"strings"
)

// A lexeme is the smallest part of an expression that means something, and where it stands.
type lexeme struct {
	kind     lexemeKind
	text     string
	from, to int
}

type lexemeKind int8

const (
	end lexemeKind = iota
	// word is a name, a number, an address, a network or a list.
	word
	quotedText
	mark
)

// marks are operators and brackets, the longest first.
var marks = []string{"&&", "||", "^^", "==", "!=", "<=", ">=", "..", "(", ")", "{", "}", "[", "]", "<", ">", "~", "!", ",", "*"}

// split reads an expression's lexemes; the last is always an end.
func split(text string) ([]lexeme, error) {
	var all []lexeme
	for at := 0; ; {
		for at < len(text) && strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
		}
		if at == len(text) {
			return append(all, lexeme{kind: end, from: at, to: at}), nil
		}
		l, err := readLexeme(text, at)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		at = l.to
	}
}

func readLexeme(text string, at int) (lexeme, error) {
	rest := text[at:]
	if rest[0] == '"' {
		return readQuoted(text, at)
	}
	if s, n := readRaw(rest); n > 0 {
		return lexeme{quotedText, s, at, at + n}, nil
	}
	for _, m := range marks {
		if strings.HasPrefix(rest, m) {
			return lexeme{mark, m, at, at + len(m)}, nil
		}
	}
	n := 0
	for n < len(rest) && ofWord(rest[n]) && !strings.HasPrefix(rest[n:], "..") {
		n++
	}
	if n == 0 {
		return lexeme{}, fmt.Errorf("the expression cannot be read at %d", at+1)
	}
	return lexeme{word, rest[:n], at, at + n}, nil
}

func ofWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._:/-$", b) >= 0
}

// readQuoted reads "..." with \", \\ and \xHH in it.
func readQuoted(text string, at int) (lexeme, error) {
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return lexeme{quotedText, b.String(), at, i + 1}, nil
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case i+3 < len(text) && text[i+1] == 'x':
			n, err := strconv.ParseUint(text[i+2:i+4], 16, 8)
			if err != nil {
				return lexeme{}, fmt.Errorf("the escape at %d is none", i+1)
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			return lexeme{}, fmt.Errorf("the escape at %d is none", i+1)
		}
	}
	return lexeme{}, fmt.Errorf("the text at %d does not end", at+1)
}

// readRaw reads r"..." and r#"..."#, in which nothing is escaped; n is 0 where there is none.
func readRaw(s string) (text string, n int) {
	rest, ok := strings.CutPrefix(s, "r")
	if !ok {
		return "", 0
	}
	open := strings.TrimLeft(rest, "#")
	hashes := rest[:len(rest)-len(open)]
	body, ok := strings.CutPrefix(open, `"`)
	to := strings.Index(body, `"`+hashes)
	if !ok || to < 0 {
		return "", 0
	}
	return body[:to], 1 + len(hashes) + 1 + to + 1 + len(hashes)
}

// quote writes a text into an expression.
func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
