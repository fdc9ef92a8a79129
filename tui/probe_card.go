package tui

import (
	"errors"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// cardRule says what the card below it is about.
func (p *Probe) cardRule(width int) string {
	t, f := p.t, p.told()
	switch {
	case p.cursor < 0 && p.seen.over && p.seen.err != nil && f == nil:
		return t.Rule(t.Fail.Render("The handshake could not be made."), width)
	case p.cursor < 0 && f == nil && p.seen.over && p.missing() != nil:
		return t.Rule(t.Warn.Render("Not all of it was reached."), width)
	case p.cursor < 0 && f == nil && p.seen.over:
		return t.Rule(t.Pass.Render(p.well()), width)
	case p.cursor < 0 && f == nil:
		return t.Rule(t.Dim.Render(p.doing()), width)
	case f == nil:
		return t.Rule(t.Bold.Render(string(probe.Stages[p.cursor])), width)
	}
	text := t.Bold.Render(string(f.Stage))
	if first := p.seen.first(); first != nil && first.Check == f.Check {
		text = t.Fail.Render("First to mend:") + " " + text
	}
	if f.Owner != "" {
		text += "  " + t.Dim.Render("("+ownerInWords(f.Owner)+")")
	}
	return t.Rule(text, width)
}

// clientName is what people call the client: its title without what stands in brackets.
func (p *Probe) clientName() string {
	profile := p.seen.started.Profile
	if profile == nil || profile.Title == "" {
		return "The client"
	}
	name, _, _ := strings.Cut(profile.Title, " (")
	return Plain(name)
}

// well says what a handshake without a fault has shown: that the client can connect only where its tools were seen.
func (p *Probe) well() string {
	if p.proof(probe.StageTools) == nil {
		return "No fault was found."
	}
	return p.clientName() + " can connect."
}

// doing is what is under way.
func (p *Probe) doing() string {
	if p.seen.at < 0 {
		return "beginning"
	}
	return "under way: " + string(probe.Stages[p.seen.at])
}

// cardRows is the card: of the stage selected, else of the first to mend, else what is being done or what was proven.
func (p *Probe) cardRows(width, height int) []string {
	t, f := p.t, p.told()
	var rows []string
	switch {
	case f != nil:
		return t.CardLines(t.FindingCard(*f), width, height)
	case p.cursor >= 0:
		rows = p.stageLines(width)
	case p.seen.over && p.seen.err != nil:
		rows = t.CardLines(p.failure(), width, height)
	case p.seen.over && p.missing() != nil:
		return t.CardLines(t.FindingCard(*p.missing()), width, height)
	case p.seen.over:
		rows = p.proven(width)
	default:
		rows = p.underWay(width, height)
	}
	return rows[:min(len(rows), max(height, 0))]
}

// short is the card in two lines: what is wrong, and what mends it.
func (p *Probe) short(width int) []string {
	rows := p.shortCard(width)
	if line := p.proofLine(width); line != "" {
		rows = append([]string{line}, rows...)
	}
	return rows[:min(len(rows), 2)]
}

func (p *Probe) shortCard(width int) []string {
	t, f := p.t, p.told()
	if f != nil {
		mend := f.Remedy
		if mend == "" {
			mend = f.Detail
		}
		return []string{
			t.Row(false, t.Mark(f.Outcome)+" "+t.Bold.Render(Plain(f.Title)), width),
			t.Row(false, "  "+t.Accent.Render(Plain(mend)), width),
		}
	}
	rows := p.cardRows(width, 2)
	if p.cursor < 0 && p.seen.over && p.seen.err == nil && p.missing() == nil {
		rows = append([]string{t.Row(false, t.Mark(probe.Passed)+" "+t.Pass.Render(p.well()), width)}, rows...)
	}
	for i := range rows {
		rows[i] = t.Cut(rows[i], width-1)
	}
	return rows[:min(len(rows), 2)]
}

// failure is the card of a handshake that could not begin.
func (p *Probe) failure() Card {
	text := ""
	if p.seen.err != nil {
		text = Plain(p.seen.err.Error())
	}
	var broken *Broken
	if errors.As(p.seen.err, &broken) {
		return Card{probe.Failed, "mcpwiz itself broke", []CardRow{{"seen", text, p.t.Text}}}
	}
	return Card{probe.Failed, "the handshake could not be made", []CardRow{{"seen", text, p.t.Text}}}
}

// missing is the first finding that was expected and whose evidence never came; nil where all of it came.
func (p *Probe) missing() *probe.Finding {
	for i := range p.seen.stages {
		for j := range p.seen.stages[i].slots {
			if f := &p.seen.stages[i].slots[j].finding; f.NotReached() {
				return f
			}
		}
	}
	return nil
}

// proven is what a green handshake proved, in three sentences, and then the next key.
func (p *Probe) proven(width int) []string {
	var rows []string
	for _, stage := range []probe.Stage{probe.StageChallenge, probe.StageToken, probe.StageTools} {
		if f := p.proof(stage); f != nil {
			rows = append(rows, p.line(*f, width))
		}
	}
	if p.proof(probe.StageTools) == nil {
		rows = append(rows, p.untried(width)...)
	}
	if p.o.Next != "" {
		next := p.t.Dim.Render("next: ") + p.t.Bold.Render(keyNext.Show) + " " + p.t.Dim.Render(p.o.Next)
		rows = append(rows, "", p.t.Row(false, "  "+next, width))
	}
	return rows
}

// untried is why the tools were not seen.
func (p *Probe) untried(width int) []string {
	for _, l := range p.seen.stages[slices.Index(probe.Stages, probe.StageTools)].slots {
		if l.told && l.finding.Outcome == probe.Skipped {
			var rows []string
			for i, line := range Wrap(Plain(l.finding.Detail), width-4) {
				mark := p.t.Mark(probe.Skipped)
				if i > 0 {
					mark = " "
				}
				rows = append(rows, p.t.Row(false, mark+" "+p.t.Dim.Render(line), width))
			}
			return rows
		}
	}
	return nil
}

// proof is the last finding of a stage that says that a step got through.
func (p *Probe) proof(stage probe.Stage) *probe.Finding {
	var found *probe.Finding
	st := &p.seen.stages[slices.Index(probe.Stages, stage)]
	for i := range st.slots {
		f := &st.slots[i].finding
		if st.slots[i].told && f.Outcome == probe.Passed && (found == nil || p.known.symptom[f.Check]) {
			found = f
		}
	}
	return found
}

// stageLines is a stage in which nothing is wrong, a line for each finding.
func (p *Probe) stageLines(width int) []string {
	st := &p.seen.stages[p.cursor]
	var rows []string
	if n := len(st.slots); n > 0 && !slices.ContainsFunc(st.slots, func(l slot) bool { return l.told }) {
		return []string{p.t.Row(false, p.t.Waiting()+" "+p.t.Dim.Render("nothing was seen of it yet"), width)}
	}
	why := map[string]bool{}
	for _, l := range st.slots {
		f := l.finding
		if !l.told || f.Outcome == probe.Skipped && why[f.Detail] {
			continue
		}
		why[f.Detail] = true
		rows = append(rows, p.line(f, width))
	}
	return rows
}

// line tells a finding in one line: what is true, or why it cannot be told.
func (p *Probe) line(f probe.Finding, width int) string {
	text := p.t.Text.Render(Plain(f.Title))
	switch {
	case f.Outcome == probe.Skipped && f.Because != "" && f.NotReached():
		text = p.t.Dim.Render(Plain(f.Detail + ", explained by " + f.Because))
	case f.Outcome == probe.Skipped:
		text = p.t.Dim.Render(Plain(f.Detail))
	case f.Outcome == probe.Unclear:
		text += ": " + p.t.Dim.Render(Plain(f.Detail))
	}
	return p.t.Row(false, p.t.Mark(f.Outcome)+" "+text, width)
}

// underWay is what the handshake said to the user, or the exchange at hand.
func (p *Probe) underWay(width, height int) []string {
	if len(p.seen.talk) > 0 {
		return p.talkCard(width, height)
	}
	var rows []string
	if n := len(p.seen.exchanges); n > 0 {
		x := p.seen.exchanges[n-1]
		text := Plain(x.Request.Method+" "+x.URL().Host) + Plain(x.URL().EscapedPath()) + " " + statusOf(&x.Exchange)
		rows = append(rows, p.t.Row(false, p.t.Dim.Render(strings.TrimSpace(text)), width))
	}
	return rows
}
