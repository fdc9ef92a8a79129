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
	// Broken: this is where it broke.
	Broken bool
}

// Arrow draws one exchange, 16 cells: "├────○───▸│    │".
func (t *Theme) Arrow(a Arrow) string {
	var b strings.Builder
	line, tip := t.Text, t.signs.head
	if a.Broken {
		line, tip = t.Fail, t.signs.stop
	}
	through := a.Through && a.To > LaneEdge
	from, to := t.signs.from, strings.Repeat(t.signs.line, int(a.To)*5-1)
	switch {
	case a.To == LaneYou:
		return t.noArrow()
	case through:
		to = strings.Repeat(t.signs.line, 4) + t.signs.through + strings.Repeat(t.signs.line, int(a.To)*5-6)
	}
	runes := []rune(to)
	if a.Broken {
		// The head stands before the lane and the lane itself becomes the mark: "├─────────────▸✗".
		b.WriteString(line.Render(from + string(runes[:len(runes)-1]) + t.signs.head + tip))
	} else {
		b.WriteString(line.Render(from+string(runes[:len(runes)-1])+tip) + t.Frame.Render(t.signs.lane))
	}
	for l := a.To + 1; l <= LaneAuth; l++ {
		b.WriteString("    " + t.Frame.Render(t.signs.lane))
	}
	return b.String()
}

func (t *Theme) noArrow() string {
	lane := t.signs.lane
	return t.Frame.Render(lane + "    " + lane + "    " + lane + "    " + lane)
}
