package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

var errRefused = errors.New("apply keycloak/client/introspect: change client introspect: 403 Forbidden: HTTP 403 Forbidden: user admin lacks the role manage-clients")

func planned() plan.Plan { return samplePlan }

// stands is the apply page with its plan, of which it has been told this much; its goroutine waits to be left.
func stands(t *testing.T, l Look, width, height int, o ApplyOptions, told ...plan.Progress) (*App, *ApplyPage) {
	t.Helper()
	if o.Plan == nil {
		o.Plan = planned
	}
	o.Apply = func(ctx context.Context, _ func(plan.Progress)) error { <-ctx.Done(); return ctx.Err() }
	p := NewApply(o)
	a := among(l, p, width, height)
	t.Cleanup(func() { a.Close(); _ = p.Result() })
	a.Update(appliedMsg{p.run.id, stepsOf(told)})
	return a, p
}

func stepsOf(told []plan.Progress) (steps []applyStep) {
	for _, at := range told {
		steps = append(steps, applyStep{row: at.Index, done: at.Done, err: at.Err})
	}
	return steps
}

// ends is the end of an application that was fed.
func ends(a *App, p *ApplyPage, err error) {
	p.run.halt()
	<-p.run.done
	p.run.err = err
	a.Update(applyEndMsg{p.run.id})
}

// upTo is what plan.Apply tells until the change of an index is done, or fails.
func upTo(last int, err error) []plan.Progress {
	var all []plan.Progress
	for i := 0; i <= last; i++ {
		at := plan.Progress{Index: i, Total: len(samplePlan.Changes), Change: samplePlan.Changes[i]}
		if !at.Change.Empty() {
			all = append(all, at)
		}
		at.Done = true
		if i == last {
			at.Err = err
		}
		all = append(all, at)
	}
	return all
}

func applyStates(t *testing.T) map[string]func(l Look, width, height int) *App {
	later := func(bool) string { return "mcpwiz setup -f mcpwiz.yaml" }
	return map[string]func(l Look, width, height int) *App{
		"begun": func(l Look, width, height int) *App {
			a, _ := stands(t, l, width, height, ApplyOptions{})
			return a
		},
		"working": func(l Look, width, height int) *App {
			a, _ := stands(t, l, width, height, ApplyOptions{}, upTo(1, nil)...)
			return a
		},
		"refused": func(l Look, width, height int) *App {
			a, p := stands(t, l, width, height, ApplyOptions{Later: later}, upTo(3, errRefused)...)
			ends(a, p, errRefused)
			return a
		},
		"moved": func(l Look, width, height int) *App {
			err := fmt.Errorf("apply keycloak/client/claude: %w", plan.ErrMoved)
			told := upTo(2, err)
			a, p := stands(t, l, width, height, ApplyOptions{Later: later}, append(told[:4], told[5])...)
			ends(a, p, err)
			return a
		},
		"unsaved": func(l Look, width, height int) *App {
			a, p := stands(t, l, width, height, ApplyOptions{})
			ends(a, p, unsaved{errors.New("write mcpwiz.yaml: permission denied")})
			return a
		},
		"done": func(l Look, width, height int) *App {
			a, p := stands(t, l, width, height, ApplyOptions{}, upTo(5, nil)...)
			ends(a, p, nil)
			return a
		},
	}
}

func TestApplyLooks(t *testing.T) { looksOf(t, "apply", applyStates(t)) }

// world is what is changed in these tests: plan.Apply is what changes it.
type world struct {
	mu     sync.Mutex
	have   map[string]bool
	refuse string
	during func(name string)
}

type thing struct {
	w    *world
	name string
}

func (r thing) Name() string    { return r.name }
func (r thing) Proof() []string { return nil }
func (r thing) Plan(context.Context) (plan.Change, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if r.w.have[r.name] {
		return plan.Change{Action: plan.None}, nil
	}
	return plan.Change{Action: plan.Create, Fields: []plan.Field{{Path: "name", After: r.name}}}, nil
}

