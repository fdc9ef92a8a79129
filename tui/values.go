package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Value is what a person types into a client.
type Value struct {
	Label, Text string
	// Secret is shown only when asked for.
	Secret bool
}

// values are the values on the page. Each stands alone on its line, so that a double click gets all of it: beside its label
// where there is room for all of it, else below.
type values struct {
	all []Value
	// shown: secrets are. sent is the one that was sent to the clipboard last, -1 for none; failed says that it was not.
	shown  bool
	sent   int
	failed bool
}

const hiddenSecret = "************"

func (v *values) hasSecret() bool {
	for _, x := range v.all {
		if x.Secret {
			return true
		}
	}
	return false
}

// rows draws the values; cursor is the one selected, -1 for none.
func (v *values) rows(t *Theme, cursor, width int) []string {
	label := 0
	for _, x := range v.all {
		label = max(label, cells(Plain(x.Label)))
	}
	label = min(label, width/3)
	var rows []string
	for i, x := range v.all {
		shown := Plain(x.Text)
		if x.Secret && !v.shown {
			shown = hiddenSecret
		}
		rows = append(rows, v.one(t, i, shown, i == cursor, label, width)...)
	}
	return rows
}

func (v *values) one(t *Theme, i int, shown string, selected bool, label, width int) []string {
	at, name := " ", t.Fit(Plain(v.all[i].Label), label)
	if selected {
		at, name = t.Cursor(), t.Bold.Render(name)
	} else {
		name = t.Dim.Render(name)
	}
	if label+1+cells(shown) <= width-3 {
		note, short := v.note(t, i), v.shortNote(t, i)
		room := width - 3 - label - 1
		switch {
		case note == "":
		case cells(shown)+2+cells(note) <= room:
			return []string{at + " " + name + " " + t.Spread(t.Code.Render(shown), note, room)}
		case cells(short) <= label: // the label makes way: nothing else may move
			name = pad(short, label)
		}
		return []string{at + " " + name + " " + t.Code.Render(shown)}
	}
	rows := []string{at + " " + t.Spread(name, v.note(t, i), width-3)}
	// No blank before it, nor anything after: what is selected over several lines is then whole.
	for piece := range strings.SplitSeq(ansi.Hardwrap(shown, width-1, false), "\n") {
		rows = append(rows, t.Code.Render(piece))
	}
	return rows
}

// note says that a value was sent. OSC 52 has no answer: whether it came to the clipboard nobody knows.
func (v *values) note(t *Theme, i int) string {
	switch {
	case v.sent != i:
		return ""
	case v.failed:
		return t.Fail.Render(t.Sign(probe.Failed) + " not sent to the clipboard")
	}
	return t.Pass.Render(t.Sign(probe.Passed) + " sent to the clipboard")
}

func (v *values) shortNote(t *Theme, i int) string {
	switch {
	case v.sent != i:
		return ""
	case v.failed:
		return t.Fail.Render(t.Sign(probe.Failed) + " failed")
	}
	return t.Pass.Render(t.Sign(probe.Passed) + " sent")
}
