package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// strange returns the endpoint's answer to a client without a token: the last 401, to a POST if there is one; else the
// last answer to a POST, else to anything. What an open server makes of the calls after the opening says nothing of that.
func strange(t *probe.Trace) *probe.Exchange {
	for _, good := range []func(*probe.Exchange) bool{
		func(x *probe.Exchange) bool { return x.Status() == 401 && x.Request.Method == "POST" },
		func(x *probe.Exchange) bool { return x.Status() == 401 },
		func(x *probe.Exchange) bool { return x.Status() == 403 && x.Request.Method == "POST" },
		func(x *probe.Exchange) bool { return t.Is(x, probe.Initialize) && result(x) != nil },
		func(x *probe.Exchange) bool { return x.Request.Method == "POST" },
	} {
		if x := latest(t, probe.Unauthenticated, good); good(x) {
			return x
		}
	}
	return t.Last(probe.Unauthenticated)
}

// guards are what frameworks say when they refuse a Host or an Origin, in lower case.
var guards = []string{"invalid host", "invalid http_host", "host not allowed", "host is not allowed", "is not allowed as host", "blocked host", "disallowedhost",
	"disallowed host", "invalid_host", "invalid origin", "invalid_origin", "origin not allowed", "origin is not allowed", "origin header is not", "cross-origin request"}

// guarded reports whether an answer is that of a Host or Origin guard, and whether it was the Origin.
func guarded(x *probe.Exchange) (is, origin bool) {
	text := bodyText(x.Answer())
	is = x.Status() == 421 || (x.Status() == 403 || x.Status() == 400) && slices.ContainsFunc(guards, func(part string) bool { return strings.Contains(text, part) })
	return is, is && x.Request.Header.Get("Origin") != "" && strings.Contains(text, "origin")
}

func hostAccepted(t *probe.Trace) probe.Verdict {
	every := slices.DeleteFunc(toTarget(t), func(x *probe.Exchange) bool { s, ok := edgeOf(x); return ok && s.Self || x.Request.Method == "OPTIONS" })
	if len(every) == 0 {
		return probe.Skip("the server itself answered nothing")
	}
	all := finals(every)
	served := func(x *probe.Exchange) bool { is, _ := guarded(x); return !is }
	byName := func(x *probe.Exchange) bool { return strayHost(t, x) == "" && served(x) }
	for _, x := range all {
		is, origin := guarded(x)
		if !is || origin && slices.ContainsFunc(all, served) || strayHost(t, x) != "" && slices.ContainsFunc(every, byName) {
			continue // a page or a foreign name is refused, which is right where the client itself gets through
		}
		return guardedOff(t, x, origin)
	}
	return probe.Pass("%s is served", t.URL().Host).On(all...)
}

// strayHost returns the name that a request asked for, "" where it is the target's.
func strayHost(t *probe.Trace, x *probe.Exchange) string {
	if host := x.Request.Header.Get("Host"); !strings.EqualFold(host, t.URL().Host) {
		return host
	}
	return ""
}

func guardedOff(t *probe.Trace, x *probe.Exchange, origin bool) probe.Verdict {
	v := probe.Fail("%s: %s", bare(x), answered(x)).On(x)
	if origin {
		return v.So("%s is taken for a foreign web page", clientName(t)).
			Mend("add %s to the origins that the server allows (allowed_origins)", clipped(x.Request.Header.Get("Origin"), 100))
	}
	name, effect := t.URL().Host, "the server takes its own public name for a forged one"
	if stray := strayHost(t, x); stray != "" {
		name = clipped(stray, 100)
		effect = "requests come to the server under the name " + name + ", which it does not know"
	}
	return v.So("%s gets no further: %s", clientName(t), effect).
		Mend("allow the name %s: TransportSecuritySettings(allowed_hosts=[...]) in Python, DisableLocalhostProtection in Go, allowed_hosts in mcpwiz; "+
			"or originRequest.httpHostHeader: localhost in the tunnel's configuration", name)
}

// pending is the verdict on a request that is still open.
func pending(x *probe.Exchange) probe.Verdict {
	return probe.Unknown("%s %s has no answer yet", x.Request.Method, bare(x)).On(x)
}

func endpointFound(t *probe.Trace) probe.Verdict {
	x := strange(t)
	body := x.Answer()
	s, edge := edgeOf(x)
	switch status := x.Status(); {
	case x.Response == nil:
		return pending(x)
	case edge && s.Self && s.Kind == unrouted && x.Request.Method == "POST":
		return byItself(x, notFound(t, x))
	case edge && s.Self && status != 401:
		return probe.Unknown("not the server answered: %s", answered(x)).On(x)
	case status == 401 || body.Message() != nil && body.Message()["jsonrpc"] != nil:
		return probe.Pass("%s %s: %s", x.Request.Method, x.URL().Path, replied(x)).On(x)
	case x.Request.Method == "POST" && (status == 404 || status == 405 || status == 410):
		return untaken(t, x)
	case x.Request.Method == "POST" && status == 200 && (body.Page != nil || body.Type == "text/html"):
		return notFound(t, x)
	case succeeded(x) || status == 400 || status == 406 || status == 415 || status == 422:
		return probe.Pass("%s %s: %s", x.Request.Method, x.URL().Path, answered(x)).On(x)
	}
	return probe.Unknown("%s %s: %s, which says nothing of the path", x.Request.Method, bare(x), answered(x)).On(x)
}

