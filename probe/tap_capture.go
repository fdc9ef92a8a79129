package probe

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxStamps = 256
	maxNotes  = 64
)

// A capture copies an exchange while it goes on. It is told when it is over; a stream also when its header has come and
// when its first event has.
type capture struct {
	tap   *Tap
	id    int64
	start time.Time // with the monotonic part
	limit int

	mu     sync.Mutex
	raw    raw
	asked  copied
	answer copied
	stream bool
	first  firstEvent
	ended  bool
	wire   *wire // nil where we are the server
	// stop ends the watch over the request's context.
	stop func() bool

	// order is held from the snapshot to the telling: an older state never comes after a newer one.
	order sync.Mutex
	done  bool
	// queued and lost are whether an earlier state was queued, or dropped.
	queued, lost bool
}

// copied is what was copied of a body so far. The bytes before its length never change.
type copied struct {
	data   []byte
	size   int64
	length int64 // as announced, -1 when it is not
	whole  bool
	marks  []mark
}

func (c *copied) add(p []byte, limit int) {
	c.size += int64(len(p))
	if room := limit - len(c.data); room > 0 {
		c.data = append(c.data, p[:min(room, len(p))]...)
	}
}

func (c *copied) raw() rawBody {
	whole := (c.whole || c.length >= 0 && c.size == c.length) && c.size == int64(len(c.data))
	size := c.size
	if c.length > size && c.size > 0 {
		size = c.length
	}
	return rawBody{data: c.data[:len(c.data):len(c.data)], size: size, whole: whole, marks: c.marks[:len(c.marks):len(c.marks)]}
}

func (t *Tap) capture(r *http.Request, bodyLimit int) *capture {
	start := time.Now()
	c := &capture{tap: t, id: lastID.Add(1), start: start, limit: bodyLimit}
	c.raw = raw{id: c.id, start: now(start), method: r.Method}
	c.asked.length, c.answer.length = r.ContentLength, -1
	return c
}

// opened makes a capture known that has its request: Close tells of it.
func (t *Tap) opened(c *capture) *capture {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[int64]*capture{}
	}
	t.open[c.id] = c
	return c
}

// respond takes the header of the answer, and tells of a stream that it has begun.
func (c *capture) respond(status int, proto string, h http.Header, length int64) {
	c.mu.Lock()
	if c.raw.answered {
		c.mu.Unlock()
		return
	}
	c.raw.answered, c.raw.status, c.raw.proto, c.raw.reply = true, status, proto, h.Clone()
	c.raw.timing.FirstByte = millis(time.Since(c.start))
	c.answer.length = length
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	c.stream = strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
	stream := c.stream
	c.mu.Unlock()
	if stream {
		c.tell()
	}
}

// pass copies a part of the answer, and tells of a stream that its first event has come.
func (c *capture) pass(p []byte) {
	c.mu.Lock()
	c.answer.add(p, c.limit)
	first := false
	if c.stream {
		if len(c.answer.marks) < maxStamps {
			c.answer.marks = append(c.answer.marks, mark{len(c.answer.data), time.Since(c.start)})
		}
		first = !c.first.found && c.first.pass(p)
	}
	c.mu.Unlock()
	if first {
		c.tell()
	}
}

// ask copies a part of the request's body.
func (c *capture) ask(p []byte, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked.add(p, c.limit)
	c.asked.whole = c.asked.whole || over
}

func (c *capture) note(f Fact) {
	f.Data = maps.Clone(f.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.raw.notes) < maxNotes {
		c.raw.notes = append(c.raw.notes, f)
	}
}

// end ends the exchange, once. The error is why no whole answer came, if none did. When it returns the exchange is told, also
// where another has ended it at the same moment: who reads on goes by it.
func (c *capture) end(whole bool, failure *WireError) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		c.tell()
		return
	}
	c.ended = true
	c.answer.whole = whole
	c.raw.err = failure
	c.raw.timing.Total = millis(time.Since(c.start))
	stop := c.stop
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
	t := c.tap
	t.mu.Lock()
	delete(t.open, c.id)
	t.mu.Unlock()
	c.tell()
}

// tell tells the exchange as it is now: at once where we are the client, through the queue where we are the server.
func (c *capture) tell() {
	c.order.Lock()
	defer c.order.Unlock()
	if c.done {
		return
	}
	in := c.snapshot()
	c.done = !in.open
	if !in.overheard {
		c.tap.tell(c.tap.redact(in))
		return
	}
	c.enqueue(in)
}

func (c *capture) snapshot() *raw {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.raw
	in.body, in.answer = c.asked.raw(), c.answer.raw()
	in.notes = slices.Clone(c.raw.notes)
	in.open = !c.ended
	if in.open {
		in.timing.Total = millis(time.Since(c.start))
	}
	if c.wire != nil {
		c.wire.fill(&in)
	}
	return &in
}
