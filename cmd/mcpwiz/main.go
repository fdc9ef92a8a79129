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

// run is main without the exit. A second interrupt ends the program at once.
func run(args []string) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
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
