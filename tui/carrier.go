package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A Carrier is how what brings clients to the server, a tunnel beside it, stands.
type Carrier struct {
	// Outcome is passed when it carries, failed when it does not, "" while that is open.
	Outcome probe.Outcome
	Text    string
	// Mend is what to do.
	Mend string
}

func (c Carrier) String() string {
	if c.Mend == "" {
		return c.Text
	}
	return c.Text + ": " + c.Mend
}

// Messages of the carrier of one visit.
type (
	carrierFound struct {
		id int
		ch <-chan Carrier
	}
	carrierMsg struct {
		id  int
		now Carrier
	}
)

func (p *ConnectPage) watchCarrier() tea.Cmd {
	if p.o.Carrier == nil {
		return nil
	}
	id, ctx, of := p.id, p.ctx, p.o.Carrier
	return func() tea.Msg { return carrierFound{id, of(ctx)} }
}

func nextCarrier(id int, ch <-chan Carrier) tea.Cmd {
	return func() tea.Msg {
		now, ok := <-ch
		if !ok {
			return nil
		}
		return carrierMsg{id, now}
	}
}

// carrierRows say how it stands, and what to do where it does not carry: none where nothing runs beside the server.
func (p *ConnectPage) carrierRows(width int) []string {
	t, c := p.t, p.carrier
	if c == nil {
		return nil
	}
	mark := t.Waiting()
	if c.Outcome != "" {
		mark = t.Mark(c.Outcome)
	}
	var rows []string
	for i, line := range Wrap(Plain(c.Text), width-4) {
		if i > 0 {
			mark = " "
		}
		rows = append(rows, t.Row(false, mark+" "+line, width))
	}
	if c.Mend != "" {
		for _, line := range Wrap(Plain(c.Mend), width-4) {
			rows = append(rows, t.Row(false, "  "+t.Accent.Render(line), width))
		}
	}
	return rows
}
