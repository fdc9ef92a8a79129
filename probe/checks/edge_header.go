package checks

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// ownMark is the header by which mcpwiz serve marks each answer as its own: no edge makes it up.
const ownMark = "X-Mcpwiz-Instance"

// ownAnswers holds the answers at the server's own paths to each other: where some bear its mark, one without it is
// somebody else's.
func ownAnswers(t *probe.Trace) probe.Verdict {
	var proven, other []*probe.Exchange
	for _, x := range responses(t) {
		switch {
		case host(x.URL()) != host(t.URL()) || !t.Is(x, probe.Unauthenticated) && !t.Is(x, probe.Authenticated) && !t.Is(x, probe.ResourceMetadata):
		case x.Header(ownMark) != "":
			proven = append(proven, x)
		default:
			other = append(other, x)
		}
	}
	switch {
	case len(proven) == 0:
		return probe.Skip("the server does not mark its answers, as mcpwiz serve does by %s", ownMark)
	case len(other) == 0:
		return probe.Pass("%d answers bear its mark", len(proven)).On(proven...)
	}
	x := other[0]
	return byItself(x, probe.Fail("%s %s: %s%s, without the mark %s that the server's answers bear (exchange %d)",
		x.Request.Method, bare(x), answered(x), others(len(other)), ownMark, proven[0].N).On(other...).
		So("%s hears somebody else there, whatever the server is set to say", clientName(t)).Because(insteadOf(t, x)).
		Mend("find what answers %s in its place: a rule, page or route of the edge, a Worker, another server on this hostname", x.URL().Path))
}

// unmarked reports whether an answer lacks the mark that others of its host bear.
func unmarked(t *probe.Trace, x *probe.Exchange) bool {
	return x.Header(ownMark) == "" && slices.ContainsFunc(responses(t), func(y *probe.Exchange) bool { return y.Header(ownMark) != "" && host(x.URL()) == host(y.URL()) })
}

// insteadOf names the check that says why somebody else answers, where its kind is known.
func insteadOf(t *probe.Trace, x *probe.Exchange) string {
	switch {
	case x.Status() == 429:
		return "edge.not-limited"
	case loginInstead(x):
		return "edge.no-login"
	case x.Status() >= 300 && x.Status() < 400:
		return "network.not-redirected"
	case refusesAgent(x) && underOtherNames(t, x) != nil:
		return "edge.user-agents-alike"
	}
	return ""
}

// headersKept finds what was said on one side and not heard on the other.
func headersKept(t *probe.Trace) probe.Verdict {
	posts := slices.DeleteFunc(atEndpoint(t), func(x *probe.Exchange) bool { return x.Request.Method != http.MethodPost })
	if len(posts) == 0 {
		return probe.Skip("no POST to the endpoint was answered")
	}
	for _, x := range lastCalls(posts) {
		if lost := lostHeader(t, x); lost.name != "" {
			judged := probe.Fail
			if lost.name == "WWW-Authenticate" && (t.ResourceMetadata() != nil || x.Header(renamed) != "") {
				judged = probe.Warn // the metadata are found without it, or that they are not is told by what they need
			}
			return judged("POST %s: %s", bare(x), lost.seen).On(x).On(lost.by).On(likewise(t, posts, x, lost)...).
				So("%s", lost.effect).Mend("let what stands in front of the server pass %s on %s", lost.name, lost.how)
		}
	}
	return probe.Pass("%d POST requests and their answers", len(posts)).On(posts...)
}

// likewise returns the other requests that were answered so for want of the same header.
func likewise(t *probe.Trace, posts []*probe.Exchange, x *probe.Exchange, of loss) []*probe.Exchange {
	return slices.DeleteFunc(slices.Clone(posts), func(y *probe.Exchange) bool { return y == x || lostHeader(t, y).name != of.name })
}

// lastCalls returns of requests that call the same in the same way the last: a client that tries again and gets through is
// not held to its first try.
func lastCalls(posts []*probe.Exchange) []*probe.Exchange {
	calls := func(x *probe.Exchange) string { return fmt.Sprint(x.Bearer(), " ", x.Request.Body.Method()) }
	return slices.DeleteFunc(slices.Clone(posts), func(x *probe.Exchange) bool {
		return slices.ContainsFunc(posts, func(y *probe.Exchange) bool { return y.N > x.N && calls(x) == calls(y) })
	})
}

// A loss is a header that one side sent and the other did not get.
type loss struct {
	name, seen, effect, how string
	by                      *probe.Exchange
}

