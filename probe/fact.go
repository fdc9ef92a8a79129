package probe

import (
	"context"
	"time"
)

// A Fact is evidence that is no HTTP exchange: a DNS answer, a certificate, a Keycloak event, an edge's setting, whether a
// signature verified. Data is plain and bears no secret. As evidence it is named "fact:" + Kind.
type Fact struct {
	Kind   string         `json:"kind"`
	Source string         `json:"source"`
	At     time.Time      `json:"at"`
	Data   map[string]any `json:"data,omitempty"`
}

// An Informant adds the facts it knows of a span of time, from a source that only it can ask.
type Informant func(ctx context.Context, from, to time.Time, note func(Fact)) error

type notingKey struct{}

// WithNoting returns a context whose Note calls go to note; a tap makes one for each exchange.
func WithNoting(ctx context.Context, note func(Fact)) context.Context {
	return context.WithValue(ctx, notingKey{}, note)
}

// Note adds a fact to the exchange at hand; where nobody listens it does nothing.
func Note(ctx context.Context, f Fact) {
	if note, ok := ctx.Value(notingKey{}).(func(Fact)); ok {
		note(f)
	}
}
