package checks

import (
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

func preflightAllowed(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.Preflight)
	var strangers []*probe.Exchange
	for _, x := range finals(all) {
		what, known := preflightProblem(x)
		switch {
		case !known:
			strangers = append(strangers, x)
		case what != "":
			return probe.Fail("OPTIONS %s from %s: %s", bare(x), origin(x), what).On(x).Who(served(t, x)).
				So("a client in a web page cannot call it: the browser stops the request").
				Mend("answer OPTIONS before authentication with Access-Control-Allow-Origin and Access-Control-Allow-Headers: authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name")
		}
	}
	if x := unexposed(t); x != nil {
		return probe.Fail("the 401 to a page of %s does not expose WWW-Authenticate", origin(x)).On(x).Who(served(t, x)).
			So("a client in a web page does not see the challenge and must guess").Mend("send Access-Control-Expose-Headers: WWW-Authenticate, Mcp-Session-Id")
	}
	if len(strangers) > 0 {
		x := strangers[0]
		return probe.Unknown("OPTIONS %s: pages of %s are not allowed, which may be meant", bare(x), origin(x)).On(strangers...)
	}
	return probe.Pass("allowed for %s", origin(all[0])).On(all...)
}

func origin(x *probe.Exchange) string { return clipped(x.Request.Header.Get("Origin"), 100) }

// preflightProblem tells what stops a browser (Fetch, CORS-preflight fetch), "" when nothing does. An origin that the
// server does not know is refused rightly.
func preflightProblem(x *probe.Exchange) (what string, known bool) {
	allowed := x.Header("Access-Control-Allow-Origin")
	switch {
	case x.Status() == 403 || succeeded(x) && allowed != "*" && !strings.EqualFold(allowed, x.Request.Header.Get("Origin")):
		return "", false
	case !succeeded(x):
		return answered(x), true
	}
	var missing []string
	for asked := range strings.SplitSeq(x.Request.Header.Get("Access-Control-Request-Headers"), ",") {
		if asked = strings.ToLower(strings.TrimSpace(asked)); asked != "" && !lists(x, "Access-Control-Allow-Headers", asked) {
			missing = append(missing, asked)
		}
	}
	if len(missing) > 0 {
		return "Access-Control-Allow-Headers lacks " + list(missing), true
	}
	return "", true
}

// lists reports whether a field's list has a name. A star stands for all but Authorization (Fetch, CORS protocol).
func lists(x *probe.Exchange, field, name string) bool {
	for _, line := range x.Response.Header.Values(field) {
		for listed := range strings.SplitSeq(line, ",") {
			listed = strings.TrimSpace(listed)
			if strings.EqualFold(listed, name) || listed == "*" && name != "authorization" {
				return true
			}
		}
	}
	return false
}

// unexposed returns a 401 to a page that may read the answer but not its challenge; nil when there is none.
func unexposed(t *probe.Trace) *probe.Exchange {
	for _, x := range t.Of(probe.Unauthenticated) {
		if x.Status() == 401 && x.Request.Header.Get("Origin") != "" && x.Header("Access-Control-Allow-Origin") != "" &&
			x.Header("Www-Authenticate") != "" && !lists(x, "Access-Control-Expose-Headers", "WWW-Authenticate") {
			return x
		}
	}
	return nil
}
