package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A CardRow labels one part of what is wrong: seen, so, mend, who, more.
type CardRow struct {
	Label, Text string
	Style       Style
}

// A Card tells what is wrong, always in the same five rows: what was seen, what it means, what mends it, who must act, and
// where more is told.
type Card struct {
	Outcome probe.Outcome
	Title   string
	Rows    []CardRow
}

// FindingCard is the card of a finding.
func (t *Theme) FindingCard(f probe.Finding) Card {
	c := Card{Outcome: f.Outcome, Title: Plain(f.Title)}
	wrong := f.Outcome == probe.Failed || f.Outcome == probe.Warned
	add := func(label, text string, s Style) {
		if text == "" && wrong {
			text = "-"
		}
		if text != "" {
			c.Rows = append(c.Rows, CardRow{label, Plain(text), s})
		}
	}
	if f.Outcome == probe.Skipped {
		add("why", f.Detail, t.Text)
	} else {
		add("seen", f.Detail+cited(f.Exchanges), t.Text)
	}
	add("so", f.Effect, t.Text)
	add("mend", f.Remedy, t.Accent)
	who := ownerInWords(f.Owner)
	if f.By != "" {
		who += "; mcpwiz setup puts it right (" + f.By + ")"
	}
	add("who", who, t.Text)
	if f.Because != "" {
		add("why", "explained by "+f.Because, t.Text)
	}
	add("more", "mcpwiz explain "+f.Check, t.Code)
	return c
}

func ownerInWords(o probe.Owner) string { return Plain(strings.ReplaceAll(string(o), "-", " ")) }

func cited(exchanges []int) string {
	var numbers []string
	for _, n := range exchanges {
		if s := strconv.Itoa(n); !slices.Contains(numbers, s) {
			numbers = append(numbers, s)
		}
	}
	switch len(numbers) {
	case 0:
		return ""
	case 1:
		return " (exchange " + numbers[0] + ")"
	}
	return " (exchanges " + strings.Join(numbers, ", ") + ")"
}

// cutFirst is in which order rows go where a card is too high: what mends it goes last.
var cutFirst = []string{"seen", "why", "more", "who", "so"}

// CardLines draws a card in at most height lines of a page that is width wide; without a bound where height is negative.
func (t *Theme) CardLines(c Card, width, height int) []string {
	rows := slices.Clone(c.Rows)
	lines := t.cardLines(c, rows, width)
	for _, label := range cutFirst {
		if height < 0 || len(lines) <= height {
			return lines
		}
		rows = slices.DeleteFunc(rows, func(r CardRow) bool { return r.Label == label })
		lines = t.cardLines(c, rows, width)
	}
	if height >= 0 && len(lines) > height {
		lines = lines[:height]
	}
	return lines
}

func (t *Theme) cardLines(c Card, rows []CardRow, width int) []string {
	var lines []string
	for i, line := range Wrap(c.Title, width-4) {
		mark := " "
		if i == 0 {
			mark = t.Mark(c.Outcome)
		}
		lines = append(lines, " "+mark+" "+t.Bold.Render(line))
	}
	for _, r := range rows {
		for i, line := range Wrap(r.Text, width-9) {
			label := ""
			if i == 0 {
				label = r.Label
			}
			lines = append(lines, "   "+t.Dim.Render(fmt.Sprintf("%-5s", label))+r.Style.Render(line))
		}
	}
	return lines
}
