package distribution

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// server is a process group: a shell, and the JVM that it started.
type server struct {
	cmd    *exec.Cmd
	out    *output
	hold   io.Closer // our end of its standard input
	exited chan struct{}
	err    error // of the process, once it has exited
}

const (
	startTimeout = 5 * time.Minute // building took 40 s on two cores; a busy machine takes its time
	endTimeout   = 30 * time.Second
)

// flags make a JVM that starts fast and stays small. They replace kc.sh's own: two garbage collectors cannot be named.
// To stop at the first compiler saves 4 s of CPU at the start, but costs 1.5 s in each realm that is made: keys are made
// of large numbers, which only the second one is good at.
const flags = "-Xms64m -Xmx512m -XX:+UseSerialGC -XX:MaxMetaspaceSize=256m -Dfile.encoding=UTF-8"

// watch runs kc.sh in a group that is killed as soon as our end of standard input is closed, even by our own death; its
// data go first, for then nobody else is there to remove them.
const watch = `exec 3<&0; (read -r _ <&3; rm -rf "${0%/bin/kc.sh}"; kill -9 0) >/dev/null 2>&1 & exec sh "$0" "$@" 3<&- </dev/null`

// launch starts the kc.sh of dir. Secrets are for env: arguments are seen by everybody on the machine.
func launch(dir string, args, env []string, log io.Writer) (*server, error) {
	cmd := exec.Command("sh", append([]string{"-c", watch, filepath.Join(dir, "bin", "kc.sh")}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(inherited(os.Environ()), append(env, "JAVA_OPTS="+flags)...)
	return run(cmd, log)
}

func run(cmd *exec.Cmd, log io.Writer) (*server, error) {
	if err := ownGroup(cmd); err != nil {
		return nil, err
	}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, out: newOutput(log), hold: hold, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.out, s.out
	cmd.WaitDelay = endTimeout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// inherited leaves out what would change the server, and what is none of its business.
func inherited(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return slices.ContainsFunc([]string{"KC_", "KEYCLOAK_", "QUARKUS_", "JAVA_OPTS", "JDK_JAVA_OPTIONS", "DEBUG", "MCPWIZ_"},
			func(prefix string) bool { return strings.HasPrefix(v, prefix) })
	})
}

// ready waits until the server answers, and returns its base.
func (s *server) ready(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it was not ready within %s", startTimeout))
	defer cancel()
	select {
	case url := <-s.out.listening:
		return url, s.answers(ctx, url)
	case <-s.exited:
		return "", s.ended()
	case <-ctx.Done():
		return "", s.withLog(context.Cause(ctx))
	}
}

func (s *server) answers(ctx context.Context, url string) error {
	// Not the default transport: it would send this through a proxy, and keep the connection.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/realms/master", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.exited:
			return s.ended()
		case <-ctx.Done():
			return s.withLog(context.Cause(ctx))
		}
	}
}

func (s *server) ended() error {
	if s.err == nil {
		return s.withLog(errors.New("it ended by itself"))
	}
	return s.withLog(fmt.Errorf("it ended by itself: %w", s.err))
}

// withLog adds the last lines that the server wrote.
func (s *server) withLog(err error) error {
	tail := s.out.tail()
	if tail == "" {
		return err
	}
	return fmt.Errorf("%w; its last lines:\n%s", err, tail)
}

// terminate lets the server end in order.
func (s *server) terminate(ctx context.Context) error {
	signalGroup(s.cmd, false)
	select {
	case <-s.exited: // kc.sh passes on how the JVM ended; after a signal that is never success
		return nil
	case <-time.After(endTimeout):
		return s.withLog(fmt.Errorf("it did not end within %s", endTimeout))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// kill ends the whole group at once and returns when it is gone.
func (s *server) kill() {
	signalGroup(s.cmd, true)
	<-s.exited
}
