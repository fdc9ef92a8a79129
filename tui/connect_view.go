package tui

import (
	"fmt"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// View draws what to type and who comes, or the row that is open.
func (p *ConnectPage) View(width, height int) string {
	if p.opened != nil {
		return p.viewOpened(width, height)
	}
	rows := p.above(width, height)
	rows = append(rows, p.t.Rule(p.state(), width))
	all := p.line.rows
	for i := p.top; i < len(all) && len(rows) < height; i++ {
		rows = append(rows, p.row(i, width))
	}
	return Lines(rows, height)
}

// leastRows is how many rows the timeline has at least before where to click is left to help.
const leastRows = 4

// above is where to click and what to type, with blank lines where there is room for them.
func (p *ConnectPage) above(width, height int) []string {
	typed := p.values.rows(p.t, p.cursor, width)
	where, carrier := p.whereRows(width), p.carrierRows(width)
	var rows []string
	if len(where)+len(typed)+len(carrier)+1+leastRows <= height {
		rows = append(rows, where...)
	}
	if height < low {
		return append(append(rows, typed...), carrier...)
	}
	return append(append(append(append(rows, ""), typed...), carrier...), "")
}

// whereRows has as many lines whatever it says.
func (p *ConnectPage) whereRows(width int) []string {
	var rows []string
	for _, line := range Wrap(p.where, width-2) {
		if line != "" {
			rows = append(rows, " "+line)
		}
	}
	if p.openErr != nil && len(rows) > 0 {
		rows[0] = p.t.Row(false, p.t.Mark(probe.Failed)+" no browser was opened; go to "+p.t.Code.Render(Plain(p.page)), width)
	}
	return rows
}

// room is how many rows of the timeline are in sight.
func (p *ConnectPage) room() int { return max(p.height-len(p.above(p.width, p.height))-1, 1) }

// state says who is there, and what is to be mended first.
func (p *ConnectPage) state() string {
	t := p.t
	connected, last := p.line.connected(), p.line.last()
	text := ""
	switch {
	case len(connected) > 0:
		text = t.Pass.Render(inWords(connected) + ".")
	case last != nil && last.seen.first() != nil:
		f := last.seen.first()
		text = t.Fail.Render("First to mend:") + " " + t.Bold.Render(string(f.Stage))
		if f.Owner != "" && p.width >= narrow {
			text += "  " + t.Dim.Render("("+ownerInWords(f.Owner)+")")
		}
	case last != nil && last.seen.finished != nil:
		text = t.Warn.Render(last.name() + " came, and stopped after " + string(last.reached()) + ".")
	case last != nil:
		text = t.Dim.Render(last.name() + " comes: " + string(last.reached()))
	case p.ended:
		text = t.Warn.Render("The server has ended: nobody is heard any more.")
	case p.o.Watch == nil:
	default:
		text = t.Dim.Render("waiting for a client to come")
	}
	if n := p.line.failed(); n > 0 && len(connected) > 0 {
		text += "  " + t.Fail.Render(fmt.Sprintf("%s %d to mend", t.Sign(probe.Failed), n))
	}
	return text
}

func inWords(names []string) string {
	switch len(names) {
	case 1:
		return names[0] + " is connected"
	case 2:
		return names[0] + " and " + names[1] + " are connected"
	}
	return fmt.Sprintf("%d clients are connected", len(names))
}

// row is one of the timeline: mark, time, lanes, words; and whose it is where several came.
func (p *ConnectPage) row(i, width int) string {
	t, r := p.t, p.line.rows[i]
	at, words, who := " ", r.words(t), ""
	if p.cursor == len(p.values.all)+i {
		at, words = t.Cursor(), t.Bold.Render(words)
	}
	if len(p.line.shakes) > 1 {
		who = t.Dim.Render(t.Cut(p.line.nameOf(r.of), width/4))
	}
	if width < narrow {
		return at + t.Mark(r.outcome) + " " + t.Spread(words, who, width-4)
	}
	const before = 1 + 2 + 8 + 2 + lanesWidth + 3
	clock := t.Dim.Render(r.at.In(p.o.Clock().Location()).Format("15:04:05"))
	return at + t.Mark(r.outcome) + " " + clock + "  " + t.Arrow(r.arrow) + "   " + t.Spread(words, who, width-before-1)
}

// viewOpened draws what is behind a row: findings that cite it, and the exchange as it was.
func (p *ConnectPage) viewOpened(width, height int) string {
	t, lines := p.t, p.document(width)
	room := max(height-2, 1)
	top := max(min(p.docTop, len(lines)-room), 0)
	end := min(top+room, len(lines))
	below := ""
	if left := len(lines) - end; left > 0 {
		below = t.Dim.Render(fmt.Sprintf("%d more below", left))
	}
	title := t.Mark(p.opened.outcome) + " " + t.Bold.Render(p.opened.words(t))
	rows := []string{" " + t.Spread(title, t.Dim.Render(t.Cut(p.line.nameOf(p.opened.of), width/3)), width-2), t.Rule(below, width)}
	return Lines(append(rows, lines[top:end]...), height)
}

func (p *ConnectPage) document(width int) []string {
	if p.doc != nil {
		return p.doc
	}
	w := &docWriter{t: p.t, width: width}
	var passed []probe.Finding
	for _, f := range p.opened.findings() {
		if f.Outcome == probe.Passed {
			passed = append(passed, f)
			continue
		}
		w.lines = append(w.lines, p.t.CardLines(p.t.FindingCard(f), width, -1)...)
		w.blank()
	}
	for _, f := range passed {
		w.wrapped(p.t.Mark(f.Outcome), "", f.Title+": "+f.Detail)
	}
	for _, n := range p.opened.ns {
		if x := p.opened.of.seen.numbered(n); x != nil {
			w.blank()
			w.exchange(x)
		}
	}
	if len(w.lines) == 0 {
		w.wrapped(p.t.Waiting(), "", "nothing is kept of it")
	}
	p.doc = w.lines
	return p.doc
}

// words is what a row says; how often it came, where it came again at once.
func (r *arrival) words(t *Theme) string {
	if len(r.ns) < 2 {
		return r.text
	}
	times := "×"
	if t.ASCII {
		times = "x"
	}
	return strings.TrimSpace(fmt.Sprintf("%s  %s%d", r.text, times, len(r.ns)))
}
