package cloudflaretest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// A Connector is what cloudflared is to the edge: it takes requests of one tunnel to the services behind it.
type Connector struct {
	ID string

	cloud   *Cloudflare
	tunnel  *tunnel
	version string
	since   time.Time
	conns   []conn
	reach   http.RoundTripper
}

// A conn is one of a connector's connections: it hears of configurations, and can be cut.
type conn struct {
	id   string
	hear func(version int, config map[string]any)
	drop func()
}

// connectorVersion is that of the release which was measured.
const connectorVersion = "2026.8.2"

// ErrRunToken: the run token names no tunnel, or not with its secret.
var ErrRunToken = complaint("Unauthorized: Invalid tunnel secret")

// Connect brings a connector to the tunnel of a run token, as cloudflared would with four connections; until then the edge answers 530
// with 1033. The connector reaches services through the first of to, else Options.Origin. Its ingress is the configuration in the API.
func (c *Cloudflare) Connect(token string, to ...http.RoundTripper) (*Connector, error) {
	through := c.o.Origin
	if len(to) > 0 {
		through = to[0]
	}
	s := newServices(through)
	id := c.newConnectorID()
	s.connector = id
	return c.connect(token, id, inside{s}, s.configure)
}

func (c *Cloudflare) newConnectorID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.uuid()
}

func (c *Cloudflare) connect(token, id string, reach http.RoundTripper, hear func(int, map[string]any)) (*Connector, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.byRunToken(token)
	if t == nil {
		return nil, fmt.Errorf("connect to the tunnel: %w", ErrRunToken)
	}
	k := &Connector{ID: id, cloud: c, tunnel: t, version: connectorVersion, since: c.now().UTC(), reach: reach}
	for range 4 {
		k.conns = append(k.conns, conn{id: c.uuid()})
	}
	k.conns[0].hear = hear
	t.connectors = append(t.connectors, k)
	t.active, t.inactive = k.since, time.Time{}
	if t.config != nil {
		k.configure(t.version, t.config)
	}
	return k, nil
}

func (c *Cloudflare) byRunToken(token string) *tunnel {
	var claims struct{ A, T, S string }
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	for _, a := range c.accounts {
		for _, t := range a.tunnels {
			if a.ID == claims.A && t.id == claims.T && t.secret == claims.S && t.deleted.IsZero() {
				return t
			}
		}
	}
	for _, t := range c.quick {
		if t.id == claims.T && t.secret == claims.S {
			return t
		}
	}
	return nil
}

// Close takes the connector away, as when cloudflared ends.
func (k *Connector) Close() {
	k.cloud.mu.Lock()
	defer k.cloud.mu.Unlock()
	k.tunnel.connectors = slices.DeleteFunc(k.tunnel.connectors, func(other *Connector) bool { return other == k && other.gone() })
}

// gone tells who held the connection, and is true so that it can be struck out of a list. The lock is held.
func (k *Connector) gone() bool {
	now := k.cloud.now().UTC()
	if len(k.tunnel.connectors) <= 1 {
		k.tunnel.inactive, k.tunnel.active = now, time.Time{}
	}
	k.drop()
	return true
}

// drop cuts its connections. The lock is held.
func (k *Connector) drop() {
	for _, one := range k.conns {
		if one.drop != nil {
			one.drop()
		}
	}
}

func (k *Connector) configure(version int, config map[string]any) {
	for _, one := range k.conns {
		if one.hear != nil {
			one.hear(version, copied(config))
		}
	}
}

func (k *Connector) shownConns() []map[string]any {
	l := []map[string]any{}
	for i, one := range k.conns {
		l = append(l, map[string]any{
			"id": one.id, "uuid": one.id, "client_id": k.ID, "client_version": k.version, "colo_name": []string{"fra03", "fra08", "ams01", "ams04"}[i%4],
			"is_pending_reconnect": false, "origin_ip": "203.0.113.7", "opened_at": at6(k.since),
		})
	}
	return l
}
