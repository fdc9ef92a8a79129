package cloudflaretest

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// listenMetrics takes the address that is wanted, else the first free one of those that the real one tries.
func listenMetrics(address string) (net.Listener, error) {
	if address != "" {
		return net.Listen("tcp", address)
	}
	for port := 20241; port <= 20245; port++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port)); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "localhost:0")
}

// serveMetrics tells of the tunnel to who asks on this host.
func (d *daemon) serveMetrics() (*http.Server, error) {
	l, err := listenMetrics(d.flags.metrics)
	if err != nil {
		return nil, err
	}
	m := http.NewServeMux()
	m.HandleFunc("/ready", d.ready)
	m.HandleFunc("/healthcheck", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "OK") })
	m.HandleFunc("/quicktunnel", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"hostname":"%s"}`, d.hostname) })
	m.HandleFunc("/config", d.showConfig)
	m.HandleFunc("/diag/tunnel", d.showTunnel)
	m.HandleFunc("/diag/configuration", d.showFlags)
	m.HandleFunc("/metrics", d.showMetrics)
	s := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // ends with Close
	d.log.info(fmt.Sprintf("Starting metrics server on %s/metrics", l.Addr()))
	return s, nil
}

func plain(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // a client that went away needs no answer
}

func (d *daemon) ready(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	n := len(d.conns)
	d.mu.Unlock()
	status := http.StatusOK
	if n == 0 {
		status = http.StatusServiceUnavailable
	}
	plain(w, status, struct {
		Status           int    `json:"status"`
		ReadyConnections int    `json:"readyConnections"`
		ConnectorID      string `json:"connectorId"`
	}{status, n, d.id})
}

// showConfig tells of the rules that are in force; their version is -1 until the edge has told of some.
func (d *daemon) showConfig(w http.ResponseWriter, _ *http.Request) {
	d.services.mu.Lock()
	defer d.services.mu.Unlock()
	rules := []any{}
	for _, r := range d.services.rules {
		one := map[string]any{"hostname": r.hostname, "path": nil, "service": r.service, "Handlers": nil, "originRequest": r.origin}
		if r.path != nil {
			one["path"] = r.path.String()
		}
		rules = append(rules, one)
	}
	if len(rules) == 0 {
		rules = append(rules, map[string]any{"hostname": "", "path": nil, "service": "http_status:503", "Handlers": nil, "originRequest": map[string]any{}})
	}
	plain(w, http.StatusOK, map[string]any{"version": d.services.version, "config": map[string]any{
		"ingress": rules, "warp-routing": map[string]any{}, "originRequest": map[string]any{"connectTimeout": 30, "tlsTimeout": 10, "tcpKeepAlive": 30, "keepAliveTimeout": 90, "keepAliveConnections": 100},
	}})
}

func (d *daemon) showTunnel(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := map[string]any{"tunnelID": d.tunnel, "connectorID": d.id, "icmp_sources": []string{"192.0.2.2"}}
	var conns []any
	for _, i := range slices.Sorted(maps.Keys(d.conns)) {
		conns = append(conns, map[string]any{"isConnected": true, "protocol": 1, "edgeAddress": "198.41.200.33", "index": i})
	}
	if conns != nil {
		m["connections"] = conns
	}
	plain(w, http.StatusOK, m)
}

func (d *daemon) showFlags(w http.ResponseWriter, _ *http.Request) {
	m := map[string]string{"uid": "1000", "no-autoupdate": "true"}
	for name, v := range map[string]string{"metrics": d.flags.metrics, "loglevel": d.flags.loglevel, "protocol": d.flags.protocol, "config": d.flags.config, "url": d.flags.url} {
		if v != "" {
			m[name] = v
		}
	}
	plain(w, http.StatusOK, m)
}

// showMetrics writes those of the real one that tell of requests and connections.
func (d *daemon) showMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
	d.mu.Lock()
	conns, carrying, total := len(d.conns), d.carrying, d.total
	d.mu.Unlock()
	d.services.mu.Lock()
	defer d.services.mu.Unlock()
	gauge := func(name, help, kind string, value int) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", name, help, name, kind, name, value)
	}
	fmt.Fprintf(w, "# HELP build_info Build and version information\n# TYPE build_info gauge\nbuild_info{goversion=\"go1.26.8\",revision=\"2026-08-18-1102 UTC\",type=\"\",version=\"%s\"} 1\n", connectorVersion)
	gauge("cloudflared_orchestration_config_version", "Configuration Version", "gauge", max(0, d.services.version))
	gauge("cloudflared_tunnel_concurrent_requests_per_tunnel", "Concurrent requests proxied through each tunnel", "gauge", carrying)
	gauge("cloudflared_tunnel_ha_connections", "Number of active ha connections", "gauge", conns)
	gauge("cloudflared_tunnel_request_errors", "Count of error proxying to origin", "counter", d.services.seen[http.StatusBadGateway])
	fmt.Fprintln(w, "# HELP cloudflared_tunnel_response_by_code Count of responses by HTTP status code\n# TYPE cloudflared_tunnel_response_by_code counter")
	for _, code := range slices.SortedFunc(maps.Keys(d.services.seen), cmp.Compare[int]) {
		fmt.Fprintf(w, "cloudflared_tunnel_response_by_code{status_code=\"%d\"} %d\n", code, d.services.seen[code])
	}
	gauge("cloudflared_tunnel_total_requests", "Amount of requests proxied through all the tunnels", "counter", total)
}
