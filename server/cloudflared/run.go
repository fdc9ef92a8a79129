package cloudflared

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say which tunnel runs, and how.
type Options struct {
	// Program is where cloudflared is; see Find.
	Program string
	// TokenFile has the token that a remotely managed tunnel runs with; QuickURL is what a quick tunnel leads to instead.
	TokenFile, QuickURL string
	// Protocol is auto when empty; http2 where UDP does not get out.
	Protocol string
	Logger   *slog.Logger
	// Told is told how it goes; it must not wait.
	Told func(State)
	// Grace is how long requests may go on after the stop; zero is 10 s.
	Grace time.Duration
	// First and Most bound the wait before it is started again: a second, doubled up to a minute, when they are zero.
	First, Most time.Duration
	// Env is the environment; nil is this process's.
	Env []string
}

// A Phase is where a tunnel stands.
type Phase string

const (
	Starting     Phase = "starting"
	Connected    Phase = "connected"
	Disconnected Phase = "disconnected"
	// Waiting: it has ended, and is started again after Retry.
	Waiting Phase = "waiting"
	Stopped Phase = "stopped"
)

// A State is how the tunnel stands.
type State struct {
	Phase       Phase
	Connections int
	Connector   string
	// URL is a quick tunnel's, Metrics where the connector tells of itself.
	URL, Metrics string
	// Reason is why it does not carry anything, and Mend what to do; empty when nothing is known.
	Reason, Mend string
	Retry        time.Duration
}

// ErrHopeless: starting it again would change nothing.
var ErrHopeless = errors.New("cloudflared cannot run")

// lived is how long a connector has to be connected for its next end to be met without the waits of those before.
const lived = time.Minute

// Run runs the connector until ctx ends, starts it again when it ends by itself, and stops it in order: no new requests, those
// under way finished within Grace. It returns nil then, and ErrHopeless where nothing but another configuration would help.
func Run(ctx context.Context, o Options) error {
	o.fill()
	if o.Program == "" {
		return ErrNone
	}
	wait := o.First
	for {
		c := &child{o: o}
		connectedFor, err := c.run(ctx)
		if ctx.Err() != nil {
			o.Told(State{Phase: Stopped})
			return nil
		}
		if errors.Is(err, ErrHopeless) {
			o.Told(State{Phase: Stopped, Reason: c.state.Reason, Mend: c.state.Mend})
			return err
		}
		if connectedFor >= lived {
			wait = o.First
		}
		o.Logger.Warn("cloudflared has ended; it is started again", "in", wait, "error", err)
		o.Told(State{Phase: Waiting, Retry: wait, Reason: cmp.Or(c.state.Reason, fmt.Sprint(err)), Mend: c.state.Mend})
		select {
		case <-ctx.Done():
			o.Told(State{Phase: Stopped})
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, o.Most)
	}
}

func (o *Options) fill() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Told == nil {
		o.Told = func(State) {}
	}
	o.Grace, o.First, o.Most = cmp.Or(o.Grace, 10*time.Second), cmp.Or(o.First, time.Second), cmp.Or(o.Most, time.Minute)
	if o.Env == nil {
		o.Env = os.Environ()
	}
}

// args has the flags where cloudflared takes them: those of the tunnel before run, those of run after it. The token is never among
// them. An empty configuration keeps a config.yml of this machine out: its rules would hold for a quick tunnel in the place of the URL.
func (o *Options) args() []string {
	all := []string{"tunnel", "--config", os.DevNull, "--no-autoupdate", "--metrics", "127.0.0.1:0", "--grace-period", o.Grace.String()}
	if o.QuickURL != "" {
		return append(all, "--url", o.QuickURL)
	}
	all = append(all, "run")
	if o.Protocol != "" {
		all = append(all, "--protocol", o.Protocol)
	}
	return append(all, "--token-file", o.TokenFile)
}

// environment leaves out what would configure cloudflared behind our back, and secrets of mcpwiz's own.
func environment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return strings.HasPrefix(name, "TUNNEL_") || strings.HasPrefix(name, "MCPWIZ_") && secretName.MatchString(name)
	})
}

var secretName = regexp.MustCompile(`TOKEN|PASSWORD|SECRET|OTP`)

// A child is one life of the connector.
type child struct {
	o Options

	mu        sync.Mutex
	state     State
	connected time.Time
	again     repeats
}

