package tui

import (
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// signs are the characters of the visual language. None has an emoji form, which terminals draw two cells wide.
type signs struct {
	marks                                 map[probe.Outcome]string
	waiting, undone, cursor, ellipsis     string
	pip, rule, folded, open, dot          string
	spinner                               []string
	lane, from, line, through, head, stop string
}

var (
	unicodeSigns = signs{
		marks:   map[probe.Outcome]string{probe.Passed: "✓", probe.Warned: "!", probe.Failed: "✗", probe.Skipped: "–", probe.Unclear: "?"},
		waiting: "·", undone: "↺", cursor: "▌", ellipsis: "…", pip: "●", rule: "─", folded: "▸", open: "▾", dot: "·",
		spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
		lane:    "│", from: "├", line: "─", through: "○", head: "▸", stop: "✗",
	}
	asciiSigns = signs{
		marks:   map[probe.Outcome]string{probe.Passed: "+", probe.Warned: "!", probe.Failed: "x", probe.Skipped: "-", probe.Unclear: "?"},
		waiting: ".", undone: "<", cursor: ">", ellipsis: "~", pip: "+", rule: "-", folded: ">", open: "v", dot: "-",
		spinner: []string{"|", "/", "-", `\`},
		lane:    "|", from: "+", line: "-", through: "o", head: ">", stop: "x",
	}
)

// Sign is the mark of an outcome, bare: one cell. What has none yet is waited for.
func (t *Theme) Sign(o probe.Outcome) string {
	if s, ok := t.signs.marks[o]; ok {
		return s
	}
	return t.signs.waiting
}

// Mark is the sign of an outcome in its style.
func (t *Theme) Mark(o probe.Outcome) string { return t.Of(o).Render(t.Sign(o)) }

// Waiting marks what has not begun, Undone what was put back.
func (t *Theme) Waiting() string { return t.Dim.Render(t.signs.waiting) }
func (t *Theme) Undone() string  { return t.Dim.Render(t.signs.undone) }

// Pip is one planned check of a stage: a point that fills when the check has passed, its mark where it has not.
func (t *Theme) Pip(o probe.Outcome) string {
	if o == probe.Passed {
		return t.Pass.Render(t.signs.pip)
	}
	if o == probe.Skipped {
		return t.Waiting()
	}
	return t.Mark(o)
}

// SpinnerEvery is how long a frame of the spinner stands. It turns only beside what is being waited for, one to a page.
const SpinnerEvery = 100 * time.Millisecond

// Spinner is the spinner's frame, counted from 0.
func (t *Theme) Spinner(frame int) string {
	return t.Accent.Render(t.signs.spinner[frame%len(t.signs.spinner)])
}

// Fold stands before what can be opened.
func (t *Theme) Fold(open bool) string {
	if open {
		return t.Dim.Render(t.signs.open)
	}
	return t.Dim.Render(t.signs.folded)
}

// Cursor is the cursor, one cell in column 0; Dot parts keys and words on a line.
func (t *Theme) Cursor() string { return t.Accent.Render(t.signs.cursor) }
func (t *Theme) Dot() string    { return t.Dim.Render(t.signs.dot) }
