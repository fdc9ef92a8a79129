package distribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Find returns the home of an unpacked Keycloak: KEYCLOAK_HOME, else what the cache has, else the Maven artifact, fetched
// by the mvn on PATH, its checksum verified, and unpacked into the cache. An empty version is whatever KEYCLOAK_HOME has,
// else DefaultVersion. Once the cache has it no network is needed. told may be nil.
func Find(ctx context.Context, version string, told func(string)) (home string, err error) {
	return here(told).find(ctx, version)
}

func (m machine) find(ctx context.Context, version string) (string, error) {
	if home := m.env("KEYCLOAK_HOME"); home != "" {
		has, err := versionOf(home)
		switch {
		case err != nil:
			return "", fmt.Errorf("look into KEYCLOAK_HOME: %w", err)
		case version == "" || version == has:
			return home, nil
		}
		m.told(fmt.Sprintf("KEYCLOAK_HOME has Keycloak %s, asked for is %s", has, version))
	}
	version = cmp.Or(version, DefaultVersion)
	if !plainVersion.MatchString(version) {
		return "", fmt.Errorf("find Keycloak %.40q: that is no version", version)
	}
	cache, err := m.cache()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, version)
	if _, err := versionOf(home); err == nil {
		return home, nil
	}
	return home, m.fetch(ctx, version, home)
}

// plainVersion keeps a version from being a path or an option.
var plainVersion = regexp.MustCompile(`^[0-9]+(\.[0-9A-Za-z-]+)+$`)

// versionLine is what version.txt of a distribution says.
var versionLine = regexp.MustCompile(`Version (\S+)`)

func versionOf(home string) (string, error) {
	said, err := os.ReadFile(filepath.Join(home, "version.txt"))
	if err != nil {
		return "", fmt.Errorf("%s is no Keycloak: %w", home, err)
	}
	if _, err := os.Stat(filepath.Join(home, "bin", "kc.sh")); err != nil {
		return "", fmt.Errorf("%s is no Keycloak: %w", home, err)
	}
	m := versionLine.FindSubmatch(said)
	if m == nil {
		return "", errors.New(home + " is no Keycloak: its version.txt names no version")
	}
	return string(m[1]), nil
}
