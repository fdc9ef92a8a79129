//go:build !unix

package plan

import (
	"errors"
	"io/fs"
	"os"
)

// openLocked makes the file anew. Windows removes no file that a process holds open, and closes those of a process that
// ends, however it ends.
func openLocked(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errHeld
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, errHeld
	}
	return f, err
}

// syncFolder has nothing to do: such systems write the name of a file with the file.
func syncFolder(string) error { return nil }
