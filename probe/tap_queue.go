package probe

import "sync"

// A queue holds what a server's tap has copied until it is redacted, by one goroutine that is there only while there is
// something to do. It is bounded in bytes.
type queue struct {
	mu    sync.Mutex
	jobs  []*raw
	bytes int
	// idle is closed when there is nothing more to do; nil while there is not.
	idle   chan struct{}
	closed bool
}

// enqueue queues a state of the exchange, or drops the exchange whole. What was told of once is told to its end: then
// only the bodies are dropped.
func (c *capture) enqueue(in *raw) {
	if c.lost {
		return
	}
	t, q := c.tap, &c.tap.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.bytes+in.cost() > limit(t.queueLimit, queueBytes) {
		if !c.queued {
			c.lost = true
			t.dropped.Add(1)
			return
		}
		in.body, in.answer = in.body.dropped(), in.answer.dropped()
	}
	c.queued = true
	q.bytes += in.cost()
	q.jobs = append(q.jobs, in)
	if q.idle == nil {
		q.idle = make(chan struct{})
		go t.work()
	}
}

// work redacts and tells until the queue is empty.
func (t *Tap) work() {
	q := &t.queue
	for {
		q.mu.Lock()
		jobs := q.jobs
		q.jobs = nil
		if len(jobs) == 0 {
			close(q.idle)
			q.idle = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for i, in := range jobs {
			t.tell(t.redact(in))
			jobs[i] = nil
			q.mu.Lock()
			q.bytes -= in.cost()
			q.mu.Unlock()
		}
	}
}

// wait returns when the queue has run empty.
func (q *queue) wait() {
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

// close takes nothing more, and returns when what was taken is told.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wait()
}

// cost is about what a copy holds in memory.
func (in *raw) cost() int { return len(in.body.data) + len(in.answer.data) + 4<<10 }

// dropped is a body of which the bytes are gone.
func (b rawBody) dropped() rawBody { return rawBody{size: b.size} }