// untaken is the verdict on a POST that nobody takes, unless GET is served: then it is the transport of MCP 2024-11-05,
// whose servers answer POST so (MCP 2025-11-25, backwards compatibility).
func untaken(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	if !oldTransport(t, x) {
		return notFound(t, x)
	}
	return probe.Warn("POST %s: %s; GET opens the event stream of the old HTTP+SSE transport", bare(x), answered(x)).On(x, oldStream(t)).
		So("only clients that still speak that transport can use it").Mend("serve Streamable HTTP: POST at %s", x.URL().Path)
}

// oldStream returns a stream that GET opened without a token, nil when there is none.
func oldStream(t *probe.Trace) *probe.Exchange {
	is := func(x *probe.Exchange) bool {
		return x.Request.Method == "GET" && x.Answer().Type == "text/event-stream"
	}
	if x := latest(t, probe.Unauthenticated, is); is(x) {
		return x
	}
	return nil
}

// oldTransport: a stream was seen, or the path that all SDKs gave it takes GET alone.
func oldTransport(t *probe.Trace, x *probe.Exchange) bool {
	return oldStream(t) != nil || x.Status() == 405 && strings.HasSuffix(x.URL().Path, "/sse") && strings.Contains(x.Header("Allow"), "GET")
}

func notFound(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := probe.Fail("POST %s: %s", bare(x), answered(x)).On(x).Who(served(t, x)).So("%s finds no MCP server at this URL", clientName(t))
	if other := elsewhere(t); other != nil {
		return v.On(other).Mend("type %s: there the answer is %s; or serve POST %s", clipped(other.Request.URL, 200), replied(other), cmp.Or(t.URL().Path, "/"))
	}
	if named := t.ResourceMetadata().String("resource"); absolute(named) != nil && named != t.Target {
		return v.Mend("type %s, as the resource metadata have it; or serve POST %s", clipped(named, 200), t.URL().Path)
	}
	if strings.Trim(t.URL().Path, "/") == "" {
		return v.Mend("type the endpoint's whole URL: its path is missing, mostly it is %s/mcp", t.Origin())
	}
	return v.Mend("serve POST %s, type the path that is served, or let the proxy or tunnel forward it (a rule for /mcp/* does not match /mcp)", t.URL().Path)
}

// elsewhere returns an answer of an MCP server at another path than the one that was typed, nil when none is known.
func elsewhere(t *probe.Trace) *probe.Exchange {
	for _, x := range t.Of(probe.OfProbe("other-path")) {
		if _, self := Answered(x); !self && (x.Status() == 401 || succeeded(x) && result(x) != nil) {
			return x
		}
	}
	return nil
}

func status401(t *probe.Trace) probe.Verdict {
	x := strange(t)
	switch status := x.Status(); {
	case x.Response == nil:
		return pending(x)
	case status == 401:
		return discoverToo(t, x)
	case succeeded(x) && x.Request.Method == "POST" && (x.Open || status == 202 || x.Answer().Message()["jsonrpc"] != nil):
		return letIn(t, x)
	case (status == 404 || status == 405) && oldTransport(t, x):
		return probe.Skip("the old HTTP+SSE transport asks for the token where GET opens its stream")
	case x.Request.Method != "POST":
		return probe.Unknown("only %s was seen: %s", x.Request.Method, answered(x)).On(x)
	}
	return byItself(x, not401(t, x))
}

// discoverToo looks at server/discover beside another request that got its 401: a client that opens with it must be able
// to go on (MCP 2026-07-28, versioning).
func discoverToo(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	y := latest(t, probe.Unauthenticated, func(y *probe.Exchange) bool { return y.Request.Body.Method() == "server/discover" })
	if y.Request.Body.Method() == "server/discover" && (y.Status() == 403 || y.Status() >= 500) {
		return byItself(y, probe.Warn("server/discover: %s, where %s gets 401", answered(y), x.Request.Body.Method()).On(y, x).Who(served(t, y)).
			So("clients that open with server/discover stop here").Mend("check for the token before the method: answer server/discover with 401 too"))
	}
	return probe.Pass("401 to %s", called(x)).On(x)
}

