package distribution

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signsIn: the administrator gets a token.
func signsIn(t *testing.T, r *Running) bool {
	t.Helper()
	resp, err := http.PostForm(r.URL+"/realms/master/protocol/openid-connect/token", url.Values{"grant_type": {"password"},
		"client_id": {"admin-cli"}, "username": {r.AdminUser}, "password": {r.AdminPassword}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// dockerd is a docker that notes how it is called; run lasts until rm.
func dockerd(t *testing.T, notes, says, address string) string {
	return script(t, `echo "$*" >> `+notes+`/calls
case $1 in
version) echo 28;;
run) echo $$ > `+notes+`/children; env > `+notes+`/environment
`+says+`while [ ! -f `+notes+`/removed ]; do sleep 0.05; done;;
port) echo `+address+`;;
rm) touch `+notes+`/removed;;
esac
`)
}

func TestDockerIsTheLastResort(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	at, says := answering(t)
	m := newMachine(t, map[string]string{"docker": dockerd(t, notes, says, strings.TrimPrefix(at, "http://"))}, nil)
	r, err := m.start(t.Context(), Options{Version: "26.4.7", Features: []string{"cimd"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.URL != at || r.Version != "26.4.7" {
		t.Errorf("%+v", r)
	}
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
	calls := read(t, notes, "calls")
	for _, want := range []string{"--publish 127.0.0.1::8080 ", " keycloak/keycloak:26.4.7 start-dev --features=cimd\n", "rm --force --volumes mcpwiz-"} {
		if !strings.Contains(calls, want) {
			t.Errorf("no %q in\n%s", want, calls)
		}
	}
	if strings.Contains(calls, r.AdminPassword) || !strings.Contains(read(t, notes, "environment"), "KC_BOOTSTRAP_ADMIN_PASSWORD="+r.AdminPassword) {
		t.Error("the password goes by the environment and not by the arguments")
	}
	holdNothingLeft(t, m, notes)
}

func TestDockerThatCannotRunTheImageIsToldAndRemoved(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	m := newMachine(t, map[string]string{"docker": dockerd(t, notes, "echo 'Unable to find image'; exit 125\n", "")}, nil)
	_, err := m.start(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "Unable to find image") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(notes, "removed")); err != nil {
		t.Error(err)
	}
}

func TestWithoutJavaAndDockerTheErrorSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	for name, programs := range map[string]map[string]string{"nothing": nil, "no daemon": {"docker": script(t, "exit 1")}} {
		_, err := newMachine(t, programs, nil).start(t.Context(), Options{})
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "install a Java 17") || !strings.Contains(err.Error(), "Docker") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