func (r thing) Apply(ctx context.Context, _ plan.Change) error {
	if r.w.during != nil {
		r.w.during(r.name)
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if r.w.refuse == r.name {
		return errors.New("403 Forbidden")
	}
	r.w.have[r.name] = true
	return ctx.Err()
}
func (r thing) Undo(_ context.Context, c plan.Change) error {
	if r.w.during != nil {
		r.w.during("undo " + r.name)
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	if r.w.refuse == "undo "+r.name {
		return errors.New("403 Forbidden")
	}
	delete(r.w.have, r.name)
	return nil
}

// applies is the page over a world, applied by plan.Apply.
func applies(t *testing.T, w *world, names ...string) (*App, *ApplyPage, plan.Plan) {
	t.Helper()
	var all []plan.Resource
	for _, n := range names {
		all = append(all, thing{w, n})
	}
	made, err := plan.Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/journal.jsonl"
	p := NewApply(ApplyOptions{
		Plan: func() plan.Plan { return made },
		Apply: func(ctx context.Context, told func(plan.Progress)) error {
			return plan.Apply(ctx, all, made, plan.OpenJournal(path), told)
		},
		Past: func() ([]plan.Past, error) {
			records, err := plan.ReadJournal(path)
			return plan.Standing(records), err
		},
		Undo: func(ctx context.Context, past []plan.Past, told func(plan.Undoing)) error {
			find := func(p plan.Past) (plan.Resource, error) { return thing{w, p.Change.Resource}, nil }
			return plan.Undo(ctx, past, find, plan.OpenJournal(path), told)
		},
	})
	a := among(looks["dark"], p, 80, 24)
	return a, p, made
}

// plays runs the Cmd that waits for the application until its end.
func plays(a *App, p *ApplyPage) {
	for p.Working() {
		a.Update(p.run.next()())
	}
}

// A change that is refused in the middle: what is in place stays, and r goes on where it stopped.
func TestApplyFailsInTheMiddle(t *testing.T) {
	t.Parallel()
	w := &world{have: map[string]bool{"b": true}, refuse: "c"}
	a, p, _ := applies(t, w, "a", "b", "c", "d")
	plays(a, p)
	lines := strings.Split(plainText(a.View()), "\n")
	for i, want := range []string{" ✓ a made, proved", " ✓ b as it should be", " ✗ c refused", " · d", " ─ stopped 2 of 4", " ✗ c was not made"} {
		if got := strings.Join(strings.Fields(lines[2+i]), " "); !strings.HasPrefix(got, strings.TrimSpace(want)) {
			t.Errorf("row %d is %q, want %q", i, got, want)
		}
	}
	if text := plainText(a.View()); !strings.Contains(text, "seen 403 Forbidden") || !strings.Contains(text, "r retry") {
		t.Errorf("the failure:\n%s", text)
	}
	if went(press(a, "enter")) != nil {
		t.Error("Enter goes on from a failure")
	}
	if got, ok := went(press(a, "q")).(Leave); !ok || got.Err == nil || p.Result() == nil {
		t.Errorf("q leaves with %v, the result is %v", got, p.Result())
	}
	w.mu.Lock()
	w.refuse = ""
	w.mu.Unlock()
	press(a, "r")
	if text := plainText(a.View()); !strings.Contains(text, "✓ a ") || !strings.Contains(text, "made, proved") || strings.Contains(text, "refused") {
		t.Errorf("after r:\n%s", text)
	}
	plays(a, p)
	text := plainText(a.View())
	if strings.Count(text, "made, proved") != 3 || !strings.Contains(text, "4 of 4 in place") || p.Result() != nil {
		t.Errorf("in the end:\n%s", text)
	}
	if got := went(press(a, "enter")); got != (Next{}) {
		t.Errorf("Enter leads to %#v", got)
	}
}

// What was applied is not applied again when the page comes on from the other side.
func TestApplyOnce(t *testing.T) {
	t.Parallel()
	n := 0
	w := &world{have: map[string]bool{}, during: func(string) { n++ }}
	a, p, _ := applies(t, w, "a")
	plays(a, p)
	before := p.run
	if cmd := p.Enter(t.Context(), a.t); cmd != nil || p.run != before || n != 1 {
		t.Errorf("applied %d times", n)
	}
}

// While a change is made no key leads away but ctrl+c, that stops after it.
func TestStopsAfterThisOne(t *testing.T) {
	t.Parallel()
	begun, go_ := make(chan struct{}), make(chan struct{})
	w := &world{have: map[string]bool{}}
	w.during = func(name string) {
		if name == "b" {
			close(begun)
			<-go_
		}
	}
	a, p, _ := applies(t, w, "a", "b", "c")
	<-begun
	for _, k := range []string{"enter", "esc", "q", "r"} {
		if got := went(press(a, k)); got != nil {
			t.Errorf("%s leads to %#v", k, got)
		}
	}
	if text := plainText(a.View()); !strings.Contains(text, "ctrl+c stops after this one") {
		t.Errorf("the footer:\n%s", text)
	}
	press(a, "ctrl+c", "y")
	if !errors.Is(a.Err(), ErrLeft) || !p.Working() {
		t.Errorf("left with %v, working %t", a.Err(), p.Working())
	}
	select {
	case <-p.run.done:
		t.Fatal("the change under way was broken off")
	case <-time.After(20 * time.Millisecond):
	}
	close(go_)
	err := p.Result()
	if !errors.Is(err, context.Canceled) || !w.have["b"] || w.have["c"] {
		t.Errorf("stopped with %v; %v", err, w.have)
	}
}

// No row moves, whatever is told.
func TestNoApplyRowMoves(t *testing.T) {
	t.Parallel()
	a, p := stands(t, looks["dark"], 80, 24, ApplyOptions{})
	for _, at := range upTo(3, errRefused) {
		a.Update(appliedMsg{p.run.id, stepsOf([]plan.Progress{at})})
		lines := strings.Split(plainText(a.View()), "\n")
		for i, c := range samplePlan.Changes {
			if !strings.Contains(lines[2+i], c.Resource) {
				t.Fatalf("row %d is %q, want %s", i, lines[2+i], c.Resource)
			}
		}
	}
}

func TestApplyBreaks(t *testing.T) {
	t.Parallel()
	p := NewApply(ApplyOptions{Plan: planned, Apply: func(context.Context, func(plan.Progress)) error { panic("a mistake") }})
	a := among(looks["dark"], p, 80, 24)
	<-p.run.done
	_, cmd := a.Update(p.run.next()())
	a.Update(cmd())
	var broken *Broken
	if !a.done || !errors.As(a.Err(), &broken) {
		t.Errorf("the app goes on, with %v", a.Err())
	}
}

// Nothing is touched before the answers are on the disk.
func TestSavedBeforeApplied(t *testing.T) {
	t.Parallel()
	applied := false
	p := NewApply(ApplyOptions{Plan: planned, Save: func() error { return errors.New("the disk is full") },
		Apply: func(context.Context, func(plan.Progress)) error { applied = true; return nil }})
	a := among(looks["dark"], p, 80, 24)
	plays(a, p)
	if text := plainText(a.View()); applied || !strings.Contains(text, "the answers were not written") {
		t.Errorf("applied %t:\n%s", applied, text)
	}
}

func TestIdleApplyWritesNothing(t *testing.T) {
	t.Parallel()
	a, p := stands(t, looks["dark"], 80, 24, ApplyOptions{}, upTo(5, nil)...)
	if _, cmd := a.Update(tickMsg{p.run.id}); cmd == nil {
		t.Error("the spinner stands still while it works")
	}
	ends(a, p, nil)
	before := a.View()
	if _, cmd := a.Update(tickMsg{p.run.id}); cmd != nil || a.View() != before {
		t.Error("the spinner turns when all is done")
	}
}

func TestApplyOfHostileNames(t *testing.T) {
	t.Parallel()
	made := plan.Plan{Changes: []plan.Change{{Resource: "a\x1b[2J\u202e", Action: plan.Create}}}
	a, p := stands(t, looks["ascii"], 80, 24, ApplyOptions{Plan: func() plan.Plan { return made }},
		plan.Progress{Change: made.Changes[0], Done: true, Err: errors.New("x")})
	ends(a, p, errors.New("\x1b]52;c;ZXZpbA==\x07\r\n\u009b"))
	if view := a.View(); strings.ContainsFunc(view, func(r rune) bool { return r != '\n' && acts(r) }) {
		t.Errorf("a terminal would act on it: %q", view)
	}
}

// A plan longer than the page: the change at hand is in sight.
func TestApplyScrolls(t *testing.T) {
	t.Parallel()
	var made plan.Plan
	for i := range 60 {
		made.Changes = append(made.Changes, plan.Change{Resource: fmt.Sprintf("r%d", i), Action: plan.Create})
	}
	a, p := stands(t, looks["dark"], 40, 15, ApplyOptions{Plan: func() plan.Plan { return made }})
	for i := range 60 {
		if text := plainText(a.View()); !strings.Contains(text, fmt.Sprintf(" r%d", i)) || !strings.Contains(text, fmt.Sprintf("%d of 60", i)) {
			t.Fatalf("r%d is not in sight:\n%s", i, text)
		}
		a.Update(appliedMsg{p.run.id, []applyStep{{row: i, done: true}}})
	}
	ends(a, p, errors.New(strings.Repeat("long ", 100)+"the end"))
	seen := plainText(a.View())
	for range 30 {
		press(a, "down")
		seen += plainText(a.View())
	}
	for _, want := range []string{"the end", "mend", "who", "more"} {
		if !strings.Contains(seen, want) {
			t.Errorf("%q of what stopped it never came into sight", want)
		}
	}
}
