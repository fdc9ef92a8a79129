package plan

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// world is what the resources of these tests are about.
type world map[string]string

// setting is a resource: one key of the world.
type setting struct {
	w          world
	key, want  string
	refuse     string
	deaf       bool // Apply is accepted and does nothing
	onApply    func() error
	afterApply func()
	onUndo     func() error
	holds      []string
	beforePlan func()
}

func (s *setting) Name() string    { return "world/" + s.key }
func (s *setting) Proof() []string { return nil }

func (s *setting) Plan(context.Context) (Change, error) {
	if s.beforePlan != nil {
		s.beforePlan()
	}
	have, there := s.w[s.key]
	switch {
	case s.refuse != "":
		return Change{Action: Refuse, Stop: s.refuse, Propose: "take another"}, nil
	case there && have == s.want:
		return Change{Action: None}, nil
	case there:
		before, err := json.Marshal(have)
		return Change{Action: Update, Fields: []Field{{Path: "value", Before: have, After: s.want}}, Before: before}, err
	}
	return Change{Action: Create, Fields: []Field{{Path: "value", After: s.want}, {Path: "secret", Secret: true}}}, nil
}

func (s *setting) Apply(context.Context, Change) error {
	if s.onApply != nil {
		if err := s.onApply(); err != nil {
			return err
		}
	}
	if !s.deaf {
		s.w[s.key] = s.want
	}
	if s.afterApply != nil {
		s.afterApply()
	}
	return nil
}

func (s *setting) Holds(context.Context, func(string) bool) ([]string, error) { return s.holds, nil }

func (s *setting) Undo(_ context.Context, c Change) error {
	if s.onUndo != nil {
		if err := s.onUndo(); err != nil {
			return err
		}
	}
	if _, there := s.w[s.key]; !there {
		return ErrGone
	}
	if c.Before == nil {
		delete(s.w, s.key)
		return nil
	}
	var v string
	err := json.Unmarshal(c.Before, &v)
	s.w[s.key] = v
	return err
}

// conflict is how a resource says that somebody else was there first.
type conflict struct{}

func (conflict) Error() string  { return "409 already exists" }
func (conflict) Conflict() bool { return true }

func journal(t *testing.T) (*Journal, string) {
	path := JournalPath(filepath.Join(t.TempDir(), "mcpwiz.yaml"))
	return OpenJournal(path), path
}

