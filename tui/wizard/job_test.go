package wizard

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/tui"
)

// afterABreak is a walk that begins after a run that was killed.
func afterABreak(t *testing.T, w *world, start Answers) (*stage, *Walk) {
	t.Helper()
	w.standing = slices.Clone(brokenOff)
	wk := New(Options{Desk: w.desk(), Path: "mcpwiz.yaml", Start: start, Unfinished: brokenOff})
	s := onStage(t, wk, 80, 24)
	s.shows("The run before was broken off")
	return s, wk
}

func (s *stage) signsIn() {
	s.t.Helper()
	s.shows("Password")
	s.keys("enter")
	for _, r := range "right" {
		s.keys(string(r))
	}
	s.keys("enter")
}

// signedOut are answers that know no secret.
func signedOut() Answers {
	a := filled()
	a.AdminSecret, a.AdminBy = "", ByPassword
	return a
}

// Enter goes on with the plan; the administrator signs in first, and only then.
func TestGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]Answers{"the secret is known": filled(), "it is asked for": signedOut()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			s, wk := afterABreak(t, w, start)
			s.keys("enter")
			if start.AdminSecret == "" {
				s.signsIn()
			}
			s.shows("Nothing is touched yet.")
			s.keys("enter")
			s.shows("read again and compared")
			if !strings.HasSuffix(w.done(), "plan\nsave\napply") || len(wk.left()) > 0 {
				t.Errorf("did\n%s", w.done())
			}
		})
	}
}

// u shows what is to be put back, and puts it back; then there is nothing to go on with any more.
func TestUndoesWhatWasBrokenOff(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s, wk := afterABreak(t, w, signedOut())
	s.keys("u")
	s.signsIn()
	s.shows("1 changed, 2 removed")
	s.keys("esc")
	s.shows("The run before")
	s.keys("u")
	s.shows("enter undo")
	s.keys("enter")
	s.shows("3 undone: what")
	if got := w.done(); !strings.HasSuffix(got, "undo keycloak/client/claude\nundo keycloak/scope/mcp:tools\nundo keycloak/realm/mcp") || strings.Contains(got, "save") {
		t.Errorf("did\n%s", got)
	}
	s.keys("esc")
	s.shows("who connects")
	s.app.Close()
	if err, _ := wk.Applied(); err != nil || !wk.Undone() {
		t.Errorf("left with %v", err)
	}
}

// a asks all questions as ever.
func TestAsksAllAfterABreak(t *testing.T) {
	t.Parallel()
	s, _ := afterABreak(t, newWorld(), signedOut())
	s.keys("u")
	s.shows("Password")
	s.keys("esc", "esc", "esc", "esc")
	s.until("the first page", func() bool {
		if s.app.At().Name() != "start" {
			s.keys("esc")
		}
		return s.app.At().Name() == "start"
	})
	s.keys("a")
	s.shows("How do clients reach your server?")
}

// misdirected is what a handshake finds when a redirect URI is missing.
var misdirected = probe.Finding{
	Check: "authorization.redirect-accepted", Stage: probe.StageAuthorization, Level: probe.Must, Outcome: probe.Failed,
	Title: "the client's redirect URI is registered", By: "keycloak/client/claude",
}

// f on the probe shows the plan of just what the finding names, applies it, and has the handshake made again.
func TestMendsWhatAHandshakeFound(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.broken = &misdirected
	wk := walk(w, filled())
	s := onStage(t, wk, 80, 24)
	s.enterToThePlan()
	s.keys("enter")
	s.shows("read again and compared")
	s.keys("enter")
	s.shows("f mend")
	s.keys("f")
	s.shows("~ ▾ keycloak/client/claude")
	s.keys("esc")
	s.shows("f mend")
	s.keys("f")
	s.shows("1 changed. Nothing is touched yet.")
	s.keys("enter")
	s.shows("enter prove it")
	if !strings.HasSuffix(w.done(), "plan keycloak/client/claude\nplan keycloak/client/claude\nsave\napply keycloak/client/claude") {
		t.Errorf("did\n%s", w.done())
	}
	s.keys("enter")
	s.shows("keycloak/client/claude is not proved: nothing of it was reached") // the handshake of this world finds nothing
	if !strings.HasSuffix(w.done(), "serve\nhandshake claude-ai test user") {
		t.Errorf("did\n%s", w.done())
	}
	s.keys("esc") // all of it, as it was applied before
	s.shows("2 of 2 in place")
	s.keys("u", "y")
	s.shows("2 undone: what")
}

func TestLeavesOrUndoesOnTheApplyPage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fails = 1
	wk := walk(w, filled())
	s := onStage(t, wk, 80, 24)
	s.enterToThePlan()
	s.keys("enter")
	s.shows("stopped")
	s.shows("mcpwiz setup -f mcpwiz.yaml goes on from here, too")
	s.shows("r retry · u undo 1 · esc plan · q leave")
	s.keys("u")
	s.shows("Put back what was before?")
	s.keys("y")
	s.shows("1 undone: what was before is back")
	s.keys("q")
	s.until("left", func() bool { return s.quit })
	if err, undoing := wk.Applied(); err != nil || undoing || s.app.Err() != nil || !wk.Undone() {
		t.Errorf("left with %v, %v", err, s.app.Err())
	}
}

// In lines the same: go on, put back, or ask everything.
func TestAfterABreakInLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script, does string
		tells              []string
	}{
		{"goes on", "\n\nright\ny\n\n\nn\n\n", "plan\nsave\napply\nserve\nhandshake claude-ai test user",
			[]string{"was broken off", "keycloak/client/claude was being made", "Password", "Apply it?", "finished h1"}},
		{"undoes", "2\n\nright\ny\n", "reversal\nundo keycloak/client/claude\nundo keycloak/scope/mcp:tools\nundo keycloak/realm/mcp",
			[]string{"- keycloak/client/claude", "Undo it? [y/N]", "keycloak/realm/mcp undone"}},
		{"undoes nothing unasked", "2\n\nright\nn\n", "reversal", []string{"Undo it? [y/N]"}},
		{"asks", "3\n", "", []string{"How do clients reach"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.standing = slices.Clone(brokenOff)
			out, err := plainly(t, w, Options{Start: signedOut(), Unfinished: brokenOff}, c.script)
			if err != nil && !errors.Is(err, ErrNoAnswer) {
				t.Errorf("%v\n%s", err, out)
			}
			has(t, out, c.tells...)
			if !strings.HasSuffix(w.done(), c.does) {
				t.Errorf("did\n%s", w.done())
			}
		})
	}
}

func TestMendsInLines(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.broken = &misdirected
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"y\n"+"\n\n"+"y\ny\n"+"n\n\n\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "finished h1", "Look at the plan of keycloak/client/claude, that would mend it? [y/N]", "~ keycloak/client/claude", "Apply it?", "finished h1",
		"Connect once more?")
	want := "handshake claude-ai test user\nplan keycloak/client/claude\nsave\napply keycloak/client/claude\nserve\nhandshake claude-ai test user"
	if !strings.HasSuffix(w.done(), want) {
		t.Errorf("did\n%s", w.done())
	}
}

func TestUndoesInLinesWhatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fails = 1
	out, err := plainly(t, w, Options{Start: filled()}, strings.Repeat("\n", asked)+"y\nn\ny\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has(t, out, "was refused", "Look again, and go on where it stopped? [Y/n]", "- keycloak/realm/mcp", "Undo it? [y/N]", "keycloak/realm/mcp undone")
}

var _ tui.Page = (*byJob)(nil)
