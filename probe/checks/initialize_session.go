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

func orUnsent(s string) string {
	if s == "" {
		return "unsent"
	}
	return s
}
