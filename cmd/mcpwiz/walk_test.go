package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A walk is the way through the whole wizard, begun in an empty directory on a Keycloak that has not the realm.
type walk struct {
	eyes
	dir                             string
	keycloak, user, password, realm string
}

// all goes from the first key to the real client, another process, and leaves.
func (w walk) all() {
	w.t.Helper()
	w.asked()
	w.enters("Nothing is touched yet.")
	if files, _ := os.ReadDir(w.dir); len(files) > 0 {
		w.t.Errorf("written before the plan is applied: %v", files)
	}
	w.enters("in place, read again and compared.")
	w.enters("Claude can connect.")
	w.types("c")
	w.awaits("waiting for a client to come", "client id claude", "************")
	c := call(w.t, w.dir, nil, "emulate", "-f", "mcpwiz.yaml", "--as", "claude-ai", "--consent")
	if code := c.ends(w.t); code != 0 {
		w.t.Errorf("the client ends with %d:\n%s\n%s", code, &c.out, &c.err)
	}
	w.awaits("Claude is connected.", "tools/list: 4 tools")
	w.types("q")
}

// asked answers every question by typing.
func (w walk) asked() {
	w.t.Helper()
	listen := freeAddress(w.t)
	w.awaits("Bring Claude and other clients", "mcpwiz.yaml")
	w.types(keyEnter)
	w.awaits("How do clients reach your server?")
	w.types(keyEnter)
	w.awaits("Which URL are clients given?")
	w.types("http://" + listen + "/mcp")
	w.types(keyEnter)
	w.awaits("✓ " + listen + " is free")
	w.types(keyEnter)
	w.awaits("Where is Keycloak?")
	w.types(w.keycloak)
	w.awaits("✓ Keycloak answers at " + w.keycloak)
	w.enters("> admin")
	w.types(keyCtrlU)
	w.types(w.user)
	w.types(keyEnter)
	w.types(w.password)
	w.types(keyEnter)
	w.awaits("Which realm?")
	w.types(keyCtrlU)
	w.types(w.realm)
	w.awaits("may make the realm " + w.realm)
	w.enters("[✓] Claude")
	w.types(keyDown)
	w.types(keyDown)
	w.types(" ")
	w.awaits("[✓] Machine")
	w.enters("A user to try it with?")
}

// walked holds what a walk leaves to what it says: the screen, the files, and that setup -f has nothing left to do.
func walked(t *testing.T, dir, left, password string) {
	t.Helper()
	for _, want := range []string{"Healthy.", "mcpwiz.secrets.yaml", ".mcpwiz/journal.jsonl", "mcpwiz serve -f mcpwiz.yaml", "mcpwiz credentials claude -f mcpwiz.yaml"} {
		if !strings.Contains(left, want) {
			t.Errorf("%q does not stay on the screen:\n%s", want, left)
		}
	}
	ownersAlone(t, dir)
	for _, file := range writtenFiles {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.Contains(string(text), password) {
			t.Errorf("%s has the administrator's password, or is not there: %v", file, err)
		}
	}
	again := call(t, dir, []string{"MCPWIZ_KEYCLOAK_PASSWORD=" + password}, "setup", "-f", "mcpwiz.yaml", "--yes")
	if code := again.ends(t); code != 0 || !strings.Contains(again.out.String(), "Nothing to do.") {
		t.Errorf("setup -f has something to do, %d:\n%s%s", code, &again.out, &again.err)
	}
}

var writtenFiles = []string{"mcpwiz.yaml", "mcpwiz.secrets.yaml", ".mcpwiz/journal.jsonl", ".mcpwiz/serve.log"}

// ownersAlone holds what is written to being its owner's alone, but for the connection.
func ownersAlone(t *testing.T, dir string) {
	t.Helper()
	for _, file := range writtenFiles[1:] {
		if m := mode(t, filepath.Join(dir, file)); m != 0o600 {
			t.Errorf("%s has mode %o", file, m)
		}
	}
}
