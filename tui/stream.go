package tui

import (
	"sync/atomic"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Events is a batch of what a handshake tells.
type Events []probe.Event

// maxBatch bounds how long a key waits for a batch.
const maxBatch = 256

var lastID atomic.Int64

// NewID returns an id for NextEvents that no other channel has: what comes for a page that was left is told apart by it.
func NewID() int { return int(lastID.Add(1)) }

type (
	// EventsMsg brings what lay ready on the channel that NextEvents was given with ID; ask for more with the next Cmd.
	EventsMsg struct {
		ID     int
		Events Events
	}
	// EventsEnd says that the channel is closed.
	EventsEnd struct{ ID int }
)

// NextEvents waits for one event and takes along all that lie ready, up to 256. A page has one of these under way for a
// channel, never two: so events stay in order, and a key never waits behind more than one batch.
func NextEvents(id int, ch <-chan probe.Event) tea.Cmd {
	return func() tea.Msg {
		e, ok := <-ch
		if !ok {
			return EventsEnd{id}
		}
		batch := Events{e}
		for len(batch) < maxBatch {
			select {
			case e, ok := <-ch:
				if !ok {
					return EventsMsg{id, batch} // the next Cmd tells the end
				}
				batch = append(batch, e)
			default:
				return EventsMsg{id, batch}
			}
		}
		return EventsMsg{id, batch}
	}
}
