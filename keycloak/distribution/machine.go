package distribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ErrMissing: a program is not there; the error says what to install.
var ErrMissing = errors.New("not on this machine")

// machine is what we take from outside: the environment, the programs on PATH, the user's directories.
type machine struct {
	env   func(string) string
	look  func(program string) (string, error)
	cache func() (string, error)
	temp  string // for what is gone after a run; empty is the system's
	told  func(string)
}

func here(told func(string)) machine {
	if told == nil {
		told = func(string) {}
	}
	return machine{os.Getenv, exec.LookPath, userCache, "", told}
}

// userCache is where archives that were unpacked and servers that were prepared stay from one run to the next.
func userCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "mcpwiz", "keycloak"), nil
}

// javaVersion is the first thing that java -version says: openjdk version "17.0.15" 2025-04-15, once "1.8.0_292".
var javaVersion = regexp.MustCompile(`version "(?:1\.)?(\d+)[^"]*"`)

// minJava is the oldest that Keycloak 26 runs on.
const minJava = 17

// java returns what the JVM that kc.sh will take says of itself.
func (m machine) java(ctx context.Context) (string, error) {
	hint := fmt.Sprintf("install a Java %d runtime or newer (Debian: openjdk-17-jre-headless) and put java on PATH or set JAVA_HOME", minJava)
	program := cmp.Or(m.env("JAVA"), "java")
	if home := m.env("JAVA_HOME"); home != "" && m.env("JAVA") == "" {
		program = filepath.Join(home, "bin", "java")
	}
	path, err := m.look(program)
	if err != nil {
		return "", fmt.Errorf("run Keycloak: java is %w: %s", ErrMissing, hint)
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w: %.200s", path, err, out)
	}
	if major, ok := javaMajor(string(out)); !ok || major < minJava {
		return "", fmt.Errorf("run Keycloak: a Java that is new enough is %w, %s says %.60q: %s", ErrMissing, path, firstLine(string(out)), hint)
	}
	return string(out), nil
}

func javaMajor(said string) (int, bool) {
	m := javaVersion.FindStringSubmatch(said)
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(m[1])
	return major, err == nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
