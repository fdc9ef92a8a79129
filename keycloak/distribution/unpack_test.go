package distribution

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnpackTakesTheTopFolderOff(t *testing.T) {
	t.Parallel()
	place := home(t, "26.7.3", "exit 0")
	info, err := os.Stat(filepath.Join(place, "bin", "kc.sh"))
	if err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("kc.sh: %v, %v", info, err)
	}
	if got, err := os.ReadFile(filepath.Join(place, "lib", "lib", "main", "one.jar")); err != nil || string(got) != "jar" {
		t.Errorf("one.jar: %q, %v", got, err)
	}
	if got := left(t, filepath.Dir(place)); len(got) != 1 {
		t.Errorf("beside it: %v", got)
	}
}

// A broken or hostile archive leaves nothing behind, neither in its place nor beside it, nor elsewhere.
func TestUnpackIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	good := small("26.7.3", "exit 0")
	whole := packed(t, good...)
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)-6] ^= 1 // in the checksum of gzip
	with := func(f ...file) []byte { return packed(t, append(append([]file(nil), good...), f...)...) }
	for name, c := range map[string]struct {
		archive []byte
		says    string
	}{
		"truncated":         {whole[:len(whole)*2/3], "unexpected EOF"},
		"no end":            {whole[:len(whole)-4], "unexpected EOF"},
		"damaged":           {flipped, "checksum"},
		"no gzip":           {[]byte("<html>"), "gzip"},
		"empty":             {nil, "EOF"},
		"upwards":           {with(file{name: "keycloak-26.7.3/../../escaped", content: "x"}), "leads out"},
		"absolute":          {with(file{name: "/escaped", content: "x"}), "leads out"},
		"backslashes":       {with(file{name: `keycloak-26.7.3\..\..\escaped`, content: "x"}), "leads out"},
		"symbolic link":     {with(file{name: "keycloak-26.7.3/conf/link", content: "/etc", kind: tar.TypeSymlink}), "neither file nor folder"},
		"hard link":         {with(file{name: "keycloak-26.7.3/conf/link", content: "/etc/passwd", kind: tar.TypeLink}), "neither file nor folder"},
		"device":            {with(file{name: "keycloak-26.7.3/conf/null", kind: tar.TypeChar}), "neither file nor folder"},
		"the same twice":    {with(file{name: "keycloak-26.7.3/bin/kc.sh", content: "x"}), "exists"},
		"something else":    {packed(t, file{name: "other/readme", content: "x"}), "is no Keycloak"},
		"nothing inside it": {packed(t), "is no Keycloak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive := filepath.Join(dir, "keycloak.tar.gz")
			if err := os.WriteFile(archive, c.archive, 0o600); err != nil {
				t.Fatal(err)
			}
			cache := filepath.Join(dir, "a", "b")
			if err := os.MkdirAll(cache, 0o700); err != nil {
				t.Fatal(err)
			}
			err := unpackTo(archive, filepath.Join(cache, "26.7.3"))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q, got %v", c.says, err)
			}
			for dir, want := range map[string]int{cache: 0, filepath.Dir(cache): 1, dir: 2} {
				if got := left(t, dir); len(got) != want {
					t.Errorf("left in %s: %v", dir, got)
				}
			}
		})
	}
}

func TestUnpackReplacesWhatIsBrokenOnly(t *testing.T) {
	t.Parallel()
	whole, place := home(t, "26.7.3", "exit 1"), filepath.Join(t.TempDir(), "26.7.3")
	if err := os.MkdirAll(filepath.Join(place, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := install(whole, place); err != nil {
		t.Fatal(err)
	}
	if _, err := versionOf(place); err != nil {
		t.Error(err)
	}
	if err := install(home(t, "26.7.4", "exit 1"), place); err != nil {
		t.Fatal(err)
	}
	if got, _ := versionOf(place); got != "26.7.3" {
		t.Errorf("what was whole became %s", got)
	}
}
