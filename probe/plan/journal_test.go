package plan

import (
	"os"
	"path/filepath"
	"testing"
)

func TestJournalOutlivesATornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j", "journal.jsonl")
	j := OpenJournal(path)
	if err := j.intend(nil, Change{Resource: "a", Action: Create}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.ended(nil, Change{Resource: "a", Action: Create}, Applied, nil); err != nil {
		t.Fatal(err)
	}
	records, err := ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 2 || records[0].Kind != Intended || records[1].Kind != Applied || records[0].Run != records[1].Run {
		t.Errorf("got %+v", records)
	}
}

func TestNoJournalIsAnEmptyOne(t *testing.T) {
	t.Parallel()
	if records, err := ReadJournal(filepath.Join(t.TempDir(), "none")); err != nil || records != nil {
		t.Errorf("%v, %v", records, err)
	}
}
