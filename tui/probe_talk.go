package tui

import (
	"slices"
	"strings"
)

// address reports whether a line of talk is a URL alone, to be opened by the user.
func address(line string) bool {
	return (strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://")) && !strings.Contains(line, " ")
}

// talkCard is the talk, whole where there is room for it. Else each line of it has one row, beginning with the address to open
// at the latest, and Enter shows all of it.
func (p *Probe) talkCard(width, height int) []string {
	t, talk := p.t, p.seen.talk
	var rows []string
	for _, line := range talk {
		for i, part := range Wrap(line, width-4) {
			mark := t.Dot()
			if i > 0 {
				mark = " "
			}
			rows = append(rows, " "+mark+" "+part)
		}
	}
	if len(rows) <= height {
		return rows
	}
	n := min(max(height-1, 0), len(talk))
	from := len(talk) - n
	for i, line := range slices.Backward(talk) {
		if address(line) {
			from = min(from, i)
			break
		}
	}
	rows = nil
	for _, line := range talk[from : from+n] {
		rows = append(rows, t.Row(false, t.Dot()+" "+line, width))
	}
	hint := t.Bold.Render(KeyEnter.Show) + " " + t.Dim.Render("shows it whole")
	return append(rows, t.Row(false, "  "+hint, width))
}

// drawTalk is the talk as it is read. An address begins at the edge and fills its lines, so that it is copied without a blank.
func (p *Probe) drawTalk(width int) []string {
	w := &docWriter{t: p.t, width: width}
	for _, line := range p.seen.talk {
		if !address(line) {
			w.wrapped(p.t.Dot(), "", line)
			continue
		}
		w.blank()
		w.lines = append(w.lines, Wrap(line, width)...)
		w.blank()
	}
	return w.lines
}
