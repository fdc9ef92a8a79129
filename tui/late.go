package tui

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// lateFor is how long after the question an answer may still come; later a real alt+] is taken for what it is.
const lateFor = 5 * time.Second

// lateAnswer drops the terminal's answer about its background when it comes after it was waited for: it would be typed
// into the field that has the focus, as "]11;rgb:...".
type lateAnswer struct {
	until time.Time
	now   func() time.Time
	in    bool
}

func newLateAnswer() *lateAnswer { return &lateAnswer{until: time.Now().Add(lateFor), now: time.Now} }

func (l *lateAnswer) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	m, ok := msg.(tea.KeyMsg)
	if !ok || !l.in && l.now().After(l.until) {
		return msg
	}
	key := m.String()
	switch {
	case l.in && (key == `alt+\` || key == "ctrl+g"):
		l.in = false
		return nil
	case l.in && m.Type == tea.KeyRunes && strings.Trim(key, "0123456789abcdefABCDEF;:/rg") == "":
		return nil
	case l.in:
		l.in = false // no answer after all
		return msg
	case key == "alt+]":
		l.in = true
		return nil
	}
	return msg
}
