package gateway

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// A Carried is a Keycloak that is reached through this server's own port and name: the paths of one realm that clients and
// browsers need, and nothing of its administration.
type Carried struct {
	prefixes []string
	proxy    http.Handler
}

// NewCarried carries the realm of an issuer to where Keycloak listens.
func NewCarried(to *url.URL, issuer string, log *slog.Logger) (*Carried, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	base, realm, ok := strings.Cut(u.EscapedPath(), "/realms/")
	if !ok || realm == "" || strings.Contains(realm, "/") {
		return nil, errors.New("the issuer " + issuer + " is none of a Keycloak realm")
	}
	scheme := u.Scheme
	return &Carried{
		prefixes: []string{
			base + "/realms/" + realm + "/", base + "/resources/",
			"/.well-known/oauth-authorization-server" + base + "/realms/" + realm, "/.well-known/openid-configuration" + base + "/realms/" + realm,
		},
		proxy: &httputil.ReverseProxy{
			Transport: NewUpstreamTransport(),
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = r.In.Host
				h := r.Out.Header
				h.Set("X-Forwarded-Host", r.In.Host)
				h.Set("X-Forwarded-Proto", scheme)
				h.Del("X-Forwarded-Port")
				h.Del("X-Forwarded-Prefix")
				if host, _, err := net.SplitHostPort(r.In.RemoteAddr); err == nil {
					h.Set("X-Forwarded-For", host)
				}
			},
			ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				if r.Context().Err() != nil {
					panic(http.ErrAbortHandler)
				}
				log.Warn("Keycloak cannot be reached", "at", to.Redacted(), "error", err)
				WriteError(w, http.StatusBadGateway, "temporarily_unavailable", "the authorization server behind this one cannot be reached")
			},
		},
	}, nil
}

// Takes reports whether a path is carried. One that another program may read otherwise than we do is not: dots, doubled and
// escaped slashes, backslashes and parameters have opened administration behind more than one proxy.
func (c *Carried) Takes(path string) bool {
	if crooked(path) {
		return false
	}
	for _, p := range c.prefixes {
		if strings.HasPrefix(path, p) && (strings.HasSuffix(p, "/") || len(path) == len(p) || path[len(p)] == '/') {
			return true
		}
	}
	return false
}

// crooked paths mean one thing to one program and another to the next. The path is as it came, escaped.
func crooked(path string) bool {
	lower := strings.ToLower(path)
	for _, s := range []string{"/../", "/./", "//", "%2f", "%5c", "%2e", "\\", ";", "%3b", "%00"} {
		if strings.Contains(lower, s) {
			return true
		}
	}
	return strings.HasSuffix(path, "/..") || strings.HasSuffix(path, "/.")
}

func (c *Carried) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.proxy.ServeHTTP(w, r) }
