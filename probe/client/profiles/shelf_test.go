package profiles

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// write puts the text of a profile, changed, into a directory.
func write(t *testing.T, dir, name, id string, pairs ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(file(t, id, pairs...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestShelfTakesTheUsersOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "ours.json", "any", `"id": "any"`, `"id": "ours"`, `"limits": {`, `"recognise": [{"user_agent": "ours/"}], "limits": {`,
		"    \"limits\",\n    \"recognise\"\n", "    \"recognise\",\n    \"limits\"\n")
	write(t, dir, "claude-ai.json", "claude-ai", `"title": "Claude (web, Desktop, mobile)"`, `"title": "Claude of ours"`)
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("no profile"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := NewShelf()
	if faults, err := s.PutDir(dir); err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	if ids := s.IDs(); len(ids) != len(IDs())+1 || !slices.Contains(ids, "ours") || !slices.IsSorted(ids) {
		t.Errorf("ids %v", ids)
	}
	if p, err := s.Load("claude-ai"); err != nil || p.Title != "Claude of ours" || s.From("claude-ai") != filepath.Join(dir, "claude-ai.json") {
		t.Errorf("%+v from %s, %v", p, s.From("claude-ai"), err)
	}
	if p := s.Recognise("ours/1", ""); p == nil || p.ID != "ours" {
		t.Errorf("ours/1 is taken for %v", p)
	}
	if p, err := Load("claude-ai"); err != nil || p.Title == "Claude of ours" || s.From("any") != BuiltIn {
		t.Errorf("what is built in changed: %+v, %v", p, err)
	}
}

func TestShelfRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	if faults, err := NewShelf().PutDir(filepath.Join(t.TempDir(), "none")); err != nil || len(faults) > 0 {
		t.Errorf("a directory that is not there: %v, %v", faults, err)
	}
	twice := t.TempDir()
	write(t, twice, "a.json", "any")
	write(t, twice, "b.json", "any")
	broken := t.TempDir()
	write(t, broken, "a.json", "any", `"hosted"`, `"hostedd"`)
	write(t, broken, "m2m.json", "m2m")
	if err := os.WriteFile(filepath.Join(broken, "ours.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir    string
		faults map[string]string
	}{
		{twice, map[string]string{"any": "a.json and b.json are both the profile any"}},
		{broken, map[string]string{"any": `a.json: unknown member "hostedd"`, "ours": "ours.json: "}},
	} {
		s := NewShelf()
		faults, err := s.PutDir(c.dir)
		if err != nil || len(faults) != len(c.faults) {
			t.Errorf("%s: %v, %v", c.dir, faults, err)
		}
		for id, want := range c.faults {
			if _, err := s.Load(id); err == nil || err != s.Broken(id) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s is loaded: %v, want %q", id, err, want)
			}
		}
		if _, err := s.Load("claude-ai"); err != nil || s.Broken("claude-ai") != nil {
			t.Errorf("a broken file stops another profile: %v", err)
		}
		if s.From("any") != BuiltIn || c.dir == broken && s.From("m2m") == BuiltIn {
			t.Errorf("any is from %s, m2m from %s", s.From("any"), s.From("m2m"))
		}
		if _, err := s.PutFile(write(t, t.TempDir(), "mine.json", "any")); err != nil || s.Broken("any") != nil {
			t.Errorf("a whole file does not stand in for a broken one: %v", err)
		}
	}
	if _, err := NewShelf().PutFile(filepath.Join(twice, "none.json")); err == nil {
		t.Error("a file that is not there is taken")
	}
}

// Of each profile every knob that says something is told, with where it was seen or that it is unknown.
func TestKnobsSayWhatTheyRestOn(t *testing.T) {
	t.Parallel()
	for _, p := range All() {
		unknown := 0
		for _, k := range Knobs(p) {
			if (k.Known.Source == "") != k.Unknown {
				t.Errorf("%s %s: %+v", p.ID, k.Path, k)
			}
			if k.Unknown {
				unknown++
			}
		}
		if unknown == 0 || unknown == len(Knobs(p)) {
			t.Errorf("%s: %d of %d are unknown", p.ID, unknown, len(Knobs(p)))
		}
	}
}

func TestProfilesAge(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		seen  string
		stale bool
		days  int
	}{{"2026-11-25", false, 0}, {"2026-08-28", false, 89}, {"2026-08-27", true, 90}, {"2026-01-01", true, 328}, {"2026-12-24", false, -28}, {"", false, 0}} {
		if stale, days := probe.Stale(c.seen, day), probe.Days(c.seen, day); stale != c.stale || days != c.days {
			t.Errorf("%q: stale %v, %d days", c.seen, stale, days)
		}
	}
}
