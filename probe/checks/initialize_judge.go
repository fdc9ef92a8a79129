package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// rpcError tells a JSON-RPC error as it came, "" when the answer bears none.
func rpcError(x *probe.Exchange) string {
	e, ok := x.Answer().Message()["error"].(map[string]any)
	if !ok {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("error %v %s", e["code"], quoted(text(e["message"]))))
}

// result is the result of a JSON-RPC answer, nil when there is none.
func result(x *probe.Exchange) map[string]any {
	o, _ := x.Answer().Message()["result"].(map[string]any)
	return o
}

// replied tells an MCP answer: its JSON-RPC error where it has one.
func replied(x *probe.Exchange) string {
	if e := rpcError(x); e != "" {
		return fmt.Sprintf("%d with JSON-RPC %s", x.Status(), e)
	}
	return answered(x)
}

// opening returns the exchange that opened the protocol, or the last that tried.
func opening(t *probe.Trace) *probe.Exchange {
	return latest(t, probe.Initialize, func(x *probe.Exchange) bool { return result(x) != nil })
}

// bearing returns the last exchange that bears a token and opens the protocol; else the last that bears one.
func bearing(t *probe.Trace) *probe.Exchange {
	for _, x := range slices.Backward(t.Of(probe.Initialize)) {
		if x.Bearer() {
			return x
		}
	}
	return t.Last(probe.Authenticated)
}

func tokenAccepted(t *probe.Trace) probe.Verdict {
	x := bearing(t)
	if status := x.Status(); status != 401 && status != 403 && status != 431 && status < 500 {
		return probe.Pass("%d with a token", status).On(x)
	}
	return byItself(x, notAccepted(t, x))
}

func notAccepted(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := func(effect string) probe.Verdict {
		return probe.Fail("%s with a token: %s", x.Request.Method, complained(x)).On(x).So("%s", effect)
	}
	again := clientName(t) + " asks its user to sign in again, and again"
	switch status := x.Status(); {
	case status == 401 && !tokenOf(x).JWT:
		return v(again).Mend("the token is opaque (%d characters): let the server ask the authorization server's introspection_endpoint (RFC 7662), or have JWTs issued", tokenOf(x).Length)
	case status == 401:
		return v(again).Mend("make the token what the server wants (audience %s, issuer %s), or the server what the token is", t.Target, orUnknown(issuer(t)))
	case status == 403 && x.Challenge() != nil && x.Challenge().Error == "insufficient_scope":
		return v(clientName(t)+" is asked for more scopes than it was granted").
			Mend("make %s default scopes of the client, or ask for less", orList(strings.Fields(x.Challenge().Scope)))
	case status == 403:
		return v(clientName(t) + " gives up: a 403 is final unless it says insufficient_scope").Who(served(t, x)).
			Mend("answer 401 for a bad token and 403 with error=\"insufficient_scope\" for one that lacks a scope; look for an allow-list, a Host or Origin guard, or a bot rule that stops this request")
	case status == 431:
		return v(again).Because("token.size").Mend("make the token smaller, or let the server and its proxies take longer header lines")
	case status == 503:
		return v(clientName(t) + " cannot connect until the server can reach the authorization server").Because("server-metadata.keys-usable").
			Mend("let the MCP server reach the authorization server's jwks_uri (name, route, certificate authority); it cannot fetch the keys")
	case status >= 500 && x.Request.Body.Method() == "server/discover":
		return probe.Unknown("server/discover is answered with %d, which says nothing of the token", status).On(x)
	default:
		return v(clientName(t) + " takes the server for broken and does not sign in again").Who(served(t, x)).
			Mend("look into the MCP server's log: a verifier that fails must answer 401 for a bad token and 503 when it cannot judge")
	}
}

// complained tells an answer by what its challenge says of the token, where it says anything.
func complained(x *probe.Exchange) string {
	c := x.Challenge()
	switch {
	case c == nil || c.Error == "":
		return replied(x)
	case c.ErrorDescription == "":
		return fmt.Sprintf("%d %s", x.Status(), c.Error)
	}
	return fmt.Sprintf("%d %s %s", x.Status(), c.Error, quoted(c.ErrorDescription))
}

func orUnknown(s string) string {
	if s == "" {
		return "of its authorization server"
	}
	return s
}

