package tui

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"
)

// Run shows a model in the alternate screen until it ends, and gives the ordinary screen back. SIGTERM, SIGHUP and the end
// of ctx end it cleanly, without a question. Everything shown is gone with the alternate screen: the caller prints what is
// to stay.
func Run(ctx context.Context, t Terminal, m tea.Model) (tea.Model, error) {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	o := []tea.ProgramOption{tea.WithAltScreen(), tea.WithInput(t.In), tea.WithOutput(screen{t.Out}), tea.WithoutSignalHandler()}
	if a, ok := m.(*App); ok {
		a.Under(ctx)
		defer a.Close()
		if a.t.unanswered {
			o = append(o, tea.WithFilter(newLateAnswer().filter))
		}
	}
	p := tea.NewProgram(m, o...)
	defer context.AfterFunc(ctx, p.Quit)()
	last, err := p.Run()
	switch {
	case ctx.Err() != nil:
		return last, ErrLeft
	case err != nil:
		return last, fmt.Errorf("show on the terminal: %w", err)
	}
	return last, nil
}

// Usable reports whether pages can be shown on these files.
func Usable(in, out *os.File) bool {
	return term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}
