package gateway

import (
	"net/http"
	"strconv"
	"time"
)

// MirrorPaths are where clients look for authorization server metadata that take the MCP server for the authorization
// server: at the root (MCP 2025-03-26), and below the endpoint (seen in mcpc 0.2).
func MirrorPaths(r Resource) []string {
	roots := []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"}
	paths := append([]string{}, roots...)
	if r.Path() != "/" {
		for _, p := range roots {
			paths = append(paths, r.Path()+p)
		}
	}
	return paths
}

// MirrorHandler serves the issuer's metadata as the issuer serves it, its own name kept: a client that compares it finds
// the truth, and one that does not finds the endpoints.
func MirrorHandler(i *Issuer) http.Handler {
	return public(Methods(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := i.Metadata(r.Context())
		if err != nil {
			w.Header().Set("Retry-After", strconv.Itoa(int(refetchInterval/time.Second)))
			WriteError(w, http.StatusServiceUnavailable, "temporarily_unavailable",
				"the metadata of "+i.name+" could not be fetched yet; ask that server itself, or again later")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Write(raw)
	}), http.MethodGet))
}
