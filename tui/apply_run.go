package tui

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/mcpwiz/mcpwiz/probe/plan"
)

// Patience is how long a change that is under way is waited for when the page is left.
const Patience = 40 * time.Second

// An applying is one application of a plan under way. When the page is left it stops after the change that is being made.
type applying struct {
	id   int
	ch   chan plan.Progress
	halt context.CancelFunc

	mu               sync.Mutex
	acting, stopping bool

	// err is there when done is closed.
	done chan struct{}
	err  error
}

// Messages of an application.
type (
	appliedMsg struct {
		id       int
		progress []plan.Progress
	}
	applyEndMsg struct{ id int }
)

// An unsaved is why nothing was applied: the answers could not be written.
type unsaved struct{ error }

func (u unsaved) Unwrap() error { return u.error }

// start applies the plan, from the first change that is not in place.
func (p *ApplyPage) start() tea.Cmd {
	ctx, halt := context.WithCancel(context.WithoutCancel(p.ctx))
	r := &applying{id: NewID(), ch: make(chan plan.Progress, 2*len(p.rows)+1), halt: halt, done: make(chan struct{})}
	for i := range p.rows {
		if p.rows[i].state == applyFailed {
			p.rows[i].state, p.rows[i].err = applyWaiting, nil
		}
	}
	p.run, p.over, p.err, p.spin, p.top = r, false, nil, 0, 0
	go r.make(p.ctx, ctx, p.o)
	return tea.Batch(r.next(), tick(r.id))
}

// make is the goroutine of an application. page ends when the page is left, ctx when nothing more is to be changed.
func (r *applying) make(page, ctx context.Context, o ApplyOptions) {
	defer close(r.done)
	defer close(r.ch)
	defer r.halt()
	left := context.AfterFunc(page, r.stop)
	defer left()
	r.err = Guard(func() error {
		if o.Save != nil {
			if err := o.Save(); err != nil {
				return unsaved{err}
			}
		}
		return o.Apply(ctx, func(at plan.Progress) { r.told(page, at) })
	})
}

// told passes on how far it is. Between two changes is when it stops.
func (r *applying) told(page context.Context, at plan.Progress) {
	r.mu.Lock()
	r.acting = !at.Done
	stop := r.stopping && at.Done
	r.mu.Unlock()
	if stop {
		r.halt()
	}
	select {
	case r.ch <- at:
	case <-page.Done():
	}
}

// stop lets the change under way come to its end, within bounds.
func (r *applying) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
	if !r.acting {
		r.halt()
		return
	}
	time.AfterFunc(Patience, r.halt)
}

// next waits for one step and takes along those that lie ready.
func (r *applying) next() tea.Cmd {
	return func() tea.Msg {
		at, ok := <-r.ch
		if !ok {
			<-r.done
			return applyEndMsg{r.id}
		}
		all := []plan.Progress{at}
		for {
			select {
			case at, ok := <-r.ch:
				if !ok {
					return appliedMsg{r.id, all} // the next Cmd tells the end
				}
				all = append(all, at)
			default:
				return appliedMsg{r.id, all}
			}
		}
	}
}

// ended takes note of the end. What broke in mcpwiz itself ends the program.
func (p *ApplyPage) ended() tea.Cmd {
	p.over, p.err = true, p.run.err
	var broken *Broken
	if errors.As(p.err, &broken) {
		return Go(Leave{broken})
	}
	return nil
}
