package gateway

import (
	"crypto/sha256"
	"sync"
	"time"
)

// A cache remembers verdicts on signatures by the SHA-256 of the token, never the token. What was good stays so until the
// token expires, provided its key is still held; what was bad, for half a minute and for the same key set.
type cache struct {
	mu      sync.RWMutex
	entries map[[sha256.Size]byte]entry
	refused map[[sha256.Size]byte]refused
}

type entry struct {
	token *Token
	print string
	kid   string
	alg   string
}

type refused struct {
	keys  *keySet
	until time.Time
}

const (
	cacheMost   = 10_000
	refusedMost = 1_000
	refusedFor  = 30 * time.Second
)

func newCache() *cache {
	return &cache{entries: map[[sha256.Size]byte]entry{}, refused: map[[sha256.Size]byte]refused{}}
}

func (c *cache) good(id [sha256.Size]byte, now time.Time) (entry, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[id]
	return e, ok && now.Before(e.token.Expires.Add(leeway))
}

func (c *cache) keep(id [sha256.Size]byte, e entry, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	makeRoom(c.entries, cacheMost, func(old entry) bool { return !now.Before(old.token.Expires.Add(leeway)) })
	c.entries[id] = e
}

func (c *cache) bad(id [sha256.Size]byte, keys *keySet, now time.Time) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, ok := c.refused[id]
	return ok && r.keys == keys && now.Before(r.until)
}

func (c *cache) refuse(id [sha256.Size]byte, keys *keySet, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	makeRoom(c.refused, refusedMost, func(old refused) bool { return !now.Before(old.until) })
	c.refused[id] = refused{keys: keys, until: now.Add(refusedFor)}
}

// makeRoom drops from a full map what is over, and if that was not enough a tenth of the rest, whichever comes first.
func makeRoom[K comparable, V any](m map[K]V, most int, over func(V) bool) {
	if len(m) < most {
		return
	}
	for k, v := range m {
		if over(v) {
			delete(m, k)
		}
	}
	for k := range m {
		if len(m) <= most*9/10 {
			return
		}
		delete(m, k)
	}
}
