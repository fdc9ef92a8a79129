package tui

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Look says how the terminal is to be drawn on. Its zero value is true colours on a light background.
type Look struct {
	// ASCII allows no character beyond ASCII: the locale is not UTF-8, or it was asked for.
	ASCII bool
	// NoColor leaves bold and faint, and no colour (https://no-color.org).
	NoColor bool
	// Dark is true where the terminal's background is.
	Dark bool
	// Profile is how many colours there are; termenv.Ascii allows no escape but those that move the cursor.
	Profile termenv.Profile
	// unanswered: the terminal was asked for its background, and the answer may still come.
	unanswered bool
}

// A Theme is the visual language: styles by meaning, and marks. What a style says a mark says too. Pages take the one that
// Enter gives them; App changes it in place when the user turns light to dark, and says so with Restyled.
type Theme struct {
	Look

	// Pass, Warn and Fail are outcomes. Accent is the cursor, what is waited for and what mends; Code is what is copied or
	// typed; Dim is labels and what is not reached; Frame is rules and lanes, never text; Bold is the target, the selected
	// name and the title of a finding. Text is the terminal's own.
	Pass, Warn, Fail, Accent, Code, Dim, Frame, Bold, Text Style

	signs    signs
	renderer *lipgloss.Renderer
}

// NewTheme returns the theme for a look.
func NewTheme(l Look) *Theme {
	t := &Theme{Look: l, signs: unicodeSigns, renderer: lipgloss.NewRenderer(io.Discard)}
	if l.ASCII {
		t.signs = asciiSigns
	}
	t.renderer.SetColorProfile(l.Profile)
	t.renderer.SetHasDarkBackground(l.Dark)
	p := lightPalette
	if l.Dark {
		p = darkPalette
	}
	t.Pass, t.Warn, t.Fail = t.style(p.pass), t.style(p.warn), t.style(p.fail)
	t.Accent, t.Code = t.style(p.accent), t.style(p.code)
	t.Dim, t.Frame = t.style(p.dim), t.style(p.frame)
	t.Bold, t.Text = t.style(ink{bold: true}), t.style(ink{})
	return t
}

// Renderer draws what lipgloss is given, as the look says.
func (t *Theme) Renderer() *lipgloss.Renderer { return t.renderer }

// Of is the style of an outcome.
func (t *Theme) Of(o probe.Outcome) Style {
	switch o {
	case probe.Passed:
		return t.Pass
	case probe.Warned:
		return t.Warn
	case probe.Failed:
		return t.Fail
	case probe.Unclear:
		return t.Text
	}
	return t.Dim
}

// turned is the theme on the other background.
func (t *Theme) turned() *Theme {
	l := t.Look
	l.Dark = !l.Dark
	return NewTheme(l)
}
