package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// A Style is what text is written in. It is made once: Render joins three strings, so that a page of a thousand pieces is
// drawn within a millisecond.
type Style struct {
	on  string
	lip lipgloss.Style
}

// Render writes s in the style. It takes no notice of width, lines, or styles within s.
func (s Style) Render(text string) string {
	if s.on == "" || text == "" {
		return text
	}
	return s.on + text + "\x1b[0m"
}

// Lipgloss is the same style for what draws with lipgloss: huh and bubbles.
func (s Style) Lipgloss() lipgloss.Style { return s.lip }

// An ink is a style in every number of colours: each named, since a guessed one may be the background.
type ink struct {
	rgb   string // #rrggbb
	c256  int
	c16   int // -1 for none
	faint bool
	bold  bool
}

type palette struct{ pass, warn, fail, accent, code, dim, frame ink }

// Contrast of text is 4.5 at least on white, on black and on the backgrounds of Solarized and of common editors.
var (
	lightPalette = palette{
		pass:   ink{rgb: "#0a7a3c", c256: 28, c16: 2},
		warn:   ink{rgb: "#8a5a00", c256: 94, c16: 3},
		fail:   ink{rgb: "#c01c28", c256: 160, c16: 1, bold: true},
		accent: ink{rgb: "#1d4fc4", c256: 26, c16: 4},
		code:   ink{rgb: "#5b3fa8", c256: 61, c16: 5},
		dim:    ink{rgb: "#5f6670", c256: 241, faint: true},
		frame:  ink{rgb: "#b4bac4", c256: 250, faint: true},
	}
	darkPalette = palette{
		pass:   ink{rgb: "#5fd38d", c256: 78, c16: 2},
		warn:   ink{rgb: "#f2c14e", c256: 221, c16: 3},
		fail:   ink{rgb: "#ff7a7a", c256: 210, c16: 1, bold: true},
		accent: ink{rgb: "#8fb8ff", c256: 111, c16: 6},
		code:   ink{rgb: "#c3a6ff", c256: 183, c16: 5},
		dim:    ink{rgb: "#949ba6", c256: 246, faint: true},
		frame:  ink{rgb: "#565d68", c256: 240, faint: true},
	}
)

// style makes an ink what the look allows. Where there are no colours, or few, what is dim is faint: bright black is the
// background in Solarized.
func (t *Theme) style(i ink) Style {
	lip := t.renderer.NewStyle()
	if t.Profile == termenv.Ascii {
		return Style{lip: lip}
	}
	var sgr []string
	if i.bold {
		sgr, lip = append(sgr, "1"), lip.Bold(true)
	}
	few := t.NoColor || t.Profile == termenv.ANSI
	switch {
	case i.faint && few:
		sgr, lip = append(sgr, "2"), lip.Faint(true)
	case i.rgb == "" || t.NoColor:
	case t.Profile == termenv.TrueColor:
		sgr, lip = append(sgr, termenv.RGBColor(i.rgb).Sequence(false)), lip.Foreground(lipgloss.Color(i.rgb))
	case t.Profile == termenv.ANSI256:
		sgr, lip = append(sgr, "38;5;"+strconv.Itoa(i.c256)), lip.Foreground(lipgloss.Color(strconv.Itoa(i.c256)))
	default:
		sgr, lip = append(sgr, strconv.Itoa(30+i.c16)), lip.Foreground(lipgloss.Color(strconv.Itoa(i.c16)))
	}
	if len(sgr) == 0 {
		return Style{lip: lip}
	}
	return Style{on: "\x1b[" + strings.Join(sgr, ";") + "m", lip: lip}
}
