package keycloaktest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A route is one thing that can be asked; {name} in its path stands for one part.
type route struct {
	method, path string
	serve        func(*call) answer
}

// match returns what serves a path, or how Keycloak refuses it.
func match(routes []route, method string, parts []string) (func(*call) answer, map[string]string) {
	known := false
	for _, r := range routes {
		at, ok := matchPath(r.path, parts)
		switch {
		case !ok:
			continue
		case r.method == method || r.method == http.MethodGet && method == http.MethodHead:
			return r.serve, at
		}
		known = true
	}
	if known {
		return func(*call) answer { return failed(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed") }, nil
	}
	return func(*call) answer { return failed(http.StatusNotFound, "HTTP 404 Not Found") }, nil
}

func matchPath(pattern string, parts []string) (map[string]string, bool) {
	want := strings.Split(pattern, "/")
	if pattern == "" {
		want = nil
	}
	if len(want) != len(parts) {
		return nil, false
	}
	at := map[string]string{}
	for i, w := range want {
		if name, ok := strings.CutPrefix(w, "{"); ok {
			at[strings.TrimSuffix(name, "}")] = parts[i]
		} else if w != parts[i] {
			return nil, false
		}
	}
	return at, true
}

// pathParts splits a path; a slash at its end makes no difference, and not normal is what holds // or dots.
func pathParts(u *url.URL) (parts []string, normal bool) {
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil, true
	}
	for _, p := range strings.Split(path, "/") {
		part, err := url.PathUnescape(p)
		if err != nil || part == "" || part == "." || part == ".." {
			return nil, false
		}
		parts = append(parts, part)
	}
	return parts, true
}

// The well-known documents whose name comes before the realm's path (RFC 8414 3.1); of OpenID Connect's there is none.
var rootWellKnown = []string{".well-known", "oauth-authorization-server", "realms"}

func (c *call) answer() answer {
	parts, normal := pathParts(c.r.URL)
	switch {
	case !normal:
		return refused(http.StatusBadRequest, "missingNormalization", "Request path not normalized")
	case len(parts) == 0:
		return redirect(c.base + "/admin/")
	case parts[0] == "realms" && len(parts) > 1:
		return c.answerRealm(parts[1], realmRoutes, parts[2:])
	case len(parts) == 4 && slices.Equal(parts[:3], rootWellKnown):
		return c.answerRealm(parts[3], []route{{http.MethodGet, "", metadata}}, nil)
	case parts[0] == ".well-known" && len(parts) == 4 && parts[2] == "realms":
		return failed(http.StatusNotFound, "HTTP 404 Not Found")
	case parts[0] == "admin":
		return c.answerAdmin(parts[1:])
	}
	return failed(http.StatusNotFound, "Unable to find matching target resource method")
}

func (c *call) answerRealm(name string, routes []route, parts []string) answer {
	if c.realm = c.Keycloak.realm(name); c.realm == nil {
		return failed(http.StatusNotFound, "Realm does not exist")
	}
	serve, at := match(routes, c.r.Method, parts)
	c.at = at
	a := serve(c)
	c.keep(a)
	return a
}
