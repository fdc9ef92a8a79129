package checks

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

const sessionHeader = "Mcp-Session-Id"

// sessionOf returns the exchange that handed out the session in use, and the session's id as the tap left it; nil for none.
func sessionOf(t *probe.Trace) (*probe.Exchange, string) {
	for _, x := range slices.Backward(t.Of(probe.Initialize)) {
		if x.Response != nil && len(x.Response.Header.Values(sessionHeader)) > 0 && succeeded(x) {
			return x, x.Header(sessionHeader)
		}
	}
	return nil, ""
}

// sessions returns the exchanges that handed out session ids, by id: clients may hold several at a time.
func sessions(t *probe.Trace) map[string]*probe.Exchange {
	all := map[string]*probe.Exchange{}
	for _, x := range t.Of(probe.Initialize) {
		if id := x.Header(sessionHeader); id != "" && succeeded(x) {
			all[id] = x
		}
	}
	return all
}

// stateless reports whether a request stands for itself and belongs to no session (MCP 2026-07-28, basic).
func stateless(x *probe.Exchange) bool { return x.Request.Header.Get("Mcp-Method") != "" }

// after returns the requests to the endpoint with a token that follow x and open no protocol.
func after(t *probe.Trace, x *probe.Exchange) []*probe.Exchange {
	return slices.DeleteFunc(slices.Clone(t.Of(probe.Authenticated)), func(y *probe.Exchange) bool {
		return y.N <= x.N || t.Is(y, probe.Initialize)
	})
}

func sessionIDUsable(t *probe.Trace) probe.Verdict {
	x, id := sessionOf(t)
	if x == nil {
		return probe.Skip("the server hands out no session id: it is stateless")
	}
	if n := len(x.Response.Header.Values(sessionHeader)); n > 1 {
		return probe.Fail("Mcp-Session-Id is there %d times", n).On(x).So("clients that join the fields send back an id that the server does not know").
			Mend("send Mcp-Session-Id once: look for a proxy that adds one of its own")
	}
	if id == "" {
		return probe.Fail("Mcp-Session-Id is there and empty").On(x).On(after(t, x)...).So("clients send no session id and the next call is refused").
			Mend("send a session id of visible ASCII characters, or leave the header out")
	}
	if unfit := unfitID(x); unfit != "" {
		return unfitSession(t, x, unfit)
	}
	all := sessions(t)
	astray := slices.DeleteFunc(slices.Clone(after(t, x)), func(y *probe.Exchange) bool {
		return all[y.Request.Header.Get(sessionHeader)] != nil || stateless(y)
	})
	if len(astray) > 0 {
		y := astray[0]
		return probe.Fail("%s with Mcp-Session-Id %s, where %s was handed out", y.Request.Body.Method(), orUnsent(y.Request.Header.Get(sessionHeader)), id).
			On(astray...).Who(probe.OwnerClient).So("a server with sessions answers 400 or 404").
			Mend("make the client, or the proxy on its way, send the session id with every request; or make the server stateless")
	}
	return probe.Pass("handed out, and sent with every request").On(x)
}

// unfitID tells the byte of a session id that no id may have, "" for none.
func unfitID(x *probe.Exchange) string {
	for _, f := range x.Notes {
		if f.Kind == probe.SessionID {
			return text(f.Data["unfit"])
		}
	}
	return ""
}

// unfitSession is the verdict on an id with a byte that it must not have: one that comes back all the same does so by luck.
func unfitSession(t *probe.Trace, x *probe.Exchange, unfit string) probe.Verdict {
	judged, effect := probe.Fail, "the id does not come back as it was handed out, and the server misses the session"
	for _, y := range after(t, x) {
		if y.Request.Header.Get(sessionHeader) != "" && result(y) != nil {
			judged, effect = probe.Warn, "clients whose HTTP library is strict drop the answer or the id"
		}
	}
	return judged("Mcp-Session-Id has %s, and an id is of visible ASCII characters alone (0x21 to 0x7E)", unfit).On(x).On(after(t, x)...).Who(served(t, x)).
		So("%s", effect).Mend("hand out ids of letters, digits and hyphens, such as a UUID: no blank, no control character, nothing but ASCII")
}

func orUnsent(s string) string {
	if s == "" {
		return "unsent"
	}
	return s
}
