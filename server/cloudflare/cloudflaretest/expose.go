package cloudflaretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Expose does by hand what a tunnel takes: it makes one, sends all of a host to a service, records the name, and connects. What to is for
// says Connect.
func (c *Cloudflare) Expose(host, service string, to ...http.RoundTripper) (*Connector, error) {
	z := c.zoneOfLocked(host)
	if z == nil {
		return nil, fmt.Errorf("expose %s: no zone of that name", host)
	}
	tunnels := "accounts/" + z.owner.ID + "/cfd_tunnel"
	b, err := c.Do(http.MethodPost, tunnels, map[string]any{"name": strings.ReplaceAll(host, ".", "-"), "config_src": "cloudflare"})
	if err != nil {
		return nil, fmt.Errorf("expose %s: %w", host, err)
	}
	var made struct{ ID, Token string }
	if err := json.Unmarshal(b, &made); err != nil {
		return nil, fmt.Errorf("expose %s: %w", host, err)
	}
	rules := []any{map[string]any{"hostname": host, "service": service}, map[string]any{"service": "http_status:404"}}
	if _, err := c.Do(http.MethodPut, tunnels+"/"+made.ID+"/configurations", map[string]any{"config": map[string]any{"ingress": rules}}); err != nil {
		return nil, fmt.Errorf("expose %s: %w", host, err)
	}
	record := map[string]any{"type": "CNAME", "proxied": true, "name": host, "content": made.ID + tunnelDomain}
	if _, err := c.Do(http.MethodPost, "zones/"+z.ID+"/dns_records", record); err != nil {
		return nil, fmt.Errorf("expose %s: %w", host, err)
	}
	return c.Connect(made.Token, to...)
}
