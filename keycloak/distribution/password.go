package distribution

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// password returns the administrator's password of every server that this user starts: random, made once, and kept
// where the prepared databases are that know it. Who may read the one may use the other.
func password(cache string) (string, error) {
	path := filepath.Join(cache, "admin-password")
	kept, err := os.ReadFile(path)
	if err == nil && len(kept) > 0 {
		return string(kept), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the administrator's password: %w", err)
	}
	if err := keepPassword(cache, path); err != nil {
		return "", fmt.Errorf("keep the administrator's password: %w", err)
	}
	kept, err = os.ReadFile(path)
	return string(kept), err
}

// keepPassword links a file that is whole: of two starts at once one is first, and both read the same.
func keepPassword(cache, path string) error {
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(cache, ".password-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(rand.Text())
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
