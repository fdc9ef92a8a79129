package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

func (p *Probe) running() bool { return p.run != nil && !p.seen.over }

// View draws rail, lanes and card, or the stage that is open.
func (p *Probe) View(width, height int) string {
	if p.opened {
		return p.viewStage(width, height)
	}
	stages := len(probe.Stages)
	if whole := stages + 3; height >= whole+2 {
		rows := append([]string{p.head(width), p.countsRule(width)}, p.rail(0, stages, width)...)
		rows = append(rows, p.cardRule(width))
		if line := p.proofLine(width); line != "" {
			rows = append(rows, line)
		}
		return Lines(append(rows, p.cardRows(width, height-len(rows))...), height)
	}
	// Two lines tell what is to be mended; the rail has the rest, and scrolls round the stage at hand. The head goes first.
	var rows []string
	if height >= stages+3 {
		rows = append(rows, p.head(width))
	}
	n := min(max(height-2, 1), stages)
	rows = append(rows, p.rail(p.around(n), n, width)...)
	return Lines(append(rows, p.short(width)...), height)
}

func (p *Probe) rail(from, n, width int) []string {
	rows := make([]string, 0, n)
	for i := from; i < from+n; i++ {
		rows = append(rows, p.row(i, width))
	}
	return rows
}

// around is the first of n stages that are shown, so that the one at hand is among them.
func (p *Probe) around(n int) int {
	at := p.cursor
	if at < 0 {
		at = max(p.seen.at, 0)
	}
	return max(min(at-n/2, len(probe.Stages)-n), 0)
}

// head is the target, and as whom; how long it takes where there is room.
func (p *Probe) head(width int) string {
	target, who := Plain(p.o.Target), p.as()
	if width < narrow {
		if _, rest, ok := strings.Cut(target, "://"); ok {
			target = rest
		}
		return " " + p.t.Spread(p.t.Bold.Render(target), p.t.Dim.Render(p.t.Cut(who, width/2)), width-2)
	}
	return " " + p.t.Spread(p.t.Bold.Render(target), p.t.Dim.Render(p.t.Cut("as "+who+p.took(), width/2)), width-2)
}

// as is the client, and how its user signs in where that can be chosen.
func (p *Probe) as() string {
	who := ""
	if len(p.o.Clients) > 0 {
		who = Plain(p.o.Clients[p.client].Profile)
	} else if p.seen.started.Profile != nil {
		who = Plain(p.seen.started.Profile.ID)
	}
	if ways := p.signIns(); len(ways) > 1 {
		who += ", " + Plain(ways[p.signIn])
	}
	return who
}

func (p *Probe) took() string {
	took := p.now.Sub(p.seen.begun)
	if f := p.seen.finished; f != nil {
		took = f.At.Sub(p.seen.started.At)
	}
	if p.run == nil || took < 0 {
		return ""
	}
	return fmt.Sprintf(" %s %.1f s", p.t.signs.dot, took.Seconds())
}

// countsRule bears the numbers, and over their columns the names of the lanes.
func (p *Probe) countsRule(width int) string {
	text, n := p.counts()
	if width < narrow {
		return p.t.Rule(text, width)
	}
	you := pipColumn + p.pipWidth(width) + 1
	line := func(n int) string { return p.t.Frame.Render(strings.Repeat(p.t.signs.rule, max(n, 0))) }
	names, end := p.laneNames(), you+lanesWidth+4
	if text == "" {
		return " " + line(you-1) + names + line(width-end-1)
	}
	return " " + line(1) + " " + text + " " + line(you-4-n) + names + line(width-end-1)
}

func (p *Probe) counts() (styled string, width int) {
	c := p.seen.counts
	var parts []string
	for _, n := range []struct {
		o probe.Outcome
		n int
	}{{probe.Failed, c.Fail}, {probe.Warned, c.Warn}, {probe.Passed, c.Pass}, {probe.Unclear, c.Unknown}, {probe.Skipped, c.Skip + c.NotReached}} {
		if n.n > 0 {
			text := p.t.Sign(n.o) + " " + strconv.Itoa(n.n)
			parts = append(parts, p.t.Of(n.o).Render(text))
			width += cells(text) + 3
		}
	}
	return strings.Join(parts, "   "), max(width-3, 0)
}

var ownerLanes = map[probe.Owner]Lane{
	probe.OwnerClient: LaneYou, probe.OwnerEdge: LaneEdge, probe.OwnerOrigin: LaneMCP, probe.OwnerAuthorizationServer: LaneAuth,
}

// laneNames is 20 cells wide; the name of who must act is red.
func (p *Probe) laneNames() string {
	broken := Lane(-1)
	if f := p.told(); f != nil && f.Outcome == probe.Failed {
		if l, ok := ownerLanes[f.Owner]; ok {
			broken = l
		}
	}
	var b strings.Builder
	for l := LaneYou; l <= LaneAuth; l++ {
		style := p.t.Dim
		if l == broken {
			style = p.t.Fail
		}
		b.WriteString(style.Render(laneNames[l]) + strings.Repeat(" ", 5-len(laneNames[l])))
	}
	return b.String()
}

// told is the finding of the card: of the stage selected, else of the first to mend.
func (p *Probe) told() *probe.Finding {
	if p.cursor >= 0 {
		return p.seen.stages[p.cursor].worst()
	}
	return p.seen.first()
}

// Keys are for the footer.
func (p *Probe) Keys() []Key {
	if p.opened {
		keys := []Key{keyScroll, KeyEsc.Doing("back"), keyNeighbour, keyAgain, KeyLeave}
		if p.mends() {
			keys = slices.Insert(keys, 2, keyMend)
		}
		return keys
	}
	var keys []Key
	add := func(yes bool, k Key) {
		if yes {
			keys = append(keys, k)
		}
	}
	slim := p.width < narrow
	add(p.green() && p.o.Next != "", keyNext.Doing(p.o.Next))
	add(p.talks(), KeyEnter.Doing("show whole"))
	add(!slim, keyStage)
	add(p.cursor >= 0, KeyEnter.Doing("open"))
	add(p.mends(), keyMend)
	add(p.seen.over, keyAgain)
	add(len(p.o.Clients) > 1, keyClient)
	add(len(p.signIns()) > 1, keySignIn)
	add(p.seen.over && !p.green() && p.o.Next != "", keyNext.Doing(p.o.Next))
	add(slim, keyStage)
	return append(keys, KeyLeave)
}

// mends reports whether what is to be mended first, or of the stage at hand, can be mended from here. A handshake that is not
// over may still find what comes before it.
func (p *Probe) mends() bool {
	f := p.told()
	return p.o.Mend != nil && f != nil && f.By != "" && p.seen.over
}

// Help tells of the page and its flags.
func (p *Probe) Help() string {
	var clients []string
	for _, c := range p.o.Clients {
		if text := c.Profile + ": " + c.Title; !slices.Contains(clients, text) {
			clients = append(clients, text)
		}
	}
	signs := strings.NewReplacer("●", p.t.signs.pip, "✗", p.t.Sign(probe.Failed), "·", p.t.signs.waiting, "○", p.t.signs.through)
	return signs.Replace(probeHelp) + strings.Join(clients, "\n")
}
