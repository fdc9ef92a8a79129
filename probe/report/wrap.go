package report

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// acts reports whether a terminal does something at a character instead of showing it: C0, DEL, C1 and the controls that
// turn the direction of writing.
func acts(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// plain makes what a server sent harmless to a terminal: what it would act on is shown as an escape.
func plain(s string) string {
	if !strings.ContainsFunc(s, acts) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case !acts(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// wrap breaks text at spaces to lines of at most width cells; a longer word has a line for itself and stays whole, so that
// a URL can be copied. No width, no breaks.
func wrap(text string, width int) []string {
	words := strings.Fields(text)
	if width <= 0 || len(words) == 0 {
		return []string{strings.Join(words, " ")}
	}
	lines, cells := []string{words[0]}, ansi.StringWidth(words[0])
	for _, word := range words[1:] {
		n := ansi.StringWidth(word)
		if cells+1+n > width {
			lines, cells = append(lines, word), n
			continue
		}
		lines[len(lines)-1] += " " + word
		cells += 1 + n
	}
	return lines
}
