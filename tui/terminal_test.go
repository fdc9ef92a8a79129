package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"
	"github.com/muesli/termenv"

	"github.com/mcpwiz/mcpwiz/tui/quiet"
)

// onTerminal names what this test binary does, instead of its tests, when it is started on a terminal.
const onTerminal = "TUI_TEST_ON_TERMINAL"

func TestMain(m *testing.M) {
	quiet.Restore()
	if what := os.Getenv(onTerminal); what != "" {
		os.Exit(shown(what))
	}
	os.Exit(m.Run())
}

// A field takes what is typed, as a text field does.
type field struct{ leaf }

func (f *field) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.KeyMsg:
		if m.Type == tea.KeyRunes {
			f.name += m.String()
		}
		if m.Type == tea.KeyEnter {
			return Go(Leave{})
		}
	case crashMsg:
		panic("a mistake")
	}
	return nil
}

func (f *field) View(int, int) string { return " the field has [" + f.name + "]" }

type crashMsg struct{}

// shown is the program that is started: it finds out the look, shows a field, and tells on the ordinary screen how it was.
func shown(what string) int {
	t := Terminal{In: os.Stdin, Out: os.Stdout, Env: os.LookupEnv}
	begin := time.Now()
	look := t.Look(context.Background())
	fmt.Printf("dark=%t after=%dms\n", look.Dark, time.Since(begin).Milliseconds())
	f := &field{leaf{typing: true}}
	a := NewApp(NewTheme(look), []Page{f}, func() string { return "Answers are kept." })
	var m tea.Model = a
	if what == "breaks" {
		m = breaking{a}
	}
	_, err := Run(context.Background(), t, m)
	fmt.Printf("typed=[%s] run=%v left=%v\n", f.name, err, a.Err())
	return 0
}

// breaking panics in its first Cmd.
type breaking struct{ tea.Model }

func (b breaking) Init() tea.Cmd { return func() tea.Msg { panic("a mistake") } }

// A session is that program on a terminal that answers as it is told.
type session struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	over chan struct{}
	mu   sync.Mutex
	seen bytes.Buffer
	// until is where reading ends: a terminal that is being read cannot be closed.
	until string
}

func started(t *testing.T, what string, answers func(*session), env ...string) *session {
	t.Helper()
	s := &session{t: t, cmd: exec.Command(os.Args[0]), over: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), append([]string{onTerminal + "=" + what, "TERM=xterm-256color", "LANG=C.UTF-8", "COLORFGBG="}, env...)...)
	terminal, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	s.pty = terminal
	asked := sync.OnceFunc(func() { go answers(s) })
	go func() {
		defer close(s.over)
		buf := make([]byte, 4096)
		for {
			n, err := s.pty.Read(buf)
			s.mu.Lock()
			s.seen.Write(buf[:n])
			s.mu.Unlock()
			if strings.Contains(s.text(), "\x1b]11;?") {
				asked()
			}
			if err != nil || s.read() {
				return // a pty ends with EIO
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		s.pty.Close()
	})
	return s
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// read reports whether all is read that was to be.
func (s *session) read() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until != "" && strings.Contains(s.seen.String(), s.until)
}

func (s *session) types(text string) {
	if _, err := s.pty.WriteString(text); err != nil {
		s.t.Error(err)
	}
}

func (s *session) awaits(text string) {
	s.t.Helper()
	for range 400 {
		if strings.Contains(s.text(), text) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("%q does not come: %q", text, s.text())
}

// ends waits for the program and returns what it wrote after the alternate screen.
func (s *session) ends() string {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end: %q", s.text())
	}
	_ = s.cmd.Wait()
	_, after, ok := strings.Cut(s.text(), "\x1b[?1049l")
	if !ok {
		s.t.Fatalf("the ordinary screen is not given back: %q", s.text())
	}
	return after
}

func silent(*session) {}

// A terminal that answers nothing is waited for a quarter of a second, and counts as dark.
func TestMuteTerminal(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	s := started(t, "field", silent)
	s.awaits("the field has []")
	if took := time.Since(begin); took > 3*time.Second { // termenv waits for 5 s
		t.Errorf("the first page is there after %s", took)
	}
	s.types("abc\r")
	if after := s.ends(); !strings.Contains(s.text(), "dark=true") || !strings.Contains(after, "typed=[abc] run=<nil> left=<nil>") {
		t.Errorf("%q", s.text())
	}
}

// The answer in time is taken, whatever comes first, and nothing of it is typed.
func TestBackgroundIsAsked(t *testing.T) {
	t.Parallel()
	for answer, dark := range map[string]string{
		"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c": "false",
		"\x1b]11;rgb:fd/f6/e3\x07\x1b[?1;2c":           "false",
		"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\\x1b[?64c":    "true",
		"\x1b[?62;22c": "true",
	} {
		t.Run(fmt.Sprintf("%q", answer), func(t *testing.T) {
			t.Parallel()
			s := started(t, "field", func(s *session) { s.types(answer) })
			s.awaits("the field has []")
			s.types("x\r")
			if after := s.ends(); !strings.Contains(s.text(), "dark="+dark) || !strings.Contains(after, "typed=[x]") {
				t.Errorf("%q", s.text())
			}
		})
	}
}

