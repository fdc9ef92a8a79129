// Package gateway is the OAuth resource server in front of an MCP endpoint: it says who issues tokens for it, challenges
// requests without one, verifies those that bear one, and refuses hosts and origins it was not told of.
package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Resource is the MCP server as OAuth sees it (RFC 9728 section 1.2).
type Resource struct {
	// URL is the resource identifier, byte for byte as clients are given it; tokens are for it alone.
	URL string
	// Issuer is the authorization server, byte for byte as it names itself.
	Issuer string
	// Scopes are what a token must have, and what clients are told to ask for.
	Scopes []string
	// Name is for people.
	Name string
}

// NewResource checks the identifiers of a resource; a trailing slash or another letter case is kept, never mended.
func NewResource(r Resource) (Resource, error) {
	if _, err := identifier(r.URL); err != nil {
		return r, fmt.Errorf("url %q: %w", r.URL, err)
	}
	if _, err := identifier(r.Issuer); err != nil {
		return r, fmt.Errorf("issuer %q: %w", r.Issuer, err)
	}
	for _, s := range r.Scopes {
		if s == "offline_access" {
			return r, fmt.Errorf("scope offline_access is the client's to ask for, a resource does not list it (MCP 2026-07-28, SEP-2207)")
		}
		if !scopeToken(s) {
			return r, fmt.Errorf("scope %q is no scope-token (RFC 6749 section 3.3)", s)
		}
	}
	return r, nil
}

func identifier(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("not an absolute http or https URL")
	case u.Fragment != "" || u.RawQuery != "" || u.User != nil:
		return nil, fmt.Errorf("has a query, a fragment or a user, which a resource or issuer identifier here must not have")
	}
	return u, nil
}

func scopeToken(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// Path is the path of the MCP endpoint, "/" for none.
func (r Resource) Path() string {
	u, err := url.Parse(r.URL)
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.EscapedPath()
}

// Host is the host name of the resource, without a port.
func (r Resource) Host() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// MetadataPath is where the resource metadata is served: inserted between host and path (RFC 9728 section 3.1).
func (r Resource) MetadataPath() string {
	return RootMetadataPath + strings.TrimSuffix(r.Path(), "/")
}

// MetadataURL is the absolute URL of the resource metadata, for the challenge.
func (r Resource) MetadataURL() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + r.MetadataPath()
}

// RootMetadataPath is where clients look that drop the path.
const RootMetadataPath = "/.well-known/oauth-protected-resource"

// WriteError answers with an error in the form of RFC 6749 section 5.2; a header of the answer is set before.
func WriteError(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Cache-Control", "no-store")
	WriteJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// WriteJSON answers with a JSON document.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// The answer has begun: an error here is the client's connection, and there is nobody to tell.
	_ = e.Encode(v)
}

// Methods answers 405 to every method that is not listed (RFC 9110 section 15.5.6); HEAD goes with GET, and OPTIONS is
// answered with what is allowed.
func Methods(next http.Handler, methods ...string) http.Handler {
	for _, m := range methods {
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
			break
		}
	}
	allow := strings.Join(append(methods, http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				next.ServeHTTP(w, r)
				return
			}
		}
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		WriteError(w, http.StatusMethodNotAllowed, "method_not_allowed",
			fmt.Sprintf("%s is not served at %s; allowed: %s", r.Method, r.URL.Path, allow))
	})
}

// Limits of what is read from an authorization server and from clients.
const (
	fetchTimeout    = 5 * time.Second
	fetchLimit      = 1 << 20
	registerLimit   = 64 << 10
	tokenLimit      = 32 << 10
	refetchInterval = 5 * time.Second
	refetchBurst    = 3
)

// readAll reads a body up to limit, and says so when there is more.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}
