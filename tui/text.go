package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// acts reports whether a terminal does something at a character instead of showing it: C0, DEL, C1, the controls that turn
// the direction of writing, and what selects an emoji form or is of no width at all.
func acts(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0xad:
		return true
	case r == 0x061c, r == 0x180e, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// Plain makes what came from the network harmless to the terminal: what it would act on is shown as an escape, never
// obeyed. Line breaks and tabs become spaces.
func Plain(s string) string {
	if !strings.ContainsFunc(s, acts) {
		return strings.ToValidUTF8(s, "\ufffd")
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

// Fit makes s exactly width cells wide: filled with spaces, or cut with an ellipsis. s may be styled.
func (t *Theme) Fit(s string, width int) string {
	return pad(t.Cut(s, width), width)
}

// Cut makes s at most width cells wide, with an ellipsis where something is cut. s may be styled.
func (t *Theme) Cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if ansi.StringWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, t.signs.ellipsis)
}

// Wrap breaks text at spaces alone, so that ids and URLs can be copied; only a word longer than a line is cut in pieces.
// The text is bare.
func Wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	lines, cells := []string{""}, 0
	for _, word := range strings.Fields(s) {
		n := ansi.StringWidth(word)
		last := len(lines) - 1
		switch {
		case cells > 0 && cells+1+n <= width:
			lines[last] += " " + word
			cells += 1 + n
			continue
		case cells > 0:
			lines = append(lines, "")
			last++
		}
		for n > width {
			piece := ansi.Truncate(word, width, "")
			if piece == "" {
				break
			}
			lines[last] = piece
			lines = append(lines, "")
			last++
			word = word[len(piece):]
			n = ansi.StringWidth(word)
		}
		lines[last], cells = word, n
	}
	return lines
}

func pad(s string, width int) string {
	if n := width - ansi.StringWidth(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}
