package distribution

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// newMachine is one with the programs given (name to path) and directories of its own.
func newMachine(t *testing.T, programs, env map[string]string) machine {
	cache, temp := t.TempDir(), t.TempDir()
	return machine{
		env: func(name string) string { return env[name] },
		look: func(name string) (string, error) {
			if path, ok := programs[name]; ok {
				return path, nil
			}
			return "", errors.New("not found")
		},
		cache: func() (string, error) { return cache, nil },
		temp:  temp,
		told:  func(s string) { t.Log(s) },
	}
}

// script writes a program for sh and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	// A child forked meanwhile would hold it open for writing for a moment, and then it cannot be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

const java17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`

// file is one entry of an archive.
type file struct {
	name, content string
	kind          byte
	mode          int64
}

func packed(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for _, f := range files {
		if f.kind == 0 {
			f.kind = tar.TypeReg
		}
		h := &tar.Header{Name: f.name, Typeflag: f.kind, Mode: f.mode | 0o644}
		if f.kind == tar.TypeReg {
			h.Size = int64(len(f.content))
		} else {
			h.Linkname = f.content
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if f.kind == tar.TypeReg {
			if _, err := w.Write([]byte(f.content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// small is a distribution as small as can be, with a kc.sh that does as text says.
func small(version, text string) []file {
	top := "keycloak-" + version
	return []file{
		{name: top + "/version.txt", content: "Keycloak - Version " + version + "\n"},
		{name: top + "/bin/", kind: tar.TypeDir},
		{name: top + "/bin/kc.sh", content: "#!/bin/sh\n" + text, mode: 0o755},
		{name: top + "/conf/keycloak.conf", content: "# nothing\n"},
		{name: top + "/lib/lib/main/one.jar", content: "jar"},
		{name: top + "/lib/quarkus/quarkus-application.dat", content: "not built"},
	}
}

// home unpacks a small distribution.
func home(t *testing.T, version, text string) string {
	t.Helper()
	place := filepath.Join(t.TempDir(), "home")
	archive := filepath.Join(t.TempDir(), "keycloak.tar.gz")
	if err := os.WriteFile(archive, packed(t, small(version, text)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unpackTo(archive, place); err != nil {
		t.Fatal(err)
	}
	return place
}

// answering is what answers for a small distribution, and the line with which that says so.
func answering(t *testing.T) (url, says string) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL, fmt.Sprintf("echo 'started in 5.4s. Listening on: %s'\n", s.URL)
}

// left returns what is in a directory.
func left(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
