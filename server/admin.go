package server

import (
	"fmt"
	"net"
	"net/http"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// adminHandler serves those who run the server, on an address of its own: nothing of it is reached from outside unless somebody
// leads it there.
func (s *Server) adminHandler() http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /metrics", s.opts.metrics.handler())
	m.Handle("GET /health", s.healthHandler())
	m.Handle("GET /health/ready", s.healthHandler())
	m.Handle("GET /health/live", liveHandler())
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		gateway.WriteError(w, http.StatusNotFound, "not_found", "served here are /metrics, /health, /health/live, and /health/ready")
	})
	return m
}

// checkAdmin holds the address of the admin listener to its form, and apart from those of the servers.
func (o *Options) checkAdmin() error {
	if o.AdminListen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(o.AdminListen); err != nil {
		return fmt.Errorf("admin_listen %q: want host:port: %w", o.AdminListen, err)
	}
	for _, e := range o.Endpoints {
		if e.Listen == o.AdminListen && o.AdminListen != "127.0.0.1:0" {
			return fmt.Errorf("admin_listen %s: clients come there; give it an address of its own", o.AdminListen)
		}
	}
	return nil
}
