package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

var (
	keyStage     = Key{[]string{"up", "down", "k", "j"}, "↑↓", "stage"}
	keyScroll    = Key{[]string{"up", "down", "k", "j"}, "↑↓", "scroll"}
	keyNeighbour = Key{[]string{"left", "right", "h", "l"}, "←→", "stage"}
	keyMend      = Key{[]string{"f"}, "f", "mend"}
	keyAgain     = Key{[]string{"r"}, "r", "again"}
	keyClient    = Key{[]string{"a"}, "a", "client"}
	keySignIn    = Key{[]string{"b"}, "b", "sign-in"}
	keyNext      = Key{[]string{"c"}, "c", "next"}
)

const probeHelp = `A handshake with the MCP server, made as the client does it. Each row is a stage; each point in it a check: ● passed, ! warned, ✗ failed, ? cannot be decided from here, · waiting or not reached.
The lines beside it are you, the edge in front of the server, the MCP server and the authorization server. An arrow is the exchange that tells of the stage: ○ an edge passed it on, ✗ it broke there.
Enter opens a stage: its findings, and its exchanges as sent and received; before one is selected, all that you are told to do. Secrets are never shown: they are gone before anything is kept.
f shows the plan of what mends it, where that is ours; when it is applied the handshake is made again. r makes the handshake again, a makes it as the next client, b changes how the user signs in.
The same without pages: mcpwiz doctor URL --as PROFILE, with --login USER or --browser; --format json for programs.
`

// Update takes events in and moves about.
func (p *Probe) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height = m.Width, m.Height
	case Restyled:
		p.redraw()
	case EventsMsg:
		if p.run == nil || m.ID != p.run.id {
			return nil
		}
		for _, e := range m.Events {
			p.seen.take(e)
		}
		p.seen.sort()
		return NextEvents(p.run.id, p.run.ch)
	case EventsEnd:
		if p.run != nil && m.ID == p.run.id {
			return p.ended()
		}
	case tickMsg:
		if !p.running() || m.id != p.run.id {
			return nil
		}
		p.spin++
		p.now = p.o.Clock()
		return tick(m.id)
	case tea.KeyMsg:
		return p.key(m)
	}
	return nil
}

func (p *Probe) key(m tea.KeyMsg) tea.Cmd {
	if m.Paste {
		p.paste(string(m.Runes))
		return nil
	}
	switch {
	case p.opened:
		return p.keyOpened(m)
	case KeyUp.Is(m):
		p.move(-1)
	case KeyDown.Is(m):
		p.move(1)
	case KeyEnter.Is(m):
		p.open(p.cursor)
	case KeyEsc.Is(m):
		return Go(Back{})
	case keyMend.Is(m) && p.mends():
		return p.mend()
	case keyAgain.Is(m) && p.seen.over:
		return p.start()
	case keyClient.Is(m) && len(p.o.Clients) > 1:
		p.client = (p.client + 1) % len(p.o.Clients)
		return p.start()
	case keySignIn.Is(m) && len(p.signIns()) > 1:
		p.signIn = (p.signIn + 1) % len(p.o.SignIns)
		return p.start()
	case keyNext.Is(m) && p.o.Next != "":
		return Go(Next{})
	case KeyLeave.Is(m):
		return Go(Leave{})
	}
	return nil
}

func (p *Probe) mend() tea.Cmd { return Go(p.o.Mend(*p.told())) }

// move selects a stage, or none where there is talk to come back to. Nothing is selected while a handshake runs, unless the
// user does it.
func (p *Probe) move(by int) {
	first, last := 0, len(probe.Stages)-1
	if p.running() && len(p.seen.talk) > 0 {
		first = -1
	}
	switch {
	case p.cursor < 0 && by > 0:
		p.cursor = 0
	case p.cursor < 0:
		p.cursor = last
	default:
		p.cursor = min(max(p.cursor+by, first), last)
	}
	p.chosen = p.cursor >= 0
}

// open opens a stage; with none, the talk while it is the user's turn.
func (p *Probe) open(stage int) {
	if stage >= 0 || p.talks() {
		p.cursor, p.opened, p.top, p.chosen = stage, true, 0, stage >= 0
	}
}

// talks reports whether the card is the talk of a handshake under way.
func (p *Probe) talks() bool { return p.running() && p.cursor < 0 && len(p.seen.talk) > 0 }

func (p *Probe) keyOpened(m tea.KeyMsg) tea.Cmd {
	page := max(p.height-3, 1)
	switch {
	case KeyUp.Is(m):
		p.scroll(-1)
	case KeyDown.Is(m):
		p.scroll(1)
	case KeyPgUp.Is(m):
		p.scroll(-page)
	case KeyPgDown.Is(m), KeySpace.Is(m):
		p.scroll(page)
	case KeyHome.Is(m):
		p.top = 0
	case KeyEnd.Is(m):
		p.scroll(len(p.document(p.width)))
	case KeyLeft.Is(m) && p.cursor > 0:
		p.open(p.cursor - 1)
	case KeyRight.Is(m) && p.cursor < len(probe.Stages)-1:
		p.open(p.cursor + 1)
	case KeyEsc.Is(m), KeyEnter.Is(m):
		p.opened = false
	case keyMend.Is(m) && p.mends():
		return p.mend()
	case keyAgain.Is(m) && p.seen.over:
		return p.start()
	case KeyLeave.Is(m):
		return Go(Leave{})
	}
	return nil
}

// scroll moves the stage's document; it ends where its last line is the last on the page.
func (p *Probe) scroll(by int) {
	most := max(len(p.document(p.width))-max(p.height-2, 1), 0)
	p.top = min(max(p.top+by, 0), most)
}

// stageOrder is in which order a stage's document tells findings.
var stageOrder = []probe.Outcome{probe.Failed, probe.Warned, probe.Unclear, probe.Skipped, probe.Passed}

func (st *stageSeen) sorted() []probe.Finding {
	var all []probe.Finding
	for _, o := range stageOrder {
		for _, l := range st.slots {
			if l.told && l.finding.Outcome == o {
				all = append(all, l.finding)
			}
		}
	}
	return slices.Clip(all)
}
