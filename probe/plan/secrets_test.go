package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := Secret("canary")
	holder := struct{ S Secret }{s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb, s, holder, &holder)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "h", holder)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		data, err := marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), fmt.Sprintf("%x", "canary")) {
		t.Errorf("printed: %s", out.String())
	}
	if s.Reveal() != "canary" {
		t.Error("lost")
	}
}

func TestNewSecretNeedsNoEncoding(t *testing.T) {
	t.Parallel()
	one, two := NewSecret(), NewSecret()
	if !regexp.MustCompile(`^[A-Za-z0-9]{43}$`).MatchString(one.Reveal()) || one == two {
		t.Error(one.Reveal(), two.Reveal())
	}
}

func TestSecretsAreKeptBeforeTheyAreUsed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), SecretsFile)
	s, err := LoadSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	pem := "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n"
	if err := s.Keep(ClientKey("m2m"), Secret(pem)); err != nil {
		t.Fatal(err)
	}
	made, err := s.Make(ClientSecret("claude"), func() (Secret, error) { return "one", nil })
	if err != nil || made != "one" {
		t.Fatal(made.Reveal(), err)
	}
	again, err := s.Make(ClientSecret("claude"), func() (Secret, error) { return "two", nil })
	if err != nil || again != "one" {
		t.Error("made twice")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	back, err := LoadSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := back.Get(ClientKey("m2m")); v.Reveal() != pem {
		t.Errorf("got %q", v.Reveal())
	}
	if n := back.Names(); len(n) != 2 {
		t.Error(n)
	}
}

func TestSecretsRefuseAFileOpenToOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), SecretsFile)
	for mode, want := range map[os.FileMode]string{0o640: "chmod 600", 0o604: "chmod 600", 0o600: "", 0o400: ""} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("version: 1\nsecrets: {a: b}\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadSecrets(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

func TestSecretsErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), SecretsFile)
	if err := os.WriteFile(path, []byte("secrets: [canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSecrets(path); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestSecretThatCannotBeKeptIsNotHad(t *testing.T) {
	t.Parallel()
	s, err := LoadSecrets(filepath.Join(t.TempDir(), "gone", SecretsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keep("a", "b"); err == nil {
		t.Error("kept in a directory that is not there")
	}
	if _, ok := s.Get("a"); ok {
		t.Error("had without being kept")
	}
}

func TestAskLooksInOrder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	prompt := func() (Secret, error) { return "asked", nil }
	for name, c := range map[string]struct {
		env    map[string]string
		prompt func() (Secret, error)
		want   Secret
		err    string
	}{
		"environment":  {map[string]string{"X": "env", "X_FILE": file}, prompt, "env", ""},
		"file":         {map[string]string{"X_FILE": file}, prompt, "from file", ""},
		"prompt":       {nil, prompt, "asked", ""},
		"nobody":       {nil, nil, "", "set X, or X_FILE"},
		"file missing": {map[string]string{"X_FILE": file + "x"}, prompt, "", "X_FILE"},
		"file empty":   {map[string]string{"X_FILE": empty}, prompt, "", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Ask(func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }, "X", c.prompt)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
			if name == "nobody" && !errors.Is(err, ErrNoSecret) {
				t.Error("not ErrNoSecret")
			}
		})
	}
}
