package gateway

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// Hosts refuses requests for names that are not ours: a page that has its own name resolve to this machine (DNS
// rebinding) sends that name. A tunnel or a proxy sends the public name over a loopback connection, so it is the name
// that is judged and not the connection. Besides those listed, the names of this machine and the address that the
// connection reached are ours.
func Hosts(listed []string, next http.Handler) http.Handler {
	names := make([]string, 0, len(listed))
	for _, h := range listed {
		if h = hostname(h); h != "" && !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		if slices.Contains(names, host) || probe.Loopback(host) || host == reached(r) {
			next.ServeHTTP(w, r)
			return
		}
		WriteError(w, http.StatusForbidden, "invalid_host", printable(fmt.Sprintf(
			"Host %s is not served here; served are %s and this machine's own names. Add it to allowed_hosts if it should be",
			short(r.Host), strings.Join(names, ", "))))
	})
}

// reached returns the address of this side of the request's connection, "" when unknown.
func reached(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return ""
	}
	return addr.IP.String()
}

// hostname returns a Host's name in lower case without port, brackets and final dot.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
