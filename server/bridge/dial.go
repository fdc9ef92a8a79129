package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Command dials a command that speaks MCP over stdin and stdout. What it writes to stderr goes to the log, line by line. It gets
// this process's environment but what is mcpwiz's own there, which has secrets. It must be there now.
func Command(args []string, log *slog.Logger) (func(context.Context) (sdk.Connection, error), error) {
	if len(args) == 0 {
		return nil, errors.New("no command to run")
	}
	program, err := exec.LookPath(args[0])
	if err != nil {
		return nil, err
	}
	return func(context.Context) (sdk.Connection, error) {
		c := exec.Command(program, args[1:]...)
		c.Env = environment(os.Environ())
		group(c)
		said := &lines{log: log.With("upstream", args[0]), ended: make(chan struct{})}
		words, err := c.StderrPipe()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", args[0], err)
		}
		conn, err := (&sdk.CommandTransport{Command: c, TerminateDuration: endTime}).Connect(context.Background())
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", args[0], err)
		}
		go said.take(words)
		return &command{Connection: conn, process: c, said: said}, nil
	}, nil
}

// endTime is how long a command may take to end after its stdin is closed, and again after SIGTERM.
const endTime = 3 * time.Second

func environment(all []string) []string {
	var kept []string
	for _, one := range all {
		if !strings.HasPrefix(one, "MCPWIZ_") {
			kept = append(kept, one)
		}
	}
	return kept
}

// A command is the connection to one; with it ends what it has started.
type command struct {
	sdk.Connection
	process *exec.Cmd
	said    *lines
}

// Read says with what words the command has ended.
func (c *command) Read(ctx context.Context) (m jsonrpc.Message, err error) {
	if m, err = c.Connection.Read(ctx); errors.Is(err, io.EOF) {
		select { // what it said last is on its way
		case <-c.said.ended:
		case <-time.After(lastWords):
		}
		if last := c.said.lastLine(); last != "" {
			err = fmt.Errorf("it closed its stdout; the last that it wrote to stderr: %q", last)
		} else {
			err = errors.New("it closed its stdout")
		}
	}
	return m, err
}

// lastWords is how long the end of stderr is waited for once stdout has ended: what a command has started may hold it open.
const lastWords = time.Second

func (c *command) Close() error {
	err := c.Connection.Close()
	end(c.process)
	return err
}

// lines tells a log what a command writes.
type lines struct {
	log   *slog.Logger
	ended chan struct{} // closed when it writes no more

	mu   sync.Mutex
	rest []byte
	last string
}

// lineMost is what is told of one line.
const lineMost = 2 << 10

// take reads until there is no more.
func (l *lines) take(from io.Reader) {
	defer close(l.ended)
	_, _ = io.Copy(l, from) // a pipe that breaks has ended
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole && len(l.rest) <= lineMost {
			return len(b), nil
		}
		l.tell(string(line))
		l.rest = append(l.rest[:0], rest...)
	}
}

func (l *lines) tell(line string) {
	if line = strings.TrimRight(line, "\r"); len(line) > lineMost {
		line = line[:lineMost] + "..."
	}
	if line == "" {
		return
	}
	l.last = line
	l.log.Info("stderr", "line", line)
}

func (l *lines) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		return string(l.rest)
	}
	return l.last
}

// SSE dials an older server at the URL of its stream (MCP 2024-11-05, HTTP with SSE). The headers that own returns go to its
// origin alone, wherever it says that messages are to be sent.
func SSE(at *url.URL, own func() (http.Header, error)) func(context.Context) (sdk.Connection, error) {
	client := &http.Client{Transport: ownTo{at, own, http.DefaultTransport}}
	return func(ctx context.Context) (sdk.Connection, error) {
		// The stream outlives the request that opened it, but not the wait for its first event.
		streaming, stop := context.WithCancel(context.WithoutCancel(ctx))
		opened := context.AfterFunc(ctx, stop)
		late := time.AfterFunc(dialTime, stop)
		conn, err := (&sdk.SSEClientTransport{Endpoint: at.String(), HTTPClient: client}).Connect(streaming)
		late.Stop()
		opened()
		if err != nil {
			stop()
			return nil, fmt.Errorf("open the stream at %s: %w", at.Redacted(), err)
		}
		return &stream{conn, stop}, nil
	}
}

// dialTime is how long a server may take to open its stream.
const dialTime = 10 * time.Second

// A stream is the connection to an SSE server.
type stream struct {
	sdk.Connection
	stop context.CancelFunc
}

func (s *stream) Close() error {
	defer s.stop()
	return s.Connection.Close()
}

// ownTo adds headers to requests to one origin.
type ownTo struct {
	at   *url.URL
	own  func() (http.Header, error)
	next http.RoundTripper
}

func (o ownTo) RoundTrip(r *http.Request) (*http.Response, error) {
	if o.own == nil || r.URL.Scheme != o.at.Scheme || r.URL.Host != o.at.Host {
		return o.next.RoundTrip(r)
	}
	header, err := o.own()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	for name, values := range header {
		r.Header[name] = values
	}
	return o.next.RoundTrip(r)
}
