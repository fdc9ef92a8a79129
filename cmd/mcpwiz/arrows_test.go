package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mcpwiz/mcpwiz"

// Arrows between rooms go strictly down, and tests count too: what is said of a room here is said of every file in it.
func TestArrowsGoDown(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	files := map[string]int{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && name != root && (base == "testdata" || strings.HasPrefix(base, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		name, err = filepath.Rel(root, name)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		files[top(path.Dir(name))]++
		for _, wrong := range against(t, root, name) {
			t.Error(wrong)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		if files[room] == 0 {
			t.Errorf("no Go file was seen in %s: %v", room, files)
		}
	}
}

// against returns what a file, named from the module's root, does against the house's rules.
func against(t *testing.T, root, name string) []string {
	t.Helper()
	room := path.Dir(name)
	var all []string
	if reason := misplaced(room); reason != "" {
		all = append(all, fmt.Sprintf("%s: %s", name, reason))
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		to, ours := strings.CutPrefix(imported+"/", module+"/")
		if !ours {
			continue
		}
		if reason := crossed(room, strings.TrimSuffix(to, "/")); reason != "" {
			all = append(all, fmt.Sprintf("%s imports %s: %s", name, imported, reason))
		}
	}
	return all
}

// rooms are the top-level folders with Go code, from the top down.
var rooms = []string{"cmd", "tui", "keycloak", "server", "probe"}

// misplaced says why there must be no Go file in a folder, "" when there may be.
func misplaced(folder string) string {
	if folder != "cmd/mcpwiz" && top(folder) == "cmd" {
		return "there is one command, cmd/mcpwiz"
	}
	if !slices.Contains(rooms, top(folder)) {
		return "Go code is in " + strings.Join(rooms, ", ") + " only"
	}
	for part := range strings.SplitSeq(folder, "/") {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared"}, part) {
			return "a folder is called after its thing, not " + part
		}
	}
	return ""
}

// crossed says why a package must not import another, both named from the module's root; "" when it may.
func crossed(from, to string) string {
	switch {
	case from == to || from == "cmd/mcpwiz":
		return ""
	case top(to) == "cmd":
		return "nobody imports the command"
	case from == "probe":
		return "probe imports nothing of ours"
	case top(from) == "probe" && top(to) != "probe":
		return "arrows go down, never from probe to " + top(to)
	case top(from) == "probe":
		return crossedInProbe(from, to)
	case top(to) == top(from) || top(to) == "probe":
		return ""
	}
	return "siblings never import each other; a test that needs both lives in cmd/mcpwiz"
}

// crossedInProbe holds the rooms of probe apart: what judges cannot act, and only the client acts.
func crossedInProbe(from, to string) string {
	switch {
	case to == "probe" || within(from) == within(to):
		return ""
	case within(from) == "checks":
		return "checks import probe alone"
	case within(to) == "client":
		return "in probe only client imports client"
	}
	return ""
}

// top returns the first part of a folder's path.
func top(folder string) string { first, _, _ := strings.Cut(folder, "/"); return first }

// within returns the second.
func within(folder string) string { _, rest, _ := strings.Cut(folder, "/"); return top(rest) }

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

func TestArrowsCanBeCrossed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		crossed  bool
	}{
		{"cmd/mcpwiz", "server/gateway", false},
		{"cmd/mcpwiz", "probe/client/profiles", false},
		{"probe", "probe", false},
		{"probe", "probe/checks", true},
		{"probe", "keycloak", true},
		{"probe/report", "probe", false},
		{"probe/report", "probe/checks", false},
		{"probe/report", "probe/client", true},
		{"probe/plan", "probe/client/profiles", true},
		{"probe/plan", "keycloak", true},
		{"probe/checks", "probe", false},
		{"probe/checks", "probe/client", true},
		{"probe/checks", "probe/client/profiles", true},
		{"probe/checks", "probe/report", true},
		{"probe/client", "probe/client/browser", false},
		{"probe/client", "probe/checks", false},
		{"probe/client/browser", "probe", false},
		{"probe/client", "keycloak/keycloaktest", true},
		{"probe/client", "server", true},
		{"keycloak", "probe/plan", false},
		{"keycloak", "keycloak/keycloaktest", false},
		{"keycloak", "server", true},
		{"server", "server/mcp", false},
		{"server/record", "probe", false},
		{"server/lab", "keycloak/keycloaktest", true},
		{"server", "tui", true},
		{"tui", "tui/wizard", false},
		{"tui", "probe", false},
		{"tui/wizard", "keycloak", true},
		{"server", "cmd/mcpwiz", true},
		{"probe/report", "cmd/mcpwiz", true},
	} {
		if got := crossed(c.from, c.to); (got != "") != c.crossed {
			t.Errorf("%s -> %s: %q", c.from, c.to, got)
		}
	}
	for folder, wrong := range map[string]bool{
		"probe": false, "probe/client/profiles": false, "server/internal/issuertest": false, "cmd/mcpwiz": false,
		"cmd/other": true, "cmd": true, ".": true, "internal": true, "pkg/probe": true, "probe/utils": true,
		"server/common/x": true, "keycloak/helpers": true, "tui/types": true,
	} {
		if got := misplaced(folder); (got != "") != wrong {
			t.Errorf("%s: %q", folder, got)
		}
	}
}

// The rule reads files as they are: an import in a test, under another name or behind a build tag is seen too.
func TestArrowsAreReadFromFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"probe/checks/x_test.go": {"package checks_test\nimport _ \"" + module + "/probe/client\"\n", 1},
		"probe/x.go":             {"//go:build ignore\npackage probe\nimport k \"" + module + "/keycloak\"\nimport \"" + module + "-other/x\"\n", 1},
		"tools/x.go":             {"package tools\nimport \"fmt\"\n", 1},
		"server/types/x.go":      {"package types\nimport (\n\"" + module + "/tui\"\n\"" + module + "/probe\"\n)\n", 2},
		"server/x.go":            {"package server\nimport \"" + module + "/probe\"\n", 0},
	} {
		if err := os.MkdirAll(filepath.Join(root, path.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := against(t, root, name); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
