package wizard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/mcpwiz/mcpwiz/tui"
)

// ErrNoAnswer: the input ended before the last question.
var ErrNoAnswer = errors.New("the answers ended")

// A dialogue asks in plain lines, one after the other, and redraws nothing: for screen readers, and for terminals that can
// do nothing else.
type dialogue struct {
	in  io.Reader
	buf *bufio.Reader
	out io.Writer
	// pending is a line that is still being read: its question was given up.
	pending chan line
}

type line struct {
	text string
	err  error
}

func newDialogue(in io.Reader, out io.Writer) *dialogue {
	return &dialogue{in: in, buf: bufio.NewReader(in), out: &lockedWriter{w: out}}
}

// A lockedWriter is written to by a handshake's talk and its report alike.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (d *dialogue) say(format string, args ...any) {
	fmt.Fprintln(d.out, tui.Plain(fmt.Sprintf(format, args...)))
}

// prompt asks for one line and trims it. With secret a terminal does not show it.
func (d *dialogue) prompt(ctx context.Context, question string, secret bool) (string, error) {
	fmt.Fprint(d.out, tui.Plain(question)+": ")
	read := d.next
	if fd, ok := d.terminal(); ok && secret {
		was, err := term.GetState(fd)
		if err != nil {
			return "", fmt.Errorf("ask for the %s without showing it: %w", question, err)
		}
		defer func() { _ = term.Restore(fd, was) }()
		defer fmt.Fprintln(d.out)
		read = func() line {
			text, err := term.ReadPassword(fd)
			return line{string(text), err}
		}
	}
	got, err := d.read(ctx, read)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w before %q", ErrNoAnswer, question)
	}
	return strings.TrimSpace(got), err
}

func (d *dialogue) terminal() (fd int, ok bool) {
	f, ok := d.in.(*os.File)
	return fdOf(f), ok && term.IsTerminal(fdOf(f))
}

func fdOf(f *os.File) int {
	if f == nil {
		return -1
	}
	return int(f.Fd())
}

// next reads a line; the last one need not be ended.
func (d *dialogue) next() line {
	text, err := d.buf.ReadString('\n')
	if text != "" && errors.Is(err, io.EOF) {
		err = nil
	}
	return line{text, err}
}

// read waits for a line, or for ctx. There is never more than one read under way.
func (d *dialogue) read(ctx context.Context, read func() line) (string, error) {
	select {
	case got := <-d.later(read):
		d.pending = nil
		return got.text, got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (d *dialogue) later(read func() line) <-chan line {
	if d.pending == nil {
		ch := make(chan line, 1)
		d.pending = ch
		go func() { ch <- read() }()
	}
	return d.pending
}

// yes asks a question that is answered with yes or no.
func (d *dialogue) yes(ctx context.Context, question string, otherwise bool) (bool, error) {
	choice := "y/N"
	if otherwise {
		choice = "Y/n"
	}
	for {
		text, err := d.prompt(ctx, question+" ["+choice+"]", false)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(text) {
		case "":
			return otherwise, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		d.say("Answer y or n.")
	}
}
