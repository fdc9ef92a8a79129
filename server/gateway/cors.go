package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

const (
	corsHeaders = "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id"
	corsExposed = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After"
)

// Origins lets browser clients of known origins through, and refuses the others (MCP 2025-11-25, transports: an invalid
// Origin is answered with 403). A request without an Origin comes from no browser and passes. Known are the resource's own
// origin, pages on this machine, and those listed; "*" lists all.
func Origins(r Resource, listed []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		origin := req.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, req)
			return
		}
		w.Header().Add("Vary", "Origin")
		if !knownOrigin(r, listed, origin) {
			WriteError(w, http.StatusForbidden, "invalid_origin", printable(fmt.Sprintf(
				"pages of %s may not call this server; add the origin to allowed_origins if they should", short(origin))))
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", corsExposed)
		if preflight(req) {
			answerPreflight(w, req, "GET, POST, DELETE, OPTIONS")
			return
		}
		next.ServeHTTP(w, req)
	})
}

func knownOrigin(r Resource, listed []string, origin string) bool {
	if slices.Contains(listed, "*") || slices.Contains(listed, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" {
		return false
	}
	own, err := url.Parse(r.URL)
	if err == nil && strings.EqualFold(u.Scheme, own.Scheme) && strings.EqualFold(u.Host, own.Host) {
		return true
	}
	return u.Scheme == "http" && probe.Loopback(u.Hostname())
}

// public opens a document to every page: it bears nothing secret and takes no credentials (RFC 9728 section 3.1).
func public(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if preflight(r) {
			answerPreflight(w, r, "GET, HEAD, POST, OPTIONS")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// answerPreflight allows, beside the fixed list, the Mcp-Param headers that a tool's schema may ask for (MCP 2026-07-28).
func answerPreflight(w http.ResponseWriter, r *http.Request, methods string) {
	allowed := corsHeaders
	for h := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		if h = strings.ToLower(strings.TrimSpace(h)); strings.HasPrefix(h, "mcp-param-") {
			allowed += ", " + h
		}
	}
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.Header().Set("Access-Control-Allow-Headers", allowed)
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
