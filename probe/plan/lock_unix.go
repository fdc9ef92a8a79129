//go:build unix

package plan

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens and locks the file; the kernel gives the lock back when the process ends, however it ends. Where a file
// system knows no locks, that the world has moved is noticed all the same.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(errHeld, f.Close())
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		return nil, errors.Join(err, f.Close())
	}
	return f, f.Truncate(0)
}

// syncFolder puts the name of a new file on the disk.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) { // not every file system can
		err = nil
	}
	return errors.Join(err, d.Close())
}
