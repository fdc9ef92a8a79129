package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// A Key is what a page does at a key.
type Key struct {
	// Keys are as bubbletea names them: "enter", "shift+tab", " ".
	Keys []string
	// Show is how the footer shows it, "enter"; "" for one that only help knows. Does says what it does in a word or two.
	Show, Does string
}

// Is reports whether a message is this key. A paste never is.
func (k Key) Is(msg tea.Msg) bool {
	m, ok := msg.(tea.KeyMsg)
	return ok && !m.Paste && slices.Contains(k.Keys, m.String())
}

// The keys that mean the same on every page.
var (
	KeyUp     = Key{[]string{"up", "k"}, "", "up"}
	KeyDown   = Key{[]string{"down", "j"}, "", "down"}
	KeyLeft   = Key{[]string{"left", "h"}, "", "left"}
	KeyRight  = Key{[]string{"right", "l"}, "", "right"}
	KeyPgUp   = Key{[]string{"pgup"}, "", "a page up"}
	KeyPgDown = Key{[]string{"pgdown"}, "", "a page down"}
	KeyHome   = Key{[]string{"home"}, "", "to the top"}
	KeyEnd    = Key{[]string{"end"}, "", "to the end"}
	KeyEnter  = Key{[]string{"enter"}, "enter", "next"}
	KeyEsc    = Key{[]string{"esc"}, "esc", "back"}
	KeySpace  = Key{[]string{" "}, "space", "open"}
	KeyLeave  = Key{[]string{"q"}, "q", "leave"}

	keyHelp   = Key{[]string{"?", "f1"}, "?", "keys"}
	keyHelpF1 = Key{[]string{"f1"}, "f1", "help"}
	keyTurn   = Key{[]string{"t"}, "", "light or dark background"}
	keyCtrlC  = Key{[]string{"ctrl+c"}, "ctrl+c", "leave"}
)

// Doing is the same key with another word for what it does here.
func (k Key) Doing(what string) Key { k.Does = what; return k }

// arrowsInWords stand for arrows where there is ASCII alone.
var arrowsInWords = strings.NewReplacer("↑↓", "up/down", "←→", "left/right")

// footer is the line of keys: as many as fit, and the last one always.
func (t *Theme) footer(keys []Key, last Key, width int) string {
	show := func(k Key) (string, int) {
		if t.ASCII {
			k.Show = arrowsInWords.Replace(k.Show)
		}
		return t.Bold.Render(k.Show) + " " + t.Dim.Render(k.Does), cells(k.Show) + 1 + cells(k.Does)
	}
	end, n := show(last)
	var b strings.Builder
	room := width - 2 - n
	for _, k := range keys {
		if k.Show == "" {
			continue
		}
		text, n := show(k)
		if room -= n + 3; room < 0 {
			break
		}
		b.WriteString(text + " " + t.Dot() + " ")
	}
	return t.Row(false, b.String()+end, width)
}
