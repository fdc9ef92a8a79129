package probe

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An index says what each exchange of a trace is evidence of.
type index struct {
	by    map[Evidence][]*Exchange
	facts map[string][]Fact

	resource *Document
	server   *Document
}

func newIndex(t *Trace) *index {
	ix := &index{by: map[Evidence][]*Exchange{}, facts: map[string][]Fact{}}
	for _, f := range t.Facts {
		ix.facts[f.Kind] = append(ix.facts[f.Kind], f)
	}
	e := endpointsOf(t)
	for _, x := range t.Exchanges {
		for _, f := range x.Notes {
			ix.facts[f.Kind] = append(ix.facts[f.Kind], f)
		}
		for _, ev := range e.classify(x) {
			ix.by[ev] = append(ix.by[ev], x)
		}
	}
	ix.resource = usable(t, ix.by[ResourceMetadata], "resource", "authorization_servers")
	ix.server = usable(t, ix.by[ServerMetadata], t.RequiredMembers()...)
	return ix
}

// endpoints are the URLs that the documents of a trace name, by what is done there.
type endpoints struct {
	target *url.URL
	by     map[Evidence]map[string]bool
	hosts  map[string]bool
	// opened: the protocol was opened without a token, so that what belongs to its session bears none either.
	opened bool
}

var endpointMembers = map[string]Evidence{
	"registration_endpoint":  Registration,
	"authorization_endpoint": Authorization,
	"token_endpoint":         TokenRequest,
	"introspection_endpoint": Introspection,
	"revocation_endpoint":    Revocation,
	"jwks_uri":               JWKS,
}

func endpointsOf(t *Trace) *endpoints {
	e := &endpoints{target: t.URL(), by: map[Evidence]map[string]bool{}, hosts: map[string]bool{}}
	for _, x := range t.Exchanges {
		if x.Probe != "" {
			continue
		}
		if c := x.Challenge(); c != nil && c.ResourceMetadata != "" {
			e.add(ResourceMetadata, c.ResourceMetadata)
		}
		doc := x.Answer().Object()
		if doc == nil || !metadataPath(x.URL().Path) {
			continue
		}
		for member, ev := range endpointMembers {
			if s, ok := doc[member].(string); ok {
				e.add(ev, s)
			}
		}
		for _, issuer := range stringsOf(doc["authorization_servers"]) {
			if u, err := url.Parse(issuer); err == nil && u.Host != "" {
				e.hosts[hostport(u)] = true
			}
		}
	}
	// Clients that find no metadata guess these on the MCP server's origin (MCP 2025-03-26, fallbacks).
	for path, ev := range map[string]Evidence{"/authorize": Authorization, "/token": TokenRequest, "/register": Registration} {
		e.put(ev, origin(e.target)+path)
	}
	return e
}

func (e *endpoints) add(ev Evidence, raw string) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return
	}
	e.put(ev, place(u))
	if ev == Authorization {
		e.hosts[hostport(u)] = true
	}
}

func (e *endpoints) put(ev Evidence, place string) {
	if e.by[ev] == nil {
		e.by[ev] = map[string]bool{}
	}
	e.by[ev][place] = true
}

// classify tells what an exchange is evidence of. Without an answer that the client stayed for it is evidence of a Connection
// alone, unless it is the browser's own (see Tap.Handed): one that was under way when the tap closed says nothing of what it
// asked for.
func (e *endpoints) classify(x *Exchange) []Evidence {
	u := x.URL()
	all := []Evidence{Connection}
	if x.Probe != "" {
		if x.Response != nil && !brokenOffByClient(x) {
			all = append(all, OfProbe(x.Probe))
		}
		return all
	}
	if x.Response == nil && !x.Open || brokenOffByClient(x) {
		return all
	}
	add := func(ev ...Evidence) { all = append(all, ev...) }
	at := place(u)
	switch {
	case x.Request.Method == http.MethodOptions:
		if x.Request.Header.Get("Access-Control-Request-Method") != "" {
			add(Preflight)
		}
	case at == place(e.target):
		add(e.endpoint(x)...)
	case e.by[ResourceMetadata][at] || strings.HasPrefix(u.Path, resourcePrefix) && hostport(u) == hostport(e.target):
		add(ResourceMetadata)
	case serverMetadataPath(u.Path):
		add(ServerMetadata)
	case e.by[JWKS][at]:
		add(JWKS)
	case e.by[Registration][at] && x.Request.Method == http.MethodPost:
		add(Registration)
	case e.by[TokenRequest][at] && x.Request.Method == http.MethodPost:
		add(e.token(x))
	case e.by[Authorization][at]:
		add(Authorization)
	case e.by[Introspection][at]:
		add(Introspection)
	case e.by[Revocation][at]:
		add(Revocation)
	case isCallback(u.Query()) && !e.hosts[hostport(u)]:
		add(Callback)
	case e.hosts[hostport(u)]:
		add(Login)
	}
	if x.Response == nil {
		return slices.DeleteFunc(all, func(ev Evidence) bool { return ev != Connection && ev != Authorization && ev != Callback })
	}
	if e.redirectsBack(x) {
		add(Callback)
	}
	for _, tok := range x.Tokens {
		if tok.Where == "response.access_token" || tok.Where == "request.authorization" {
			add(AccessToken)
			break
		}
	}
	return all
}

