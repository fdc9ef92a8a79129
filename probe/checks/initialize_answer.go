package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// requested returns the answered JSON-RPC messages to the endpoint that the server took: those with a token, and what an open
// server lets through or, once it has let the client in, answers in another way than by asking for a token.
func requested(t *probe.Trace) []*probe.Exchange {
	in := false
	return slices.DeleteFunc(atEndpoint(t), func(x *probe.Exchange) bool {
		opens := t.Is(x, probe.Initialize)
		in = in || opens && !x.Bearer() && result(x) != nil
		taken := succeeded(x) || in && !opens && x.Status() != 401 && x.Status() != 403
		return x.Request.Body.Method() == "" || !x.Bearer() && !taken
	})
}

// brokenOff reports whether an answer did not come to its end: what is missing of it says nothing.
func brokenOff(x *probe.Exchange) bool { return x.Open || x.Error != nil }

// notification reports whether a JSON-RPC message wants no answer.
func notification(x *probe.Exchange) bool {
	return strings.HasPrefix(x.Request.Body.Method(), "notifications/")
}

func answerMatches(t *probe.Trace) probe.Verdict {
	var good []*probe.Exchange
	for _, x := range requested(t) {
		if notification(x) || x.Status() != 200 || x.Answer().Problem != "" || x.Answer().Truncated {
			continue
		}
		if wrong := mismatch(x); wrong != "" {
			return mismatched(t, x, wrong)
		}
		if x.Answer().Message() != nil {
			good = append(good, x)
		}
	}
	if len(good) == 0 {
		return probe.Unknown("no request was answered with a JSON-RPC message").On(opening(t))
	}
	return probe.Pass("%d answers, each with its request's id", len(good)).On(good...)
}

// mismatched is the verdict on an answer that is not that of its request; one in which another check finds nothing to go on
// with is that check's.
func mismatched(t *probe.Trace, x *probe.Exchange, wrong string) probe.Verdict {
	v := probe.Fail("%s: %s", x.Request.Body.Method(), wrong).On(x).Who(served(t, x)).
		So("%s waits for its answer until it gives up", clientName(t)).
		Mend("answer each request with one JSON-RPC 2.0 object that has the request's own id, as it was sent, and a result or an error")
	switch {
	case refusedInBody(x):
		return v.Because("challenge.status-401")
	case unheard(x.Answer()) != "":
		return v.Mend("send the answer as an event without a type, or with event: message")
	case x.Request.Body.Method() == "server/discover" && result(x) == nil && rpcError(x) == "":
		return v.Because("initialize.discover-falls-back")
	}
	return v
}

// mismatch tells in what an answer is not that of its request (JSON-RPC 2.0 section 5), "" for one that is.
func mismatch(x *probe.Exchange) string {
	body := x.Answer()
	m := body.Message()
	switch {
	case m == nil && body.JSON != nil:
		return "the answer is " + value(body.JSON) + ", not one JSON-RPC object"
	case m == nil:
		return unheard(body)
	case text(m["jsonrpc"]) != "2.0":
		return "jsonrpc of the answer is " + value(m["jsonrpc"]) + ", not \"2.0\": " + answered(x)
	case m["result"] == nil && m["error"] == nil && m["method"] == nil:
		return "the answer has neither a result nor an error"
	case m["result"] == nil && m["error"] != nil && rpcError(x) == "":
		return "error of the answer is " + value(m["error"]) + ", not an object with code and message"
	case m["result"] == nil:
		return ""
	case m["error"] != nil:
		return "the answer has both a result and an error: " + value(m["error"])
	}
	if asked, got := x.Request.Body.Object()["id"], m["id"]; value(asked) != value(got) {
		return fmt.Sprintf("the request's id is %s, the answer's %s", value(asked), value(got))
	}
	return ""
}

// unheard tells of an answer that came as an event of a type that no client listens to (HTML Living Standard section 9.2.6).
func unheard(body probe.Body) string {
	for _, e := range body.Events {
		if o, ok := e.Data.(map[string]any); ok && !e.Message() && (o["result"] != nil || o["error"] != nil) {
			return "the answer came as an event of type " + quoted(e.Event) + ", and clients take messages from events of type message alone"
		}
	}
	return ""
}

