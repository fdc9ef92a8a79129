package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"
)

// A Page is one screen. Update decides, Cmds do, View shows: no page does I/O in Update or View. Pages are pointers, and
// keep what was answered on them when they are left. Cmds close over the context that Enter brings: it ends when the page
// is left.
//
// App gives a page, after Enter and whenever it changes, a tea.WindowSizeMsg with the page's own area: the size that View
// gets. Column 0 is the cursor's, text begins in column 1 and the last column stays blank (see Theme.Row). The area lies
// between the rule under the row of pages and the footer: what is to stand under a rule at the bottom (the note of a
// question, the counts of a plan) the page draws itself, with Theme.Rule.
type Page interface {
	// Name stands in the row of pages: "keycloak".
	Name() string
	// Enter is called when the page comes on, from either side.
	Enter(ctx context.Context, t *Theme) tea.Cmd
	Update(tea.Msg) tea.Cmd
	// View fits exactly: at most height lines of at most width cells, without a newline at the end.
	View(width, height int) string
	// Keys are for the footer, most needed first; what does not fit is left out. App adds the one for help.
	Keys() []Key
	// Help is what f1 shows (and ? where Typing is false), in paragraphs; it names flags and keys of mcpwiz.yaml.
	Help() string
	// Typing reports whether a text field has the focus: letters are text.
	Typing() bool
}

// A FullScreen page draws its own head, in place of the row of pages and the rule, while FullScreen is true.
type FullScreen interface {
	Page
	FullScreen() bool
}

// Messages by which a page goes on: returned by its Cmds (see Go). Of a page that was left meanwhile they are not heard, so
// that an Enter too much skips no page.
type (
	// Next and Back go to the neighbour. Next on the last page, and Back on the first, do nothing.
	Next struct{}
	Back struct{}
	// Leave ends the program, with an error or well.
	Leave struct{ Err error }
	// Goto goes to the page of a name.
	Goto struct{ Name string }
	// Restyled comes to a page when its theme was changed in place: what it has drawn beforehand it draws again.
	Restyled struct{}
)

// Go returns a Cmd for one of the messages above.
func Go(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }
