package cloudflaretest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type tunnel struct {
	id, name, secret, source string
	account                  *account
	created, deleted         time.Time
	active, inactive         time.Time
	config                   map[string]any
	version                  int
	connectors               []*Connector
	// quickHost is the name that a quick tunnel was given.
	quickHost string
	inFlight  int
}

// status: four connections make it healthy, none after there were some make it down.
func (t *tunnel) status() string {
	n := 0
	for _, c := range t.connectors {
		n += len(c.conns)
	}
	switch {
	case n >= 4:
		return "healthy"
	case n > 0:
		return "degraded"
	case !t.active.IsZero() || !t.inactive.IsZero():
		return "down"
	}
	return "inactive"
}

// runToken is what cloudflared runs the tunnel by.
func (t *tunnel) runToken() string {
	return base64.StdEncoding.EncodeToString(encode(map[string]string{"a": t.account.ID, "t": t.id, "s": t.secret}))
}

func (t *tunnel) shown() map[string]any {
	when := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return at6(t)
	}
	conns := []any{}
	for _, c := range t.connectors {
		for _, one := range c.shownConns() {
			conns = append(conns, one)
		}
	}
	return map[string]any{
		"id": t.id, "account_tag": t.account.ID, "name": t.name, "created_at": at6(t.created), "deleted_at": when(t.deleted),
		"conns_active_at": when(t.active), "conns_inactive_at": when(t.inactive), "tun_type": "cfd_tunnel", "metadata": map[string]any{},
		"status": t.status(), "remote_config": t.source == "cloudflare", "config_src": t.source, "connections": conns,
	}
}

// tunnel finds the one that the path names; of a deleted one only its looks remain.
func (c *call) tunnel() *tunnel {
	for _, t := range c.account.tunnels {
		if t.id == c.at["tunnel"] {
			return t
		}
	}
	return nil
}

func noTunnel() answer { return refused(http.StatusNotFound, 1003, "Tunnel not found") }

func listTunnels(c *call) answer {
	q := c.r.URL.Query()
	l := []map[string]any{}
	for _, t := range c.account.tunnels {
		switch {
		case q.Get("name") != "" && q.Get("name") != t.name, q.Get("uuid") != "" && q.Get("uuid") != t.id,
			q.Get("is_deleted") != "" && (q.Get("is_deleted") == "true") == t.deleted.IsZero(),
			q.Get("status") != "" && q.Get("status") != t.status(), !strings.HasPrefix(t.name, q.Get("include_prefix")),
			q.Get("exclude_prefix") != "" && strings.HasPrefix(t.name, q.Get("exclude_prefix")):
			continue
		}
		l = append(l, t.shown())
	}
	slices.Reverse(l) // the newest first
	return paged(c, l, 20, 1000)
}

// named: a tunnel that is not deleted has the name.
func (c *call) named(name string, but *tunnel) bool {
	return slices.ContainsFunc(c.account.tunnels, func(t *tunnel) bool { return t != but && t.name == name && t.deleted.IsZero() })
}

func nameTaken() answer {
	return refused(http.StatusConflict, 1013, "You already have a tunnel with this name. Delete the existing tunnel, or choose a different name for your new tunnel.")
}

func createTunnel(c *call) answer {
	b := c.object()
	name, secret := text(b, "name"), text(b, "tunnel_secret")
	switch raw, err := base64.StdEncoding.DecodeString(secret); {
	case name == "":
		return refused(http.StatusBadRequest, 1005, "tunnel name is required")
	case secret != "" && (err != nil || len(raw) < 32):
		return refused(http.StatusBadRequest, 1001, "tunnel_secret must be at least 32 bytes and encoded as a base64 string")
	case c.named(name, nil):
		return nameTaken()
	}
	t := &tunnel{id: c.uuid(), name: name, secret: secret, source: "local", account: c.account, created: c.now}
	if text(b, "config_src") == "cloudflare" {
		t.source = "cloudflare"
	}
	if t.secret == "" {
		sum := sha256.Sum256([]byte(t.id))
		t.secret = base64.StdEncoding.EncodeToString(sum[:])
	}
	c.account.tunnels = append(c.account.tunnels, t)
	result := t.shown()
	result["token"] = t.runToken()
	result["credentials_file"] = map[string]string{"AccountTag": t.account.ID, "TunnelID": t.id, "TunnelName": t.name, "TunnelSecret": t.secret}
	return found(result)
}

