// Command mcpwiz connects Claude and other MCP clients to MCP servers behind Keycloak, and says what is wrong where they
// do not connect.
package main

import (
	"context"
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
// interrupts it too, but never kills it: what was made is ended, and no file with a secret stays behind.
func run(args []string) (code int) {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	go func() { <-unread; leave() }()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	p := newProgram(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	defer func() {
		if broken := recover(); broken != nil {
			code = p.broke(broken)
		}
	}()
	return p.end(ctx, p.execute(ctx, args))
}
