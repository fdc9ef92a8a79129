package probe

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Tap turns the requests that pass it into Exchanges, on either side of the wire. Secrets die here: what To is given
// bears none. The zero value with To set is ready to use.
type Tap struct {
	// To takes exchanges, one call at a time; a later state of a stream comes again under the same ID. As a client it is
	// called before the caller sees the end of the response; as a server from a goroutine of the tap's own.
	To func(Exchange)
	// Public is the scheme and host under which clients reach this server; without it they are taken from the request.
	Public *url.URL
	// Want is asked before anything is copied; nil wants everything.
	Want func(*http.Request) bool
	// Fingerprints are to be shared by taps that feed one session; nil makes some.
	Fingerprints *Fingerprinter

	clientLimit, serverLimit, queueLimit int

	setup   sync.Once
	own     *Fingerprinter
	known   known
	cache   bodyCache
	queue   queue
	dropped atomic.Int64

	telling sync.Mutex // held while To is called
	closed  bool       // guarded by telling
	closing atomic.Bool

	mu   sync.Mutex
	open map[int64]*capture
	// handed are the requests left to a browser: they are never over.
	handed []int64
}

// Defaults of the limits, in bytes.
const (
	clientBody = 1 << 20
	serverBody = 64 << 10
	queueBytes = 8 << 20
)

// lastID numbers the exchanges of all taps, for several may feed one session.
var lastID atomic.Int64

type probeKey struct{}

// WithProbe marks the requests made with the context as those of a probe: a step that asks what no client would. The mark
// is never on the wire.
func WithProbe(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, probeKey{}, name)
}

func probeOf(ctx context.Context) string { name, _ := ctx.Value(probeKey{}).(string); return name }

// Hide names raw secrets of the run. From now on they are struck out of everything.
func (t *Tap) Hide(values ...string) {
	for _, v := range values {
		if !commonplace(v) {
			t.known.hide(v, t.prints().Redact(v))
		}
	}
}

// Sieve strikes what the tap knows out of a text, and what is on no list out of the URLs in it (a url.Error quotes codes).
func (t *Tap) Sieve(s string) string {
	r := &redactor{f: t.prints(), known: &t.known, cache: &t.cache}
	return r.text(r.prose(r.text(s)))
}

// Handed tells of a request that the user's browser alone makes, the authorization request or the response's arrival at a
// hosted callback: an exchange that stays open, because its answer is not seen. It returns the exchange's ID.
func (t *Tap) Handed(method, url string) int64 {
	id := lastID.Add(1)
	t.mu.Lock()
	t.handed = append(t.handed, id)
	t.mu.Unlock()
	t.tell(t.redact(&raw{id: id, start: now(time.Now()), method: method, url: url, open: true}))
	return id
}

// Close tells what was seen of the exchanges that are still going on, waits until everything is told, and returns the IDs
// of those that are open. Afterwards To is not called any more.
func (t *Tap) Close() (open []int64) {
	t.closing.Store(true)
	t.mu.Lock()
	var going []*capture
	for id, c := range t.open {
		open = append(open, id)
		going = append(going, c)
	}
	open = append(open, t.handed...)
	t.mu.Unlock()
	slices.SortFunc(going, func(a, b *capture) int { return int(a.id - b.id) })
	for _, c := range going {
		c.tell()
	}
	t.queue.close()
	t.telling.Lock()
	t.closed = true
	t.telling.Unlock()
	slices.Sort(open)
	return open
}

// Dropped returns how many exchanges were dropped because their redaction could not keep up.
func (t *Tap) Dropped() int64 { return t.dropped.Load() }

func (t *Tap) prints() *Fingerprinter {
	if t.Fingerprints != nil {
		return t.Fingerprints
	}
	t.setup.Do(func() { t.own = NewFingerprinter() })
	return t.own
}

func (t *Tap) tell(x Exchange) {
	t.telling.Lock()
	defer t.telling.Unlock()
	if !t.closed && t.To != nil {
		t.To(x)
	}
}

func (t *Tap) wants(r *http.Request) bool {
	return (t.Want == nil || t.Want(r)) && !t.closing.Load()
}

func limit(set, otherwise int) int {
	if set > 0 {
		return set
	}
	return otherwise
}

// now is a time as it will be read back: UTC, without the monotonic part.
func now(at time.Time) time.Time { return at.UTC().Round(0) }

// millis rounds to microseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
