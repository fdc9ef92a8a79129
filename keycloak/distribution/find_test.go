package distribution

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mvn is a Maven that knows one archive, and says as the real one does what is wrong otherwise.
func mvn(t *testing.T, archive []byte) string {
	t.Helper()
	known := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(known, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	return script(t, `
case "$*" in
*"--strict-checksums "*":copy -Dartifact=org.keycloak:keycloak-quarkus-dist:99.1.0:tar.gz -DoutputDirectory="*) ;;
*) printf '\033[31m[ERROR]\033[m Could not find artifact\n[ERROR] [Help 1]\n'; exit 1;;
esac
for last; do :; done
cp `+known+` "${last#-DoutputDirectory=}/keycloak-quarkus-dist-99.1.0.tar.gz"
`)
}

func TestFindPrefersTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	own := home(t, "26.1.0", "exit 0")
	m := newMachine(t, nil, map[string]string{"KEYCLOAK_HOME": own})
	for _, version := range []string{"", "26.1.0"} {
		if got, err := m.find(t.Context(), version); err != nil || got != own {
			t.Errorf("%q: %s, %v", version, got, err)
		}
	}
	if _, err := m.find(t.Context(), "26.7.3"); !errors.Is(err, ErrMissing) {
		t.Errorf("another version: %v", err)
	}
	m = newMachine(t, nil, map[string]string{"KEYCLOAK_HOME": t.TempDir()})
	if _, err := m.find(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "is no Keycloak") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestFindFetchesOnceAndThenNeedsNothing(t *testing.T) {
	t.Parallel()
	m := newMachine(t, map[string]string{"mvn": mvn(t, packed(t, small("99.1.0", "exit 0")...))}, nil)
	place, err := m.find(t.Context(), "99.1.0")
	if err != nil {
		t.Fatal(err)
	}
	m.look = func(string) (string, error) { return "", errors.New("not found") }
	if again, err := m.find(t.Context(), "99.1.0"); err != nil || again != place {
		t.Errorf("from the cache: %s, %v", again, err)
	}
	if got := left(t, filepath.Dir(place)); len(got) != 1 {
		t.Errorf("in the cache: %v", got)
	}
}

func TestFindSaysWhatToDo(t *testing.T) {
	t.Parallel()
	broken := packed(t, small("99.1.0", "exit 0")...)
	for name, c := range map[string]struct {
		mvn     string
		version string
		says    string
	}{
		"no Maven":         {"", "99.1.0", "install Maven"},
		"unknown version":  {mvn(t, nil), "99.2.0", "Could not find artifact"},
		"no version":       {mvn(t, nil), "../../etc", "no version"},
		"an option":        {mvn(t, nil), "-X", "no version"},
		"broken archive":   {mvn(t, broken[:len(broken)/2]), "99.1.0", "unexpected EOF"},
		"left no archive":  {script(t, "exit 0"), "99.1.0", "left no archive"},
		"cannot be run":    {filepath.Join(t.TempDir(), "mvn"), "99.1.0", "no such file"},
		"another checksum": {script(t, `for last; do :; done; echo other > "${last#-DoutputDirectory=}/keycloak-quarkus-dist-26.7.3.tar.gz"`), "26.7.3", errChecksum.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programs := map[string]string{}
			if c.mvn != "" {
				programs["mvn"] = c.mvn
			}
			m := newMachine(t, programs, nil)
			_, err := m.find(t.Context(), c.version)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("want %q, got %v", c.says, err)
			}
			cache, _ := m.cache()
			if got := left(t, cache); len(got) != 0 {
				t.Errorf("left in the cache: %v", got)
			}
		})
	}
}

func TestTestedVersionsHaveAChecksum(t *testing.T) {
	t.Parallel()
	for _, version := range []string{DefaultVersion, "26.4.7"} {
		if sum, ok := recordedSum(checksums, fmt.Sprintf("keycloak-quarkus-dist-%s.tar.gz", version)); !ok || len(sum) != 64 {
			t.Errorf("%s: %q", version, sum)
		}
	}
}

func TestJava(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ java, says string }{
		"17":      {script(t, java17), ""},
		"25":      {script(t, `echo 'openjdk version "25" 2025-09-16' >&2`), ""},
		"early":   {script(t, `echo 'openjdk version "26-ea" 2026-03-17' >&2`), ""},
		"8":       {script(t, `echo 'java version "1.8.0_292"' >&2`), "Java 17"},
		"11":      {script(t, `echo 'openjdk version "11.0.20" 2023-07-18' >&2`), "Java 17"},
		"silent":  {script(t, ""), "Java 17"},
		"broken":  {script(t, "echo no; exit 3"), "exit status 3"},
		"missing": {"", "install a Java 17"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programs := map[string]string{}
			if c.java != "" {
				programs["java"] = c.java
			}
			_, err := newMachine(t, programs, nil).java(t.Context())
			if c.says == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q, got %v", c.says, err)
			}
		})
	}
}

func TestJavaIsTheOneThatTheServerWillTake(t *testing.T) {
	t.Parallel()
	want := script(t, java17)
	for name, env := range map[string]map[string]string{
		"JAVA_HOME": {"JAVA_HOME": "/jdk"},
		"JAVA":      {"JAVA_HOME": "/other", "JAVA": "/jdk/bin/java"},
	} {
		m := newMachine(t, map[string]string{"/jdk/bin/java": want}, env)
		if _, err := m.java(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
