package wizard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A transcript is what a terminal shows, read beside.
type transcript struct {
	mu   sync.Mutex
	told bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told.Write(p)
}

func (s *transcript) await(t *testing.T, text string) {
	t.Helper()
	for range 500 {
		s.mu.Lock()
		at := bytes.Index(s.told.Bytes(), []byte(text))
		s.mu.Unlock()
		if at >= 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q never comes; the terminal shows\n%s", text, s.told.String())
}

func TestASecretIsNotEchoedOnATerminal(t *testing.T) {
	t.Parallel()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer ours.Close()
	defer theirs.Close()
	shown := &transcript{}
	go func() { _, _ = io.Copy(shown, ours) }()
	before, err := term.GetState(int(theirs.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDialogue(theirs, theirs)
	type answered struct {
		text string
		err  error
	}
	got := make(chan answered)
	ask := func(question string, secret bool) {
		go func() {
			text, err := d.prompt(ctx, question, secret)
			got <- answered{text, err}
		}()
		shown.await(t, question+": ")
		time.Sleep(50 * time.Millisecond)
	}
	answer := func(text string) answered {
		if _, err := ours.WriteString(text); err != nil {
			t.Fatal(err)
		}
		return <-got
	}
	ask("name", false)
	if a := answer("alice\n"); a.text != "alice" || a.err != nil {
		t.Errorf("%+v", a)
	}
	shown.await(t, "alice")
	ask("password", true)
	if a := answer(" sesame \n"); a.text != "sesame" || a.err != nil {
		t.Errorf("%+v", a)
	}
	ask("once more", true)
	cancel()
	if a := <-got; !errors.Is(a.err, context.Canceled) {
		t.Errorf("%+v", a)
	}
	shown.mu.Lock()
	defer shown.mu.Unlock()
	if bytes.Contains(shown.told.Bytes(), []byte("sesame")) {
		t.Errorf("shown:\n%s", shown.told.String())
	}
	if after, err := term.GetState(int(theirs.Fd())); err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}
