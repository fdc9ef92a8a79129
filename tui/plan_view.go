package tui

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// A planLine is one line of the plan: a resource (head, that is drawn with the cursor), or one of its fields.
type planLine struct {
	change int
	head   bool
	text   string
}

// View draws what is looked at, the plan, or why there is none.
func (p *PlanPage) View(width, height int) string {
	t := p.t
	var rows []string
	switch p.state {
	case planLooking:
		rows = append(rows, t.Row(false, t.Spinner(p.spin)+" looking at "+p.title, width))
	case planFailed:
		rows = t.CardLines(p.failure(), width, height-1)
	default:
		rows = p.rows(width)
	}
	below := p.below(width)
	room := max(height-len(below), 0)
	for len(rows) < room {
		rows = append(rows, "")
	}
	return Lines(append(rows[:room], below...), height)
}

// rows are the lines of the plan in sight.
func (p *PlanPage) rows(width int) []string {
	lines := p.drawn()
	var rows []string
	for _, l := range lines[min(p.top, len(lines)):] {
		if len(rows) == p.room() {
			break
		}
		if l.head {
			rows = append(rows, p.head(l.change, width))
		} else {
			rows = append(rows, l.text)
		}
	}
	return rows
}

// room is how many lines of the plan are in sight.
func (p *PlanPage) room() int { return max(p.height-len(p.below(p.width)), 1) }

func (p *PlanPage) head(i, width int) string {
	t, c := p.t, p.plan.Changes[i]
	action := actionOf(c)
	cursor, name, fold := " ", Plain(c.Resource), " "
	word := actionWord(c)
	if cells(name)+1+cells(word) > width-7 {
		word = ""
	}
	style := t.Dim
	if action == plan.Refuse {
		style = t.Fail
	}
	if i == p.cursor {
		cursor, name = t.Cursor(), t.Bold.Render(name)
	}
	if len(diffOf(c)) > 0 {
		fold = t.Fold(p.isOpen(i))
	}
	return cursor + " " + t.actionStyle(action).Render(actionSign[action]) + " " + fold + " " + t.Spread(name, style.Render(word), width-7)
}

// drawn are all lines of the plan as it is opened.
func (p *PlanPage) drawn() []planLine {
	if p.lines != nil {
		return p.lines
	}
	p.lines = []planLine{}
	for i, c := range p.plan.Changes {
		p.lines = append(p.lines, planLine{change: i, head: true})
		if p.isOpen(i) {
			for _, text := range p.t.diff(diffOf(c), p.width, p.wrapped) {
				p.lines = append(p.lines, planLine{change: i, text: text})
			}
		}
	}
	return p.lines
}

// Where the parts of a field stand: its sign, and its name.
const signColumn, labelColumn = 6, 8

// diff draws the lines of a change: words whole, then values in one column. What of these is too long is cut, or wrapped: it
// then has lines of its own below its name, so that a URL is whole where it can be.
func (t *Theme) diff(lines []diffLine, width int, wrapped bool) []string {
	words, values := 0, 0
	for _, l := range lines {
		if n := cells(Plain(l.label)); l.whole {
			words = max(words, n)
		} else {
			values = max(values, n)
		}
	}
	values = min(values, max((width-labelColumn-2)*3/5, 1))
	var rows []string
	for _, l := range lines {
		if l.whole {
			rows = append(rows, t.diffLine(l, words, Wrap(Plain(l.text), width-labelColumn-words-2))...)
			continue
		}
		room := width - labelColumn - values - 2
		text, label := Plain(l.text), cells(Plain(l.label))
		if !wrapped || cells(text) <= room && label <= values {
			l.label = t.Cut(Plain(l.label), values)
			rows = append(rows, t.diffLine(l, values, []string{t.Cut(text, room)})...)
			continue
		}
		if label > 0 {
			rows = append(rows, t.diffLine(diffLine{sign: l.sign, label: l.label}, 0, Wrap(Plain(l.label), width-labelColumn-2))...)
			l.sign, l.label = "", ""
		}
		for _, line := range Wrap(text, width-labelColumn-4) {
			rows = append(rows, strings.Repeat(" ", labelColumn+2)+t.signStyle(l.sign).Render(line))
		}
	}
	return rows
}

// diffLine draws one: what of the text is more than a line stands below itself.
func (t *Theme) diffLine(l diffLine, label int, texts []string) []string {
	var rows []string
	sign, name := pad(l.sign, 1), Plain(l.label)
	if label == 0 {
		name = ""
	} else {
		name = pad(name, label) + " "
	}
	for _, text := range texts {
		rows = append(rows, strings.Repeat(" ", signColumn)+t.signStyle(l.sign).Render(sign+" "+name+text))
		sign, name = " ", strings.Repeat(" ", cells(name))
	}
	return rows
}

// below is what stands at the bottom: the numbers in the rule, and what was written.
func (p *PlanPage) below(width int) []string {
	t := p.t
	rows := append([]string{t.Rule(p.total(width), width)}, p.permission(width)...)
	switch {
	case p.saveErr != nil:
		seen := CardRow{"seen", Plain(p.saveErr.Error()), t.Text}
		rows = append(rows, t.CardLines(Card{probe.Failed, "the file was not written", []CardRow{seen}}, width, 4)...)
	case p.saved != "":
		next := "mcpwiz setup -f " + p.saved + " applies it"
		if p.refused() > 0 {
			next = `change there what stands beside "instead"; mcpwiz wizard -f ` + p.saved + " goes on"
		}
		for i, line := range Wrap(Plain("written: "+p.saved+"; "+next), width-4) {
			mark := " "
			if i == 0 {
				mark = t.Mark(probe.Passed)
			}
			rows = append(rows, t.Row(false, mark+" "+line, width))
		}
	}
	return rows
}