func lostHeader(t *probe.Trace, x *probe.Exchange) loss {
	text, status := bodyText(x.Answer())+strings.ToLower(rpcError(x)), x.Status()
	sent := func(name string) string { return x.Request.Header.Get(name) }
	switch {
	case status == 401 && x.Header(renamed) != "" && x.Header("Www-Authenticate") == "":
		return loss{name: "WWW-Authenticate", seen: "the challenge of the 401 comes as " + renamed, effect: clientName(t) + " is not told where to sign in, and has to guess",
			how: "under its own name (in Amazon API Gateway map the response header WWW-Authenticate)"}
	case status == 401 && x.Header(ownMark) != "" && x.Header("Www-Authenticate") == "":
		return loss{name: "WWW-Authenticate", seen: "the server's own 401 comes without the challenge that it sends with it",
			effect: clientName(t) + " is not told where to sign in", how: "back to the client"}
	case status == 401 && x.Bearer() && saysMissing(x) && slices.IndexFunc(t.Of(probe.OfProbe("garbage-token")), func(y *probe.Exchange) bool { return !saysMissing(y) }) < 0:
		return loss{name: "Authorization", seen: "a token was sent, and the answer says that none came: " + complained(x),
			effect: clientName(t) + " asks its user to sign in again, and again", how: "to the server (Apache: CGIPassAuthorization On; nginx: no proxy_set_header Authorization \"\"; FastCGI: fastcgi_param HTTP_AUTHORIZATION $http_authorization)"}
	case (status == 400 || status == 404) && sent(sessionHeader) != "" && !strings.Contains(text, "invalid") && lacksSession.MatchString(text):
		return loss{name: "Mcp-Session-Id", seen: "a session id was sent, and the answer says that none came: " + replied(x),
			effect: clientName(t) + " loses the connection after the first call", how: "to the server, and back in the answer to initialize"}
	case sent(sessionHeader) != "" && uninitialized.MatchString(text):
		return loss{name: "Mcp-Session-Id", seen: "the session of the id that was sent is open, and the answer is that of a new one: " + replied(x),
			effect: clientName(t) + " loses the connection after the first call", how: "to the server, and back in the answer to initialize"}
	case status == 400 && strings.Contains(text, "session") && unsessioned(t, x) != nil:
		return loss{name: "Mcp-Session-Id", seen: "the server asks for a session id, and the answer to initialize brought none: " + replied(x), by: unsessioned(t, x),
			effect: clientName(t) + " loses the connection after the first call", how: "to the server, and back in the answer to initialize"}
	case headerMismatch(x) && saysVersionTwice(x):
		return loss{name: "MCP-Protocol-Version, Mcp-Method and Mcp-Name",
			seen:   fmt.Sprintf("MCP-Protocol-Version %s was sent as in the body, and the answer says that they differ: %s", quoted(sent("Mcp-Protocol-Version")), replied(x)),
			effect: clientName(t) + " is refused at the version that it speaks", how: "unchanged to the server"}
	case status == 406 && strings.Contains(sent("Accept"), "application/json") && strings.Contains(sent("Accept"), "text/event-stream") && strings.Contains(text, "event-stream"):
		return loss{name: "Accept", seen: "both media types were accepted, and the answer says that they were not: " + replied(x),
			effect: clientName(t) + " is refused whatever it asks", how: "unchanged to the server"}
	}
	return loss{}
}

// headerMismatch reports whether an answer says that headers and body differ (MCP 2026-07-28, streamable HTTP).
func headerMismatch(x *probe.Exchange) bool {
	e, _ := x.Answer().Message()["error"].(map[string]any)
	return value(e["code"]) == "-32020"
}

// saysVersionTwice reports whether a request names its version and its method in headers as it does in its body.
func saysVersionTwice(x *probe.Exchange) bool {
	params, _ := x.Request.Body.Object()["params"].(map[string]any)
	meta, _ := params["_meta"].(map[string]any)
	version := x.Request.Header.Get("Mcp-Protocol-Version")
	return version != "" && version == text(meta["io.modelcontextprotocol/protocolVersion"]) && x.Request.Header.Get("Mcp-Method") == x.Request.Body.Method()
}

// missing is how servers say that a request bore no token; "invalid or missing" says nothing.
var (
	missing       = regexp.MustCompile(`\b(missing|no|without an?) (a )?(valid )?(bearer|access|authorization|auth|token|credential)|\b(token|authorization( header)?|credentials?|header) (is |was |were )?(missing|not (found|present|provided|supplied|sent))`)
	uninitialized = regexp.MustCompile(`(during|before|requires?|without) .{0,12}initializ|(server|session|client) (is )?not (yet )?initialized`)
	lacksSession  = regexp.MustCompile(`(missing|requires?) .{0,24}session|session.{0,24}(missing|required|not provided|absent)`)
)

func saysMissing(x *probe.Exchange) bool {
	text := bodyText(x.Answer())
	if c := x.Challenge(); c != nil {
		if c.Error == "invalid_token" || c.Error == "insufficient_scope" {
			return false
		}
		text += " " + strings.ToLower(c.ErrorDescription)
	}
	return missing.MatchString(text) && !strings.Contains(text, "invalid") && !strings.Contains(text, "expired")
}

// unsessioned returns the answer to initialize before x, where it opened the protocol and handed out no session.
func unsessioned(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	for _, y := range slices.Backward(t.Of(probe.Initialize)) {
		if y.N < x.N && y.Request.Body.Method() == "initialize" && result(y) != nil && y.Bearer() == x.Bearer() {
			if y.Header(sessionHeader) == "" && x.Request.Header.Get(sessionHeader) == "" {
				return y
			}
			return nil
		}
	}
	return nil
}
