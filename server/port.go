package server

import (
	"crypto/rand"
	"encoding/hex"
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
	// carried are asked where no path is one of ours.
	carried []carriedAt
	// elsewhere answers where no endpoint has a path; handler is the whole.
	elsewhere, handler http.Handler
}

// wellKnown stands for the paths below it that nobody serves: clients look for metadata there, and the witness wants to
// know.
const wellKnown = "/.well-known/"

// A target is what a path leads to, for requests to host; several only at the roots.
type target struct {
	host string
	route
}

// A carriedAt is a Keycloak that is reached under the name of an endpoint.
type carriedAt struct {
	target
	takes *gateway.Carried
}

// wireTime is for answers that do not stream: to read the request and to write the answer.
const wireTime = 30 * time.Second

func newPort(listen string, endpoints []*endpoint, health http.Handler, o Options) (*port, error) {
	p := &port{listen: listen, endpoints: endpoints, paths: map[string][]target{}}
	for _, n := range endpoints {
		if n.everything == nil {
			continue
		}
		if len(endpoints) > 1 {
			return nil, fmt.Errorf("%s: an upstream that is observed takes every path of its port: give %s to it alone", n.URL, listen)
		}
		p.handler = n.measure(n.stand.watched(o.Over(n.everything)), o)
		return p, nil
	}
	hosts := p.hosts()
	for path, h := range map[string]http.Handler{"/health": health, "/health/ready": health, "/health/live": liveHandler()} {
		p.paths[path] = []target{{"", route{path: path, handler: gateway.Hosts(hosts, h)}}}
	}
	for _, n := range endpoints {
		for _, r := range n.routes {
			if p.paths[r.path] != nil {
				return nil, fmt.Errorf("%s: the path %s is taken on %s; give each server of a port a path of its own", n.URL, r.path, listen)
			}
			p.paths[r.path] = []target{n.target(r, hosts, o)}
		}
	}
	own := maps.Clone(p.paths)
	for _, n := range endpoints {
		for _, r := range n.roots {
			if own[r.path] == nil {
				p.addRoot(n.target(r, hosts, o))
			}
		}
	}
	nothing := route{path: wellKnown, handler: http.HandlerFunc(p.nothing), hidden: true}
	for _, n := range endpoints {
		p.addRoot(n.target(nothing, hosts, o))
	}
	for _, n := range endpoints {
		if n.carried != nil {
			whole := n.target(route{handler: n.carried, streams: true}, hosts, o)
			p.carried = append(p.carried, carriedAt{whole, n.carried})
		}
	}
	p.elsewhere = gateway.Hosts(hosts, http.HandlerFunc(p.nothing))
	p.handler = named(o.Tool.Name+"/"+o.Tool.Version, http.HandlerFunc(p.serve))
	return p, nil
}

// target has the endpoint's witness listen at a route, in front of the guard of hosts: a Host that is refused is evidence.
func (n *endpoint) target(r route, hosts []string, o Options) target {
	r.handler = n.measure(n.stand.watched(o.Over(gateway.Hosts(hosts, r.handler))), o)
	return target{n.resource.Host(), r}
}

// addRoot gives a root path to the first endpoint of each host.
func (p *port) addRoot(t target) {
	if !slices.ContainsFunc(p.paths[t.path], func(o target) bool { return o.host == t.host }) {
		p.paths[t.path] = append(p.paths[t.path], t)
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
	t := p.target(r)
	if !t.streams {
		control := http.NewResponseController(w)
		// A writer that knows no deadlines is a test's; the server's own knows them.
		_ = control.SetReadDeadline(time.Now().Add(wireTime))
		_ = control.SetWriteDeadline(time.Now().Add(wireTime))
	}
	t.handler.ServeHTTP(w, r)
}

func (p *port) nothing(w http.ResponseWriter, _ *http.Request) {
	gateway.WriteError(w, http.StatusNotFound, "not_found",
		fmt.Sprintf("nothing is served at this path; the paths here are %s", strings.Join(p.list(), ", ")))
}

// target finds the route of a request; where several hosts have one, the first stands in for a name that is none of theirs.
func (p *port) target(r *http.Request) target {
	path := r.URL.EscapedPath()
	all := p.paths[path]
	if len(all) == 0 {
		for _, c := range p.carried {
			if c.takes.Takes(path) {
				all = append(all, c.target)
			}
		}
	}
	if len(all) == 0 && strings.HasPrefix(path, wellKnown) {
		all = p.paths[wellKnown]
	}
	if len(all) == 0 {
		return target{route: route{handler: p.elsewhere}}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, t := range all {
		if strings.EqualFold(t.host, host) {
			return t
		}
	}
	return all[0]
}

func (p *port) list() []string {
	var all []string
	for path, targets := range p.paths {
		if !targets[0].hidden {
			all = append(all, path)
		}
	}
	sort.Strings(all)
	return all
}

// named says who answers. What stands in front puts its own name into Server; the mark, another one at each start, passes,
// and tells a client that this server answered and nobody in its place.
func named(name string, next http.Handler) http.Handler {
	name = strings.TrimSuffix(name, "/")
	mark := make([]byte, 6)
	_, _ = rand.Read(mark) // never fails (crypto/rand)
	instance := hex.EncodeToString(mark)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", name)
		w.Header().Set("X-Mcpwiz-Instance", instance)
		next.ServeHTTP(w, r)
	})
}