// run starts it and waits for its end; it returns how long it was connected.
func (c *child) run(ctx context.Context) (time.Duration, error) {
	command := exec.Command(c.o.Program, c.o.args()...)
	command.Env = environment(c.o.Env)
	group(command)
	said, says := io.Pipe() // what it does not take of its arguments stands on its standard output
	command.Stdout, command.Stderr, command.WaitDelay = says, says, time.Second
	c.tell(func(s *State) { s.Phase = Starting })
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("%w: start %s: %w", ErrHopeless, c.o.Program, err)
	}
	living, over := context.WithCancel(ctx)
	defer over()
	var around sync.WaitGroup
	around.Go(func() { c.listen(said) })
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		says.Close()
		around.Wait() // all that it says is heard before its end is told
		ended <- err
	}()
	go c.watch(living)
	stopping := context.AfterFunc(ctx, func() { c.stop(command, ended) })
	defer stopping()
	err := c.wait(over, ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connected.IsZero() {
		return 0, err
	}
	return time.Since(c.connected), err
}

// wait waits for the end of the command.
func (c *child) wait(over func(), ended chan error) error {
	err := <-ended
	ended <- err // for who stops it
	over()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Phase == Stopped {
		return fmt.Errorf("%w: %s", ErrHopeless, c.state.Reason)
	}
	if err == nil {
		return errors.New("it ended by itself")
	}
	return err
}

// stop asks it to end, asks once more when the grace is over, and ends it.
func (c *child) stop(command *exec.Cmd, ended chan error) {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, c.o.Grace + time.Second}, {syscall.SIGTERM, 2 * time.Second}, {syscall.SIGKILL, time.Second}} {
		if command.Process.Signal(step.signal) != nil { // it has ended, or this system knows no such signal
			continue
		}
		select {
		case err := <-ended:
			ended <- err
			return
		case <-time.After(step.wait):
		}
	}
}

// listen reads what it says.
func (c *child) listen(said io.Reader) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c.mu.Lock()
		before, tell := c.again.tell(lines.Text(), time.Now())
		c.mu.Unlock()
		if tell {
			c.heard(parseLine(lines.Text()), before)
		}
	}
	_, _ = io.Copy(io.Discard, said) // a line that is too long must not hold it up
}

// heard is told a line, and how often it came since it was told last.
func (c *child) heard(l line, before int) {
	attrs := l.attrs()
	if before > 0 {
		attrs = append(attrs, "times", before)
	}
	c.o.Logger.Log(context.Background(), l.level, "cloudflared: "+l.message, attrs...)
	if at, ok := metricsOf(l.message); ok {
		c.mu.Lock()
		c.state.Metrics = "http://" + at
		c.mu.Unlock()
	}
	if k := known(l); k != nil {
		c.tell(func(s *State) {
			s.Reason, s.Mend = k.reason(l), k.mend
			if k.hopeless {
				s.Phase = Stopped
			}
		})
	}
}

// The connector is asked how it stands: often while it carries nothing, and calmly when it does.
const (
	watchSoon  = 50 * time.Millisecond
	watchEvery = time.Second
)

// watch asks the connector how many connections it has.
func (c *child) watch(ctx context.Context) {
	for began := time.Now(); ; {
		c.mu.Lock()
		at, had := c.state.Metrics, c.state
		c.mu.Unlock()
		pause := watchEvery
		if had.Connections == 0 && time.Since(began) < time.Minute {
			pause = watchSoon
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if at == "" {
			continue
		}
		now, err := ready(ctx, at)
		if err != nil || now.connections == had.Connections && now.connector == had.Connector && (had.URL != "" || c.o.QuickURL == "") {
			continue
		}
		url := had.URL
		if c.o.QuickURL != "" && url == "" {
			url = quickURL(ctx, at)
		}
		c.tell(func(s *State) { s.connections(now.connections, now.connector, url) })
	}
}

func (s *State) connections(n int, connector, url string) {
	s.Connections, s.Connector, s.URL = n, connector, url
	switch {
	case n > 0:
		s.Phase, s.Reason, s.Mend = Connected, "", ""
	case s.Phase == Connected:
		s.Phase = Disconnected
	}
}

// tell changes the state, and tells of it when it is another.
func (c *child) tell(change func(*State)) {
	c.mu.Lock()
	before := c.state
	change(&c.state)
	now := c.state
	if now.Phase == Connected && before.Phase != Connected {
		c.again = repeats{} // what it says of its next loss is heard, were it the same
	}
	if now.Phase == Connected && c.connected.IsZero() {
		c.connected = time.Now()
	}
	c.mu.Unlock()
	if now != before {
		c.o.Told(now)
	}
}
