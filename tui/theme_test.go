package tui

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/muesli/termenv"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Text is legible on the backgrounds that people have: a contrast of 4.5 at least (WCAG 2.1, 1.4.3).
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		p       palette
		ground  []string
		indexed string
	}{
		{"light", lightPalette, []string{"#ffffff", "#fdf6e3"}, "#ffffff"},
		{"dark", darkPalette, []string{"#000000", "#1e1e1e", "#002b36"}, "#1e1e1e"},
	} {
		for name, i := range map[string]ink{"pass": c.p.pass, "warn": c.p.warn, "fail": c.p.fail, "accent": c.p.accent, "code": c.p.code, "dim": c.p.dim} {
			for _, ground := range c.ground {
				if n := contrast(hexRGB(i.rgb), hexRGB(ground)); n < 4.5 {
					t.Errorf("%s %s %s on %s: %.1f", c.name, name, i.rgb, ground, n)
				}
			}
			if n := contrast(indexedRGB(i.c256), hexRGB(c.indexed)); n < 4.5 {
				t.Errorf("%s %s %d on %s: %.1f", c.name, name, i.c256, c.indexed, n)
			}
		}
	}
}

func hexRGB(s string) [3]float64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 24)
	return [3]float64{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
}

// indexedRGB is a colour of the 256: the cube from 16, greys from 232.
func indexedRGB(n int) [3]float64 {
	if n >= 232 {
		v := float64(8 + 10*(n-232))
		return [3]float64{v, v, v}
	}
	step := [6]float64{0, 95, 135, 175, 215, 255}
	n -= 16
	return [3]float64{step[n/36], step[n/6%6], step[n%6]}
}

func contrast(a, b [3]float64) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c [3]float64) float64 {
	sum := 0.0
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

func TestStyles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		look Look
		of   func(*Theme) Style
		want string
	}{
		{"true colours", looks["dark"], func(t *Theme) Style { return t.Fail }, "\x1b[1;38;2;255;121;121mx\x1b[0m"},
		{"true colours, light", looks["light"], func(t *Theme) Style { return t.Pass }, "\x1b[38;2;10;121;60mx\x1b[0m"},
		{"256", Look{Dark: true, Profile: termenv.ANSI256}, func(t *Theme) Style { return t.Dim }, "\x1b[38;5;246mx\x1b[0m"},
		{"16", looks["16"], func(t *Theme) Style { return t.Accent }, "\x1b[36mx\x1b[0m"},
		{"16: dim is faint", looks["16"], func(t *Theme) Style { return t.Dim }, "\x1b[2mx\x1b[0m"},
		{"no colour: bold stays", looks["nocolor"], func(t *Theme) Style { return t.Fail }, "\x1b[1mx\x1b[0m"},
		{"no colour", looks["nocolor"], func(t *Theme) Style { return t.Pass }, "x"},
		{"no escapes", looks["ascii"], func(t *Theme) Style { return t.Fail }, "x"},
	} {
		theme := NewTheme(c.look)
		if got := c.of(theme).Render("x"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := c.of(theme).Lipgloss().Render("x"); got != c.want {
			t.Errorf("%s: lipgloss writes %q, want %q", c.name, got, c.want)
		}
	}
}

// Every sign is one cell, in ASCII one byte, and has no emoji form.
func TestSigns(t *testing.T) {
	t.Parallel()
	for _, l := range looks {
		theme := NewTheme(l)
		g := theme.signs
		all := append([]string{g.waiting, g.undone, g.cursor, g.ellipsis, g.pip, g.rule, g.folded, g.open, g.dot, g.lane, g.from, g.line, g.through, g.head, g.stop}, g.spinner...)
		for _, o := range []probe.Outcome{probe.Passed, probe.Warned, probe.Failed, probe.Skipped, probe.Unclear, ""} {
			all = append(all, theme.Sign(o))
		}
		for _, s := range all {
			if cells(s) != 1 || l.ASCII && (len(s) != 1 || s[0] > '~') || strings.ContainsAny(s, "✔✖⚠▶") {
				t.Errorf("%q is %d cells", s, cells(s))
			}
		}
	}
}

func TestArrows(t *testing.T) {
	t.Parallel()
	theme := NewTheme(Look{Profile: termenv.Ascii})
	for want, a := range map[string]Arrow{
		"│    │    │    │": {To: LaneYou},
		"├───▸│    │    │": {To: LaneEdge},
		"├───▸✗    │    │": {To: LaneEdge, Broken: true},
		"├────────▸│    │": {To: LaneMCP},
		"├────○───▸│    │": {To: LaneMCP, Through: true},
		"├────○───▸✗    │": {To: LaneMCP, Through: true, Broken: true},
		"├─────────────▸│": {To: LaneAuth},
		"├────○────────▸✗": {To: LaneAuth, Through: true, Broken: true},
	} {
		if got := theme.Arrow(a); got != want {
			t.Errorf("%+v is %q, want %q", a, got, want)
		}
	}
}
