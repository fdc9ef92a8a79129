// Command withkeycloak runs a command, such as go test ./..., with real Keycloaks started once for all of it:
//
//	withkeycloak [-require] [-versions 26.7.3,26.4.7] -- go test ./...
//
// The command finds them in MCPWIZ_TEST_KEYCLOAK (name=url, separated by commas), those that have further features on in
// MCPWIZ_TEST_KEYCLOAK_FEATURES, and their administrator in MCPWIZ_TEST_KEYCLOAK_ADMIN and MCPWIZ_TEST_KEYCLOAK_PASSWORD. Its
// exit code is passed on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/mcpwiz/mcpwiz/keycloak/distribution"
)

func main() {
	require := flag.Bool("require", false, "fail when a real Keycloak cannot be had")
	versions := flag.String("versions", distribution.DefaultVersion+",26.4.7,"+distribution.DefaultVersion+"+cimd+resource-indicators", "what to start; a feature is added as in 26.7.3+cimd")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "withkeycloak: no command: withkeycloak -- go test ./...")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := with(ctx, *require, strings.Split(*versions, ","), flag.Args())
	stop()
	os.Exit(code)
}

// with starts what it can, runs the command, and leaves nothing running.
func with(ctx context.Context, require bool, versions, command []string) int {
	if os.Getenv(envServers) != "" { // somebody has started them already
		return run(ctx, command, nil)
	}
	all, err := startAll(ctx, versions)
	defer all.stop()
	switch {
	case ctx.Err() != nil:
		return interrupted
	case err != nil && require:
		fmt.Fprintln(os.Stderr, "withkeycloak:", err)
		return 1
	case len(all) == 0:
		fmt.Fprintf(os.Stderr, "no real Keycloak: %v; tests run on the small one only\n", err)
	case err != nil:
		fmt.Fprintf(os.Stderr, "not every real Keycloak: %v; tests run on the others\n", err)
	}
	return run(ctx, command, all.env())
}

// interrupted is the exit code after Ctrl-C.
const interrupted = 130

func run(ctx context.Context, command, env []string) int {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return interrupted
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "withkeycloak:", err)
	return 1
}
