package probe

import (
	"crypto/sha256"
	"sync"
)

const (
	minCached    = 256
	maxCached    = 1 << 20 // bytes, before decoding
	maxTokenKept = 1024
)

// A bodyKey is a body, what it was labelled and where it stood.
type bodyKey struct {
	sum       [sha256.Size]byte
	label     bodyType
	side      string
	wellKnown bool
}

// A bodyCache keeps what was told of public bodies and of tokens, so that what comes again is not taken apart again. It
// starts anew when it is full.
type bodyCache struct {
	mu     sync.Mutex
	bodies map[bodyKey]Body
	size   int
	tokens map[string]Token
}

func (c *bodyCache) body(k bodyKey) (Body, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.bodies[k]
	return b, ok
}

func (c *bodyCache) keepBody(k bodyKey, b Body, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bodies == nil || c.size+size > maxCached {
		c.bodies, c.size = map[bodyKey]Body{}, 0
	}
	if size <= maxCached {
		c.bodies[k] = b
		c.size += size + len(k.label.media)
	}
}

func (c *bodyCache) token(fingerprint string) (Token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tokens[fingerprint]
	return t, ok
}

func (c *bodyCache) keepToken(t Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil || len(c.tokens) >= maxTokenKept {
		c.tokens = map[string]Token{}
	}
	c.tokens[t.Fingerprint] = t
}
