package distribution

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// copyGoal fetches an artifact into a directory; the version of the plugin is fixed, so that it is not looked up.
const copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// fetch brings the artifact into home, whole or not at all.
func (m machine) fetch(ctx context.Context, version, home string) error {
	mvn, err := m.look("mvn")
	if err != nil {
		return fmt.Errorf("fetch Keycloak %s: mvn is %w: install Maven (Debian: maven), or unpack Keycloak yourself and set KEYCLOAK_HOME", version, ErrMissing)
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return fmt.Errorf("make the cache of Keycloak: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(home), ".fetch-")
	if err != nil {
		return fmt.Errorf("make the cache of Keycloak: %w", err)
	}
	defer os.RemoveAll(tmp)
	m.told("fetching Keycloak " + version + " with Maven, once")
	archive, err := m.maven(ctx, mvn, version, tmp)
	if err != nil {
		return err
	}
	if err := verify(archive, checksums); err != nil {
		return err
	}
	return unpackTo(archive, home)
}

// maven is strict about the registry's checksums: it warns by default.
func (m machine) maven(ctx context.Context, mvn, version, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "--strict-checksums", copyGoal,
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+version+":tar.gz", "-DoutputDirectory="+dir)
	cmd.Dir = dir // away from any pom.xml
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("fetch Keycloak %s with mvn: %w: %s", version, cause(ctx, err), mavenError(out))
	}
	archive := filepath.Join(dir, "keycloak-quarkus-dist-"+version+".tar.gz")
	if _, err := os.Stat(archive); err != nil {
		return "", fmt.Errorf("fetch Keycloak %s with mvn: it says it is done, and left no archive: %w", version, err)
	}
	return archive, nil
}

// cause prefers why a program was ended to how it ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

var colours = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// mavenError returns the first line in which Maven says what is wrong; the rest is about how to ask it for more.
func mavenError(out []byte) string {
	for line := range strings.Lines(colours.ReplaceAllString(string(out), "")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "[ERROR] "); ok {
			return fmt.Sprintf("%.400s", text)
		}
	}
	return fmt.Sprintf("%.400s", strings.TrimSpace(string(out)))
}

//go:embed checksums.txt
var checksums string

// verify holds an archive to the checksum that is recorded for it. For a version without one Maven's word stands alone.
func verify(archive, recorded string) error {
	want, known := recordedSum(recorded, filepath.Base(archive))
	if !known {
		return nil
	}
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("verify %s: %w", archive, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("verify %s: %w", archive, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("verify %s: %w: SHA-256 is %s, recorded is %s", filepath.Base(archive), errChecksum, got, want)
	}
	return nil
}

var errChecksum = errors.New("this is not the archive that was released")

func recordedSum(recorded, name string) (string, bool) {
	for line := range strings.Lines(recorded) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == name {
			return f[0], true
		}
	}
	return "", false
}
