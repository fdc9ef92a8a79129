package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// changedSo are the records of what was applied of the sample, as far as a change.
func changedSo(last int) (all []plan.Past) {
	for _, c := range samplePlan.Changes[:last+1] {
		if !c.Empty() {
			all = append(all, plan.Past{Record: plan.Record{Run: "1", Change: c}, State: plan.Applied})
		}
	}
	return all
}

// undoes is the page that has applied the sample up to a change, and is being told how far its undoing is.
func undoes(t *testing.T, l Look, width, height int, last int, told ...applyStep) (*App, *ApplyPage) {
	t.Helper()
	o := ApplyOptions{
		Past: func() ([]plan.Past, error) { return changedSo(last), nil },
		Undo: func(ctx context.Context, _ []plan.Past, _ func(plan.Undoing)) error { <-ctx.Done(); return ctx.Err() },
		Later: func(undoing bool) string {
			if undoing {
				return "mcpwiz undo -f mcpwiz.yaml"
			}
			return "mcpwiz setup -f mcpwiz.yaml"
		},
	}
	a, p := stands(t, l, width, height, o, upTo(last, nil)...)
	ends(a, p, nil)
	press(a, "u", "y")
	a.Update(appliedMsg{p.run.id, told})
	return a, p
}

func TestUndoLooks(t *testing.T) {
	secret := plan.Past{Record: plan.Record{Change: plan.Change{Resource: "keycloak/client/claude", Action: plan.Update, Fields: []plan.Field{{Path: "secret", Secret: true}}}}}
	looksOf(t, "apply", map[string]func(l Look, width, height int) *App{
		"undo-asked": func(l Look, width, height int) *App {
			o := ApplyOptions{Past: func() ([]plan.Past, error) { return append(changedSo(3), secret), nil }}
			a, p := stands(t, l, width, height, o, upTo(3, errRefused)...)
			ends(a, p, errRefused)
			press(a, "u")
			return a
		},
		"undo-working": func(l Look, width, height int) *App {
			a, _ := undoes(t, l, width, height, 3, applyStep{row: 3}, applyStep{row: 3, done: true}, applyStep{row: 2})
			return a
		},
		"undo-refused": func(l Look, width, height int) *App {
			err := errors.New("undo keycloak/client/claude: delete client claude: 403 Forbidden: HTTP 403 Forbidden: user admin lacks the role manage-clients")
			a, p := undoes(t, l, width, height, 3, applyStep{row: 3, done: true}, applyStep{row: 2}, applyStep{row: 2, done: true, err: err})
			ends(a, p, err)
			return a
		},
		"undo-holds": func(l Look, width, height int) *App {
			a, p := undoes(t, l, width, height, 3)
			ends(a, p, fmt.Errorf("undo keycloak/realm/mcp: %w: client theirs, user bob", plan.ErrHolds))
			return a
		},
		"undo-done": func(l Look, width, height int) *App {
			a, p := undoes(t, l, width, height, 3, applyStep{row: 3, done: true}, applyStep{row: 2, done: true, gone: true},
				applyStep{row: 1, done: true}, applyStep{row: 0, done: true})
			ends(a, p, nil)
			return a
		},
	})
}

// What was applied is put back upwards, also where it stopped in the middle; then nothing is left to undo, and Enter goes
// nowhere.
func TestUndoesUpwards(t *testing.T) {
	t.Parallel()
	var did []string
	w := &world{have: map[string]bool{"b": true}, refuse: "d", during: func(name string) { did = append(did, name) }}
	a, p, _ := applies(t, w, "a", "b", "c", "d")
	plays(a, p)
	if text := plainText(a.View()); !strings.Contains(text, "u undo 3") { // of d a part may be in place
		t.Fatalf("the footer:\n%s", text)
	}
	press(a, "u", "n")
	if p.Working() || !strings.Contains(plainText(a.View()), "stopped 3 of 4") {
		t.Fatalf("it is undone unasked:\n%s", plainText(a.View()))
	}
	w.refuse = "undo a"
	press(a, "u", "y")
	plays(a, p)
	text := plainText(a.View())
	if !strings.Contains(text, "a was not undone") || !strings.Contains(text, "r undo the rest") || p.Result() == nil || !p.Undoes() {
		t.Errorf("refused in the middle:\n%s", text)
	}
	w.refuse = ""
	press(a, "r")
	plays(a, p)
	if got := strings.Join(did, ", "); got != "a, c, d, undo d, undo c, undo a, undo a" || len(w.have) != 1 || !w.have["b"] {
		t.Errorf("did %s; %v", got, w.have)
	}
	text = plainText(a.View())
	for _, want := range []string{"↺ a ", "✓ b ", "↺ c ", "↺ d ", "3 undone"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not to be seen:\n%s", want, text)
		}
	}
	if went(press(a, "enter")) != nil || p.Result() != nil || strings.Contains(text, "u undo") {
		t.Errorf("in the end: %v\n%s", p.Result(), text)
	}
	p.Enter(t.Context(), a.t) // it comes on anew: what was undone is applied again
	plays(a, p)
	if !w.have["a"] || !w.have["c"] || !w.have["d"] {
		t.Errorf("applied again: %v", w.have)
	}
}

// While it is undone ctrl+c stops after the change that is under way, and the rest is undone later.
func TestUndoStopsAfterThisOne(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	w := &world{have: map[string]bool{}}
	a, p, _ := applies(t, w, "a", "b", "c")
	plays(a, p)
	w.during = func(name string) {
		if name == "undo b" {
			close(begun)
			<-goOn
		}
	}
	press(a, "u", "y")
	<-begun
	press(a, "ctrl+c", "y")
	select {
	case <-p.run.done:
		t.Fatal("the change under way was broken off")
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := p.Result(); !errors.Is(err, context.Canceled) || !w.have["a"] || w.have["b"] || w.have["c"] {
		t.Errorf("stopped with %v; %v", err, w.have)
	}
}

// A page without a plan to apply undoes when it comes on; what is not in the plan gets a row of its own.
func TestUndoAlone(t *testing.T) {
	t.Parallel()
	var did []string
	p := NewApply(ApplyOptions{
		Plan: func() plan.Plan { return plan.Plan{Changes: samplePlan.Changes[:3]} },
		Past: func() ([]plan.Past, error) { return changedSo(2), nil },
		Undo: func(_ context.Context, all []plan.Past, told func(plan.Undoing)) error {
			for i := len(all) - 1; i >= 0; i-- {
				told(plan.Undoing{Past: all[i]})
				told(plan.Undoing{Past: all[i], Done: true})
				did = append(did, all[i].Change.Resource)
			}
			return nil
		},
		Back: Goto{"keycloak"},
	})
	a := among(looks["dark"], p, 80, 24)
	plays(a, p)
	if text := plainText(a.View()); len(did) != 3 || strings.Count(text, "↺") != 3 {
		t.Errorf("undone %v:\n%s", did, text)
	}
	if got := went(press(a, "esc")); got != (Goto{"keycloak"}) {
		t.Errorf("esc leads to %v", got)
	}
}
