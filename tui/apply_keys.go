package tui

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

var (
	keyUndo = Key{[]string{"u"}, "u", "undo"}
	keyYes  = Key{[]string{"y"}, "y", "undo"}
)

// key: while changes are made the only key is the app's own ctrl+c.
func (p *ApplyPage) key(m tea.KeyMsg) tea.Cmd {
	switch {
	case p.Working():
	case KeyDown.Is(m):
		p.scroll(1)
	case KeyUp.Is(m):
		p.scroll(-1)
	case p.asking:
		return p.answered(keyYes.Is(m))
	case KeyEnter.Is(m) && p.err == nil && !p.Undoes():
		return Go(Next{})
	case keyAgain.Is(m) && p.err != nil && !p.Undoes():
		return p.apply()
	case keyAgain.Is(m) && p.err != nil:
		return p.undo()
	case keyUndo.Is(m) && p.undoable() > 0:
		p.asking = true
		p.scroll(-p.top)
	case KeyEsc.Is(m):
		return p.back()
	case KeyLeave.Is(m):
		return Go(Leave{p.err})
	}
	return nil
}

// answered: anything but yes leaves all as it is.
func (p *ApplyPage) answered(yes bool) tea.Cmd {
	p.asking = false
	if yes {
		return p.undo()
	}
	return nil
}

func (p *ApplyPage) back() tea.Cmd {
	if p.o.Back != nil {
		return Go(p.o.Back)
	}
	return Go(Back{})
}

// undoable is how many resources Undo would put back.
func (p *ApplyPage) undoable() int {
	names := map[string]bool{}
	for _, one := range p.past {
		names[one.Change.Resource] = true
	}
	return len(names)
}

// Keys are for the footer.
func (p *ApplyPage) Keys() []Key {
	undo := keyUndo.Doing(fmt.Sprintf("undo %d", p.undoable()))
	back := KeyEsc.Doing("plan")
	if p.o.Back != nil {
		back = KeyEsc
	}
	var keys []Key
	switch {
	case p.Working():
		return []Key{keyCtrlC.Doing("stops after this one")}
	case p.asking:
		return []Key{keyYes, {Show: "any other key", Does: "leaves it"}}
	case p.err != nil && p.Undoes():
		keys = []Key{keyAgain.Doing("undo the rest"), back, KeyLeave}
	case p.err != nil && p.undoable() > 0:
		keys = []Key{keyAgain.Doing("retry"), undo, back, KeyLeave}
	case p.err != nil:
		keys = []Key{keyAgain.Doing("retry"), back, KeyLeave}
	case p.Undoes():
		return []Key{back, KeyLeave}
	case p.undoable() > 0:
		return []Key{KeyEnter.Doing(p.next()), undo, KeyEsc, KeyLeave}
	default:
		return []Key{KeyEnter.Doing(p.next()), KeyEsc, KeyLeave}
	}
	if len(p.card(p.width)) > cardRoom(len(p.rows), p.height) {
		keys = append(keys, keyScroll)
	}
	return keys
}

func (p *ApplyPage) next() string {
	if p.o.Next == "" {
		return KeyEnter.Does
	}
	return p.o.Next
}

const applyHelp = `The plan is applied, one resource after the other. Each is looked at once more right before, written to the journal before it is touched, and read again and compared afterwards: then it is proved.
Where one is refused all stops. What is in place stays; r goes on where it stopped, also after you put right what was wrong. If the world is no longer what the plan saw, go back and look at a new one.
u puts back what was changed here, the last first: what was made is deleted, what was changed gets its former settings. A secret that was changed cannot be put back. q leaves all as it is, and keeps the journal.
ctrl+c stops after the change that is under way: it is finished first.
mcpwiz.yaml is written before anything is touched, secrets are kept in mcpwiz.secrets.yaml, and what was changed is in .mcpwiz/journal.jsonl beside it.
The same without pages: mcpwiz setup -f mcpwiz.yaml; mcpwiz undo -f mcpwiz.yaml
`

// Help tells of the page and its files.
func (p *ApplyPage) Help() string { return applyHelp }
