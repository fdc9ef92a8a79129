package wizard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/bubbles/cursor"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
	"github.com/mcpwiz/mcpwiz/tui"
)

func walk(w *world, start Answers) *Walk {
	return New(Options{Desk: w.desk(), Path: "mcpwiz.yaml", Start: start})
}

func serverPage(t *testing.T, w *world, start Answers) *screen {
	t.Helper()
	wk := walk(w, start)
	s := show(t, wk.page(wk.addressTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.keys("enter")
	return s
}

func TestEnterWaitsForTheAnswerAndThenGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	let := make(chan struct{})
	w.server = func(context.Context, string) Verdict { <-let; return Verdict{OK: true, Note: "fine"} }
	s := serverPage(t, w, filled())
	s.keys("enter", "enter")
	s.shows("asking http://127.0.0.1:8080/mcp")
	if len(s.went) > 0 {
		t.Fatal("went on before the answer")
	}
	close(let)
	s.goes(tui.Next{})
}

func TestAFurtherLetterDropsTheEnterAndTheLookup(t *testing.T) {
	t.Parallel()
	w := newWorld()
	asked := make(chan string, 8)
	w.server = func(ctx context.Context, url string) Verdict {
		asked <- url
		if strings.HasSuffix(url, "x") {
			return Verdict{OK: true, Note: "the second"}
		}
		<-ctx.Done()
		return Verdict{OK: true, Note: "the first"}
	}
	s := serverPage(t, w, filled())
	s.keys("enter", "enter", "shift+tab")
	<-asked
	s.type_("x")
	s.shows("the second")
	time.Sleep(20 * time.Millisecond)
	s.until("nothing left", func() bool { return len(s.msgs) == 0 })
	if len(s.went) > 0 {
		t.Error("the dropped Enter went on")
	}
	if strings.Contains(s.view(), "the first") {
		t.Errorf("the first lookup is told:\n%s", s.view())
	}
}

func TestALookupComesByItselfWhenTypingPauses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := serverPage(t, w, Answers{})
	s.type_("https://mcp.example.com/mcp")
	s.shows("nobody answers there yet")
	if got := w.done(); got != "server 127.0.0.1:8080 https://mcp.example.com/mcp" {
		t.Errorf("looked up more than once, or something else:\n%s", got)
	}
}

func TestWhatIsWrongIsSaidInPlace(t *testing.T) {
	t.Parallel()
	s := serverPage(t, newWorld(), Answers{})
	s.keys("enter")
	s.shows("✗ public URL: missing")
	s.type_("http://mcp.example.com")
	if strings.Contains(s.view(), "missing") {
		t.Errorf("still told while it is being typed:\n%s", s.view())
	}
	s.keys("enter")
	s.shows("must be https")
	s.keys("ctrl+u")
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("  https://mcp.example.com/mcp \t\n"), Paste: true})
	s.keys("enter", "ctrl+u")
	s.type_("nowhere")
	s.keys("enter")
	s.shows(`"nowhere" is not host:port`)
	s.keys("ctrl+u")
	s.type_(":8080")
	s.keys("enter")
	s.goes(tui.Next{})
	a := s.page.(*page).w.Answers()
	if got := a.Connection.Servers[0]; got.URL != "https://mcp.example.com/mcp" || got.Listen != ":8080" {
		t.Errorf("%+v", got)
	}
}

func TestAWarningIsReadBeforeGoingOn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.server = func(context.Context, string) Verdict {
		return Verdict{OK: true, Warn: true, Note: "another server answers"}
	}
	s := serverPage(t, w, filled())
	s.keys("enter", "enter")
	s.shows("! another server answers")
	if len(s.went) > 0 {
		t.Fatal("went on unread")
	}
	s.keys("enter")
	s.goes(tui.Next{})
}

func TestWhatIsRefusedIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	good := false
	w.server = func(context.Context, string) Verdict { return Verdict{OK: good, Note: "tried"} }
	s := serverPage(t, w, filled())
	s.keys("enter", "enter")
	s.shows("✗ tried")
	good = true
	s.keys("enter")
	s.goes(tui.Next{})
}

func TestLeavingEndsTheLookup(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ended := make(chan error, 1)
	w.server = func(ctx context.Context, _ string) Verdict {
		<-ctx.Done()
		ended <- ctx.Err()
		return Verdict{}
	}
	s := serverPage(t, w, filled())
	s.keys("enter", "enter", "esc", "esc")
	s.goes(tui.Back{})
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func keycloakPage(t *testing.T, w *world, start Answers) *screen {
	t.Helper()
	wk := walk(w, start)
	return show(t, wk.page(wk.keycloakTopic()), tui.NewTheme(looks["dark"]), 80, 21)
}

// A refusal that comes after Enter takes the focus back, so that letters correct what is wrong; and Enter tries it again.
func TestARefusalTakesTheFocusBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.away = "exmple"
	s := keycloakPage(t, w, Answers{})
	s.type_("https://id.exmple")
	s.keys("enter")
	s.shows("✗ no answer at https://id.exmple")
	if at := s.page.(*page).form.at; at != 0 {
		t.Errorf("the focus is on question %d", at)
	}
	s.keys("enter")
	s.shows("asking https://id.exmple")
	s.shows("✗ no answer at https://id.exmple")
	s.keys("backspace", "backspace", "backspace", "backspace")
	s.type_("ample")
	s.keys("enter", "enter")
	s.shows("Password")
	if got := s.page.(*page).w.Answers().Connection.Keycloak.Issuer; got != "https://id.example/realms/mcp" {
		t.Errorf("the answer is %s", got)
	}
}

