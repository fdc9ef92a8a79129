package cloudflaretest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// linkPath is where the small cloudflared connects to the small edge. The answer stays open and tells of configurations, one a line, as
// the real control stream does; requests come the other way, to the address that it names.
const linkPath = "/cdn-cgi/connector"

// A hello is how the small cloudflared asks for one connection.
type hello struct {
	Token, Connector, Version, Address string
}

// A word is what the edge says on a connection.
type word struct {
	Connection string         `json:"connection,omitempty"`
	Location   string         `json:"location,omitempty"`
	Version    int            `json:"version,omitempty"`
	Config     map[string]any `json:"config,omitempty"`
}

// serveLink holds one connection of a connector until either end goes away.
func (c *Cloudflare) serveLink(w http.ResponseWriter, r *http.Request) {
	var h hello
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	said := make(chan word, 16)
	say := func(version int, config map[string]any) {
		select {
		case said <- word{Version: version, Config: config}:
		default: // a connector that reads nothing misses what it could not read
		}
	}
	k, id, err := c.join(h, say, cancel)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	defer c.leave(k, id)
	to := http.NewResponseController(w)
	tell := func(x word) bool {
		_, err := w.Write(append(encode(x), '\n'))
		return err == nil && to.Flush() == nil
	}
	if !tell(word{Connection: id, Location: "fra03"}) {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-said:
			if !tell(x) {
				return
			}
		}
	}
}

// join adds a connection to the connector of that id, which the first one makes.
func (c *Cloudflare) join(h hello, say func(int, map[string]any), drop context.CancelFunc) (*Connector, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.byRunToken(h.Token)
	if t == nil {
		return nil, "", ErrRunToken
	}
	i := slices.IndexFunc(t.connectors, func(k *Connector) bool { return k.ID == h.Connector })
	if i < 0 {
		t.connectors = append(t.connectors, &Connector{
			ID: h.Connector, cloud: c, tunnel: t, version: h.Version, since: c.now().UTC(), reach: &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, h.Address)
			}},
		})
		i = len(t.connectors) - 1
	}
	k := t.connectors[i]
	id := c.uuid()
	k.conns = append(k.conns, conn{id: id, hear: say, drop: drop})
	t.active, t.inactive = k.since, time.Time{}
	if t.config != nil {
		say(t.version, copied(t.config))
	}
	return k, id, nil
}

func (c *Cloudflare) leave(k *Connector, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.conns = slices.DeleteFunc(k.conns, func(one conn) bool { return one.id == id })
	if len(k.conns) == 0 {
		k.tunnel.connectors = slices.DeleteFunc(k.tunnel.connectors, func(o *Connector) bool { return o == k && o.gone() })
	}
}

// Disconnect cuts all connections to the tunnel of that name, as when an edge's server is taken out: a connector comes back.
func (c *Cloudflare) Disconnect(tunnel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.accounts {
		for _, t := range a.tunnels {
			for _, k := range t.connectors {
				if t.name == tunnel {
					k.drop()
				}
			}
		}
	}
}

// dialEdge opens one connection and hears it until it ends.
func dialEdge(ctx context.Context, edge string, h hello, hear func(word)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(edge, "/")+linkPath, bytes.NewReader(encode(h)))
	if err != nil {
		return err
	}
	res, err := linkClient().Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxBody)
	if res.StatusCode != http.StatusOK {
		lines.Scan()
		return fmt.Errorf("%w: %s", errRefused, lines.Text())
	}
	for lines.Scan() {
		var x word
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return fmt.Errorf("read the edge: %w", err)
		}
		hear(x)
	}
	return errors.Join(errLost, lines.Err())
}

var (
	errRefused = complaint("Register tunnel error from server side")
	errLost    = errors.New("connection with edge closed")
)

// linkClient is apart from others: its connections live as long as a tunnel.
var linkClient = sync.OnceValue(func() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}}
})
