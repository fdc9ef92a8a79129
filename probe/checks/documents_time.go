package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// patience is how long the client at hand waits for a document, in seconds; ten where nothing is known, as Claude does.
func patience(t *probe.Trace) float64 {
	if s := t.Profile.Limits.Discovery; s > 0 {
		return float64(s)
	}
	return 10
}

// documentInTime judges how long the document in use took.
func documentInTime(t *probe.Trace, d *probe.Document) probe.Verdict {
	x, limit := d.Exchange, patience(t)
	took := x.Timing.Total / 1000
	v := func(effect string) probe.Verdict {
		return probe.Warn("%s took %.1f s", bare(x), took).On(x).Who(served(t, x)).So("%s", effect).
			Mend("serve %s from memory, keep the server awake (no scaling to zero), and let the proxy in front cache it for some minutes", x.URL().Path)
	}
	switch {
	case x.Timing.Total == 0:
		return probe.Unknown("how long %s took was not seen", bare(x)).On(x)
	case took > limit:
		return v(fmt.Sprintf("clients that wait %g s, as %s does, have gone by then", limit, clientName(t)))
	case took > limit/2:
		return v(fmt.Sprintf("%s waits %g s for it: a little slower, and the login fails", clientName(t), limit))
	}
	return probe.Pass("%.2f s", took).On(x)
}

// endpointsAnswer judges what strangers' requests met at the endpoints: whether anything is there, not what it makes of them.
func endpointsAnswer(t *probe.Trace, d *probe.Document) probe.Verdict {
	var good []*probe.Exchange
	for _, x := range t.Exchanges {
		switch member := strangersRequest[x.Probe]; {
		case member == "" || lacks(d, member) != "": // what is no URL has a check of its own, and what was asked in its place says nothing
			continue
		case unanswered(x):
			return unreached(t, d, x, member)
		case x.Response == nil:
			continue
		case x.Probe == "authorization-page" && absentPage(x):
			return byItself(x, probe.Fail("%s %s: %s", x.Request.Method, bare(x), answered(x)).On(d.Exchange, x).Who(served(t, x)).
				So("the browser of the user of %s ends there instead of at a login page", clientName(t)).
				Mend("serve the login at %s, forward it to the authorization server, or name the right URL as %s", x.URL().Path, member))
		case x.Probe == "unknown-client" && absentEndpoint(x):
			return byItself(x, probe.Fail("%s %s: %s", x.Request.Method, bare(x), refused(x)).On(d.Exchange, x).Who(served(t, x)).
				So("%s gets no token: the login fails at its last step", clientName(t)).
				Mend("serve POST %s, forward it to the authorization server, or name the right URL as %s", x.URL().EscapedPath(), member))
		case x.Probe == "authorization-page" && x.Status() >= 500:
			return byItself(x, brokenPage(t, d, x))
		}
		good = append(good, x)
	}
	if member := unfitURL(t, d); len(good) == 0 && member != "" {
		return probe.Skip("%s is no URL that could be asked", member)
	}
	if len(good) == 0 {
		return probe.Skip("not seen: %s, %s", probe.OfProbe("authorization-page"), probe.OfProbe("unknown-client"))
	}
	return probe.Pass("%s", asked(good)).On(append(good, d.Exchange)...)
}

// unfitURL names an endpoint that is there and no URL, "" for none.
func unfitURL(t *probe.Trace, d *probe.Document) string {
	for _, member := range endpointsUsed(t) {
		if d.Has(member) && lacks(d, member) != "" {
			return member
		}
	}
	return ""
}

// brokenPage judges an error for a client that does not exist. Where the token endpoint knows how to refuse such a client, it
// is no want of care for strangers: the login is broken for all.
func brokenPage(t *probe.Trace, d *probe.Document, x *probe.Exchange) probe.Verdict {
	judged, effect := probe.Warn, "an unknown client should be told so with 400; if known ones get this too, the user of "+clientName(t)+" sees no login page"
	token := t.Last(probe.OfProbe("unknown-client"))
	if token != nil && token.Status() < 500 {
		judged, effect = probe.Fail, "the user of "+clientName(t)+" sees an error instead of a login page; the token endpoint does tell that a client is unknown"
	}
	return judged("GET %s as an unknown client: %s", bare(x), answered(x)).On(d.Exchange, x, token).Who(served(t, x)).So("%s", effect).
		Mend("look into the authorization server's log for this request")
}

// strangersRequest names the member of the metadata that a probe went by.
var strangersRequest = map[string]string{"authorization-page": "authorization_endpoint", "unknown-client": "token_endpoint"}

// unreached is the verdict on an endpoint that nobody answers at; what keeps the connection from coming about is its reason.
func unreached(t *probe.Trace, d *probe.Document, x *probe.Exchange, member string) probe.Verdict {
	v := probe.Fail("%s is %s: %s (%s)", member, bare(x), x.Error.Kind, clipped(x.Error.Text, 160)).On(d.Exchange, x).Who(served(t, x)).
		So("%s gets no token: nothing answers there", clientName(t))
	if member == "authorization_endpoint" {
		v = v.So("the browser of the user of %s finds nobody there", clientName(t))
	}
	return mendConnection(t, v, x)
}

// absentEndpoint reports whether nothing takes token requests: it is no refusal of OAuth, and not one of the client.
func absentEndpoint(x *probe.Exchange) bool {
	code, _ := refusal(x)
	return code == "" && absentPage(x)
}

// absentPage reports whether nothing is served where the login page should be. An unknown client may be told so with 404.
func absentPage(x *probe.Exchange) bool {
	switch x.Status() {
	case 404, 410:
		return !strings.Contains(bodyText(x.Answer()), "client")
	case 405, 501, 502, 503, 504:
		return true
	}
	if s, ok := edgeOf(x); ok && s.Self {
		return slices.Contains([]kind{down, unrouted}, s.Kind)
	}
	return false
}
