package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// A glass is a terminal as somebody looks at it: what is to be seen now, not all that was ever written.
type glass struct {
	eyes
	pty  *os.File
	cmd  *exec.Cmd
	over chan struct{}

	mu       sync.Mutex
	rows     [][]rune
	row, col int
	pending  []byte
	// ordinary is what was written to the ordinary screen, without escapes; alternate whether pages are shown.
	ordinary  bytes.Buffer
	alternate bool
}

// onGlass starts the binary on a terminal, in a directory and a home of its own.
func onGlass(t *testing.T, cols, rows int, dir string, env []string, args ...string) *glass {
	t.Helper()
	g := &glass{cmd: exec.Command("mcpwiz", args...), over: make(chan struct{}), rows: blank(cols, rows)}
	g.cmd.Dir = dir
	g.cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "NO_COLOR=", "ACCESSIBLE=", "HOME="+t.TempDir()), env...)
	g.eyes = eyes{t, g.look, g.press}
	terminal, err := pty.StartWithSize(g.cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)})
	if err != nil {
		t.Fatal(err)
	}
	g.pty = terminal
	go func() {
		defer close(g.over)
		buf := make([]byte, 4096)
		for {
			n, err := g.pty.Read(buf)
			g.take(buf[:n])
			if err != nil {
				return // a pty ends with EIO
			}
		}
	}()
	t.Cleanup(func() {
		_ = g.cmd.Process.Kill()
		g.pty.Close()
	})
	return g
}

func blank(cols, rows int) [][]rune {
	all := make([][]rune, rows)
	for i := range all {
		all[i] = slices.Repeat([]rune{' '}, cols)
	}
	return all
}

// take writes to the glass what comes whole, and keeps the rest.
func (g *glass) take(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = append(g.pending, b...)
	for len(g.pending) > 0 {
		n := g.one(g.pending)
		if n == 0 {
			return
		}
		g.pending = g.pending[n:]
	}
}

// one takes one character or escape, and says how long it was; 0 for one that is not whole yet.
func (g *glass) one(b []byte) int {
	switch {
	case b[0] == 0x1b:
		return g.escape(b)
	case !utf8.FullRune(b):
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if !g.alternate {
		g.ordinary.WriteRune(r)
		return n
	}
	switch {
	case r == '\r':
		g.col = 0
	case r == '\n':
		g.row = min(g.row+1, len(g.rows)-1)
	case r >= ' ' && g.col < len(g.rows[0]):
		g.rows[g.row][g.col] = r
		g.col++
	}
	return n
}

func (g *glass) escape(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] == ']': // OSC ends with BEL or ESC \
		if i := bytes.IndexByte(b, 7); i >= 0 {
			return i + 1
		}
		if i := bytes.Index(b, []byte("\x1b\\")); i >= 0 {
			return i + 2
		}
		return 0
	case b[1] != '[':
		return 2
	}
	i := bytes.IndexFunc(b[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if i < 0 {
		return 0
	}
	g.control(string(b[2:2+i]), b[2+i])
	return 3 + i
}

func (g *glass) control(args string, what byte) {
	first, second, _ := strings.Cut(args, ";")
	n, _ := strconv.Atoi(first)
	m, _ := strconv.Atoi(second)
	line := g.rows[g.row]
	switch what {
	case 'A':
		g.row = max(g.row-max(n, 1), 0)
	case 'B':
		g.row = min(g.row+max(n, 1), len(g.rows)-1)
	case 'C':
		g.col = min(g.col+max(n, 1), len(line)-1)
	case 'D':
		g.col = max(g.col-max(n, 1), 0)
	case 'H':
		g.row, g.col = min(max(n, 1), len(g.rows))-1, min(max(m, 1), len(line))-1
	case 'J':
		if n == 2 {
			g.rows = blank(len(line), len(g.rows))
			return
		}
		for i := g.row + 1; i < len(g.rows); i++ {
			copy(g.rows[i], blank(len(line), 1)[0])
		}
		g.control("", 'K')
	case 'K':
		if n == 2 {
			copy(line, blank(len(line), 1)[0])
			return
		}
		for i := min(g.col, len(line)); i < len(line); i++ {
			line[i] = ' '
		}
	case 'h', 'l':
		if args == "?1049" {
			g.alternate = what == 'h'
			g.rows = blank(len(line), len(g.rows))
		}
	}
}

// look is what is to be seen: the page, without blanks at the ends of lines.
func (g *glass) look() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.alternate {
		return g.ordinary.String()
	}
	var b strings.Builder
	for _, row := range g.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}

// press types, or pastes: what comes at once is one key for the page.
func (g *glass) press(text string) {
	g.t.Helper()
	if _, err := g.pty.WriteString(text); err != nil {
		g.t.Fatal(err)
	}
}

// ends returns the exit code.
func (g *glass) ends() int {
	g.t.Helper()
	select {
	case <-g.over:
	case <-time.After(time.Minute):
		g.t.Fatalf("it does not end; this is to be seen:\n%s", g.view())
	}
	_ = g.cmd.Wait() // the code says it
	return g.cmd.ProcessState.ExitCode()
}

// left is what is on the ordinary screen at the end.
func (g *glass) left() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.ReplaceAll(g.ordinary.String(), "\r", "")
}
