package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

func cells(s string) int { return ansi.StringWidth(s) }

// Row is one line of a page: the cursor or a blank, text from column 1, the last column blank. What is too long is cut.
func (t *Theme) Row(cursor bool, s string, width int) string {
	at := " "
	if cursor {
		at = t.Cursor()
	}
	return at + t.Cut(s, width-2)
}

// Rule is a line across the page that bears text (which may be styled, or "").
func (t *Theme) Rule(text string, width int) string {
	line := func(n int) string { return t.Frame.Render(strings.Repeat(t.signs.rule, max(n, 0))) }
	if text == "" {
		return " " + line(width-2)
	}
	text = t.Cut(text, width-6)
	return " " + line(1) + " " + text + " " + line(width-5-cells(text))
}

// Spread puts two texts at the ends of width cells; the left one is cut where they do not fit.
func (t *Theme) Spread(left, right string, width int) string {
	n := cells(right)
	if n == 0 || n+1 >= width {
		return t.Cut(left, width)
	}
	return t.Fit(left, width-n-1) + " " + right
}

// Lines joins rows to what View returns: cut to the height, without a newline at the end.
func Lines(rows []string, height int) string {
	return strings.Join(rows[:min(len(rows), max(height, 0))], "\n")
}
