package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/mcpwiz/mcpwiz/probe"
)

// TextOptions say how a Text is written.
type TextOptions struct {
	// Width in cells at which lines are wrapped, 0 for never.
	Width int
	// Color says to use ANSI colours; what they say the marks say too.
	Color bool
	// ASCII says to use marks of ASCII, for a terminal that is not UTF-8.
	ASCII bool
	// Wide opens every stage and every finding that another explains, and tells why what was skipped was.
	Wide bool
	// Verbose tells every exchange as it was sent and received, and every fact.
	Verbose bool
	// Checks is the catalogue, for its order.
	Checks []*probe.Check
}

// A Text tells people what is found, a stage at a time: it holds a stage back until all its checks are told and the
// client is past it, and tells it once more when that changes.
type Text struct {
	w     io.Writer
	o     TextOptions
	order order
	open  map[string]*handshake
	said  bool
	err   error
}

// A handshake is what is known of one, and of each stage the text told last.
type handshake struct {
	started  probe.Started
	at       int
	headed   bool
	told     map[probe.Stage]string
	findings map[probe.Stage][]probe.Finding
	excused  []probe.Excused
	// exchanges and facts are kept for a text that tells them.
	exchanges []probe.Exchange
	facts     []probe.Fact
}

// NewText returns a writer of text to w.
func NewText(w io.Writer, o TextOptions) *Text {
	return &Text{w: w, o: o, order: newOrder(o.Checks), open: map[string]*handshake{}}
}

// Err returns the first error that writing met; what came after it was not written.
func (t *Text) Err() error { return t.err }

// Sink takes an event of a session.
func (t *Text) Sink(e probe.Event) {
	switch e := e.(type) {
	case probe.Started:
		t.open[e.Handshake] = &handshake{
			started: e, at: -1, told: map[probe.Stage]string{}, findings: map[probe.Stage][]probe.Finding{},
		}
	case probe.StageStarted:
		t.on(e.Handshake, func(h *handshake) { h.at = max(h.at, stageIndex(e.Stage)); t.tellDone(h) })
	case probe.Recognised:
		t.on(e.Handshake, func(h *handshake) { t.recognised(h, e.Profile) })
	case probe.Excused:
		t.on(e.Handshake, func(h *handshake) { h.excused = append(h.excused, e) })
	case probe.Seen:
		if t.o.Verbose {
			t.on(e.Handshake, func(h *handshake) { h.see(e.Exchange) })
		}
	case probe.Noted:
		if t.o.Verbose {
			t.on(e.Handshake, func(h *handshake) { h.facts = append(h.facts, e.Fact) })
		}
	case probe.Found:
		t.on(e.Handshake, func(h *handshake) { h.find(e.Finding); t.tellDone(h) })
	case probe.Finished:
		t.on(e.Handshake, func(h *handshake) { t.finish(h, e.Summary) })
		delete(t.open, e.Handshake)
	}
}

func (t *Text) on(id string, do func(*handshake)) {
	if h := t.open[id]; h != nil {
		do(h)
	}
}

func (h *handshake) find(f probe.Finding) {
	all := h.findings[f.Stage]
	for i := range all {
		if all[i].Check == f.Check {
			all[i] = f
			return
		}
	}
	h.findings[f.Stage] = append(all, f)
}

// tellDone tells the stages that are over, in order, and stops at the first that is not. Of handshakes that are open at
// the same time each is told when it ends.
func (t *Text) tellDone(h *handshake) {
	if len(t.open) > 1 {
		return
	}
	for i, stage := range probe.Stages {
		if h.told[stage] != "" {
			continue
		}
		if i >= h.at || len(h.findings[stage]) < h.started.Checks[stage] {
			return
		}
		t.tell(h, stage)
	}
}

// tell writes a stage, unless what is wrong with it was told in just these words. A stage without a check has no words.
func (t *Text) tell(h *handshake, stage probe.Stage) {
	all := h.findings[stage]
	if len(all) == 0 {
		return
	}
	words := t.stage(stage, all)
	if before := h.told[stage]; before != "" && (words == before || !t.o.Wide && below(words) == below(before)) {
		return
	}
	t.head(h)
	if h.told[stage] != "" {
		t.print(t.paint(dim, "told again: what came later changed it") + "\n")
	}
	h.told[stage] = words
	t.print(words)
}

// below is what a stage says below its line of counts: what is wrong.
func below(words string) string {
	_, rest, _ := strings.Cut(words, "\n")
	return rest
}

// head writes who was asked, as whom.
func (t *Text) head(h *handshake) {
	if h.headed {
		return
	}
	h.headed = true
	s := h.started
	if t.said {
		t.print("\n")
	}
	t.said = true
	who := "as a client that is not recognised"
	if s.Profile != nil {
		who = "as " + called(s.Profile)
	}
	if s.Source != probe.Provoked {
		who = string(s.Source) + ", " + who
	}
	gap := "  "
	if room := t.room(0); room > 0 && ansi.StringWidth(plain(s.Target)+gap+who) > room {
		gap = "\n  "
	}
	t.print(t.paint(bold, plain(s.Target)) + gap + who + "\n")
	if c := s.CapturedBy; c != nil && *c != s.Tool {
		t.lines(plain(fmt.Sprintf("captured by %s %s, judged by %s %s: findings may differ", c.Name, c.Version, s.Tool.Name, s.Tool.Version)))
	}
	t.print("\n")
}

// recognised tells whose behaviour it is, where the head said that it is not known.
func (t *Text) recognised(h *handshake, p *probe.Profile) {
	h.started.Profile = p
	if h.headed && p != nil {
		t.lines(t.paint(dim, "recognised as "+called(p)))
	}
}

func called(p *probe.Profile) string {
	if p.Date == "" {
		return plain(p.ID)
	}
	return plain(p.ID) + " (profile of " + plain(p.Date) + ")"
}

// finish tells what is left, what cannot be decided, what was not tried and why, and what to mend first.
func (t *Text) finish(h *handshake, s probe.Summary) {
	t.head(h)
	var all []probe.Finding
	for _, stage := range probe.Stages {
		t.tell(h, stage)
		all = append(all, t.sorted(h.findings[stage])...)
	}
	t.unclear(all)
	if t.o.Wide {
		t.skipped(all, h.excused)
	}
	t.untried(h.excused)
	if t.o.Verbose {
		t.seen(h)
	}
	t.last(all, s)
}

func (t *Text) print(s string) {
	if t.err != nil {
		return
	}
	if _, err := io.WriteString(t.w, s); err != nil {
		t.err = fmt.Errorf("write report: %w", err)
	}
}

// lines writes text wrapped to the width. What follows the first line is indented: only we begin a line.
func (t *Text) lines(text string) {
	t.print(strings.Join(wrap(text, t.room(2)), "\n  ") + "\n")
}

// room is the width left after an indent, 0 where lines are not wrapped.
func (t *Text) room(indent int) int {
	if t.o.Width <= 0 {
		return 0
	}
	return max(t.o.Width-indent, 12)
}

func stageIndex(stage probe.Stage) int {
	for i, s := range probe.Stages {
		if s == stage {
			return i
		}
	}
	return -1
}
