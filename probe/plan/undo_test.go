package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// finder finds the resources of a test by their names.
func finder(all []Resource) func(Past) (Resource, error) {
	return func(p Past) (Resource, error) {
		for _, r := range all {
			if r.Name() == p.Change.Resource {
				return r, nil
			}
		}
		return nil, fmt.Errorf("no resource %s", p.Change.Resource)
	}
}

func standing(t *testing.T, path string) []Past {
	t.Helper()
	records, err := ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	return Standing(records)
}

func applied(t *testing.T, all []Resource, j *Journal) {
	t.Helper()
	p, err := Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), all, p, j, nil); err != nil {
		t.Fatal(err)
	}
}

type crash struct{}

// crashing runs until the machine goes down.
func crashing(run func()) {
	defer func() {
		if with := recover(); with != nil && with != (crash{}) {
			panic(with)
		}
	}()
	run()
}

// Wherever it goes down, between the journal and the world or behind it: undo, itself broken off at every step, puts back
// what was.
func TestUndoAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	before := world{"b": "old", "d": "4"}
	for at := range 4 {
		for _, behind := range []bool{false, true} {
			for broken := range 4 {
				t.Run(fmt.Sprint(at, behind, broken), func(t *testing.T) {
					t.Parallel()
					w := maps.Clone(before)
					var all []Resource
					for i, key := range []string{"a", "b", "c", "d"} {
						s := &setting{w: w, key: key, want: fmt.Sprint(i + 1)}
						if i == at {
							down := func() { panic(crash{}) }
							if behind {
								s.afterApply = down
							} else {
								s.onApply = func() error { down(); return nil }
							}
						}
						if i == broken {
							once := false
							s.onUndo = func() error {
								if !once {
									once = true
									panic(crash{})
								}
								return nil
							}
						}
						all = append(all, s)
					}
					j, path := journal(t)
					crashing(func() { applied(t, all, j) })
					crashing(func() { _ = Undo(t.Context(), standing(t, path), finder(all), OpenJournal(path), nil) })
					if err := Undo(t.Context(), standing(t, path), finder(all), OpenJournal(path), nil); err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(before, w); d != "" {
						t.Error(d)
					}
					if left := standing(t, path); len(left) > 0 {
						t.Errorf("the journal still has %v", left)
					}
				})
			}
		}
	}
}

func TestUndoGoesBackRunByRun(t *testing.T) {
	t.Parallel()
	w := world{"a": "0"}
	a, b := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "1"}
	all := []Resource{a, b}
	_, path := journal(t)
	applied(t, all, OpenJournal(path))
	a.want = "2"
	applied(t, all, OpenJournal(path))
	for _, want := range []world{{"a": "1", "b": "1"}, {"a": "0"}} {
		if err := Undo(t.Context(), LastRun(standing(t, path)), finder(all), OpenJournal(path), nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, w); d != "" {
			t.Error(d)
		}
	}
	if last := LastRun(standing(t, path)); last != nil {
		t.Errorf("left: %v", last)
	}
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	w := world{}
	a, b := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "1"}
	all := []Resource{a, b}
	j, path := journal(t)
	unfinished := func() (names []string) {
		records, err := ReadJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range Unfinished(records) {
			names = append(names, p.Change.Resource)
		}
		return names
	}
	b.onApply = func() error { panic(crash{}) }
	crashing(func() { applied(t, all, j) })
	if d := cmp.Diff([]string{"world/a", "world/b"}, unfinished()); d != "" {
		t.Error(d)
	}
	b.onApply = nil
	applied(t, all, OpenJournal(path))
	if left := unfinished(); left != nil {
		t.Errorf("after a run that came to its end: %v", left)
	}
	a.want, a.onApply = "2", func() error { return errors.New("down") }
	p, err := Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	_ = Apply(t.Context(), all, p, OpenJournal(path), nil) // fails
	if d := cmp.Diff([]string{"world/a"}, unfinished()); d != "" {
		t.Error(d)
	}
	if err := Undo(t.Context(), standing(t, path), finder(all), OpenJournal(path), nil); err != nil {
		t.Fatal(err)
	}
	if left := unfinished(); len(left) > 0 {
		t.Errorf("after undo: %v", left)
	}
}

func TestWhatSomebodyElseMadeIsNotUndone(t *testing.T) {
	t.Parallel()
	w := world{}
	a := &setting{w: w, key: "a", want: "1"}
	a.onApply = func() error { w["a"] = "1"; return conflict{} }
	j, path := journal(t)
	applied(t, []Resource{a}, j)
	if left := standing(t, path); len(left) > 0 {
		t.Errorf("to undo: %v", left)
	}
}

func TestUndoTellsWhatIsGoneAndLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	w := world{}
	a, b, c := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "1"}, &setting{w: w, key: "c", want: "1"}
	all := []Resource{a, b, c}
	j, path := journal(t)
	applied(t, all, j)
	delete(w, "c")
	b.onUndo = func() error { return fmt.Errorf("delete b: %w", ErrNotOurs) }
	var told []string
	err := Undo(t.Context(), standing(t, path), finder(all), OpenJournal(path), func(u Undoing) {
		if u.Done {
			told = append(told, fmt.Sprint(u.Past.Change.Resource, " ", u.Gone, " ", u.Err))
		}
	})
	if !errors.Is(err, ErrNotOurs) {
		t.Errorf("got %v", err)
	}
	want := []string{"world/c true <nil>", "world/b false undo world/b: delete b: " + ErrNotOurs.Error(), "world/a false <nil>"}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
	if left := standing(t, path); len(left) != 1 || left[0].Change.Resource != "world/b" {
		t.Errorf("left: %v", left)
	}
}

func TestUndoEndsAtAFailure(t *testing.T) {
	t.Parallel()
	w := world{}
	a, b := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "1"}
	all := []Resource{a, b}
	j, path := journal(t)
	applied(t, all, j)
	down := errors.New("connection refused")
	b.onUndo = func() error { return down }
	if err := Undo(t.Context(), standing(t, path), finder(all), OpenJournal(path), nil); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	if d := cmp.Diff(world{"a": "1", "b": "1"}, w); d != "" {
		t.Errorf("what was made before it was undone: %s", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Undo(ctx, standing(t, path), finder(all), OpenJournal(path), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestHoldingLooksIntoWhatWouldBeDeleted(t *testing.T) {
	t.Parallel()
	w := world{"b": "old"}
	a, b := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "1", holds: []string{"stays anyway"}}
	all := []Resource{a, b}
	j, path := journal(t)
	applied(t, all, j)
	if err := Holding(t.Context(), standing(t, path), finder(all)); err != nil {
		t.Error(err)
	}
	a.holds = []string{"client crm", "2 users"}
	if err := Holding(t.Context(), standing(t, path), finder(all)); !errors.Is(err, ErrHolds) || !strings.Contains(err.Error(), "client crm, 2 users") {
		t.Errorf("got %v", err)
	}
}

func TestReversal(t *testing.T) {
	t.Parallel()
	p := Reversal([]Past{
		{Record: Record{Change: Change{Resource: "a", Action: Create, Fields: []Field{{Path: "x", After: 1}}}}},
		{Record: Record{Change: Change{Resource: "b", Action: Update, Fields: []Field{{Path: "x", Before: 1, After: 2}, {Path: "secret", Secret: true}}}}},
	})
	var out strings.Builder
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "~ b\n    x  2 -> 1\n    note     " + secretStays + "\n- a\n1 to change, 1 to delete.\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// What somebody changed since is told before it is lost; what an interrupted change had not yet reached is no such thing.
func TestReversalNotesWhatHasMoved(t *testing.T) {
	t.Parallel()
	w := world{"a": "old", "b": "old", "c": "old"}
	var all []Resource
	for _, key := range []string{"a", "b", "c"} {
		all = append(all, &setting{w: w, key: key, want: "1"})
	}
	j, path := journal(t)
	applied(t, all, j)
	w["b"], w["c"] = "somebody's", "old"
	past := standing(t, path)
	p := Reversal(past)
	if err := p.NoteMoved(t.Context(), past, all[:2]); err != nil {
		t.Fatal(err)
	}
	if p.Changes[0].Note+p.Changes[2].Note != "" || p.Changes[1].Note != `changed by somebody since, which is lost: value is "somebody's"` {
		t.Errorf("notes %q, %q, %q", p.Changes[0].Note, p.Changes[1].Note, p.Changes[2].Note)
	}
	p = Reversal(past)
	if err := p.NoteMoved(t.Context(), past, all); err != nil || p.Changes[0].Note != "" {
		t.Errorf("back already: %q, %v", p.Changes[0].Note, err)
	}
}

// A second run at the same time is told who is first, and touches nothing; a lock that a dead run left holds nobody up.
func TestLock(t *testing.T) {
	t.Parallel()
	w := world{}
	j, path := journal(t)
	a := &setting{w: w, key: "a", want: "1"}
	var second, undoing, settling error
	a.onApply = func() error {
		other := []Resource{&setting{w: w, key: "b", want: "1"}}
		p, err := Look(t.Context(), other)
		if err != nil {
			return err
		}
		second = Apply(t.Context(), other, p, OpenJournal(path), nil)
		undoing = Undo(t.Context(), nil, nil, OpenJournal(path), nil)
		settling = errors.Join(OpenJournal(path).Settle(j.run), OpenJournal(path).Free())
		return nil
	}
	applied(t, []Resource{a}, j)
	if err := OpenJournal(path).Free(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{second, undoing, settling} {
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d, since ", os.Getpid())) {
			t.Errorf("the second run: %v", err)
		}
	}
	if _, there := w["b"]; there {
		t.Error("the second run changed something")
	}
	if info, err := os.Stat(LockPath(path)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(LockPath(path), []byte(`{"pid":1,"command":"mcpwiz setup and a longer one than any"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	applied(t, []Resource{&setting{w: w, key: "c", want: "1"}}, OpenJournal(path))
}
