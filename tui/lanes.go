package tui

import "strings"

// A Lane is one of those between whom a handshake goes.
type Lane int

const (
	LaneYou Lane = iota
	LaneEdge
	LaneMCP
	LaneAuth
)

// laneNames are as long as they may be: a lane is five cells wide.
var laneNames = [...]string{"you", "edge", "mcp", "auth"}

// lanesWidth is that of all four with the lines between them.
const lanesWidth = 16

// An Arrow is an exchange drawn over the lanes, from you to whom it reached.
type Arrow struct {
	To Lane
	// Through: an edge passed it on.
	Through bool
	// Broken: this is where it broke. Green: all of it went well.
	Broken, Green bool
}

// Arrow draws one exchange, 16 cells: "├────○───▸│    │". Where it broke the lane itself is marked.
func (t *Theme) Arrow(a Arrow) string {
	if a.To <= LaneYou || a.To > LaneAuth {
		return t.noArrow()
	}
	g, way := t.signs, strings.Repeat(t.signs.line, int(a.To)*5-2)
	if a.Through && a.To > LaneEdge {
		way = strings.Repeat(g.line, 4) + g.through + strings.Repeat(g.line, int(a.To)*5-7)
	}
	var b strings.Builder
	switch {
	case a.Broken:
		b.WriteString(t.Fail.Render(g.from + way + g.head + g.stop))
	case a.Green:
		b.WriteString(t.Pass.Render(g.from+way+g.head) + t.Frame.Render(g.lane))
	default:
		b.WriteString(t.Dim.Render(g.from+way+g.head) + t.Frame.Render(g.lane))
	}
	for range LaneAuth - a.To {
		b.WriteString("    " + t.Frame.Render(g.lane))
	}
	return b.String()
}

func (t *Theme) noArrow() string {
	return t.Frame.Render(t.signs.lane + strings.Repeat("    "+t.signs.lane, int(LaneAuth)))
}
