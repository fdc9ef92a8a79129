package tui

import (
	"net/url"

	tea "github.com/charmbracelet/bubbletea"
)

var (
	keySecret = Key{[]string{"s"}, "s", "show secret"}
	keyOpen   = Key{[]string{"o"}, "o", "open"}
)

func (p *ConnectPage) key(m tea.KeyMsg) tea.Cmd {
	if p.opened != nil {
		p.keyOpened(m)
		if KeyLeave.Is(m) {
			return Go(Leave{})
		}
		return nil
	}
	switch {
	case KeyUp.Is(m):
		p.move(-1)
	case KeyDown.Is(m):
		p.move(1)
	case KeyHome.Is(m):
		p.cursor = 0
		p.reveal()
	case KeyEnd.Is(m):
		p.cursor = len(p.values.all) + len(p.line.rows) - 1
		p.reveal()
	case KeyEnter.Is(m):
		return p.enter()
	case keySecret.Is(m):
		p.values.shown = !p.values.shown
	case keyOpen.Is(m) && p.page != "" && p.o.Open != nil:
		return p.browse()
	case KeyEsc.Is(m):
		return Go(Back{})
	case KeyLeave.Is(m):
		return Go(Leave{})
	}
	return nil
}

// move goes from the values into what of the timeline is in sight, and on.
func (p *ConnectPage) move(by int) {
	n := len(p.values.all)
	next := p.cursor + by
	if p.cursor < n && next >= n {
		next = n + p.top
	}
	p.cursor = min(max(next, 0), max(n+len(p.line.rows)-1, 0))
	p.reveal()
}

// enter copies a value, or opens what came.
func (p *ConnectPage) enter() tea.Cmd {
	n := len(p.values.all)
	switch {
	case p.inTimeline():
		p.opened, p.doc, p.docTop = p.line.rows[p.cursor-n], nil, 0
	case p.cursor < n && p.o.Copy != nil:
		id, at, text, send := p.id, p.cursor, p.values.all[p.cursor].Text, p.o.Copy
		return func() tea.Msg { return copiedMsg{id, at, send(text)} }
	}
	return nil
}

func (p *ConnectPage) browse() tea.Cmd {
	id, page, open := p.id, p.page, p.o.Open
	return func() tea.Msg { return browsedMsg{id, open(page)} }
}

func (p *ConnectPage) keyOpened(m tea.KeyMsg) {
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
		p.docTop = 0
	case KeyEnd.Is(m):
		p.scroll(len(p.document(p.width)))
	case KeyEsc.Is(m), KeyEnter.Is(m):
		p.opened, p.doc = nil, nil
	}
}

func (p *ConnectPage) scroll(by int) {
	most := max(len(p.document(p.width))-max(p.height-2, 1), 0)
	p.docTop = min(max(p.docTop+by, 0), most)
}

// reveal keeps the newest in sight, and the row at hand where there is one.
func (p *ConnectPage) reveal() {
	if p.width == 0 {
		return
	}
	room := p.room()
	last := max(len(p.line.rows)-room, 0)
	if !p.inTimeline() {
		p.top = last
		return
	}
	at := p.cursor - len(p.values.all)
	p.top = min(max(p.top, at-room+1), at, last)
}

// Keys are for the footer.
func (p *ConnectPage) Keys() []Key {
	if p.opened != nil {
		return []Key{keyScroll, KeyEsc.Doing("back"), KeyLeave}
	}
	var keys []Key
	if p.inTimeline() {
		keys = append(keys, KeyEnter.Doing("open"))
	} else if p.o.Copy != nil {
		keys = append(keys, KeyEnter.Doing("copy"))
	}
	switch {
	case p.values.hasSecret() && p.values.shown:
		keys = append(keys, keySecret.Doing("hide secret"))
	case p.values.hasSecret():
		keys = append(keys, keySecret)
	}
	if u, err := url.Parse(p.page); err == nil && p.page != "" && p.o.Open != nil {
		keys = append(keys, keyOpen.Doing("open "+Plain(u.Host)))
	}
	return append(keys, keyMove, KeyEsc.Doing("back"), KeyLeave)
}

var keyMove = Key{[]string{"up", "down", "k", "j"}, "↑↓", "move"}

const connectHelp = `What to type into the client, each value alone on its line. Enter sends the one at the cursor to the clipboard of your terminal (OSC 52); no terminal says whether it took it, and tmux does only with set-clipboard on.
Below it the client as it comes, overheard by the server: each row is what it asked, over the lines that are the client, the edge in front of the server, the MCP server and the authorization server. What the client does at the authorization server alone is not heard here. A red or yellow row opens with Enter: what is wrong, and the exchange as it was.
The client is connected when its tools were listed.
The same without pages: mcpwiz credentials CLIENT, and mcpwiz serve, whose log tells of handshakes that fail.
`

// Help tells of the page, and where to click.
func (p *ConnectPage) Help() string {
	if p.where == "" {
		return connectHelp
	}
	return p.where + "\n" + connectHelp
}
