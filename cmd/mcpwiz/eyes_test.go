package main

import (
	"strings"
	"testing"
	"time"
)

// eyes look at a screen, whatever draws it, and hands type.
type eyes struct {
	t     *testing.T
	view  func() string
	types func(text string)
}

func (e eyes) shows(text string) bool { return strings.Contains(e.view(), text) }

func (e eyes) awaits(texts ...string) {
	e.t.Helper()
	for _, text := range texts {
		e.until(text, func() bool { return e.shows(text) })
	}
}

func (e eyes) until(what string, is func() bool) {
	e.t.Helper()
	for range 1200 {
		if is() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	e.t.Fatalf("%q does not come; this is to be seen:\n%s", what, e.view())
}

const (
	keyEnter = "\r"
	keyEsc   = "\x1b"
	keyDown  = "\x1b[B"
	keyUp    = "\x1b[Z" // shift+tab
	keyCtrlC = "\x03"
	keyCtrlU = "\x15"
)

// enters presses Enter, a page after the other, until something is to be seen. On the live probe Enter opens a stage: there
// it is waited for.
func (e eyes) enters(until string) {
	e.t.Helper()
	for range 60 {
		before := e.view()
		switch {
		case strings.Contains(before, until):
			return
		case strings.Contains(before, "edge mcp  auth"):
			e.awaits(until)
			return
		}
		e.types(keyEnter)
		e.settles(before)
	}
	e.t.Fatalf("%q does not come; this is to be seen:\n%s", until, e.view())
}

// settles waits until nothing is waited for and no row changes. A key may show nothing: the cursor goes from one empty field to
// the next.
func (e eyes) settles(before string) {
	last := before
	for n := range 400 {
		time.Sleep(30 * time.Millisecond)
		now := e.view()
		if now == last && (now != before || n > 12) && !strings.ContainsAny(now, "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏") {
			return
		}
		last = now
	}
}
