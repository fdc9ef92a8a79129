package record

import (
	"context"
	"slices"
	"sync"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Watch returns the events of all handshakes: first of those in memory, then as they happen, until ctx ends or the witness
// is closed. The witness never waits for a watcher; one that lags too far loses events, and Lost counts them.
func (w *Witness) Watch(ctx context.Context) <-chan probe.Event { return w.telling.watch(ctx) }

// Lost counts events that a watcher was too slow for.
func (w *Witness) Lost() int64 {
	w.telling.mu.Lock()
	defer w.telling.mu.Unlock()
	return w.telling.lost
}

// Events returns a handshake's events so far, a capture; nil when it is no longer kept.
func (w *Witness) Events(handshake string) []probe.Event {
	w.telling.mu.Lock()
	defer w.telling.mu.Unlock()
	return slices.Clone(w.telling.events[handshake])
}

// A telling keeps the events of the handshakes in memory and passes them on.
type telling struct {
	mu       sync.Mutex
	order    []string
	events   map[string][]probe.Event
	watchers map[*watcher]bool
	lost     int64
	done     chan struct{}
}

type watcher struct {
	waiting []probe.Event
	wake    chan struct{}
}

// watchRoom is how many events a watcher may lag behind.
const watchRoom = 20_000

func newTelling() *telling {
	return &telling{events: map[string][]probe.Event{}, watchers: map[*watcher]bool{}, done: make(chan struct{})}
}

func (t *telling) tell(id string, e probe.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.events[id]; !known {
		t.order = append(t.order, id)
	}
	t.events[id] = append(t.events[id], e)
	for w := range t.watchers {
		if len(w.waiting) >= watchRoom {
			t.lost++
			continue
		}
		w.waiting = append(w.waiting, e)
		w.rouse()
	}
}

func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (t *telling) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.events, id)
	t.order = slices.DeleteFunc(t.order, func(o string) bool { return o == id })
}

func (t *telling) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.done:
	default:
		close(t.done)
	}
}

func (t *telling) watch(ctx context.Context) <-chan probe.Event {
	w := &watcher{wake: make(chan struct{}, 1)}
	t.mu.Lock()
	for _, id := range t.order {
		w.waiting = append(w.waiting, t.events[id]...)
	}
	t.watchers[w] = true
	t.mu.Unlock()
	w.rouse()
	out := make(chan probe.Event)
	go func() {
		defer close(out)
		defer t.leave(w)
		for t.pass(ctx, w, out) {
		}
	}()
	return out
}

func (t *telling) leave(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watchers, w)
}

// pass waits for events and passes them on; it returns false when there will be no more. What was told before the witness
// closed is passed on all the same.
func (t *telling) pass(ctx context.Context, w *watcher, out chan<- probe.Event) bool {
	more := true
	select {
	case <-w.wake:
	case <-t.done:
		more = false
	case <-ctx.Done():
		return false
	}
	t.mu.Lock()
	batch := w.waiting
	w.waiting = nil
	t.mu.Unlock()
	for _, e := range batch {
		select {
		case out <- e:
		case <-ctx.Done():
			return false
		}
	}
	return more
}