// permission is what the account may do of the plan. What it lacks is told whole where half of the page has room for it.
func (p *PlanPage) permission(width int) []string {
	t := p.t
	if p.state != planLooked || p.may.Text == "" {
		return nil
	}
	outcome := probe.Passed
	if p.may.Short {
		outcome = probe.Failed
	}
	var rows []string
	for i, line := range Wrap(Plain(p.may.Text), width-4) {
		mark := " "
		if i == 0 {
			mark = t.Mark(outcome)
		}
		rows = append(rows, t.Row(false, mark+" "+line, width))
	}
	return rows[:min(len(rows), max(p.height/2, 1))]
}

// total is the plan in numbers.
func (p *PlanPage) total(width int) string {
	t := p.t
	switch {
	case p.state != planLooked:
		return t.Dim.Render("nothing touched yet")
	case p.refused() > 0 && width >= narrow:
		return t.Fail.Render(fmt.Sprintf("%d refused:", p.refused())) + " none of it can be applied. Nothing is touched."
	case p.refused() > 0:
		return t.Fail.Render(fmt.Sprintf("%d refused:", p.refused())) + " nothing touched"
	case p.may.Short:
		return t.Fail.Render("not all of it may be done:") + " nothing is touched"
	case p.plan.Empty() && p.o.Nothing != "":
		return t.Warn.Render(p.o.Nothing)
	case p.plan.Empty():
		return t.Pass.Render("Everything is as it should be.")
	}
	n := map[plan.Action]int{}
	for _, c := range p.plan.Changes {
		n[actionOf(c)]++
	}
	var long, short []string
	for _, part := range []struct {
		a    plan.Action
		word string
	}{{plan.Create, "new"}, {plan.Update, "changed"}, {plan.Delete, "removed"}, {plan.None, "as it should be"}} {
		if n[part.a] > 0 {
			long = append(long, fmt.Sprintf("%d %s", n[part.a], part.word))
			short = append(short, fmt.Sprintf("%s%d", actionSign[part.a], n[part.a]))
		}
	}
	if width < narrow {
		return strings.Join(short, " ") + "  nothing touched yet"
	}
	return strings.Join(long, ", ") + ". Nothing is touched yet."
}

// failure is the card of a look that failed.
func (p *PlanPage) failure() Card {
	t := p.t
	return Card{probe.Failed, "there is no plan yet", []CardRow{
		{"seen", Plain(p.err.Error()), t.Text},
		{"so", "nothing was touched", t.Text},
		{"mend", "esc goes back to the answers; r looks again with the same", t.Accent},
		{"who", whoFailed("", p.err), t.Text},
	}}
}

// whoFailed says who must act on what failed with a resource: who refused, or the way there.
func whoFailed(resource string, err error) string {
	var wire net.Error
	switch owner, _, _ := strings.Cut(resource, "/"); {
	case errors.As(err, &wire), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ownerInWords(probe.OwnerNetwork)
	case owner == "keycloak":
		return ownerInWords(probe.OwnerAuthorizationServer)
	case owner == "cloudflare":
		return ownerInWords(probe.OwnerEdge)
	}
	return "you: what it says is yours to put right"
}

// Keys are for the footer.
func (p *PlanPage) Keys() []Key {
	again := keyAgain.Doing("look again")
	switch {
	case p.state == planLooking:
		return []Key{KeyEsc.Doing("back"), KeyLeave}
	case p.state == planFailed:
		return []Key{keyAgain.Doing("try again"), KeyEsc.Doing("back"), KeyLeave}
	}
	var keys []Key
	add := func(yes bool, all ...Key) {
		if yes {
			keys = append(keys, all...)
		}
	}
	refused := p.stops()
	add(p.nameless() != nil, keyName)
	add(refused, again, KeyEsc.Doing("back"))
	add(!refused && p.o.Last, KeyEnter.Doing("leave"))
	add(!refused && !p.o.Last && p.plan.Empty(), KeyEnter.Doing("next"))
	add(!refused && !p.o.Last && !p.plan.Empty(), KeyEnter.Doing(cmp.Or(p.o.Does, "apply")))
	add(true, KeySpace, keyAll)
	add(p.o.Save != nil, keySave)
	add(!refused, KeyEsc.Doing("back"))
	add(true, keyWrap)
	add(!refused, again)
	return append(keys, KeyLeave)
}

const planHelp = `What would change, resource by resource: + is new, ~ changed, = as it should be, - removed, ! not ours to change. Below a resource are its settings, what goes (-) and what comes (+). Secrets are made when the plan is applied, kept in mcpwiz.secrets.yaml, and never shown here.
Nothing is touched before Enter. A plan of which the administrator may not do all is not applied: give the account the roles that it names, or sign in as another; mcpwiz keycloak bootstrap makes an account that has just these. A plan with a refused resource cannot be applied: do what stands beside "instead", and look again; n takes the free name for a scope whose name is taken.
Space opens a resource and closes it, e does it with all, w wraps what is too long for its line, s writes the answers to mcpwiz.yaml.
The same without pages: mcpwiz setup -f mcpwiz.yaml --dry-run; with --yes it is applied.
`

// Help tells of the page and its flags.
func (p *PlanPage) Help() string { return planHelp }
