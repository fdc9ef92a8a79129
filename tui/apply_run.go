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

// An applying is one application of a plan under way, or its undoing. When the page is left it stops after the change that is
// being made.
type applying struct {
	id     int
	undoes bool
	ch     chan applyStep
	halt   context.CancelFunc

	mu               sync.Mutex
	acting, stopping bool

	// err and past are there when done is closed.
	done chan struct{}
	err  error
	past []plan.Past
}

// An applyStep is that a change begins, or is over.
type applyStep struct {
	row        int
	done, gone bool
	err        error
}

// Messages of an application.
type (
	appliedMsg struct {
		id    int
		steps []applyStep
	}
	applyEndMsg struct{ id int }
)

// An unsaved is why nothing was applied: the answers could not be written.
type unsaved struct{ error }

func (u unsaved) Unwrap() error { return u.error }

// apply applies the plan, from the first change that is not in place.
func (p *ApplyPage) apply() tea.Cmd {
	for i := range p.rows {
		if r := &p.rows[i]; r.state != applyDone {
			*r = applyRow{change: r.change, touched: r.touched && r.state == applyFailed}
		}
	}
	return p.begin(false, func(ctx context.Context, told func(applyStep)) error {
		if p.o.Save != nil {
			if err := p.o.Save(); err != nil {
				return unsaved{err}
			}
		}
		return p.o.Apply(ctx, func(at plan.Progress) { told(applyStep{row: at.Index, done: at.Done, err: at.Err}) })
	})
}

// undo puts back what was changed, upwards through the rows. What the plan does not have gets a row below.
func (p *ApplyPage) undo() tea.Cmd {
	at := map[string]int{}
	for i := range p.rows {
		at[p.rows[i].change.Resource] = i
	}
	for _, one := range p.past {
		if _, known := at[one.Change.Resource]; !known {
			at[one.Change.Resource] = len(p.rows)
			p.rows = append(p.rows, applyRow{change: one.Change, touched: true})
		}
	}
	p.hand = len(p.rows) - 1
	return p.begin(true, func(ctx context.Context, told func(applyStep)) error {
		all, err := p.o.Past()
		if err != nil {
			return err
		}
		return p.o.Undo(ctx, all, func(u plan.Undoing) {
			row, known := at[u.Past.Change.Resource]
			if !known {
				row = -1
			}
			told(applyStep{row: row, done: u.Done, gone: u.Gone, err: u.Err})
		})
	})
}

// begin works in a goroutine of its own, that closes over nothing that the page changes.
func (p *ApplyPage) begin(undoes bool, work func(context.Context, func(applyStep)) error) tea.Cmd {
	ctx, halt := context.WithCancel(context.WithoutCancel(p.ctx))
	r := &applying{id: NewID(), undoes: undoes, ch: make(chan applyStep, 2*len(p.rows)+1), halt: halt, done: make(chan struct{})}
	p.run, p.over, p.err, p.spin, p.top, p.asking = r, false, nil, 0, 0, false
	go r.make(p.ctx, ctx, work, p.o.Past)
	return tea.Batch(r.next(), tick(r.id))
}

// make is the goroutine of an application. page ends when the page is left, ctx when nothing more is to be changed. What can
// be undone is asked last; where the journal cannot be read nothing can.
func (r *applying) make(page, ctx context.Context, work func(context.Context, func(applyStep)) error, past func() ([]plan.Past, error)) {
	defer close(r.done)
	defer close(r.ch)
	defer r.halt()
	left := context.AfterFunc(page, r.stop)
	defer left()
	r.err = Guard(func() error { return work(ctx, func(at applyStep) { r.told(page, at) }) })
	if past != nil {
		r.past, _ = past()
	}
}

// told passes on how far it is. Between two changes is when it stops.
func (r *applying) told(page context.Context, at applyStep) {
	r.mu.Lock()
	r.acting = !at.done
	stop := r.stopping && at.done
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
		all := []applyStep{at}
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
	p.over, p.err, p.past = true, p.run.err, p.run.past
	var broken *Broken
	if errors.As(p.err, &broken) {
		return Go(Leave{broken})
	}
	return nil
}
