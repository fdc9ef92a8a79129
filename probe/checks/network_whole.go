package checks

import (
	"fmt"
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

// readLimit is as much of an answer as is read, and more than any document of a handshake has need of.
const readLimit = 1 << 20

func answersWhole(t *probe.Trace) probe.Verdict {
	all := slices.DeleteFunc(finals(attempts(t)), func(x *probe.Exchange) bool { return x.Response == nil })
	for _, x := range all {
		if why := endsEarly(t, x); why != "" {
			return probe.Fail("%s %s: %d, %s", x.Request.Method, bare(x), x.Status(), why).On(x).Who(served(t, x)).
				So("%s waits for the rest of it, and then takes the answer for none", clientName(t)).
				Mend("%s", completeIt(x))
		}
	}
	if len(all) == 0 {
		return probe.Unknown("no request was answered").On(attempts(t)...)
	}
	return probe.Pass("answers that came whole: %d", len(all)).On(all...)
}

// documents are answers that are read whole; what a tool says may be as long as it likes.
var documents = []probe.Evidence{
	probe.Unauthenticated, probe.ResourceMetadata, probe.ServerMetadata, probe.JWKS, probe.Registration, probe.Authorization,
	probe.TokenRequest, probe.Refresh, probe.Initialize, probe.ToolsList,
}

// endsEarly tells why an answer is not whole, "" where it is or cannot be told. A stream that brought its answer may end as it likes.
func endsEarly(t *probe.Trace, x *probe.Exchange) string {
	body := x.Answer()
	said := result(x) != nil || rpcError(x) != ""
	switch {
	case x.Open || body.Type == "text/event-stream" && (said || x.Request.Method == "GET"):
		return ""
	case x.Error != nil && x.Error.Kind == "canceled":
		return ""
	case x.Error != nil && body.Truncated && x.Header("Content-Length") != "":
		return fmt.Sprintf("and before the %s bytes came that Content-Length announces, %s (%s)", clipped(x.Header("Content-Length"), 20), endings[x.Error.Kind], clipped(x.Error.Text, 120))
	case x.Error != nil:
		return fmt.Sprintf("and after %d bytes of the body %s (%s)", body.Size, endings[x.Error.Kind], clipped(x.Error.Text, 120))
	case body.Size >= readLimit && slices.ContainsFunc(documents, func(e probe.Evidence) bool { return t.Is(x, e) }):
		return fmt.Sprintf("and the body does not end within %d bytes: no more is read", readLimit)
	}
	return ""
}

// endings are how answers end before their end, by the kind of the error.
var endings = map[string]string{
	"eof": "the connection was closed", "reset": "the connection was reset", "timeout": "nothing more came in time",
	"protocol": "came what is no HTTP", "tls": "TLS broke", "other": "it broke off", "unreachable": "the network was gone", "refused": "it broke off",
}

// completeIt tells what to do about an answer that is cut off, or that has no end.
func completeIt(x *probe.Exchange) string {
	switch {
	case x.Error == nil:
		return "look at what answers at " + x.URL().Path + ": what belongs there is a few kilobytes long"
	case x.Error.Kind == "timeout":
		return "send the answer to its end: look for what writes slowly at " + x.URL().Path + ", and for a proxy that holds it back"
	}
	return "look into the log of the server and of every proxy before it: one of them closes the connection while it sends " + x.URL().Path +
		" (a crash, a limit on sizes or times, a Content-Length that is too long)"
}