func getTunnel(c *call) answer {
	if t := c.tunnel(); t != nil {
		return found(t.shown())
	}
	return noTunnel()
}

func editTunnel(c *call) answer {
	t, b := c.tunnel(), c.object()
	switch name := text(b, "name"); {
	case t == nil || !t.deleted.IsZero():
		return noTunnel()
	case name != "" && c.named(name, t):
		return nameTaken()
	case name != "":
		t.name = name
	}
	if secret := text(b, "tunnel_secret"); secret != "" {
		t.secret = secret
	}
	return found(t.shown())
}

// deleteTunnel refuses while something is connected.
func deleteTunnel(c *call) answer {
	t := c.tunnel()
	switch {
	case t == nil || !t.deleted.IsZero():
		return noTunnel()
	case len(t.connectors) > 0:
		return refused(http.StatusBadRequest, 1022, "Cannot delete tunnel because it has active connections")
	}
	t.deleted = c.now
	return found(t.shown())
}

func getRunToken(c *call) answer {
	if t := c.tunnel(); t != nil && t.deleted.IsZero() {
		return found(t.runToken())
	}
	return noTunnel()
}

// listConnections tells of each connector, one object with its connections.
func listConnections(c *call) answer {
	t := c.tunnel()
	if t == nil {
		return noTunnel()
	}
	l := []map[string]any{}
	for _, one := range t.connectors {
		l = append(l, map[string]any{
			"id": one.ID, "features": []string{"ha-origin", "allow_remote_config"}, "version": one.version, "arch": "linux_amd64",
			"config_version": t.version, "run_at": at6(one.since), "conns": one.shownConns(),
		})
	}
	return found(l)
}

// cleanConnections forgets connections; a connector that lives makes new ones, as ours does by staying.
func cleanConnections(c *call) answer {
	t := c.tunnel()
	if t == nil {
		return noTunnel()
	}
	who := c.r.URL.Query().Get("client_id")
	t.connectors = slices.DeleteFunc(t.connectors, func(one *Connector) bool {
		if who != "" && who != one.ID {
			return false
		}
		return one.gone()
	})
	return found(nil)
}

func getConfiguration(c *call) answer {
	t := c.tunnel()
	if t == nil {
		return noTunnel()
	}
	return found(t.configuration())
}

func (t *tunnel) configuration() map[string]any {
	source := t.source
	var config any
	if t.config != nil {
		config = copied(t.config)
	}
	return map[string]any{
		"tunnel_id": t.id, "account_id": t.account.ID, "version": t.version, "config": config, "source": source, "created_at": at6(t.created),
	}
}

// putConfiguration takes a configuration whole, once the connector would take it, and counts its version up from 1.
func putConfiguration(c *call) answer {
	t := c.tunnel()
	if t == nil || !t.deleted.IsZero() {
		return noTunnel()
	}
	var b struct {
		Config map[string]any `json:"config"`
	}
	if err := json.Unmarshal(c.body, &b); err != nil || b.Config == nil {
		return refused(http.StatusBadRequest, 1056, "Bad Configuration: config is required")
	}
	if _, err := readIngress(b.Config); err != nil {
		return refused(http.StatusBadRequest, 1056, "Bad Configuration: Validation failed: %v", err)
	}
	if inner(b.Config, "warp-routing") == nil {
		b.Config["warp-routing"] = map[string]any{"enabled": false}
	}
	t.config, t.source = b.Config, "cloudflare"
	t.version++
	for _, one := range t.connectors {
		one.configure(t.version, t.config)
	}
	return found(t.configuration())
}