// An answer that comes late is not typed into the field that has the focus.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c", "\x1b]11;rgb:ffff/ffff/ffff\x07"} {
		s := started(t, "field", func(s *session) {
			s.awaits("the field has []")
			s.types(answer)
		})
		s.awaits("the field has []")
		time.Sleep(300 * time.Millisecond)
		s.types("abc\r")
		if after := s.ends(); !strings.Contains(after, "typed=[abc]") {
			t.Errorf("%q: %q", answer, after)
		}
	}
}

// Whoever asks it to end gets the ordinary screen back, without a question.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		s := started(t, "field", func(s *session) { s.types("\x1b[?1c") })
		s.awaits("the field has []")
		if err := s.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if after := s.ends(); !strings.Contains(after, "run=left before the end") {
			t.Errorf("%s: %q", sig, after)
		}
	}
}

func TestTerminalIsClosed(t *testing.T) {
	t.Parallel()
	s := started(t, "field", func(s *session) {
		s.mu.Lock()
		s.until = "the field has []"
		s.mu.Unlock()
		s.types("\x1b[?1c")
	})
	<-s.over
	s.pty.Close()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() < 0 {
			t.Errorf("it is killed: %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on without a terminal")
	}
}

func TestCtrlCOnATerminal(t *testing.T) {
	t.Parallel()
	s := started(t, "field", func(s *session) { s.types("\x1b[?1c") })
	s.awaits("the field has []")
	s.types("\x03")
	s.awaits("Leave?")
	s.types("y")
	if after := s.ends(); !strings.Contains(after, "run=<nil> left=left before the end") {
		t.Errorf("%q", after)
	}
}

func TestPanicGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	s := started(t, "breaks", func(s *session) { s.types("\x1b[?1c") })
	if after := s.ends(); !strings.Contains(after, "run=show on the terminal:") {
		t.Errorf("%q", after)
	}
}

func TestLookByEnvironment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		t    Terminal
		env  map[string]string
		want Look
	}{
		{"true colours", Terminal{Light: true}, map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}, Look{Profile: termenv.TrueColor}},
		{"256", Terminal{Dark: true}, map[string]string{"TERM": "xterm-256color", "LC_ALL": "en_US.utf8"}, Look{Dark: true, Profile: termenv.ANSI256}},
		{"16", Terminal{Dark: true}, map[string]string{"TERM": "xterm", "LANG": "C.UTF-8"}, Look{Dark: true, Profile: termenv.ANSI}},
		{"no colour wanted", Terminal{Dark: true}, map[string]string{"TERM": "xterm-256color", "NO_COLOR": "1", "LANG": "C.UTF-8"}, Look{Dark: true, NoColor: true, Profile: termenv.ANSI}},
		{"no colour known", Terminal{Dark: true}, map[string]string{"TERM": "vt100", "LANG": "C.UTF-8"}, Look{Dark: true, NoColor: true, Profile: termenv.ANSI}},
		{"no locale", Terminal{Dark: true}, map[string]string{"TERM": "xterm"}, Look{Dark: true, ASCII: true, Profile: termenv.ANSI}},
		{"LC_ALL goes before LANG", Terminal{Dark: true}, map[string]string{"TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"}, Look{Dark: true, ASCII: true, Profile: termenv.ANSI}},
		{"ASCII is asked for", Terminal{Dark: true, ASCII: true}, map[string]string{"TERM": "xterm", "LANG": "C.UTF-8"}, Look{Dark: true, ASCII: true, Profile: termenv.ANSI}},
		{"dumb", Terminal{}, map[string]string{"TERM": "dumb", "LANG": "C.UTF-8"}, Look{Dark: true, NoColor: true, Profile: termenv.Ascii}},
	} {
		c.t.Env = func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }
		got := Look{ASCII: c.t.ASCII || !c.t.utf8()}
		got.Profile, got.NoColor = c.t.colors()
		got.Dark, _ = c.t.dark(t.Context())
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	for s, dark := range map[string]bool{"15;0": true, "0;15": false, "0;default;7": false, "12;8": true, "": true, "15;default": true} {
		if darkByColorFGBG(s) != dark {
			t.Errorf("COLORFGBG=%s: dark is %t", s, !dark)
		}
	}
}

// A real alt+] is a key again once no answer can come any more, and what only looked like one is not eaten whole.
func TestLateAnswerFilter(t *testing.T) {
	t.Parallel()
	now := noon
	l := &lateAnswer{until: now.Add(lateFor), now: func() time.Time { return now }}
	left := func(keys ...string) string {
		var all []string
		for _, k := range keys {
			if m, ok := l.filter(nil, keyMsg(k)).(tea.KeyMsg); ok {
				all = append(all, m.String())
			}
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"a", "alt+]", "11;rgb:ff/ff/ff", `alt+\`, "b"}, "a b"},
		{[]string{"alt+]", "11;rgb:ff/ff/ff", "ctrl+g", "b"}, "b"},
		{[]string{"alt+]", "down", "1"}, "down 1"},
	} {
		if got := left(c.keys...); got != c.want {
			t.Errorf("%v: %q is left, want %q", c.keys, got, c.want)
		}
	}
	now = now.Add(lateFor + time.Second)
	if got := left("alt+]", "1"); got != "alt+] 1" {
		t.Errorf("after 5 s %q is left", got)
	}
}