func fallsBack(t *probe.Trace) probe.Verdict {
	var x *probe.Exchange
	for _, y := range t.Of(probe.Initialize) {
		if y.Request.Body.Method() == "server/discover" {
			x = y
		}
	}
	if x == nil {
		return probe.Skip("%s does not open with server/discover", clientName(t))
	}
	v := probe.Fail("server/discover: %s", replied(x)).On(x).Who(served(t, x)).
		So("clients that open with server/discover stop here, though initialize might work").
		Mend("implement server/discover, or answer methods that you do not know with 400 or 404 and a JSON-RPC error")
	switch status := x.Status(); {
	case status >= 500:
		v = v.Mend("look into the MCP server's log for this request: it fails at the method, which is new, or at the token; " +
			"methods that it does not know it must answer with 400 or 404 and a JSON-RPC error")
	case status >= 300 && status < 400 && loginInstead(x):
		v = v.Because("edge.no-login")
	case status == 200 && x.Answer().Page != nil:
		v = v.Mend("let POST %s reach the MCP server: a page for people is answered in its place (a route, a login or a single-page application in front)", x.URL().Path)
	}
	switch status := x.Status(); {
	case status == 200 && (result(x) != nil || rpcError(x) != ""):
		return probe.Pass("%s", replied(x)).On(x)
	case status == 200 && x.Open:
		return probe.Unknown("server/discover: the stream has brought no answer yet").On(x)
	case status == 401:
		return probe.Unknown("server/discover: the token was refused").On(x)
	case status >= 400 && status < 500 && status != 403:
		return probe.Pass("%s: a client falls back to initialize", replied(x)).On(x)
	case refusedInBody(x), !x.Bearer() && succeeded(x) && status401(t).Outcome == probe.Failed:
		return v.Because("challenge.status-401")
	}
	return byItself(x, v)
}

func contentType(t *probe.Trace) probe.Verdict {
	x := opening(t)
	body := x.Answer()
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).So("%s drops the answer", clientName(t)).
			Mend("label answers application/json or text/event-stream, and let no proxy rewrite them")
	}
	switch {
	case x.Status() != 200:
		return probe.Skip("answered %d: there is no result to label", x.Status())
	case body.Page != nil && x.Request.Body.Method() == "server/discover":
		return v("Content-Type is %s", quoted(body.Type)).Because("initialize.discover-falls-back")
	case body.Type != "application/json" && body.Type != "text/event-stream":
		return v("Content-Type is %s", quoted(body.Type))
	case body.Problem != "":
		return v("labelled %s: %s", body.Type, body.Problem)
	}
	return probe.Pass("%s", body.Type).On(x)
}

func opens(t *probe.Trace) probe.Verdict {
	x := opening(t)
	method := x.Request.Body.Method()
	switch {
	case result(x) != nil:
		return probe.Pass("%s is answered", method).On(x)
	case x.Open && x.Answer().Type == "text/event-stream":
		return probe.Unknown("%s: the stream has brought no answer yet", method).On(x)
	case fallsBackNext(t, x):
		return probe.Unknown("%s: %s; initialize, which %s tries next, was not seen", method, replied(x), clientName(t)).On(x)
	}
	v := notOpened(t, x, method)
	if !x.Bearer() {
		v = v.Because("challenge.status-401")
	}
	return byItself(x, v)
}

// fallsBackNext reports whether a refusal leaves the client another way to open the protocol.
func fallsBackNext(t *probe.Trace, x *probe.Exchange) bool {
	another := slices.ContainsFunc(t.Profile.Protocol.Open, func(o probe.ProtocolOpening) bool { return o.Method == "initialize" })
	refusal := x.Status() == 200 && rpcError(x) != "" || x.Status() >= 400 && x.Status() < 500 && x.Status() != 401 && x.Status() != 403
	return another && refusal && x.Request.Body.Method() == "server/discover"
}

func notOpened(t *probe.Trace, x *probe.Exchange, method string) probe.Verdict {
	v := probe.Fail("%s: %s", method, inFull(x)).On(x).Who(served(t, x)).So("%s shows the server as failed", clientName(t))
	switch {
	case method == "server/discover" && x.Status() >= 400 && x.Status() < 500:
		return v.Who(probe.OwnerClient).Mend("let the client fall back to initialize, as MCP 2026-07-28 has it, or serve the stateless era")
	case x.Status() == 404 || x.Status() == 405:
		return v.Mend("serve POST %s; the login worked for this URL, so look for a route or proxy rule that differs with a token", t.URL().Path)
	case x.Status() == 400 || x.Status() == 406 || x.Status() == 415:
		return v.Mend("take what the client sends: Accept %q, Content-Type %q, MCP-Protocol-Version %q", x.Request.Header.Get("Accept"),
			x.Request.Header.Get("Content-Type"), x.Request.Header.Get("Mcp-Protocol-Version"))
	}
	return v.Mend("answer %s with a JSON-RPC result; the server's log has the reason", method)
}
