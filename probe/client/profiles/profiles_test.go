package profiles

import (
	"io/fs"
	"testing"
)

func TestEachFileIsAProfile(t *testing.T) {
	t.Parallel()
	entries, err := fs.Glob(files, "*.json")
	if err != nil || len(entries) == 0 {
		t.Fatal("no profiles", err)
	}
	for _, name := range entries {
		data, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(name, data)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.ID+".json" != name {
			t.Errorf("%s holds the profile %s", name, p.ID)
		}
		if q, err := Load(p.ID); err != nil || q.ID != p.ID {
			t.Errorf("%s is not loaded: %v", p.ID, err)
		}
	}
}