func not401(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := func(effect string) probe.Verdict {
		v := probe.Fail("%s without a token: %s", called(x), replied(x)).On(x).Who(served(t, x)).So("%s", effect)
		if is, _ := guarded(x); is {
			return v.Because("challenge.host-accepted")
		}
		return v
	}
	never := clientName(t) + " does not sign its user in"
	if machine(t) {
		never = clientName(t) + " does not get itself a token"
	}
	switch status := x.Status(); {
	case status == 403:
		return v(clientName(t) + " gives up: 403 is final, only 401 starts a login").Mend("answer 401 with WWW-Authenticate: Bearer where the token is missing; 403 is for a token that lacks a scope")
	case status >= 300 && status < 400:
		return v(never).Mend("answer POST %s with 401 instead of a redirect", x.URL().Path)
	case status == 404 || status == 405:
		return v(never).Mend("answer POST %s with 401 where the token is missing", cmp.Or(x.URL().Path, "/"))
	case status == 429:
		return v(never).Mend("raise the rate limit for %s", x.URL().Path)
	case status >= 500:
		return v(clientName(t) + " takes the server for broken").Mend("look into the MCP server's log for this request")
	}
	return v(never).Mend("check for the token before anything of the message is judged, and answer 401 where it is missing")
}

// complaints are what servers say in the body when they mean 401.
var complaints = []string{"unauthorized", "unauthenticated", "authentication required", "not authenticated", "authorization required", "missing token", "no token", "access token", "bearer", "log in", "sign in"}

// complains reports whether an answer's body asks for a token.
func complains(x *probe.Exchange) bool {
	text := bodyText(x.Answer())
	return slices.ContainsFunc(complaints, func(part string) bool { return strings.Contains(text, part) })
}

// refusedInBody reports whether a stranger is refused by a body that is no message of MCP, with a status that says the
// contrary.
func refusedInBody(x *probe.Exchange) bool {
	return !x.Bearer() && succeeded(x) && result(x) == nil && complains(x)
}

// letIn judges a server that answers strangers: an open one, one that asks for a token later, or one that says so only in
// the body.
func letIn(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	failed, _ := result(x)["isError"].(bool)
	if (failed || rpcError(x) != "") && complains(x) {
		return probe.Fail("%s without a token: %s: the refusal is in the body alone", x.Request.Body.Method(), replied(x)).On(x).Who(served(t, x)).
			So("%s takes it for a broken call and does not sign its user in", clientName(t)).Mend("answer 401 with WWW-Authenticate: Bearer at the level of HTTP")
	}
	d := t.ResourceMetadata()
	switch {
	case d != nil || t.Has(probe.Authorization) || t.Has(probe.Authenticated):
		v := probe.Warn("%s is answered without a token: %s", x.Request.Body.Method(), replied(x)).On(x).
			So("anybody gets in so far, and %s starts no login until something answers 401", clientName(t)).
			Mend("answer 401 to every request without a token; if some calls are meant to be open, see that the others answer 401")
		if d != nil {
			return v.On(d.Exchange)
		}
		return v
	case x.Open && result(x) == nil:
		return probe.Unknown("%s: the stream has brought no answer yet", x.Request.Body.Method()).On(x)
	}
	return probe.Skip("the server is open: it answers %s without a token and names no authorization server", x.Request.Body.Method())
}

func getAnswered(t *probe.Trace) probe.Verdict {
	isGET := func(x *probe.Exchange) bool { return x.Request.Method == "GET" }
	x := latest(t, probe.Unauthenticated, isGET)
	if !isGET(x) {
		return probe.Skip("no GET without a token was seen")
	}
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return byItself(x, judged("GET %s: %s", bare(x), answered(x)).On(x).Who(served(t, x)).
			So("clients that begin with GET stop here, or take it for another kind of server").Mend("answer GET %s with 401 where the token is missing, else with 405 or an event stream", x.URL().Path))
	}
	page := x.Answer().Page != nil || x.Answer().Type == "text/html"
	switch status := x.Status(); {
	case status >= 500:
		return v(probe.Fail)
	case status == 200 && page && !strings.Contains(x.Request.Header.Get("Accept"), "html"):
		return v(probe.Fail)
	case x.Open && x.Answer().Type != "text/event-stream":
		return probe.Unknown("GET %s: %s, and not over", bare(x), answered(x)).On(x)
	}
	return probe.Pass("%s", answered(x)).On(x)
}

// called tells a request by its JSON-RPC method, else by that of HTTP.
func called(x *probe.Exchange) string { return cmp.Or(x.Request.Body.Method(), x.Request.Method) }

func foreignRefused(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("foreign-origin"))
	from := clipped(x.Request.Header.Get("Origin"), 100)
	switch status := x.Status(); {
	case status == 403 || status == 400 || status == 421:
		return probe.Pass("Origin %s: %d", from, status).On(x)
	case status == 401 && !x.Bearer():
		return probe.Pass("Origin %s: 401 for want of a token, which no foreign page has", from).On(x)
	case succeeded(x) && result(x) != nil:
		allowed := ""
		if a := x.Header("Access-Control-Allow-Origin"); a != "" {
			allowed = fmt.Sprintf(", and pages of %s may read it", clipped(a, 100))
		}
		return probe.Fail("Origin %s: %s%s", from, answered(x), allowed).On(x).So("a web page that the user visits can call the server from the user's own network").
			Mend("compare Origin with a list of your own and answer 403 to others (allowed_origins; in Go http.CrossOriginProtection)")
	}
	return probe.Unknown("Origin %s: %s", from, answered(x)).On(x)
}
