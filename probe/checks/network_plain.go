package checks

import (
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// plainHTTP judges what answers at the endpoint's place without TLS: best nobody, or a redirect to https.
func plainHTTP(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("plain-http"))
	to := sentTo(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).
			Mend("redirect http to https with 308 (Cloudflare: SSL/TLS > Edge Certificates > Always Use HTTPS; nginx: return 308 https://$host$request_uri), or close port 80")
	}
	switch status := x.Status(); {
	case to != nil && to.Scheme == "https":
		return probe.Pass("%s leads to %s", bare(x), clipped(host(to), 80)).On(x)
	case to != nil && strings.EqualFold(to.Scheme, "http"):
		return v("%s: %s, which is http again", bare(x), answered(x)).So("a token of a client that was given the http URL travels in clear text")
	case status == 401 && x.Challenge() != nil, x.Answer().Type == "text/event-stream", status == 405 && strings.Contains(x.Header("Allow"), "POST"):
		return v("%s: %s: the endpoint is served without TLS", bare(x), answered(x)).So("a token of a client that was given the http URL travels in clear text")
	}
	return probe.Pass("%s does not serve the endpoint: %s", bare(x), answered(x)).On(x)
}
