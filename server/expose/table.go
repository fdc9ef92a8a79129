package expose

import (
	"fmt"
	"time"
)

// A Row is a way as a table tells it: its name, what people call it, and the cells under Columns.
type Row struct {
	Name, Title string
	Cells       []string
}

// Columns are the headings of a row's cells.
var Columns = []string{"events on GET", "events on POST", "silence", "first byte", "own name", "name lasts", "paths", "largest request"}

// Table has a row for each way, and Notes of it for what has no column.
func Table() []Row {
	var rows []Row
	for _, w := range All(Local{}) {
		c := w.Caps()
		rows = append(rows, Row{w.Name(), c.Title, []string{
			yes(c.StreamGET), yes(c.StreamPOST), span(c.Idle), span(c.FirstByte), yes(c.OwnDomain), yes(c.StableName), yes(c.Paths), size(c.MaxBody),
		}})
	}
	return rows
}

// Notes are sentences on what else limits a way.
func (c Caps) Notes() []string {
	var all []string
	if c.Trial {
		all = append(all, "for a trial: the name changes with every start")
	}
	if !c.StreamGET {
		all = append(all, "the server's own stream (GET) is held back until it ends; answers to calls stream")
	}
	for _, s := range []string{c.Limit, c.Interstitial} {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func span(d time.Duration) string {
	if d == 0 {
		return "no limit known"
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

func size(n int64) string {
	if n == 0 {
		return "no limit known"
	}
	return fmt.Sprintf("%d MB", n/mega)
}
