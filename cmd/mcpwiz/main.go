// Command mcpwiz connects Claude and other MCP clients to MCP servers behind Keycloak, and says what is wrong where they
// do not connect.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mcpwiz/mcpwiz/tui/quiet"
)

func main() {
	quiet.Restore()
	os.Exit(run(os.Args[1:]))
}

// run is main without the exit. A second interrupt ends the program at once. A reader that goes away (mcpwiz demo | head)
// interrupts it too, but never kills it: what was made is ended, and no file with a secret stays behind. The signal alone does
// not tell it: a server that resets a connection raises the same.
func run(args []string) (code int) {
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	p := newProgram(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	p.out, p.err = piped(os.Stdout, leave), piped(os.Stderr, leave)
	defer func() {
		if broken := recover(); broken != nil {
			code = p.broke(broken)
		}
	}()
	return p.end(ctx, p.execute(ctx, args))
}

// piped is a stream that calls leave when its reader has gone away; a terminal stays what it is.
func piped(f *os.File, leave context.CancelCauseFunc) io.Writer {
	if _, terminal := terminalOf(f); terminal {
		return f
	}
	return &pipe{f, leave}
}

type pipe struct {
	file  *os.File
	leave context.CancelCauseFunc
}

func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		p.leave(err)
	}
	return n, err
}
