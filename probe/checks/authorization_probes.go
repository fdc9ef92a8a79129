package checks

import (
	"net/url"

	"github.com/mcpwiz/mcpwiz/probe"
)

// sentTo returns where an answer redirects to, nil when it does not.
func sentTo(x *probe.Exchange) *url.URL {
	if x.Status() < 300 || x.Status() > 399 || x.Header("Location") == "" {
		return nil
	}
	u, err := x.URL().Parse(x.Header("Location"))
	if err != nil {
		return nil
	}
	return u
}

// lateJudge reports whether an answer leaves open what the authorization server will say to the request: it brings the browser
// to a login first, and judges when the user has signed in. Keycloak judges before it shows its login page.
func lateJudge(t *probe.Trace, x *probe.Exchange) bool {
	if sentTo(x) != nil {
		return sentBack(x) == nil
	}
	return succeeded(x) && !keycloak(t) && (x.Answer().Page == nil || x.Answer().Page.PageID == "")
}

func pkceEnforced(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("no-pkce"))
	back := sentBack(x)
	switch {
	case back.Get("error") != "":
		return probe.Pass("refused: %s %s", back.Get("error"), quoted(back.Get("error_description"))).On(x)
	case lateJudge(t, x):
		return probe.Unknown("the login comes before the request is judged: %s", answered(x)).On(x)
	case x.Status() >= 500 || x.Status() == 404:
		return probe.Unknown("%s", answered(x)).On(x)
	case errorPage(x):
		return probe.Pass("refused: %s", shown(x)).On(x)
	}
	return probe.Fail("without code_challenge the answer is %s", answered(x)).On(x).By(ourClient(t, x)).
		So("a code stolen on its way can be redeemed by whoever has it, when the client is public").
		Mend("set pkce.code.challenge.method to S256 on client %s (Advanced > Proof Key for Code Exchange)", quoted(clientID(x)))
}

func badRedirectRefused(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("bad-redirect"))
	evil := parameters(x).Get("redirect_uri")
	to, asked := sentTo(x), absolute(evil)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).By(ourClient(t, x)).So("whoever lures a user to a link of this form gets a code for %s", clientName(t)).
			Mend("take wildcards off the valid redirect URIs of client %s and list the callbacks one by one", quoted(clientID(x)))
	}
	switch {
	case to != nil && asked != nil && host(to) == host(asked):
		return v("the answer redirects to %s", evil)
	case x.Status() >= 500 || x.Status() == 404:
		return probe.Unknown("%s", answered(x)).On(x)
	case errorPage(x):
		return probe.Pass("%s for redirect_uri %s", shown(x), quoted(evil)).On(x)
	case lateJudge(t, x):
		return probe.Unknown("the login comes before the redirect URI is judged: %s", answered(x)).On(x)
	case to != nil && to.Query().Has("error"):
		return probe.Unknown("redirected to %s with %s before the redirect URI was judged", to.Host, to.Query().Get("error")).On(x)
	}
	return v("with redirect_uri %s the answer is %s", quoted(evil), answered(x))
}

func allRedirectsAccepted(t *probe.Trace) probe.Verdict {
	var good, bad, unclear []*probe.Exchange
	var refused []string
	for _, x := range t.Of(probe.OfProbe("other-redirect")) {
		switch {
		case pageSays(x, "redirect_uri", "redirect uri", "redirect url"):
			bad, refused = append(bad, x), append(refused, parameters(x).Get("redirect_uri"))
		case errorPage(x):
			unclear = append(unclear, x)
		default:
			good = append(good, x)
		}
	}
	switch {
	case len(bad) > 0:
		return probe.Fail("%s for redirect_uri %s", shown(bad[0]), list(refused)).On(bad...).By(ourClient(t, bad[0])).
			So("a login of %s that comes back there ends on an error page", clientName(t)).
			Mend("add %s to the valid redirect URIs of client %s", list(refused), quoted(clientID(bad[0])))
	case len(unclear) > 0:
		return probe.Unknown("the authorization endpoint refused for another reason: %s", shown(unclear[0])).On(unclear...)
	}
	return probe.Pass("%d more are accepted", len(good)).On(good...)
}
