package tui

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// A Terminal is where pages are shown: both files are terminals (see Usable).
type Terminal struct {
	In, Out *os.File
	Env     func(string) (string, bool)
	// Light and Dark say what the background is, ASCII that only ASCII is to be written; else it is found out.
	Light, Dark, ASCII bool
}

// Look finds out how the terminal is to be drawn on, once, before the first page. It asks the terminal for its background
// unless flags say it; one that does not answer costs 250 ms and counts as dark. What is typed meanwhile is lost.
func (t Terminal) Look(ctx context.Context) Look {
	l := Look{ASCII: t.ASCII || !t.utf8()}
	l.Profile, l.NoColor = t.colors()
	l.Dark, l.unanswered = t.dark(ctx)
	// bubbles and huh draw with the default renderer; it would ask the terminal itself, and wait for 5 s.
	r := lipgloss.NewRenderer(t.Out)
	r.SetColorProfile(l.Profile)
	r.SetHasDarkBackground(l.Dark)
	lipgloss.SetDefaultRenderer(r)
	return l
}

func (t Terminal) env(name string) string {
	if t.Env == nil {
		return ""
	}
	v, _ := t.Env(name)
	return v
}

// utf8 tells by the locale, as POSIX orders it.
func (t Terminal) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToUpper(t.env(name)); locale != "" {
			return strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8")
		}
	}
	return false
}

// colors is how many colours the environment promises. Where none are wanted or known there are still bold and faint, that
// lipgloss would drop with the colours.
func (t Terminal) colors() (p termenv.Profile, none bool) {
	if t.env("TERM") == "dumb" {
		return termenv.Ascii, true
	}
	p = termenv.NewOutput(t.Out, termenv.WithEnvironment(environ{t}), termenv.WithTTY(true)).ColorProfile()
	if t.env("NO_COLOR") != "" || p == termenv.Ascii {
		return termenv.ANSI, true
	}
	return p, false
}

// environ is the terminal's environment as termenv asks for it.
type environ struct{ t Terminal }

func (e environ) Environ() []string         { return nil }
func (e environ) Getenv(name string) string { return e.t.env(name) }

// dark: what is said, what the terminal answers, what COLORFGBG says, else dark. unanswered is true where it was asked and
// an answer may still come.
func (t Terminal) dark(ctx context.Context) (dark, unanswered bool) {
	switch {
	case t.Light || t.Dark:
		return t.Dark, false
	case t.env("TERM") == "dumb":
		return true, false
	}
	if dark, ok := askBackground(ctx, t.In, t.Out); ok {
		return dark, false
	}
	return darkByColorFGBG(t.env("COLORFGBG")), true
}

// darkByColorFGBG reads "15;0" or "15;default;0": the background is last, 7 and above 8 are light colours.
func darkByColorFGBG(s string) bool {
	n, err := strconv.Atoi(s[strings.LastIndexByte(s, ';')+1:])
	return err != nil || n < 7 || n == 8
}
