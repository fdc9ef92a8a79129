package tui

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe"
)

// room is how many events may lie ready before the handshake waits for the page.
const room = 1024

// A run is one handshake under way. The page reads ch until it is closed or its context ends; what comes then is late.
type run struct {
	id     int
	cancel context.CancelFunc
	ch     chan probe.Event
	pasted chan string

	mu    sync.Mutex
	ended bool
	late  []probe.Event
	// sum and err are there when done is closed, late too.
	done chan struct{}
	sum  probe.Summary
	err  error
}

// said is talk for the user that travels with the events.
type said struct {
	probe.Event
	line string
}

// start makes a handshake as the client at hand; one still under way is broken off and cleans up by itself.
func (p *Probe) start() tea.Cmd {
	if p.run != nil {
		p.run.cancel()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	r := &run{
		id: NewID(), cancel: cancel, ch: make(chan probe.Event, room), pasted: make(chan string, 1), done: make(chan struct{}),
	}
	as := ProbeRun{Told: func(line string) { r.send(ctx, said{line: line}) }, Paste: r.paste}
	if len(p.o.Clients) > 0 {
		as.Client = p.o.Clients[p.client].Profile
	}
	if ways := p.signIns(); len(ways) > 0 {
		as.SignIn = ways[p.signIn]
	}
	p.run, p.all = r, append(p.all, r)
	p.unsure = false
	p.seen = newSeen(p.known)
	p.seen.begun = p.o.Clock()
	p.now = p.seen.begun
	p.cursor, p.chosen, p.opened, p.top = -1, false, false, 0
	p.redraw()
	go r.make(ctx, as, p.o.Run)
	return tea.Batch(NextEvents(r.id, r.ch), tick(r.id))
}

// signIns are the ways in which the user of the client at hand may sign in: a machine has no user.
func (p *Probe) signIns() []string {
	if len(p.o.Clients) > 0 && p.o.Clients[p.client].Machine {
		return nil
	}
	return p.o.SignIns
}

// make is the goroutine of a run.
func (r *run) make(ctx context.Context, as ProbeRun, handshake func(context.Context, ProbeRun, probe.Sink) (probe.Summary, error)) {
	defer close(r.done)
	r.err = Guard(func() (err error) {
		r.sum, err = handshake(ctx, as, func(e probe.Event) { r.send(ctx, e) })
		return err
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	close(r.ch)
}

// send brings an event to the page. When the run is broken off nobody may be reading any more: it keeps what comes then.
func (r *run) send(ctx context.Context, e probe.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
		return
	case ctx.Err() != nil:
		r.late = append(r.late, e)
		return
	}
	select {
	case r.ch <- e:
	case <-ctx.Done():
		r.late = append(r.late, e)
	}
}

func (r *run) paste(ctx context.Context) (string, error) {
	select {
	case s := <-r.pasted:
		return s, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// paste hands on what was pasted; what nobody took makes way for it.
func (p *Probe) paste(text string) {
	if p.run == nil || p.seen.over {
		return
	}
	select {
	case <-p.run.pasted:
	default:
	}
	select {
	case p.run.pasted <- text:
	default:
	}
}

type tickMsg struct{ id int }

// tick turns the spinner of a run: one chain of ticks for each, that ends with it.
func tick(id int) tea.Cmd {
	return tea.Tick(SpinnerEvery, func(time.Time) tea.Msg { return tickMsg{id} })
}

// ended takes note of the end of a run. What broke in the run itself ends the program.
func (p *Probe) ended() tea.Cmd {
	<-p.run.done // it closes the channel only just before
	p.seen.over, p.seen.err = true, p.run.err
	if p.cursor < 0 {
		p.opened = false // the talk is over
	}
	if !p.chosen {
		p.cursor = p.seen.firstStage()
	}
	p.redraw()
	var broken *Broken
	if errors.As(p.run.err, &broken) {
		return Go(Leave{broken})
	}
	return nil
}