func resultComplete(t *probe.Trace) probe.Verdict {
	x := opening(t)
	r := result(x)
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x).Who(served(t, x))
	}
	info, _ := r["serverInfo"].(map[string]any)
	capabilities, isObject := r["capabilities"].(map[string]any)
	strict := func(format string, args ...any) probe.Verdict {
		return v(probe.Fail, format, args...).So("clients with strict schemas, as the SDKs', refuse the result and close the connection").
			Mend("answer initialize with protocolVersion, an object capabilities, and serverInfo with name and version")
	}
	switch {
	case r == nil:
		return probe.Unknown("%s", replied(x)).On(x)
	case len(r) == 0:
		return strict("the result is an empty object").Because("initialize.version-negotiated")
	case !isObject && (r["capabilities"] != nil || x.Request.Body.Method() == "initialize"):
		return strict("capabilities is %s", value(r["capabilities"]))
	case x.Request.Body.Method() == "initialize" && (text(info["name"]) == "" || text(info["version"]) == ""):
		return strict("serverInfo is %s", value(r["serverInfo"]))
	case isObject && capabilities["tools"] == nil && t.Has(probe.ToolsList) && result(listing(t)) != nil:
		return v(probe.Warn, "capabilities is %s, though tools/list is answered", value(r["capabilities"])).
			So("clients that go by the capabilities never ask for the tools").Mend(`add "tools": {} to the capabilities`)
	}
	return probe.Pass("capabilities %s", value(r["capabilities"])).On(x)
}

func notificationTaken(t *probe.Trace) probe.Verdict {
	var last *probe.Exchange
	for _, x := range requested(t) {
		if x.Request.Body.Method() == "notifications/initialized" {
			last = x
		}
	}
	if last == nil {
		return probe.Skip("%s sent no notifications/initialized", clientName(t))
	}
	v := probe.Fail("notifications/initialized: %s", replied(last)).On(last).Who(served(t, last)).
		So("%s takes the connection for failed right after it was opened", clientName(t)).Mend("answer notifications with 202 and no body")
	switch status := last.Status(); {
	case status == 401 || status == 403 && last.Challenge() != nil:
		return probe.Unknown("the token was refused").On(last)
	case lostHeader(t, last).name != "":
		return v.Because("edge.headers-kept")
	case sessionless(t, last) != "":
		return v.Because(sessionless(t, last))
	case lost(last):
		return v.Because("session.survives")
	case strings.Contains(strings.ToLower(rpcError(last)), "version"):
		return v.Because("initialize.version-negotiated")
	case !succeeded(last):
		return byItself(last, v)
	case rpcError(last) != "":
		return probe.Warn("notifications/initialized: %s", replied(last)).On(last).So("a notification has no answer: some clients log an error").
			Mend("answer notifications with 202 and no body")
	}
	return probe.Pass("%d", last.Status()).On(last)
}

// unknownMethod reports whether a server says that it does not know the method, or the version it is asked at (MCP 2026-07-28,
// basic): the word of one that has taken the request.
func unknownMethod(x *probe.Exchange) bool {
	e, _ := x.Answer().Message()["error"].(map[string]any)
	code := value(e["code"])
	return code == "-32601" || code == "-32022"
}

// admitted returns the exchange which shows that a server took a token, nil for none: an answer to the request, or where no
// attempt was refused with 401, the word that it does not know the method.
func admitted(all []*probe.Exchange) *probe.Exchange {
	var unknown *probe.Exchange
	refused := false
	for _, x := range all {
		switch {
		case succeeded(x) && result(x) != nil:
			return x
		case x.Status() == 401:
			refused = true
		case unknownMethod(x):
			unknown = x
		}
	}
	if refused {
		return nil
	}
	return unknown
}

