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

// card is what stopped it, in the five rows, or what is asked before it is undone. All of it can be read: what is wrong may be
// told in many lines.
func (p *ApplyPage) card(width int) []string {
	switch {
	case p.asking:
		return p.t.CardLines(p.question(), width, -1)
	case !p.over || p.err == nil:
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
	name, word := Plain(r.change.Resource), ""
	mark, style := t.Waiting(), t.Dim
	acting := p.Working() && i == p.at()
	switch {
	case acting && (p.run.undoes || r.state == applyWaiting):
		mark = t.Spinner(p.spin)
	case r.state == applyDone:
		mark, word = t.Mark(probe.Passed), p.doneWord(i)
	case r.state == applyFailed:
		mark, word, style = t.Mark(probe.Failed), failedWord(r.err), t.Fail
	case r.state == applyUndone:
		mark, word = t.Undone(), undoneWord(r)
	case r.state == applyLeft:
		mark, word, style = t.Mark(probe.Failed), "left", t.Fail
	}
	if cells(name)+1+cells(word) > width-4 {
		word = ""
	}
	switch {
	case !acting && (r.state == applyWaiting || r.state == applyUndone):
		name = t.Dim.Render(name)
	case acting || r.state != applyDone:
		name = t.Bold.Render(name)
	}
	return " " + mark + " " + t.Spread(name, style.Render(word), width-4)
}

// undoneWord: what was made is deleted, what was changed has its former settings.
func undoneWord(r applyRow) string {
	switch {
	case r.gone:
		return "was gone"
	case r.change.Action == plan.Update:
		return "put back"
	}
	return "undone"
}

// doneWord: proved is what was changed here, read again and compared.
func (p *ApplyPage) doneWord(i int) string {
	c := p.rows[i].change
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
	of := fmt.Sprintf("%d of %d", p.count(applyDone), len(p.rows))
	undone := fmt.Sprintf("%d undone", p.count(applyUndone))
	switch {
	case p.asking:
		return t.Warn.Render(fmt.Sprintf("undo %d?", p.undoable()))
	case p.Undoes() && p.Working():
		return t.Dim.Render(undone)
	case p.Undoes() && p.err != nil:
		return t.Fail.Render("stopped") + " " + undone
	case p.Undoes() && width < narrow:
		return t.Pass.Render(undone + ".")
	case p.Undoes():
		return t.Pass.Render(undone + ": what was before is back.")
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
	if p.Undoes() {
		return p.notUndone()
	}
	t, i := p.t, p.at()
	var nothing unsaved
	so := fmt.Sprintf("%d of %d are in place; of this one a part may be", p.count(applyDone), len(p.rows))
	mend := "put right what it says, then r: it goes on where it stopped"
	title, resource := "the plan was not applied", ""
	switch {
	case errors.As(p.err, &nothing):
		title, so = "the answers were not written", "nothing was touched: what is made must be on record first"
	case i < len(p.rows) && p.rows[i].state == applyFailed:
		resource = p.rows[i].change.Resource
		title = resource + notDone(p.rows[i].change.Action)
		if !p.rows[i].touched {
			so = fmt.Sprintf("%d of %d are in place; this one was not touched", p.count(applyDone), len(p.rows))
		}
	default:
		so = fmt.Sprintf("%d of %d are in place", p.count(applyDone), len(p.rows))
	}
	who := whoFailed(resource, p.err)
	switch {
	case errors.Is(p.err, plan.ErrMoved):
		mend = "esc: look at a new plan; somebody else changes it too, or a part of the change is in place"
		who = "whoever else changes it"
	case errors.Is(p.err, plan.ErrLocked):
		title, mend, who = "somebody else changes it just now", "wait until that is done, then r", "whoever runs it"
	case errors.As(p.err, &nothing):
		who = "you: the disk and the rights to it are yours"
	}
	seen := strings.TrimPrefix(p.err.Error(), "apply "+resource+": ") // the title names it
	return Card{probe.Failed, Plain(title), rowsOf(
		CardRow{"seen", Plain(seen), t.Text}, CardRow{"so", so, t.Text}, CardRow{"mend", mend, t.Accent},
		CardRow{"who", who, t.Text}, CardRow{"more", p.later(), t.Code},
	)}
}

// later is the command that goes on from here, too.
func (p *ApplyPage) later() string {
	if p.o.Later == nil {
		return ""
	}
	return Plain(p.o.Later(p.Undoes())) + " goes on from here, too"
}

// notUndone is the card of an undo that stopped, or left something.
func (p *ApplyPage) notUndone() Card {
	t, resource := p.t, ""
	title, so := "it was not undone", fmt.Sprintf("%d are undone", p.count(applyUndone))
	if p.hand >= 0 && p.hand < len(p.rows) && p.rows[p.hand].state == applyLeft {
		resource = p.rows[p.hand].change.Resource
		title = resource + " was not undone"
	}
	mend, who, more := "put right what it says, then r: it goes on where it stopped", whoFailed(resource, p.err), p.later()
	switch {
	case errors.Is(p.err, plan.ErrHolds):
		so, mend, who = "nothing was undone: it would go with it", "move it elsewhere; or undo it with --others-inside, and lose it", "whoever put it there"
		more = strings.TrimSuffix(more, " goes on from here, too") + " --others-inside"
	case errors.Is(p.err, plan.ErrNotOurs):
		mend, who = "delete it by hand if it is yours", "you"
	case errors.Is(p.err, plan.ErrLocked):
		title, mend, who = "somebody else changes it just now", "wait until that is done, then r", "whoever runs it"
	}
	seen := strings.TrimPrefix(p.err.Error(), "undo "+resource+": ")
	return Card{probe.Failed, Plain(title), rowsOf(
		CardRow{"seen", Plain(seen), t.Text}, CardRow{"so", so, t.Text}, CardRow{"mend", mend, t.Accent},
		CardRow{"who", who, t.Text}, CardRow{"more", more, t.Code},
	)}
}

// question asks before anything is undone, and says what cannot be.
func (p *ApplyPage) question() Card {
	t := p.t
	made, changed, notes := 0, 0, []string{}
	for _, one := range p.past {
		switch c := one.Reversed(); {
		case c.Action == plan.Delete:
			made++
		default:
			changed++
			if c.Note != "" {
				notes = append(notes, one.Change.Resource+": "+c.Note)
			}
		}
	}
	var does []string
	if made > 0 {
		does = append(does, fmt.Sprintf("deletes %d that it made, with all that is in them", made))
	}
	if changed > 0 {
		does = append(does, fmt.Sprintf("gives %d their former settings", changed))
	}
	rows := []CardRow{{"does", strings.Join(does, "; ") + "; the last first", t.Text}}
	if len(notes) > 0 {
		rows = append(rows, CardRow{"note", Plain(strings.Join(notes, "; ")), t.Text})
	}
	return Card{probe.Warned, "Put back what was before?", rows}
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
