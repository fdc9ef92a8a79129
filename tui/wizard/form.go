package wizard

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/huh"

	"github.com/mcpwiz/mcpwiz/tui"
)

// A form is the questions of one step, drawn by huh. The page moves its focus and decides when it is complete: to huh it
// never is, since a completed form draws nothing and takes no answer back.
type form struct {
	huh    *huh.Form
	fields int
	at     int
	// inputs are the fields that are typed into; nil where something is chosen.
	inputs []*huh.Input
	// whole: what stands in a secret field is whole; as it cannot be seen, what is typed takes its place.
	whole bool
}

// newForm has its focus on the question at. It is made anew for every size and theme: huh's fields keep the first of both.
func newForm(t *tui.Theme, s step, at, width, height int) *form {
	f := &form{fields: len(s.questions), whole: true}
	var fields []huh.Field
	for _, q := range s.questions {
		one := field(q)
		input, _ := one.(*huh.Input)
		fields, f.inputs = append(fields, one), append(f.inputs, input)
	}
	build := func(gap string) {
		f.huh = huh.NewForm(huh.NewGroup(fields...)).WithKeyMap(keyMap()).WithTheme(huhTheme(t, gap)).WithShowHelp(false).WithShowErrors(false).
			WithWidth(width - 1)
	}
	build("\n\n")
	if rowsOf(s) > height {
		build("\n")
	}
	f.huh.WithHeight(max(height, 1))
	f.huh.Init()
	for i, q := range s.questions {
		toTheTop(fields[i], q)
	}
	f.huh.Update(nil) // it draws its fields anew
	f.focus(at)
	return f
}

// toTheTop brings the options before the chosen one into sight: huh scrolls them away, also where there is room for all.
func toTheTop(f huh.Field, q question) {
	if q.many != nil || len(q.options) == 0 {
		return
	}
	chosen := slices.IndexFunc(q.options, func(o option) bool { return o.value == *q.text })
	for _, to := range []tea.KeyType{tea.KeyUp, tea.KeyDown} {
		for range max(chosen, 0) {
			f.Update(tea.KeyMsg{Type: to})
		}
	}
}

// rowsOf is how high the questions are with a blank line between them, if no title is broken into lines.
func rowsOf(s step) int {
	rows := len(s.questions) - 1
	for _, q := range s.questions {
		rows += 1 + max(len(q.options), 1)
		if q.about != "" {
			rows++
		}
	}
	return rows
}

func field(q question) huh.Field {
	var options []huh.Option[string]
	for _, o := range q.options {
		options = append(options, huh.NewOption(o.title, o.value))
	}
	switch {
	case q.many != nil:
		return huh.NewMultiSelect[string]().Title(q.title).Description(q.about).Filterable(false).Value(q.many).Options(options...)
	case len(options) > 0:
		return huh.NewSelect[string]().Title(q.title).Description(q.about).Value(q.text).Options(options...)
	}
	f := huh.NewInput().Title(q.title).Description(q.about).Prompt(" > ").Value(q.text)
	if q.example != "" {
		f.Placeholder("e.g. " + q.example)
	}
	if q.secret {
		f.EchoMode(huh.EchoModeNone)
	}
	return f
}

// keyMap leaves to the fields what they alone can do. Filtering would take letters and Esc.
func keyMap() *huh.KeyMap {
	k := huh.NewDefaultKeyMap()
	k.Quit = key.Binding{}
	for _, b := range []*key.Binding{&k.Select.Filter, &k.Select.GotoBottom, &k.Select.GotoTop, &k.MultiSelect.Filter} {
		*b = key.Binding{}
	}
	return k
}

// focus moves to a question.
func (f *form) focus(at int) {
	for ; f.at < at && f.at < f.fields-1; f.at++ {
		f.huh.NextField()
	}
	for ; f.at > at && f.at > 0; f.at-- {
		f.huh.PrevField()
	}
}

func (f *form) last() bool   { return f.at == f.fields-1 }
func (f *form) text() bool   { return f.inputs[f.at] != nil }
func (f *form) view() string { return f.huh.View() }

// afresh empties a secret field when a key would change what is whole.
func (f *form) afresh(q question, m tea.KeyMsg) {
	if !q.secret {
		return
	}
	switch m.Type {
	case tea.KeyRunes, tea.KeySpace, tea.KeyBackspace, tea.KeyDelete:
		if f.whole {
			*q.text = ""
			f.inputs[f.at].Value(q.text)
		}
		f.whole = false
	}
}

func (f *form) update(msg tea.Msg) tea.Cmd {
	_, cmd := f.huh.Update(msg)
	return cmd
}