// brokenOffByClient: of an answer that the client did not stay for, as after an interrupt, nothing is known but that it began.
func brokenOffByClient(x *Exchange) bool {
	return x.Error != nil && x.Error.Kind == "canceled" && x.Answer().Type != "text/event-stream"
}

// endpoint tells what a request to the MCP endpoint itself is.
func (e *endpoints) endpoint(x *Exchange) []Evidence {
	method := x.Request.Body.Method()
	opens := method == "initialize" || method == "server/discover"
	open := !x.Bearer() && x.Request.Method == http.MethodPost && x.Status() >= 200 && x.Status() < 300
	var all []Evidence
	if !x.Bearer() {
		all = append(all, Unauthenticated)
		e.opened = e.opened || open && opens
		refused := x.Status() == http.StatusUnauthorized || x.Status() == http.StatusForbidden
		if !open && (!e.opened || refused || opens) {
			return all
		}
	} else {
		all = append(all, Authenticated)
	}
	switch {
	case x.Request.Method == http.MethodGet:
		all = append(all, Stream)
	case x.Request.Method == http.MethodDelete:
		all = append(all, SessionEnd)
	case opens:
		all = append(all, Initialize)
	case method == "tools/list":
		all = append(all, ToolsList)
	case method == "tools/call":
		all = append(all, ToolCall)
	}
	return all
}

func (e *endpoints) token(x *Exchange) Evidence {
	if x.Request.Body.Form.Get("grant_type") == "refresh_token" {
		return Refresh
	}
	return TokenRequest
}

// redirectsBack reports whether the answer sends the browser to the client with an authorization response.
func (e *endpoints) redirectsBack(x *Exchange) bool {
	if s := x.Status(); s < 300 || s > 399 {
		return false
	}
	to, err := url.Parse(x.Header("Location"))
	if err != nil {
		return false
	}
	to = x.URL().ResolveReference(to)
	if e.hosts[hostport(to)] || metadataPath(to.Path) {
		return false
	}
	if fragment, err := url.ParseQuery(to.EscapedFragment()); err == nil && isCallback(fragment) {
		return true
	}
	return isCallback(to.Query())
}

// isCallback: RFC 6749 sections 4.1.2 and 4.1.2.1.
func isCallback(q url.Values) bool { return q.Has("code") || q.Has("error") }

const resourcePrefix = "/.well-known/oauth-protected-resource"

func serverMetadataPath(path string) bool {
	return strings.Contains(path, "/.well-known/oauth-authorization-server") || strings.Contains(path, "/.well-known/openid-configuration")
}

func metadataPath(path string) bool {
	return strings.HasPrefix(path, resourcePrefix) || serverMetadataPath(path)
}

// place is a URL without its query, in a form that can be compared.
func place(u *url.URL) string { return origin(u) + strings.TrimSuffix(u.EscapedPath(), "/") }

func origin(u *url.URL) string { return strings.ToLower(u.Scheme) + "://" + hostport(u) }

// hostport is a URL's host in lower case with its port, the default one left out.
func hostport(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || port == "443" && strings.EqualFold(u.Scheme, "https") || port == "80" && strings.EqualFold(u.Scheme, "http") {
		return host
	}
	return net.JoinHostPort(host, port)
}

// Loopback reports whether a host name or address is this machine's own.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func factKind(e Evidence) (string, bool) { return strings.CutPrefix(string(e), "fact:") }
