package checks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

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
