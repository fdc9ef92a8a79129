package distribution

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serves is a kc.sh that builds, keeps data, and has a child as the real one has its JVM.
func serves(says, notes string) string {
	return `home=$(cd "$(dirname "$0")/.." && pwd)
echo "$*" >> ` + notes + `/arguments
env >> ` + notes + `/environment
mkdir -p "$home/data"; [ -f "$home/data/database" ] || echo "$KC_BOOTSTRAP_ADMIN_PASSWORD" > "$home/data/database"
grep -q "not built" "$home/lib/quarkus/quarkus-application.dat" && { echo built > "$home/lib/quarkus/quarkus-application.dat"; echo building; }
[ -f "$home/lib/lib/main/one.jar" ] && [ -f "$home/conf/keycloak.conf" ] || exit 9
sleep 600 & echo $! >> ` + notes + `/children
trap 'kill $!; exit 143' TERM
` + says + `wait
`
}

// gone waits for a process to be gone: an orphan is reaped by somebody else.
func gone(pid int) bool {
	for range 100 {
		if state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) ||
			err == nil && bytes.Contains(state, []byte(") Z ")) {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// holdNothingLeft: every child is gone, and so are the data.
func holdNothingLeft(t *testing.T, m machine, notes string) {
	t.Helper()
	for _, child := range strings.Fields(read(t, notes, "children")) {
		if pid, _ := strconv.Atoi(child); !gone(pid) {
			t.Errorf("process %d is left running", pid)
		}
	}
	if got := left(t, m.temp); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestStartBuildsOnceAndLeavesNothing(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	url, says := answering(t)
	home := home(t, "26.7.3", serves(says, notes))
	m := newMachine(t, map[string]string{"java": script(t, java17)}, nil)
	var log bytes.Buffer
	for range 2 {
		r, err := m.start(t.Context(), Options{Home: home, Features: []string{"b", "a"}, Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		if r.URL != url || r.Version != "26.7.3" || r.AdminUser != "admin" || len(r.AdminPassword) < 20 {
			t.Errorf("%+v", r)
		}
		if got := read(t, filepath.Join(m.temp, left(t, m.temp)[0]), "data/database"); strings.TrimSpace(got) != r.AdminPassword {
			t.Error("the database does not know the administrator")
		}
		if strings.Contains(read(t, notes, "arguments"), r.AdminPassword) || strings.Contains(log.String(), r.AdminPassword) {
			t.Error("the password is in the arguments or in the log")
		}
		if err := errors.Join(r.Stop(), r.Stop()); err != nil {
			t.Error(err)
		}
		holdNothingLeft(t, m, notes)
	}
	if n := strings.Count(log.String(), "building"); n != 1 {
		t.Errorf("built %d times", n)
	}
	for line := range strings.Lines(read(t, notes, "arguments")) {
		if line != "start-dev --http-host 127.0.0.1 --http-port 0 --features=a,b\n" {
			t.Errorf("started with %q", line)
		}
	}
	if got := read(t, home, "lib/quarkus/quarkus-application.dat"); got != "not built" {
		t.Error("the home was changed")
	}
}

func TestManyRunAtOnceFromOneHome(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	_, says := answering(t)
	o := Options{Home: home(t, "26.7.3", serves(says, notes))}
	m := newMachine(t, map[string]string{"java": script(t, java17)}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := make([]*Running, 3)
	var all sync.WaitGroup
	for i := range running {
		all.Go(func() {
			var err error
			if running[i], err = m.start(ctx, o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := left(t, m.temp); len(got) != len(running) {
		t.Errorf("data of %d servers: %v", len(running), got)
	}
	for _, r := range running[1:] {
		if r.AdminPassword != running[0].AdminPassword {
			t.Error("they have not the same administrator")
		}
	}
	cancel()
	for _, r := range running {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	}
	holdNothingLeft(t, m, notes)
}

// Even one that is killed leaves nothing: its end of the pipe is closed for it.
func TestOwnDeathLeavesNothing(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	_, says := answering(t)
	m := newMachine(t, map[string]string{"java": script(t, java17)}, nil)
	said, err := m.java(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.prepare(t.Context(), home(t, "26.7.3", serves(says, notes)), said, Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(m.temp, "run")
	s, _, err := p.launch(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.hold.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	holdNothingLeft(t, m, notes)
}

func TestStartTellsWhyNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kc, says string }{
		"ends":  {"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo line $i; done; echo 'Unknown feature: nope' >&2; exit 2", "Unknown feature: nope"},
		"hangs": {serves("echo wedged\n", "NOTES"), "wedged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notes := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			m := newMachine(t, map[string]string{"java": script(t, java17)}, nil)
			_, err := m.start(ctx, Options{Home: home(t, "26.7.3", strings.ReplaceAll(c.kc, "NOTES", notes))})
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "line 3\n") {
				t.Errorf("got %v", err)
			}
			cache, _ := m.cache()
			if got := left(t, filepath.Join(cache, "prepared")); len(got) > 0 {
				t.Errorf("half prepared: %v", got)
			}
			if name == "hangs" {
				holdNothingLeft(t, m, notes)
			}
		})
	}
}

func TestWhatTheServerInherits(t *testing.T) {
	t.Parallel()
	got := inherited([]string{"PATH=/bin", "HOME=/root", "KC_DB=postgres", "KC_HOSTNAME=x", "KEYCLOAK_HOME=/x", "QUARKUS_HTTP_PORT=1", "JAVA_HOME=/jdk",
		"JAVA_OPTS_APPEND=-X", "JDK_JAVA_OPTIONS=-X", "DEBUG=true", "MCPWIZ_PASSWORD=secret"})
	if want := "PATH=/bin HOME=/root JAVA_HOME=/jdk"; strings.Join(got, " ") != want {
		t.Errorf("want %s, got %v", want, got)
	}
}

// A real one is started where MCPWIZ_TEST_DISTRIBUTION=1 allows it to take a minute and the user's cache.
func TestRealKeycloak(t *testing.T) {
	if os.Getenv("MCPWIZ_TEST_DISTRIBUTION") != "1" {
		t.Skip("MCPWIZ_TEST_DISTRIBUTION is not 1")
	}
	t.Parallel()
	for _, version := range []string{DefaultVersion, "26.4.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			m := here(func(s string) { t.Log(s) })
			m.temp = t.TempDir()
			began := time.Now()
			r, err := m.start(t.Context(), Options{Version: version})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s after %.1f s", r.URL, time.Since(began).Seconds())
			if r.Version != version || !signsIn(t, r) {
				t.Errorf("%s: the administrator cannot sign in", r.Version)
			}
			if err := r.Stop(); err != nil {
				t.Error(err)
			}
			if got := left(t, m.temp); len(got) > 0 {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}
