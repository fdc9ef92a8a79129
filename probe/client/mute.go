package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A mutes remembers which hosts take connections and have let somebody wait in vain without ever a word to anybody: later requests
// to such a host are not waited for as long as a client would, as there is nothing more to learn. A host that has answered
// once is never among them, however slow it is.
type mutes struct {
	// long is how long a host must have let somebody wait, short how long it is waited for from then on.
	long, short time.Duration

	mu sync.Mutex
	at map[string]*manners
}

// manners are whether a host has answered, or is known not to.
type manners struct{ answered, mute bool }

func newMutes() *mutes {
	return &mutes{long: 6 * time.Second, short: time.Second, at: map[string]*manners{}}
}

// over returns a way to the wire on which mute hosts are not waited for. It lies below the tap, so that what is told is why the
// waiting ended.
func (m *mutes) over(below http.RoundTripper) http.RoundTripper { return &impatient{m, below} }

// of returns what is known of a URL's host.
func (m *mutes) of(u *url.URL) *manners {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := origin(u)
	if m.at[at] == nil {
		m.at[at] = &manners{}
	}
	return m.at[at]
}

// patience is how long a host is waited for, whatever the client would do.
func (m *mutes) patience(host *manners) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if host.mute {
		return m.short
	}
	return math.MaxInt64
}

// heard takes in how a request ended.
func (m *mutes) heard(host *manners, answer, vain bool, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case answer:
		host.answered, host.mute = true, false
	case vain && took >= m.long && !host.answered:
		host.mute = true
	}
}

type impatient struct {
	mutes *mutes
	below http.RoundTripper
}

func (i *impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	host, begun := i.mutes.of(r.URL), time.Now()
	ctx, end := context.WithCancel(r.Context())
	hurry := time.AfterFunc(i.mutes.patience(host), end)
	resp, err := i.below.RoundTrip(r.WithContext(ctx))
	inTime := hurry.Stop()
	if err != nil {
		end()
		i.mutes.heard(host, false, errors.Is(r.Context().Err(), context.DeadlineExceeded), time.Since(begun))
		if !inTime && r.Context().Err() == nil {
			err = fmt.Errorf("nothing within %s, from a host that has not answered before: %w", i.mutes.short, context.DeadlineExceeded)
		}
		return nil, err
	}
	i.mutes.heard(host, true, false, time.Since(begun))
	resp.Body = &ending{resp.Body, end}
	return resp, nil
}

func (i *impatient) CloseIdleConnections() { closeIdle(i.below) }

// An ending is a body that lets go of its request's context when it is closed.
type ending struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b *ending) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
