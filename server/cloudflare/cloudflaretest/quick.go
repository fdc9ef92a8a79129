package cloudflaretest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
)

// quickDomain is where quick tunnels get their names.
const quickDomain = ".trycloudflare.com"

// mostInFlight are the requests that a quick tunnel carries at once.
const mostInFlight = 200

// words are what names of quick tunnels are made of.
var words = []string{"calm", "river", "amber", "stone", "quiet", "harbor", "silver", "meadow", "north", "lantern", "paper", "cedar"}

// createQuick answers what cloudflared asks https://api.trycloudflare.com/tunnel.
func (c *Cloudflare) createQuick(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		write(w, refused(http.StatusMethodNotAllowed, 7001, "Method %s not available for that URI.", r.Method))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.uuid()
	n := c.serial
	var name []string
	for range 4 {
		name = append(name, words[n%len(words)])
		n = n*7 + 3
	}
	t := &tunnel{id: id, name: "qt-" + id, secret: c.id(), source: "local", account: c.accounts[0], created: c.now().UTC(), quickHost: strings.Join(name, "-") + quickDomain}
	c.quick = append(c.quick, t)
	write(w, found(map[string]any{"id": t.id, "name": t.name, "hostname": t.quickHost, "account_tag": t.account.ID, "secret": t.secret}))
}

func (c *Cloudflare) quickTunnel(host string) *tunnel {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.quick {
		if t.quickHost == host {
			return t
		}
	}
	return nil
}

// forwardQuick carries a request of a quick tunnel: no product of a zone stands before it, too many at once are refused, and an event
// stream that was asked for by GET is held until the origin ends it.
func (v *visit) forwardQuick(w http.ResponseWriter, t *tunnel) {
	v.c.mu.Lock()
	v.zone = &zone{settings: map[string]any{}}
	var k *Connector
	if len(t.connectors) > 0 {
		k = t.connectors[0]
	}
	full := t.inFlight >= mostInFlight
	t.inFlight++
	v.c.mu.Unlock()
	defer func() {
		v.c.mu.Lock()
		defer v.c.mu.Unlock()
		t.inFlight--
	}()
	switch {
	case k == nil:
		v.fault(1033).write(w)
		return
	case full:
		(&page{status: http.StatusTooManyRequests, media: "text/plain; charset=UTF-8", body: "error code: 1015"}).write(w)
		return
	}
	ctx, cancel := context.WithCancelCause(v.r.Context())
	defer cancel(nil)
	out := v.outgoing(ctx)
	v.carry(ctx, w, cancel, func() (*http.Response, error) {
		res, err := k.reach.RoundTrip(out)
		if err != nil || v.r.Method != http.MethodGet || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			return res, err
		}
		whole, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(whole))
		return res, err
	})
}
