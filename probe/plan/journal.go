package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// JournalPath is where the journal of the connection at path is kept.
func JournalPath(path string) string {
	return filepath.Join(filepath.Dir(path), ".mcpwiz", "journal.jsonl")
}

// A Journal has what we changed, so that it can be undone. It is only ever appended to, and each record is on the disk
// before the world is touched.
type Journal struct {
	// Place is where the changes are made, so that they are undone there and nowhere else: the realm's issuer. It is set
	// before the first change. A resource that is Placed has its own.
	Place string

	mu   sync.Mutex
	path string
	run  string
	now  func() time.Time
	// acted: this run has intended something.
	acted bool
}

// A Record is one line of the journal.
type Record struct {
	Time time.Time `json:"time"`
	// Run is the same for all records of one run.
	Run   string     `json:"run"`
	Kind  RecordKind `json:"kind"`
	Place string     `json:"place,omitempty"`
	// Of is the run that made a change that was undone, or that another has finished.
	Of string `json:"of,omitempty"`
	// Change holds no secret.
	Change Change `json:"change"`
	Error  string `json:"error,omitempty"`
}

// A RecordKind says what a record tells.
type RecordKind string

const (
	// Intended comes before the world is touched. Without a later record of the same run and resource, nobody knows.
	Intended RecordKind = "intended"
	Applied  RecordKind = "applied"
	// Failed: some of it may be in place.
	Failed RecordKind = "failed"
	// Found: somebody else made just that at the same moment. It is not ours to undo.
	Found RecordKind = "found"
	// Undone: what was before is put back, or there was nothing left to put back.
	Undone RecordKind = "undone"
	// Finished: the run came to its end. It bears no change.
	Finished RecordKind = "finished"
)

// OpenJournal opens the journal of a run. The file is made when the first change is.
func OpenJournal(path string) *Journal {
	return &Journal{path: path, run: time.Now().UTC().Format("20060102T150405.000000000Z"), now: time.Now}
}

// Placed is a resource that is somewhere else than the others of its run.
type Placed interface{ Place() string }

func placeOf(r Resource) string {
	if p, ok := r.(Placed); ok {
		return p.Place()
	}
	return ""
}

func (j *Journal) intend(r Resource, c Change) error {
	return j.append(Record{Kind: Intended, Place: placeOf(r), Change: c})
}

// finish ends a run that has changed something.
func (j *Journal) finish() error {
	if !j.acted {
		return nil
	}
	j.acted = false
	return j.append(Record{Kind: Finished})
}

// Settle ends a run that did not come to its end: a later one found all of it in place. ErrLocked: it may be at work still.
func (j *Journal) Settle(run string) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return j.append(Record{Kind: Finished, Of: run})
}

// ended tells how a change that was intended ended.
func (j *Journal) ended(of Resource, c Change, kind RecordKind, failure error) error {
	r := Record{Kind: kind, Place: placeOf(of), Change: c}
	if failure != nil {
		r.Error = failure.Error()
	}
	r.Change.Before = nil // the intent has it
	return j.append(r)
}

func (j *Journal) undone(p Past) error {
	c := Change{Resource: p.Change.Resource, Action: p.Change.Action}
	return j.append(Record{Kind: Undone, Of: p.Run, Place: p.Place, Change: c})
}

func (j *Journal) append(r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Time, r.Run = j.now().UTC(), j.run
	if r.Place == "" {
		r.Place = j.Place
	}
	j.acted = j.acted || r.Kind == Intended
	line, err := json.Marshal(r)
	if err == nil {
		err = appendDurably(j.path, line)
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// appendDurably ends a line that a crash has torn, so that what follows can be read.
func appendDurably(path string, line []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := f.Sync(); err != nil || info.Size() > 0 {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// ReadJournal returns the records in order; none when there is no journal. A line that a crash has torn was not yet
// followed by anything in the world, and is left out.
func ReadJournal(path string) ([]Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	var records []Record
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var r Record
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Kind != "" {
			records = append(records, r)
		}
	}
	return records, lines.Err()
}
