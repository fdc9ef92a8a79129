package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/checks"
	"github.com/mcpwiz/mcpwiz/probe/report"
)

var update = flag.Bool("update", false, "write docs/checks")

// docs/checks has a page for each check, made of the catalogue and of what its captures are told; make docs writes them.
func TestCheckPages(t *testing.T) {
	t.Parallel()
	want := map[string]string{"README.md": report.CheckIndex(checks.All)}
	for _, c := range checks.All {
		want[c.ID+".md"] = report.CheckPage(c, examplesOf(t, c))
	}
	dir := "../../docs/checks"
	if *update {
		writePages(t, dir, want)
	}
	have, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("%v: make docs writes it", err)
	}
	for _, f := range have {
		if _, ok := want[f.Name()]; !ok {
			t.Errorf("docs/checks/%s is of no check: make docs takes it away", f.Name())
		}
	}
	for name, page := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != page {
			t.Errorf("docs/checks/%s is not what the catalogue says: make docs writes it", name)
		}
	}
}

func writePages(t *testing.T, dir string, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// examplesOf are what a check says of its captures, the same words once.
func examplesOf(t *testing.T, c *probe.Check) []probe.Finding {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../probe/checks/testdata", c.ID, "*.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []probe.Finding
	seen := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f probe.Finding
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if words := f.Detail + f.Remedy; !seen[words] {
			seen[words] = true
			all = append(all, f)
		}
	}
	return all
}

// Where a finding says that more is to be read there is a page, in the repository that go.mod names.
func TestFindingsPointAtTheirPages(t *testing.T) {
	t.Parallel()
	for _, c := range checks.All {
		path, ok := strings.CutPrefix(probe.DocURL(c.ID), "https://"+module+"/blob/main/")
		if !ok {
			t.Fatalf("%s is not in the repository", probe.DocURL(c.ID))
		}
		if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(path))); err != nil {
			t.Error(err)
		}
	}
}
