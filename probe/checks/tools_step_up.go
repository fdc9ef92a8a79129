package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// denied returns the last call after the protocol was opened that was refused with 403 by the server itself, nil for none:
// while it is opened the refusal is that of the token, and where another token was let in it is that of the renewed one.
func denied(t *probe.Trace) *probe.Exchange {
	for _, x := range slices.Backward(t.Of(probe.Authenticated)) {
		s, edge := edgeOf(x)
		call := x.Status() == 403 && !t.Is(x, probe.Initialize) && x.Request.Body.Method() != "" && !(edge && s.Self)
		if call && (wantsScope(x) || !letInBefore(t, x)) {
			return x
		}
	}
	return nil
}

// letInBefore reports whether another token was let in to what this one is refused.
func letInBefore(t *probe.Trace, x *probe.Exchange) bool {
	return slices.ContainsFunc(t.Of(probe.Authenticated), func(y *probe.Exchange) bool {
		return y.N < x.N && succeeded(y) && y.Request.Body.Method() == x.Request.Body.Method() && tokenOf(y).Fingerprint != tokenOf(x).Fingerprint
	})
}

func stepUpPossible(t *probe.Trace) probe.Verdict {
	x := denied(t)
	if x == nil {
		return probe.Skip("no call was refused for want of a scope")
	}
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x).Who(served(t, x)).So("%s cannot ask its user for what is missing: the tool stays refused", clientName(t)).
			Mend(`answer 403 with WWW-Authenticate: Bearer error="insufficient_scope", scope="SCOPE", resource_metadata="%s"`, metadataURL(t))
	}
	c, tok := x.Challenge(), tokenOf(x)
	method := x.Request.Body.Method()
	switch {
	case c == nil && x.Answer().Page != nil:
		return probe.Unknown("%s: %s, a page that is hardly the MCP server's own", method, replied(x)).On(x)
	case c == nil:
		return v(probe.Fail, "%s: %s, without a Bearer challenge", method, replied(x))
	case c.Error != "insufficient_scope":
		return v(probe.Fail, "%s: 403 with error %q in the challenge, not insufficient_scope", method, c.Error)
	case strings.TrimSpace(c.Scope) == "":
		return v(probe.Fail, "%s: 403 insufficient_scope that names no scope", method)
	}
	have := strings.Fields(tok.Claim("scope"))
	if !slices.ContainsFunc(strings.Fields(c.Scope), func(s string) bool { return !slices.Contains(have, s) }) {
		return v(probe.Fail, "%s: 403 insufficient_scope wants %s, which the token has", method, quoted(c.Scope)).
			So("%s asks its user for the same again and again", clientName(t)).
			Mend("name the scope that is missing; where it is no scope that is missing (a role, a tenant), answer inside the result with isError")
	}
	if all := t.ServerMetadata().Strings("scopes_supported"); len(all) > 0 {
		for _, s := range strings.Fields(c.Scope) {
			if !slices.Contains(all, s) {
				return v(probe.Warn, "%s: 403 wants scope %s, which the authorization server does not list", method, quoted(s)).
					So("the user is asked, and the authorization server may answer invalid_scope").
					Mend("make %s a scope of the authorization server and an optional scope of the client", quoted(s))
			}
		}
	}
	return probe.Pass("%s wants %s, and says so", method, c.Scope).On(x)
}

// metadataURL is where the resource metadata lie, as the challenge says or RFC 9728 section 3.1 has it.
func metadataURL(t *probe.Trace) string {
	for _, x := range t.Of(probe.Unauthenticated) {
		if c := x.Challenge(); c != nil && c.ResourceMetadata != "" {
			return c.ResourceMetadata
		}
	}
	return t.Origin() + "/.well-known/oauth-protected-resource" + strings.TrimSuffix(t.URL().Path, "/")
}

// wantsScope reports whether a call was refused in the way from which a client goes on: it asks its user for the scope.
func wantsScope(x *probe.Exchange) bool {
	c := x.Challenge()
	return x.Status() == 403 && c != nil && c.Error == "insufficient_scope" && c.Scope != ""
}
