package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"
)

// SecretsFile is the name of the file of secrets, beside mcpwiz.yaml.
const SecretsFile = "mcpwiz.secrets.yaml"

// SecretsPath is where the secrets of the connection at path are kept.
func SecretsPath(path string) string { return filepath.Join(filepath.Dir(path), SecretsFile) }

// Names of secrets: of a client by its id (a client secret, or a private key as PEM), of a user by its name.
func ClientSecret(id string) string { return "client/" + id }
func ClientKey(id string) string    { return "key/" + id }
func UserPassword(n string) string  { return "user/" + n }

// Secrets are those that we made, by name, kept in a file that only its owner reads. They are safe for concurrent use.
type Secrets struct {
	mu     sync.Mutex
	path   string
	values map[string]Secret
}

// secretsFile is the file as written; Secret itself refuses to be.
type secretsFile struct {
	Version int               `yaml:"version"`
	Secrets map[string]string `yaml:"secrets"`
}

// LoadSecrets reads the file, or begins one: it is written when the first secret is kept. With the path "" nothing is
// written at all.
func LoadSecrets(path string) (*Secrets, error) {
	s := &Secrets{path: path, values: map[string]Secret{}}
	if path == "" {
		return s, nil
	}
	data, err := readOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the secrets: %w", err)
	}
	var file secretsFile
	if err := yaml.Unmarshal(data, &file); err != nil {
		// The parser's message may quote a value.
		return nil, fmt.Errorf("read the secrets: %s is not the YAML that mcpwiz wrote", path)
	}
	if file.Version > FormatVersion {
		return nil, fmt.Errorf("read the secrets: %s is of version %d, this mcpwiz knows versions up to %d", path, file.Version, FormatVersion)
	}
	for name, v := range file.Secrets {
		s.values[name] = Secret(v)
	}
	return s, nil
}

// readOwn refuses a file that others can read: what is in it may be known already.
func readOwn(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others (mode %04o): run chmod 600 %s", path, mode, path)
	}
	data := make([]byte, min(info.Size(), maxFile))
	n, err := f.ReadAt(data, 0)
	if n == len(data) {
		err = nil
	}
	return data, err
}

// Get returns a secret.
func (s *Secrets) Get(name string) (Secret, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[name]
	return v, ok
}

// Names lists what there is.
func (s *Secrets) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.values))
}

// Keep keeps a secret; when it returns, the file has it.
func (s *Secrets) Keep(name string, v Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keep(name, v)
}

// Make returns the secret of that name; if there is none, it is made and kept first.
func (s *Secrets) Make(name string, make func() (Secret, error)) (Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return "", err
	}
	return v, s.keep(name, v)
}

const secretsHead = "# Made by mcpwiz. Whoever can read this file can sign in: keep it out of version control.\n"

func (s *Secrets) keep(name string, v Secret) error {
	values := maps.Clone(s.values)
	values[name] = v
	if s.path != "" {
		file := secretsFile{FormatVersion, map[string]string{}}
		for n, v := range values {
			file.Secrets[n] = v.Reveal()
		}
		data, err := encode(file)
		if err == nil {
			err = renameio.WriteFile(s.path, append([]byte(secretsHead), data...), 0o600, renameio.IgnoreUmask())
		}
		if err != nil {
			return fmt.Errorf("keep the secret %s: %w", name, err)
		}
	}
	s.values = values
	return nil
}
