package server

import (
	"context"
	"net/http"
	"time"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// A health is what /health answers. It names only what the resource metadata name too: the address of a jwks_url stays in
// the log.
type health struct {
	Live    bool             `json:"live"`
	Ready   bool             `json:"ready"`
	Reasons []string         `json:"reasons"`
	Servers []endpointHealth `json:"servers"`
}

type endpointHealth struct {
	URL    string `json:"url"`
	Issuer string `json:"issuer"`
	Ready  bool   `json:"ready"`
	// AuthorizationServer is reachable, unreachable or not-asked, by the last fetch of its keys.
	AuthorizationServer string `json:"authorization_server"`
	Keys                int    `json:"keys"`
	// KeysAge is in seconds since the last good fetch, absent when there was none.
	KeysAge *int64 `json:"keys_age,omitempty"`
}

// healthWait is how long a question after the health waits for the authorization server.
const healthWait = 2 * time.Second

// healthHandler answers 200 when every endpoint can verify tokens, else 503 with the reasons.
func (s *Server) healthHandler() http.Handler {
	return gateway.Methods(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := s.health(r.Context())
		status := http.StatusOK
		if !h.Ready {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Cache-Control", "no-store")
		gateway.WriteJSON(w, status, h)
	}), http.MethodGet)
}

// liveHandler answers 200 as long as the process answers; it asks nobody.
func liveHandler() http.Handler {
	return gateway.Methods(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		gateway.WriteJSON(w, http.StatusOK, map[string]bool{"live": true})
	}), http.MethodGet)
}

func (s *Server) health(ctx context.Context) health {
	h := health{Live: true, Ready: true, Reasons: []string{}}
	for _, n := range s.endpoints {
		e, reason := n.health(ctx, s.opts.Now())
		if reason != "" {
			h.Reasons = append(h.Reasons, reason)
		}
		h.Ready = h.Ready && e.Ready
		h.Servers = append(h.Servers, e)
	}
	if s.stopping.Load() {
		h.Ready = false
		h.Reasons = append(h.Reasons, "stopping")
	}
	return h
}

func (n *endpoint) health(ctx context.Context, now time.Time) (endpointHealth, string) {
	if n.everything != nil {
		return endpointHealth{URL: n.URL, Issuer: n.Issuer, Ready: true, AuthorizationServer: "not-asked"}, ""
	}
	if !n.keys.Status().Usable {
		ctx, cancel := context.WithTimeout(ctx, healthWait)
		defer cancel()
		// The outcome is in the status.
		_ = n.keys.Fetch(ctx)
	}
	k := n.keys.Status()
	e := endpointHealth{URL: n.URL, Issuer: n.Issuer, Ready: k.Usable, Keys: k.Count, AuthorizationServer: "reachable"}
	if !k.Fetched.IsZero() {
		age := int64(now.Sub(k.Fetched) / time.Second)
		e.KeysAge = &age
	}
	reason := ""
	switch {
	case k.Tried.IsZero():
		e.AuthorizationServer = "not-asked"
		reason = "the keys of " + n.Issuer + " are still being fetched"
	case k.Err != nil:
		e.AuthorizationServer = "unreachable"
		reason = "the keys of " + n.Issuer + " could not be fetched at " + k.Tried.UTC().Format(time.RFC3339)
		if k.Usable {
			reason += "; those held go on verifying tokens"
		}
	}
	return e, reason
}