func forgedRefused(t *probe.Trace) probe.Verdict {
	all := slices.DeleteFunc(slices.Clone(t.Of(probe.OfProbe("forged-token"))), brokenOff)
	if len(all) == 0 {
		return probe.Unknown("the answers broke off")
	}
	forged := map[string][]*probe.Exchange{}
	for _, x := range all {
		name := "a token with alg none"
		if alg := tokenOf(x).Alg; alg != "none" {
			name = "a token of " + alg + " whose signature is random"
		}
		forged[name] = append(forged[name], x)
	}
	verdict := probe.Pass("%s", answered(all[len(all)-1])).On(all...)
	for _, name := range slices.Sorted(maps.Keys(forged)) {
		x := admitted(forged[name])
		if x != nil {
			return probe.Fail("%s is answered with %s", name, replied(x)).On(x).Who(served(t, x)).
				So("anybody can write a token and use the server as anyone").
				Mend("verify the signature of every token with the keys at jwks_uri, and take RS256 or ES256 alone, by a list of your own and never by the token's header")
		}
		x = forged[name][len(forged[name])-1]
		switch status := x.Status(); {
		case status == 401:
		case status == 404 || status == 405:
			return probe.Unknown("nobody takes the request: %s", answered(x)).On(x)
		default:
			verdict = probe.Warn("%s is answered with %s, not with 401", name, answered(x)).On(x).Who(served(t, x)).
				So("it does not get in; a client whose token is bad does not learn that it must sign in again").
				Mend(`answer 401 with WWW-Authenticate: Bearer error="invalid_token" for every token that does not verify`)
		}
	}
	return verdict
}

func newerVersion(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("unknown-version"))
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	asked, answer := text(params["protocolVersion"]), text(result(x)["protocolVersion"])
	sessions := slices.ContainsFunc(t.Of(probe.Initialize), func(y *probe.Exchange) bool {
		return y.Request.Body.Method() == "initialize" && result(y) != nil
	})
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x).Who(served(t, x)).
			Mend("answer initialize with the newest version you speak when you do not know the client's, and leave it to the client to go")
	}
	switch {
	case answer == asked && answer != "":
		return v(probe.Warn, "asked for %s, which does not exist, the server agrees", asked).
			So("a client that is newer than the server is told that they speak the same version, and fails later")
	case revision.MatchString(answer):
		return probe.Pass("asked for %s, the server offers %s", asked, answer).On(x)
	case result(x) == nil && !sessions:
		return probe.Skip("the server opens no sessions: initialize is not for it")
	case brokenOff(x) || x.Status() == 401 || x.Status() == 403 || x.Status() == 429 || x.Status() >= 500 && rpcError(x) == "":
		return probe.Unknown("initialize at %s: %s", asked, replied(x)).On(x)
	}
	return v(probe.Fail, "asked for %s: %s", asked, replied(x)).So("clients that are newer than the server cannot connect")
}

// variant tells in what a request of the probe differs from the one before.
func variant(x *probe.Exchange) string {
	h := x.Request.Header
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	switch {
	case strings.Contains(h.Get("Content-Type"), "charset"):
		return "with Content-Type " + quoted(h.Get("Content-Type"))
	case strings.HasPrefix(h.Get("Accept"), "text/event-stream"):
		return "with Accept " + quoted(h.Get("Accept"))
	case params["_meta"] != nil && h.Get("X-Openai-Session") != "":
		return "with a header and a member of _meta that it does not know, as ChatGPT sends them"
	}
	return "without MCP-Protocol-Version"
}

func variantsTaken(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.OfProbe("wire-variant"))
	if !t.Has(probe.ToolsList) || result(listing(t)) == nil {
		return probe.Unknown("tools/list is not answered at all, whatever its headers").On(all...)
	}
	var refused []*probe.Exchange
	for _, x := range all {
		if result(x) == nil && x.Status() != 401 && x.Status() != 429 && !brokenOff(x) {
			refused = append(refused, x)
		}
	}
	if len(refused) == 0 {
		return probe.Pass("%d ways to write the same request", len(all)).On(all...)
	}
	x := refused[0]
	return probe.Fail("tools/list %s: %s%s", variant(x), replied(x), others(len(refused))).On(refused...).Who(served(t, x)).
		So("clients that write it so cannot use the server, though %s can", clientName(t)).
		Mend("take application/json with parameters, Accept in any order, requests without MCP-Protocol-Version (as 2025-03-26), and what you do not know in headers and _meta")
}
