package cloudflaretest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A lexeme is the smallest part of an expression that means something.
type lexeme struct {
	// kind is word, text, mark or end.
	kind string
	text string
	at   int
}

// A badExpression says where an expression cannot be understood.
type badExpression struct {
	text string
	at   int
	why  string
}

func (e *badExpression) Error() string {
	return fmt.Sprintf("Filter parsing error (1:%d):\n%s\n%s^ %s\n", e.at+1, e.text, strings.Repeat(" ", utf8.RuneCountInString(e.text[:min(e.at, len(e.text))])), e.why)
}

// marks are the operators and brackets, longest first.
var marks = []string{"&&", "||", "^^", "==", "!=", "<=", ">=", "..", "(", ")", "{", "}", "[", "]", "<", ">", "~", "!", ",", "*"}

// lex splits an expression of the Rules language.
func lex(text string) (all []lexeme, err error) {
	for at := 0; ; {
		for at < len(text) && strings.ContainsRune(" \t\r\n", rune(text[at])) {
			at++
		}
		if at >= len(text) {
			return append(all, lexeme{"end", "the end", at}), nil
		}
		one, next, err := lexOne(text, at)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		at = next
	}
}

func lexOne(text string, at int) (lexeme, int, error) {
	rest := text[at:]
	if rest[0] == '"' {
		return lexQuoted(text, at)
	}
	if s, n, ok := rawString(rest); ok {
		return lexeme{"text", s, at}, at + n, nil
	}
	for _, m := range marks {
		if strings.HasPrefix(rest, m) {
			return lexeme{"mark", m, at}, at + len(m), nil
		}
	}
	n := 0
	for n < len(rest) && isWord(rest[n]) && !strings.HasPrefix(rest[n:], "..") {
		n++
	}
	if n == 0 {
		return lexeme{}, 0, &badExpression{text, at, "unrecognized input"}
	}
	return lexeme{"word", rest[:n], at}, at + n, nil
}

// isWord holds for names, numbers and addresses.
func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._:/-$", b) >= 0
}

// lexQuoted reads a string in quotes; a backslash stands before a quote, a backslash, or x and two hexadecimal digits.
func lexQuoted(text string, at int) (lexeme, int, error) {
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return lexeme{"text", b.String(), at}, i + 1, nil
		case '\\':
			i++
			switch {
			case i < len(text) && (text[i] == '"' || text[i] == '\\'):
				b.WriteByte(text[i])
			case i+2 < len(text) && text[i] == 'x':
				var c byte
				if _, err := fmt.Sscanf(text[i+1:i+3], "%02x", &c); err != nil {
					return lexeme{}, 0, &badExpression{text, i, "invalid escape"}
				}
				b.WriteByte(c)
				i += 2
			default:
				return lexeme{}, 0, &badExpression{text, min(i, len(text)), "invalid escape"}
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return lexeme{}, 0, &badExpression{text, at, "missing ending quote"}
}

// rawString reads r"..." and r#"..."#, in which nothing is escaped.
func rawString(s string) (string, int, bool) {
	if !strings.HasPrefix(s, "r") {
		return "", 0, false
	}
	n := len(s[1:]) - len(strings.TrimLeft(s[1:], "#"))
	hashes := s[1 : 1+n]
	rest, ok := strings.CutPrefix(s[1+n:], `"`)
	end := strings.Index(rest, `"`+hashes)
	if !ok || end < 0 {
		return "", 0, false
	}
	return rest[:end], 1 + n + 1 + end + 1 + n, true
}
