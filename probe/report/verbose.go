package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// see keeps the last state of an exchange.
func (h *handshake) see(x probe.Exchange) {
	i := slices.IndexFunc(h.exchanges, func(y probe.Exchange) bool { return y.N == x.N })
	if i < 0 {
		h.exchanges = append(h.exchanges, x)
		return
	}
	h.exchanges[i] = x
}

// seen tells the facts, and every exchange as it was sent and received.
func (t *Text) seen(h *handshake) {
	var facts strings.Builder
	for _, f := range h.facts {
		t.entry(&facts, 2, "·", factLine(f))
	}
	if t.o.ASCII {
		t.section("Facts", strings.ReplaceAll(facts.String(), "  · ", "  * "))
	} else {
		t.section("Facts", facts.String())
	}
	var b strings.Builder
	for i := range h.exchanges {
		t.exchange(&b, &h.exchanges[i])
	}
	t.section("Exchanges", b.String())
}

func (t *Text) exchange(b *strings.Builder, x *probe.Exchange) {
	title := fmt.Sprintf("exchange %d", x.N)
	if x.Probe != "" {
		title += ", asked to probe: " + plain(x.Probe)
	}
	if x.Timing.Total > 0 {
		title += fmt.Sprintf(", %.0f ms", x.Timing.Total)
	}
	if p := x.Peer; p != nil && p.Addr != "" {
		title += ", " + plain(p.Addr)
	}
	fmt.Fprintf(b, "  %s\n", t.paint(bold, title))
	t.copied(b, ">", "", sentLines(x))
	got := green
	if x.Status() >= 400 || x.Response == nil {
		got = red
	}
	t.copied(b, "<", got, gotLines(x))
	for _, f := range x.Notes {
		t.entry(b, 4, "*", factLine(f))
	}
}

// copied writes lines that went over the wire, each with who sent it in front; a line that is wrapped keeps its indent.
func (t *Text) copied(b *strings.Builder, mark string, s style, lines []string) {
	for _, line := range lines {
		text := strings.TrimLeft(line, " ")
		indent := line[:min(len(line)-len(text), 40)]
		for _, part := range wrap(text, t.room(6+len(indent))) {
			fmt.Fprintf(b, "    %s\n", strings.TrimRight(t.paint(s, mark)+" "+indent+part, " "))
		}
	}
}
