package wizard

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/tui"
)

// A stage is a whole App, fed by hand.
type stage struct {
	t    *testing.T
	app  *tui.App
	msgs chan tea.Msg
	quit bool
}

func onStage(t *testing.T, wk *Walk, width, height int) *stage {
	t.Helper()
	s := &stage{t: t, app: tui.NewApp(tui.NewTheme(looks["dark"]), wk.Pages(), func() string { return "Answers are kept." }), msgs: make(chan tea.Msg, 1024)}
	s.app.Under(t.Context())
	t.Cleanup(s.app.Close)
	s.run(s.app.Init())
	s.send(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

func (s *stage) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, c := range batch {
				s.run(c)
			}
			return
		}
		s.msgs <- msg
	}()
}

func (s *stage) send(m tea.Msg) {
	if _, ok := m.(tea.QuitMsg); ok {
		s.quit = true
		return
	}
	_, cmd := s.app.Update(m)
	s.run(cmd)
}

func (s *stage) until(what string, so func() bool) {
	s.t.Helper()
	late := time.After(time.Minute)
	for !so() {
		select {
		case m := <-s.msgs:
			s.send(m)
		case <-late:
			s.t.Fatalf("never: %s; the screen is\n%s", what, bare(s.app.View()))
		}
	}
}

func (s *stage) shows(text string) {
	s.t.Helper()
	s.until("shows "+text, func() bool { return strings.Contains(bare(s.app.View()), text) })
}

func (s *stage) keys(names ...string) {
	for _, n := range names {
		s.send(pressed(n))
	}
}

// steps are what comes after Enter, on filled answers, up to the plan; Enter is pressed as often as a page has questions.
func (s *stage) enterToThePlan() {
	s.t.Helper()
	for _, to := range []struct {
		shows  string
		enters int
	}{
		{"who connects", 1}, {"How do clients reach", 1}, {"Where does it listen?", 2}, {"Where is Keycloak?", 2}, {"Password", 2}, {"Which realm?", 2},
		{"Who connects?", 1}, {"How does Claude get its client id?", 1}, {"Client id of Claude", 3}, {"Client id of Machine", 2}, {"A user to try it with?", 1},
	} {
		s.shows(to.shows)
		for range to.enters {
			s.keys("enter")
		}
	}
	s.shows("keycloak/client/claude")
}

func TestEnterLeadsThroughAllPages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	wk := walk(w, filled())
	s := onStage(t, wk, 80, 24)
	s.enterToThePlan()
	s.keys("esc")
	s.shows("A user to try it with?")
	s.keys("enter")
	s.shows("keycloak/client/claude")
	s.keys("enter")
	s.until("the handshake", func() bool {
		return strings.Contains(w.done(), "handshake") || s.app.At().Name() == "apply" && pressAgain(s)
	})
	s.until("the probe's end", func() bool { return s.app.At().Name() == "connect" || pressAgain(s) })
	s.shows("Add custom connector")
	s.app.Close()
	if err, _ := wk.Applied(); err != nil {
		t.Error(err)
	}
	if _, events := wk.Result(); len(events) == 0 {
		t.Error("nothing of the handshake is there")
	}
	if !strings.HasSuffix(w.done(), "save\napply\nserve\nhandshake claude-ai test user") {
		t.Errorf("did\n%s", w.done())
	}
	if got := w.saved.Connection.Clients; len(got) != 2 {
		t.Errorf("saved %+v", got)
	}
}

// pressAgain goes on from a page whose work is over.
func pressAgain(s *stage) bool {
	switch p := s.app.At().(type) {
	case *byJob:
		if a, applies := p.Page.(*tui.ApplyPage); applies && !a.Working() {
			s.keys("enter")
		}
	case *late:
		if strings.Contains(bare(s.app.View()), "what to type") { // it is over
			s.keys("c")
		}
	}
	return false
}

func TestADryRunTouchesAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := onStage(t, New(Options{Desk: w.desk(), Path: "mcpwiz.yaml", Start: filled(), DryRun: true}), 40, 15)
	s.enterToThePlan()
	s.keys("s", "enter")
	s.until("left", func() bool { return s.quit })
	if s.app.Err() != nil {
		t.Error(s.app.Err())
	}
	if strings.Contains(w.done(), "save") || strings.Contains(w.done(), "apply") {
		t.Errorf("did\n%s", w.done())
	}
}

func TestOtherAnswersMakeAnotherProbe(t *testing.T) {
	t.Parallel()
	wk := walk(newWorld(), filled())
	l := &late{name: "probe", w: wk, make: wk.probePage}
	l.Enter(t.Context(), tui.NewTheme(looks["dark"]))
	first := l.page
	l.Enter(t.Context(), tui.NewTheme(looks["dark"]))
	if l.page != first {
		t.Error("made anew without a reason")
	}
	wk.draft.url = "https://other.example/mcp"
	wk.settle()
	l.Enter(t.Context(), tui.NewTheme(looks["dark"]))
	if l.page == first || !l.FullScreen() {
		t.Error("still the probe of other answers")
	}
}
