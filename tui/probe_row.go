package tui

import (
	"net"
	"strconv"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// A cachedRow is a stage's row as it was drawn, without the cursor: only stages of which something changed are drawn again.
type cachedRow struct {
	text     string
	width    int
	selected bool
	spin     int
	version  int
}

// Where the parts of a row begin: the mark, the name, the pips. Names are as long as "resource-metadata".
const (
	nameColumn, nameWidth = 4, 17
	pipColumn             = nameColumn + nameWidth + 1
	// leastTelling is how wide the exchange beside the lanes is at least, before pips share cells.
	leastTelling = 18
)

// redraw forgets what is drawn.
func (p *Probe) redraw() {
	for i := range p.rows {
		p.rows[i] = cachedRow{}
	}
	p.doc = document{}
	for _, x := range p.seen.exchanges {
		x.drawn = nil
	}
}

// row is the panel of a stage.
func (p *Probe) row(i, width int) string {
	st, was := &p.seen.stages[i], &p.rows[i]
	selected, spin := p.cursor == i, -1
	if p.waits(i) {
		spin = p.spin
	}
	if was.text == "" || was.version != st.version || was.width != width || was.selected != selected || was.spin != spin {
		*was = cachedRow{p.drawRow(i, width), width, selected, spin, st.version}
	}
	return was.text
}

// waits reports whether the spinner stands beside a stage: it is under way and has no mark of its own.
func (p *Probe) waits(i int) bool { return p.running() && p.seen.at == i && p.seen.outcome(i) == "" }

func (p *Probe) drawRow(i, width int) string {
	t, o := p.t, p.seen.outcome(i)
	mark := t.Mark(o)
	if p.waits(i) {
		mark = t.Spinner(p.spin)
	}
	name := t.Fit(string(probe.Stages[i]), nameWidth)
	switch {
	case p.cursor == i || p.seen.at == i && p.running():
		name = t.Bold.Render(name)
	case o == "" || o == probe.Skipped:
		name = t.Dim.Render(name)
	}
	cursor := " "
	if p.cursor == i {
		cursor = t.Cursor()
	}
	pips := p.pipWidth(width)
	row := cursor + " " + mark + " " + name + " " + p.pips(i, pips)
	if width < narrow {
		return row
	}
	return row + " " + p.lanes(i) + " " + p.exchange(i, width-pipColumn-pips-lanesWidth-3)
}

// pipWidth is how many cells pips have: one for each check of the longest stage, while there is room.
func (p *Probe) pipWidth(width int) int {
	most := 0
	for i := range p.seen.stages {
		most = max(most, p.seen.stages[i].planned)
	}
	if width < narrow {
		return width - pipColumn - 1
	}
	return max(min(most, width-pipColumn-lanesWidth-3-leastTelling), 12)
}

// pips draws a cell for each planned check. Where there are more checks than cells some share one, that shows the worst.
func (p *Probe) pips(i, width int) string {
	st := &p.seen.stages[i]
	n := min(st.planned, width)
	var b strings.Builder
	for c := range n {
		b.WriteString(p.t.Pip(worstPip(st.slots[c*st.planned/n : (c+1)*st.planned/n])))
	}
	return b.String() + strings.Repeat(" ", max(width-n, 0))
}

func worstPip(slots []slot) probe.Outcome {
	rank := map[probe.Outcome]int{probe.Failed: 5, probe.Warned: 4, probe.Unclear: 3, "": 2, probe.Passed: 1, probe.Skipped: 0}
	worst := probe.Skipped
	for _, l := range slots {
		o := l.finding.Outcome
		if !l.told {
			o = ""
		}
		if rank[o] > rank[worst] {
			worst = o
		}
	}
	return worst
}

// lanes draws the exchange that stands for a stage. What tells of the way alone ends at the edge, where there is one.
func (p *Probe) lanes(i int) string {
	x, _ := p.seen.telling(i)
	stage := probe.Stages[i]
	if y := p.reached(); y != nil && stage == probe.StageNetwork {
		x = y
	}
	if x == nil || x.to == LaneYou {
		return p.t.noArrow()
	}
	a := Arrow{To: x.to, Through: x.edge, Broken: p.seen.outcome(i) == probe.Failed, Green: p.green()}
	if x.edge && (stage == probe.StageNetwork || stage == probe.StageEdge) {
		a.To = LaneEdge
	}
	return p.t.Arrow(a)
}

// reached is the exchange with the target of which is known whom it reached, else the first with it.
func (p *Probe) reached() *seenExchange {
	var first *seenExchange
	for _, x := range p.seen.exchanges {
		if x.to != LaneMCP && x.to != LaneEdge {
			continue
		}
		if x.Peer != nil {
			return x
		}
		if first == nil {
			first = x
		}
	}
	return first
}

// green reports whether the client can connect.
func (p *Probe) green() bool {
	return p.seen.over && p.seen.err == nil && p.seen.counts.Fail == 0 && p.seen.counts.NotReached == 0
}

// exchange is what stands beside the lanes: what was asked at the left, the status at the right.
func (p *Probe) exchange(i, width int) string {
	t := p.t
	failed := p.seen.outcome(i) == probe.Failed
	text, style, mark := t.Dim, t.Dim, ""
	switch {
	case failed:
		text, style, mark = t.Bold, t.Fail, t.Sign(probe.Failed)+" "
	case p.green():
		text, style = t.Text, t.Bold
	}
	x, others := p.seen.telling(i)
	if y := p.reached(); y != nil && probe.Stages[i] == probe.StageNetwork {
		if x = y; x.Peer != nil {
			return text.Render(t.Cut(peer(x.Peer), width))
		}
	}
	if x == nil {
		return ""
	}
	status, more := statusOf(&x.Exchange), ""
	if others > 0 {
		more = "+" + strconv.Itoa(others) + " "
	}
	// The number of others goes first where there is no room, then the mark: the lane has one too.
	const legible = 14
	if width-cells(more+mark+status) <= legible {
		more = ""
	}
	if width-cells(mark+status) <= legible {
		mark = ""
	}
	left := asked(t, &x.Exchange, probe.Stages[i], width-cells(more+mark+status)-1)
	return t.Spread(text.Render(left), t.Dim.Render(more)+style.Render(mark+status), width)
}

func peer(p *probe.Peer) string {
	host := p.Addr
	if h, _, err := net.SplitHostPort(p.Addr); err == nil {
		host = h
	}
	if p.TLS != nil {
		host += " " + p.TLS.Version
	}
	return Plain(host)
}

// statusOf is a status, or why there is none.
func statusOf(x *probe.Exchange) string {
	switch {
	case x.Response != nil:
		return strconv.Itoa(x.Response.Status)
	case x.Error != nil:
		return Plain(x.Error.Kind)
	case x.Open:
		return "open"
	}
	return ""
}

// asked tells a request in width cells: JSON-RPC by its method and the name it calls, else the method and the path, that
// loses its leading segments first.
func asked(t *Theme, x *probe.Exchange, stage probe.Stage, width int) string {
	rpc := x.Request.Body.Method()
	if rpc != "" && (stage == probe.StageInitialize || stage == probe.StageTools || stage == probe.StageSession) {
		if params, ok := x.Request.Body.Object()["params"].(map[string]any); ok {
			if name, ok := params["name"].(string); ok && rpc == "tools/call" {
				rpc += " " + name
			}
		}
		return t.Cut(Plain(rpc), width)
	}
	method := Plain(x.Request.Method) + " "
	path := Plain(x.URL().EscapedPath())
	if path == "" {
		path = "/"
	}
	return t.Cut(method+t.tail(path, width-cells(method)), width)
}

// tail shortens a path from its front, segment by segment.
func (t *Theme) tail(path string, width int) string {
	if cells(path) <= width {
		return path
	}
	for rest := path; ; {
		i := strings.IndexByte(rest[1:], '/')
		if i < 0 {
			return t.signs.ellipsis + rest
		}
		rest = rest[i+1:]
		if cells(rest)+1 <= width {
			return t.signs.ellipsis + rest
		}
	}
}
