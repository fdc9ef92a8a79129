package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
)

// The exit codes of every command.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitBroken      = 4
	exitInterrupted = 130
	// exitUnread is what a shell says of a program that SIGPIPE ended.
	exitUnread = 141
)

// A failure ends the program with a code. What is to be done about it stands on a line of its own; without an error all
// has been said.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage says that the program was called wrongly, and how it is called rightly.
func usage(hint, format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...), hint}
}

// failed says that what was asked could not be done, and what to do.
func failed(err error, hint string) error { return &failure{exitFailed, err, hint} }

// ended ends the program with a code, all having been said.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return &failure{code: code}
}

// end tells an error and returns the code to exit with. What fails after an interrupt fails because of it. To a reader that has gone
// away (mcpwiz undo --list | head -1) nothing is told: it has read what it wanted.
func (p *program) end(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	f := &failure{code: exitFailed, err: err}
	errors.As(err, &f)
	if errors.Is(context.Cause(ctx), syscall.EPIPE) && (errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled)) {
		return exitUnread
	}
	if ctx.Err() != nil {
		f = &failure{exitInterrupted, f.err, ""}
		if errors.Is(f.err, context.Canceled) {
			f.err = errors.New("interrupted")
		}
	}
	if f.err != nil {
		tell(p.err, f.err, f.hint)
	}
	return f.code
}

func tell(w io.Writer, err error, hint string) {
	fmt.Fprintf(w, "mcpwiz: %s\n", strings.ReplaceAll(err.Error(), "\n", "\nmcpwiz: "))
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", strings.ReplaceAll(hint, "\n", "\nhint: "))
	}
}

// broke tells of a mistake of the program itself, with the place but not the values: they may be secret.
func (p *program) broke(with any) int {
	what := "panic"
	if err, ok := with.(runtime.Error); ok {
		what = err.Error()
	}
	tell(p.err, fmt.Errorf("internal error: %s at %s", what, origin()), brokenHint)
	return exitBroken
}

const brokenHint = "this is a mistake in mcpwiz itself; please report it with this line, the command and the output of mcpwiz version"

// origin is the innermost place in our own code that a panic came from.
func origin() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	for panicked := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && (strings.HasPrefix(f.Function, "main.") || strings.HasPrefix(f.Function, "github.com/mcpwiz/")):
			return fmt.Sprintf("%s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		case !more:
			return "an unknown place"
		}
	}
}
