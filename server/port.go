package server

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/server/gateway"
)

// A port is what one listening address serves: the endpoints that share it, by path.
type port struct {
	listen    string
	endpoints []*endpoint
	paths     map[string][]target
	handler   http.Handler
}

// A target is what a path leads to, for requests to host; several only at the roots.
type target struct {
	host string
	route
}

// wireTime is for answers that do not stream: to read the request and to write the answer.
const wireTime = 30 * time.Second

func newPort(listen string, endpoints []*endpoint, health http.Handler, o Options) (*port, error) {
	p := &port{listen: listen, endpoints: endpoints, paths: map[string][]target{}}
	p.paths["/health"] = []target{{"", route{path: "/health", handler: health}}}
	p.paths["/health/live"] = []target{{"", route{path: "/health/live", handler: liveHandler()}}}
	for _, n := range endpoints {
		for _, r := range n.routes {
			if p.paths[r.path] != nil {
				return nil, fmt.Errorf("%s: the path %s is taken on %s; give each server of a port a path of its own", n.URL, r.path, listen)
			}
			p.paths[r.path] = []target{{n.resource.Host(), r}}
		}
	}
	own := maps.Clone(p.paths)
	for _, n := range endpoints {
		for _, r := range n.roots {
			if own[r.path] == nil {
				p.addRoot(n.resource.Host(), r)
			}
		}
	}
	p.handler = http.Handler(http.HandlerFunc(p.serve))
	p.handler = gateway.Hosts(p.hosts(), p.handler)
	p.handler = named(o.Tool.Name+"/"+o.Tool.Version, p.handler)
	return p, nil
}

// addRoot gives a root path to the first endpoint of each host.
func (p *port) addRoot(host string, r route) {
	if !slices.ContainsFunc(p.paths[r.path], func(t target) bool { return t.host == host }) {
		p.paths[r.path] = append(p.paths[r.path], target{host, r})
	}
}

// hosts are the names under which the port is reached.
func (p *port) hosts() []string {
	var names []string
	for _, n := range p.endpoints {
		names = append(append(names, n.resource.Host()), n.AllowedHosts...)
	}
	if host, _, err := net.SplitHostPort(p.listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			names = append(names, host)
		}
	}
	return names
}

func (p *port) serve(w http.ResponseWriter, r *http.Request) {
	t, ok := p.target(r)
	if !ok {
		gateway.WriteError(w, http.StatusNotFound, "not_found",
			fmt.Sprintf("nothing is served at this path; the paths here are %s", strings.Join(p.list(), ", ")))
		return
	}
	if !t.streams {
		control := http.NewResponseController(w)
		// A writer that knows no deadlines is a test's; the server's own knows them.
		_ = control.SetReadDeadline(time.Now().Add(wireTime))
		_ = control.SetWriteDeadline(time.Now().Add(wireTime))
	}
	t.handler.ServeHTTP(w, r)
}

// target finds the route of a request; where several hosts have one, the first stands in for a name that is none of theirs.
func (p *port) target(r *http.Request) (target, bool) {
	all := p.paths[r.URL.EscapedPath()]
	if len(all) == 0 {
		return target{}, false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, t := range all {
		if strings.EqualFold(t.host, host) {
			return t, true
		}
	}
	return all[0], true
}

func (p *port) list() []string {
	var all []string
	for path := range p.paths {
		all = append(all, path)
	}
	sort.Strings(all)
	return all
}

// named says who answers.
func named(name string, next http.Handler) http.Handler {
	name = strings.TrimSuffix(name, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", name)
		next.ServeHTTP(w, r)
	})
}
