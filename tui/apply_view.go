package tui

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// View draws a row for each resource, and below the rule what stopped it.
func (p *ApplyPage) View(width, height int) string {
	card := p.card(width)
	n := min(len(p.rows), max(height-1-min(len(card), cardRoom(len(p.rows), height)), 1))
	from := max(min(p.at()-n/2, len(p.rows)-n), 0)
	rows := make([]string, 0, height)
	for i := from; i < from+n; i++ {
		rows = append(rows, p.row(i, width))
	}
	top := min(p.top, max(len(card)-(height-1-n), 0))
	below := ""
	if left := len(card) - top - (height - 1 - n); left > 0 {
		below = "  " + p.t.Dim.Render(fmt.Sprintf("%d more below", left))
	}
	rows = append(rows, p.t.Rule(p.total(width)+below, width))
	return Lines(append(rows, card[top:]...), height)
}

// cardRoom is how many lines what stopped it has at most: what rows leave, but half of the page.
func cardRoom(rows, height int) int { return max(height-1-rows, height/2) }

// card is what stopped it, in the five rows. All of it can be read: what is wrong may be told in many lines.
func (p *ApplyPage) card(width int) []string {
	if !p.over || p.err == nil {
		return nil
	}
	return p.t.CardLines(p.failure(), width, -1)
}

// scroll moves the card, where it is longer than its room.
func (p *ApplyPage) scroll(by int) {
	card := len(p.card(p.width))
	n := min(len(p.rows), max(p.height-1-min(card, cardRoom(len(p.rows), p.height)), 1))
	p.top = min(max(p.top+by, 0), max(card-(p.height-1-n), 0))
}

func (p *ApplyPage) row(i, width int) string {
	t, r := p.t, p.rows[i]
	name, word := Plain(p.plan.Changes[i].Resource), ""
	mark, style := t.Waiting(), t.Dim
	switch {
	case r.state == applyDone:
		mark, word = t.Mark(probe.Passed), p.doneWord(i)
	case r.state == applyFailed:
		mark, word, style = t.Mark(probe.Failed), failedWord(r.err), t.Fail
	case p.Working() && i == p.at():
		mark = t.Spinner(p.spin)
	}
	if cells(name)+1+cells(word) > width-4 {
		word = ""
	}
	switch {
	case r.state == applyWaiting && !(p.Working() && i == p.at()):
		name = t.Dim.Render(name)
	case r.state != applyDone:
		name = t.Bold.Render(name)
	}
	return " " + mark + " " + t.Spread(name, style.Render(word), width-4)
}

// doneWord: proved is what was changed here, read again and compared.
func (p *ApplyPage) doneWord(i int) string {
	c := p.plan.Changes[i]
	switch {
	case !p.rows[i].touched:
		return "as it should be"
	case c.Action == plan.Update:
		return "changed, proved"
	case c.Action == plan.Delete:
		return "removed, proved"
	}
	return "made, proved"
}

func failedWord(err error) string {
	var wire net.Error
	switch {
	case errors.Is(err, plan.ErrMoved):
		return "moved"
	case errors.Is(err, context.Canceled), errors.As(err, &wire):
		return "broken off"
	}
	return "refused"
}

// total says how far it is.
func (p *ApplyPage) total(width int) string {
	t := p.t
	of := fmt.Sprintf("%d of %d", p.inPlace(), len(p.rows))
	switch {
	case p.Working():
		return t.Dim.Render(of + " in place")
	case p.err != nil:
		return t.Fail.Render("stopped") + " " + of
	case width < narrow:
		return t.Pass.Render(of + " in place, proved.")
	}
	return t.Pass.Render(of + " in place, read again and compared.")
}

// failure is the card of what stopped it.
func (p *ApplyPage) failure() Card {
	t, i := p.t, p.at()
	var nothing unsaved
	so := fmt.Sprintf("%d of %d are in place; of this one a part may be", p.inPlace(), len(p.rows))
	mend := "put right what it says, then r: it goes on where it stopped"
	title, resource := "the plan was not applied", ""
	switch {
	case errors.As(p.err, &nothing):
		title, so = "the answers were not written", "nothing was touched: what is made must be on record first"
	case i < len(p.rows) && p.rows[i].state == applyFailed:
		resource = p.plan.Changes[i].Resource
		title = resource + notDone(p.plan.Changes[i].Action)
		if !p.rows[i].touched {
			so = fmt.Sprintf("%d of %d are in place; this one was not touched", p.inPlace(), len(p.rows))
		}
	default:
		so = fmt.Sprintf("%d of %d are in place", p.inPlace(), len(p.rows))
	}
	who := whoFailed(resource, p.err)
	switch {
	case errors.Is(p.err, plan.ErrMoved):
		mend = "esc: look at a new plan; somebody else changes it too, or a part of the change is in place"
		who = "whoever else changes it"
	case errors.As(p.err, &nothing):
		who = "you: the disk and the rights to it are yours"
	}
	more := ""
	if p.o.Later != nil {
		more = Plain(p.o.Later()) + " goes on from here, too"
	}
	seen := strings.TrimPrefix(p.err.Error(), "apply "+resource+": ") // the title names it
	return Card{probe.Failed, Plain(title), rowsOf(
		CardRow{"seen", Plain(seen), t.Text}, CardRow{"so", so, t.Text}, CardRow{"mend", mend, t.Accent},
		CardRow{"who", who, t.Text}, CardRow{"more", more, t.Code},
	)}
}

func rowsOf(rows ...CardRow) []CardRow {
	for i := range rows {
		if rows[i].Text == "" {
			rows[i].Text = "-"
		}
	}
	return rows
}

func notDone(a plan.Action) string {
	switch a {
	case plan.Create:
		return " was not made"
	case plan.Update:
		return " was not changed"
	case plan.Delete:
		return " was not removed"
	}
	return " could not be looked at"
}