func TestAWrongPasswordIsToldInPlaceAndTriedOnlyAtEnter(t *testing.T) {
	t.Parallel()
	w := newWorld()
	s := keycloakPage(t, w, Answers{})
	s.type_("https://id.example.com/admin/master/console/")
	s.keys("enter", "enter")
	s.shows("Password")
	s.keys("enter")
	s.type_("wro")
	time.Sleep(pause + 50*time.Millisecond)
	s.until("nothing left", func() bool { return len(s.msgs) == 0 })
	s.type_("ng")
	s.keys("enter")
	s.shows("✗ Keycloak refuses the password of admin")
	s.type_("right")
	s.keys("enter")
	s.shows("Which realm?")
	want := "reach https://id.example.com/realms/mcp\nrefuse https://id.example.com/realms/mcp\nsign in https://id.example.com/realms/mcp"
	if got := w.done(); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	s.keys("enter", "enter")
	s.goes(tui.Next{})
}

func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.password = "correct horse"
	start := filled()
	start.AdminSecret = "correct horse"
	s := keycloakPage(t, w, start)
	s.keys("enter", "enter")
	s.shows("given already")
	for _, p := range []string{s.view(), fmt.Sprint(s.page.(*page).w.Answers()), s.page.Help()} {
		if strings.Contains(p, "correct") {
			t.Errorf("told:\n%s", p)
		}
	}
	s.keys("enter", "enter")
	s.shows("Which realm?")
}

func TestLettersThatComeAtOnceAreNoKey(t *testing.T) {
	t.Parallel()
	s := keycloakPage(t, newWorld(), filled())
	s.keys("enter", "enter")
	s.shows("Password")
	s.keys("enter")
	for _, word := range []string{"enter", "right"} {
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(word)})
	}
	if got := s.page.(*page).w.draft.password; got != "enterright" {
		t.Errorf("got %q", got)
	}
}

func TestTheSecretOfAnotherWayIsNotSent(t *testing.T) {
	t.Parallel()
	start := filled()
	s := keycloakPage(t, newWorld(), start)
	s.keys("enter", "down", "down", "enter")
	s.shows("Access token")
	s.keys("enter")
	s.shows("✗ token: missing")
	if a := s.page.(*page).w.draft.answers(); a.AdminSecret != "" || a.AdminBy != ByToken || a.Connection.Keycloak.Admin != (plan.Admin{}) {
		t.Errorf("%+v", a)
	}
}

func TestARealmIsTakenFromWhatIsPasted(t *testing.T) {
	t.Parallel()
	s := keycloakPage(t, newWorld(), Answers{AdminSecret: "right"})
	s.type_("https://id.example.com/auth/realms/tools/account/#/")
	s.keys("enter", "enter")
	s.shows("Password")
	if got := s.page.(*page).w.Answers().Connection.Keycloak.Issuer; got != "https://id.example.com/auth/realms/tools" {
		t.Errorf("issuer %s", got)
	}
}

func TestWalkThereAndBack(t *testing.T) {
	t.Parallel()
	wk := walk(newWorld(), filled())
	s := show(t, wk.page(wk.clientsTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.keys("down", " ", "enter") // Claude Code too
	s.shows("How does Claude get its client id?")
	s.keys("enter")
	s.shows("Client id of Claude")
	s.type_("-x")
	s.keys("enter", "down", "esc")
	s.shows("How does Claude get its client id?")
	s.keys("esc")
	s.shows("Who connects?")
	s.keys("esc")
	s.goes(tui.Back{})
	s.run(s.page.Enter(t.Context(), tui.NewTheme(looks["dark"])))
	s.shows("[✓] Claude Code")
	s.keys("enter", "enter")
	s.shows("> claude-x")
	s.keys("enter", "enter", "enter")
	s.shows("How does Claude Code get its client id?")
	s.keys("enter")
	s.shows("Client id of Claude Code")
	s.keys("enter", "enter", "enter")
	s.shows("Client id of Machine")
	s.keys("enter", "down", "enter")
	s.shows("A user to try it with?")
	s.keys("ctrl+u", "enter")
	s.goes(tui.Next{})
	a := wk.Answers()
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, c := range a.Connection.Clients {
		got = append(got, fmt.Sprint(c.Profile, " ", c.ID, " ", c.Confidential == nil || *c.Confidential, " ", c.Auth))
	}
	want := "claude-ai claude-x false \nm2m m2m true private_key_jwt\nclaude-code claude-code false "
	if strings.Join(got, "\n") != want {
		t.Errorf("clients\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if len(a.Connection.Users) != 0 {
		t.Errorf("users %v", a.Connection.Users)
	}
}

func TestNobodyChosenIsAMistake(t *testing.T) {
	t.Parallel()
	start := filled()
	start.Connection.Clients = start.Connection.Clients[:1]
	wk := walk(newWorld(), start)
	s := show(t, wk.page(wk.clientsTopic()), tui.NewTheme(looks["dark"]), 80, 21)
	s.keys(" ", "enter")
	s.shows("✗ clients: none chosen")
}

func TestNothingBlinksAndAResizeKeepsTheFocus(t *testing.T) {
	t.Parallel()
	s := serverPage(t, newWorld(), filled())
	s.keys("tab")
	before := s.page.View(80, 21)
	s.send(cursor.BlinkMsg{})
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 30, Height: 7}, {Width: 80, Height: 21}} {
		s.send(size)
	}
	s.send(tui.Restyled{})
	if got := s.page.View(80, 21); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	if at := s.page.(*page).form.at; at != 1 {
		t.Errorf("focus %d", at)
	}
}
