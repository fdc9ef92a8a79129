package wizard

import (
	"github.com/charmbracelet/huh"
	"github.com/charmbracelet/lipgloss"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/tui"
)

// huhTheme is the visual language for huh: titles in column 1, cursors in column 0. A field is in focus by its bold title
// and its cursor, not by colour alone; elsewhere a mark stands before what is chosen.
func huhTheme(t *tui.Theme, gap string) *huh.Theme {
	plain := t.Renderer().NewStyle()
	sign := func(s string) lipgloss.Style { return plain.SetString(s) }
	focused := huh.FieldStyles{
		Base: plain, Title: t.Bold.Lipgloss().PaddingLeft(1), Description: t.Dim.Lipgloss().PaddingLeft(1),
		SelectSelector: sign(t.Cursor() + " "), MultiSelectSelector: sign(t.Cursor()),
		SelectedOption: t.Accent.Lipgloss(), UnselectedOption: plain, Option: plain,
		SelectedPrefix: sign(" [" + t.Mark(probe.Passed) + "] "), UnselectedPrefix: sign(" [ ] "),
		TextInput: huh.TextInputStyles{
			Cursor: t.Accent.Lipgloss(), CursorText: t.Code.Lipgloss(), Placeholder: t.Dim.Lipgloss(),
			Prompt: t.Accent.Lipgloss(), Text: t.Code.Lipgloss(),
		},
	}
	blurred := focused
	blurred.Title = plain.PaddingLeft(1)
	blurred.SelectSelector = sign(t.Dim.Render(t.Sign(probe.Passed)) + " ")
	blurred.MultiSelectSelector = sign(" ")
	blurred.SelectedOption = plain
	blurred.TextInput.Prompt = t.Dim.Lipgloss()
	return &huh.Theme{FieldSeparator: plain.SetString(gap), Focused: focused, Blurred: blurred}
}
