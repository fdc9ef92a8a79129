package checks

import (
	"fmt"
	"regexp"
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

// revisions are those of MCP, which clients know; a newer one may be there by now.
var revisions = []string{"2024-10-07", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

var revision = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

func versionNegotiated(t *probe.Trace) probe.Verdict {
	x := opening(t)
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	asked, r := text(params["protocolVersion"]), result(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("%s cannot tell which version to speak and gives up", clientName(t)).
			Mend("answer with protocolVersion (initialize) or supportedVersions (server/discover), never with a version newer than the one asked for")
	}
	switch answer := text(r["protocolVersion"]); {
	case r == nil && newerOnly(x) != nil:
		return v("asked for %s: %s; the server speaks %s alone", orVersion(x, asked), replied(x), list(newerOnly(x))).Because(mismatchedBefore(t, x)).
			So("%s opens with %s, which this server does not take: it cannot connect", clientName(t), x.Request.Body.Method()).
			Mend("serve the version that the client asks for beside the newer one, or use a client that speaks %s", list(newerOnly(x)))
	case r == nil && fallsBackNext(t, x):
		return probe.Unknown("%s: %s; initialize, which %s tries next, was not answered", x.Request.Body.Method(), replied(x), clientName(t)).On(x)
	case r == nil && (rpcError(x) != "" || !succeeded(x)) && strings.Contains(bodyText(x.Answer()), "version"):
		return v("asked for %s: %s", orVersion(x, asked), replied(x)).So("clients that are newer than the server cannot connect").
			Mend("answer initialize with a version of your own when you do not know the client's, and leave it to the client to go")
	case r == nil:
		return probe.Unknown("%s", replied(x)).On(x)
	case x.Request.Body.Method() == "server/discover":
		return discovered(t, x, v)
	case len(r) == 0:
		return v("the result is an empty object: it has no protocolVersion")
	case !revision.MatchString(answer):
		return v("protocolVersion of the result is %s", value(r["protocolVersion"]))
	case answer < revisions[len(revisions)-1] && !slices.Contains(revisions, answer):
		return v("asked for %s, the server answers with %s, and no revision of MCP is called so", asked, answer)
	case asked != "" && answer > asked:
		return v("asked for %s, the server answers with the newer %s", asked, answer)
	default:
		return probe.Pass("asked for %s, agreed on %s", asked, answer).On(x)
	}
}

// newerOnly are the versions that a server names which refuses the one it is asked for, where all are newer; nil otherwise.
func newerOnly(x *probe.Exchange) []string {
	e, _ := x.Answer().Message()["error"].(map[string]any)
	data, _ := e["data"].(map[string]any)
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	asked, all := text(params["protocolVersion"]), stringsIn(data["supported"])
	if asked == "" || slices.ContainsFunc(all, func(s string) bool { return s <= asked }) {
		return nil
	}
	return all
}

// mismatchedBefore names the check that tells why the client did not stay with the newer version: its headers were lost.
func mismatchedBefore(t *probe.Trace, x *probe.Exchange) string {
	for _, y := range t.Of(probe.Initialize) {
		if y.N < x.N && headerMismatch(y) && saysVersionTwice(y) {
			return "edge.headers-kept"
		}
	}
	return ""
}

func orVersion(x *probe.Exchange, asked string) string {
	if asked == "" {
		asked = x.Request.Header.Get("Mcp-Protocol-Version")
	}
	return quoted(asked)
}

// newest returns the newest version that the client opens with, or that it asked for.
func newest(t *probe.Trace) string {
	all := []string{opening(t).Request.Header.Get("Mcp-Protocol-Version")}
	for _, o := range t.Profile.Protocol.Open {
		all = append(all, o.Version)
	}
	return slices.Max(all)
}

func discovered(t *probe.Trace, x *probe.Exchange, v func(string, ...any) probe.Verdict) probe.Verdict {
	asked := x.Request.Header.Get("Mcp-Protocol-Version")
	versions := stringsIn(result(x)["supportedVersions"])
	switch {
	case len(versions) == 0:
		return v("server/discover: supportedVersions is %s", value(result(x)["supportedVersions"]))
	case slices.Min(versions) > newest(t):
		return v("server/discover at %s is answered with versions %s", asked, list(versions)).So("%s speaks nothing newer than %s and cannot connect", clientName(t), newest(t)).
			Mend("serve %s too: clients and servers are not upgraded on one day", newest(t))
	case asked != "" && !slices.Contains(versions, asked):
		return probe.Warn("server/discover at %s is answered with versions %s", asked, list(versions)).On(x).
			So("the client must open again with one of them").Mend("refuse a version that you do not serve with 400 and error -32022, or serve it")
	}
	return probe.Pass("server/discover: %s", list(versions)).On(x)
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

func garbageRefused(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.OfProbe("garbage-token"))
	if x := admitted(all); x != nil {
		return probe.Fail("a token of nonsense is answered with %s", replied(x)).On(x).Who(served(t, x)).
			So("anybody can use the server: it does not verify tokens").
			Mend("verify signature, issuer, audience and expiry of every token before anything else")
	}
	refused := slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool { return x.Status() != 401 })
	for _, x := range all {
		switch {
		case x.Status() == 401 || unknownMethod(x) && len(refused) > 0:
			continue
		case x.Status() == 404 || x.Status() == 405:
			return probe.Unknown("nobody takes the request: %s", answered(x)).On(x)
		}
		v := probe.Fail("a token of nonsense is answered with %s", replied(x)).On(x).Who(served(t, x)).Because("challenge.status-401").
			So("a client with an old token does not learn that it must sign in again").
			Mend(`answer 401 with WWW-Authenticate: Bearer error="invalid_token" for every token that does not verify`)
		if x.Status() == 429 {
			return v.Because("edge.not-limited")
		}
		return byItself(x, v)
	}
	for _, x := range refused {
		if c := x.Challenge(); c == nil || c.Error != "invalid_token" {
			return probe.Warn("401, without error=\"invalid_token\" in the challenge").On(x).So("clients cannot tell a bad token from a missing one").
				Mend(`add error="invalid_token" to WWW-Authenticate where a token was sent`)
		}
	}
	return probe.Pass("401 invalid_token").On(refused...)
}

func audienceRefused(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("wrong-audience"))
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("a token for another resource is answered with %s", answered(x)).On(x).Mend("compare aud with %s and answer 401 invalid_token", t.Target)
	}
	switch {
	case x.Status() == 401:
		return probe.Pass("%s", complained(x)).On(x)
	case succeeded(x):
		return v(probe.Fail).So("every service of this realm can use its users' tokens at this server")
	}
	return v(probe.Warn).So("the token does not get in; its client does not learn that it must get another")
}