func TestApplyTwiceIsApplyOnce(t *testing.T) {
	t.Parallel()
	w := world{"b": "old", "c": "3"}
	all := []Resource{&setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "2"}, &setting{w: w, key: "c", want: "3"}}
	j, path := journal(t)
	for range 2 {
		p, err := Look(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		if err := Apply(t.Context(), all, p, j, nil); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(world{"a": "1", "b": "2", "c": "3"}, w); d != "" {
		t.Error(d)
	}
	p, err := Look(t.Context(), all)
	if err != nil || !p.Empty() {
		t.Errorf("not empty: %v, %v", p, err)
	}
	records, err := ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range records {
		told = append(told, string(r.Kind)+" "+r.Change.Resource)
	}
	want := []string{"intended world/a", "applied world/a", "intended world/b", "applied world/b", "finished "}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
	for i := len(records) - 1; i >= 0; i-- {
		if r := records[i]; r.Kind == Intended {
			for _, res := range all {
				if res.Name() == r.Change.Resource {
					if err := res.Undo(t.Context(), r.Change); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if d := cmp.Diff(world{"b": "old", "c": "3"}, w); d != "" {
		t.Errorf("the journal did not hold what undo needs: %s", d)
	}
}

func TestJournalIsWrittenBeforeTheWorld(t *testing.T) {
	t.Parallel()
	w := world{}
	j, path := journal(t)
	r := &setting{w: w, key: "a", want: "1"}
	r.onApply = func() error {
		records, err := ReadJournal(path)
		if err != nil || len(records) != 1 || records[0].Kind != Intended {
			t.Errorf("the journal while the world is touched: %v, %v", records, err)
		}
		return nil
	}
	p, err := Look(t.Context(), []Resource{r})
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), []Resource{r}, p, j, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestApplyStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		change func(w world, a, b *setting)
		is     error
		text   string
		left   world
	}{
		"refused before anything is touched": {func(_ world, _, b *setting) { b.refuse = "not ours" }, ErrStopped, "world/b: not ours", world{}},
		"the world has moved": {func(w world, a, b *setting) {
			a.onApply = func() error { w["b"] = "somebody's"; return nil }
		}, ErrMoved, "apply world/b", world{"a": "1", "b": "somebody's"}},
		"somebody did just that": {func(w world, a, b *setting) {
			a.onApply = func() error { w["b"] = "2"; return nil }
		}, nil, "", world{"a": "1", "b": "2"}},
		"accepted and not done": {func(_ world, a, _ *setting) { a.deaf = true }, nil, "still differs in value, secret", world{}},
		"somebody made it at the same moment": {func(w world, a, _ *setting) {
			a.onApply = func() error { w["a"] = "1"; return conflict{} }
		}, nil, "", world{"a": "1", "b": "2"}},
		"somebody made another at the same moment": {func(w world, a, _ *setting) {
			a.onApply = func() error { w["a"] = "somebody's"; return conflict{} }
		}, ErrMoved, "apply world/a", world{"a": "somebody's"}},
		"a conflict with nobody to be seen": {func(_ world, a, _ *setting) {
			met := false
			a.onApply = func() error {
				if met {
					return nil
				}
				met = true
				return conflict{}
			}
		}, nil, "", world{"a": "1", "b": "2"}},
		"failed": {func(_ world, a, _ *setting) { a.onApply = func() error { return broken } }, broken, "apply world/a: broken", world{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world{}
			a, b := &setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "2"}
			c.change(w, a, b)
			all := []Resource{a, b}
			p, err := Look(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			j, path := journal(t)
			err = Apply(t.Context(), all, p, j, nil)
			if c.is == nil && c.text == "" {
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			if d := cmp.Diff(c.left, w); d != "" {
				t.Error(d)
			}
			records, _ := ReadJournal(path)
			if errors.Is(err, broken) && records[len(records)-1].Kind != Failed {
				t.Errorf("the journal does not tell the failure: %v", records)
			}
		})
	}
}

func TestApplyRefusesAForeignPlan(t *testing.T) {
	t.Parallel()
	w := world{}
	j, _ := journal(t)
	a := []Resource{&setting{w: w, key: "a", want: "1"}}
	for _, p := range []Plan{{}, {Changes: []Change{{Resource: "world/b"}}}} {
		if err := Apply(t.Context(), a, p, j, nil); err == nil {
			t.Error("applied")
		}
	}
}

func TestApplyTellsItsProgress(t *testing.T) {
	t.Parallel()
	w := world{"a": "1"}
	all := []Resource{&setting{w: w, key: "a", want: "1"}, &setting{w: w, key: "b", want: "2"}}
	p, err := Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	j, _ := journal(t)
	var told []string
	err = Apply(t.Context(), all, p, j, func(at Progress) {
		told = append(told, at.Change.Resource+map[bool]string{true: " done"}[at.Done])
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"world/a done", "world/b", "world/b done"}, told); d != "" {
		t.Error(d)
	}
}

func TestPlanMayComeFromJSON(t *testing.T) {
	t.Parallel()
	w := world{"a": "old"}
	all := []Resource{&setting{w: w, key: "a", want: "1"}}
	p, err := Look(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	j, _ := journal(t)
	if err := Apply(t.Context(), all, read, j, nil); err != nil {
		t.Error(err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	p := Plan{[]Change{
		{Resource: "keycloak/realm/mcp", Action: None},
		{Resource: "keycloak/client/claude", Action: Create, Fields: []Field{
			{Path: "publicClient", After: false}, {Path: "redirectUris", After: []string{"https://claude.ai/cb"}}, {Path: "secret", Secret: true}}},
		{Resource: "keycloak/client/m2m", Action: Update, Fields: []Field{
			{Path: "name", Before: "a\x1b[31m", After: "b"}, {Path: "enabled", After: true}, {Path: "secret", Secret: true}}, Note: "the old secret cannot be put back"},
		{Resource: "keycloak/scope/mcp:tools", Action: Refuse, Stop: "of another audience", Propose: "name: mcp:tools-2"},
		{Resource: "keycloak/user/x", Action: Delete},
	}}
	var out strings.Builder
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := `= keycloak/realm/mcp
+ keycloak/client/claude
    publicClient  false
    redirectUris  ["https://claude.ai/cb"]
    secret        (made, kept in mcpwiz.secrets.yaml)
~ keycloak/client/m2m
    name     "a\u001b[31m" -> "b"
    enabled  (absent) -> true
    secret   (changed, kept in mcpwiz.secrets.yaml)
    note     the old secret cannot be put back
! keycloak/scope/mcp:tools
    stop     of another audience
    instead  name: mcp:tools-2
- keycloak/user/x
1 to make, 1 to change, 1 to delete, 1 left alone, 1 stopped.
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	out.Reset()
	if err := (Plan{[]Change{{Resource: "a"}}}).Write(&out); err != nil || out.String() != "= a\nNothing to do.\n" {
		t.Errorf("%q %v", out.String(), err)
	}
}
