package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// terminalOf returns the descriptor of a stream that is a terminal.
func terminalOf(stream any) (int, bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// asks reports whether there is somebody to ask: questions go to err, answers come from in.
func (p *program) asks() bool {
	_, answers := terminalOf(p.in)
	_, reads := terminalOf(p.err)
	return answers && reads
}

// width is that of the terminal that out is, 0 where it is none and lines are not to be wrapped.
func (p *program) width() int {
	fd, ok := terminalOf(p.out)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(fd)
	if err != nil {
		return 80
	}
	return w
}

// colors reports whether out takes colours (https://no-color.org).
func (p *program) colors() bool {
	_, terminal := terminalOf(p.out)
	return terminal && p.setting("NO_COLOR") == "" && p.setting("TERM") != "dumb"
}

// plainMarks reports whether only ASCII may be written: asked for, or the locale is not UTF-8.
func (p *program) plainMarks() bool {
	if p.ascii {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToUpper(p.setting(name)); locale != "" {
			return !strings.Contains(locale, "UTF-8") && !strings.Contains(locale, "UTF8")
		}
	}
	return true
}

func (p *program) setting(name string) string {
	v, _ := p.env(name)
	return v
}

// say talks to the person.
func (p *program) say(format string, args ...any) { fmt.Fprintf(p.err, format+"\n", args...) }

// mark is the sign of what went well or did not, by the locale.
func (p *program) mark(good bool) string {
	switch {
	case p.plainMarks() && good:
		return "+"
	case p.plainMarks():
		return "x"
	case good:
		return "✓"
	}
	return "✗"
}

// ask reads one line; an interrupt ends the waiting.
func (p *program) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprintf(p.err, "%s ", question)
	return p.answer(ctx, func() (string, error) {
		line, err := p.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	})
}

// askSecret reads one line without showing it.
func (p *program) askSecret(ctx context.Context, question string) (plan.Secret, error) {
	fd := int(p.in.Fd())
	was, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for a secret: %w", err)
	}
	fmt.Fprintf(p.err, "%s: ", question)
	line, err := p.answer(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	fmt.Fprintln(p.err)
	return plan.Secret(line), errors.Join(err, term.Restore(fd, was))
}

func (p *program) answer(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := read()
		got <- answer{line, err}
	}()
	select {
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			return "", errors.New("no answer was given")
		}
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// confirm asks a question that is to be answered with yes; anything else is no.
func (p *program) confirm(ctx context.Context, question string) (bool, error) {
	line, err := p.ask(ctx, question+" [y/N]")
	if err != nil {
		return false, err
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes", nil
}

// prompt asks for a secret where there is somebody to ask; nil where there is nobody (see plan.Ask).
func (p *program) prompt(ctx context.Context, question string) func() (plan.Secret, error) {
	if !p.asks() {
		return nil
	}
	return func() (plan.Secret, error) { return p.askSecret(ctx, question) }
}
