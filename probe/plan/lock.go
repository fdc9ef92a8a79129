package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrLocked: another run is changing the same at this moment.
var ErrLocked = errors.New("another run is changing the same")

// errHeld: the lock is held by somebody.
var errHeld = errors.New("held")

// A holder says who holds the lock, for who comes second.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	User    string    `json:"user,omitempty"`
	Host    string    `json:"host,omitempty"`
	Since   time.Time `json:"since"`
}

// LockPath is where the lock beside a journal is.
func LockPath(journal string) string { return filepath.Join(filepath.Dir(journal), "lock") }

// Free returns ErrLocked, with who it is, where a run is at work.
func (j *Journal) Free() error {
	unlock, err := j.lock()
	if err == nil {
		unlock()
	}
	return err
}

// lock takes the lock that lies beside the journal; what is returned gives it back. A run that is killed loses it. The file
// stays: to remove it would give two runs two files to lock.
func (j *Journal) lock() (unlock func(), err error) {
	path := LockPath(j.path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	f, err := openLocked(path)
	switch {
	case errors.Is(err, errHeld):
		return nil, fmt.Errorf("%w: %s", ErrLocked, heldBy(path))
	case err != nil:
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	text, err := json.Marshal(myself(j.now()))
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the journal: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// myself names the command without its flags: their values are nobody's business.
func myself(now time.Time) holder {
	command := []string{filepath.Base(os.Args[0])}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		command = append(command, os.Args[1])
	}
	host, _ := os.Hostname() // without one it is left out
	return holder{os.Getpid(), strings.Join(command, " "), cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME")), host, now.UTC().Truncate(time.Second)}
}

// heldBy says who holds the lock, as far as it is told: the holder may be about to write it.
func heldBy(path string) string {
	unknown := "it is not told who (" + path + ")"
	f, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	var h holder
	if json.NewDecoder(io.LimitReader(f, 4096)).Decode(&h) != nil {
		return unknown
	}
	who := cmp.Or(h.User, "somebody")
	if h.Host != "" {
		who += " on " + h.Host
	}
	return fmt.Sprintf("%s of %s, process %d, since %s", h.Command, who, h.PID, h.Since.Local().Format(time.DateTime))
}
