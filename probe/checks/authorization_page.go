package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// request is the authorization request to judge: the last one, as the user may have tried again.
func request(t *probe.Trace) *probe.Exchange { return t.Last(probe.Authorization) }

// wentOn reports whether an authorization request led on: a page without an error, a redirect, or a browser that came back.
func wentOn(t *probe.Trace, x *probe.Exchange) bool {
	if x.Response == nil {
		back := t.Last(probe.Callback)
		return back != nil && back.N > x.N
	}
	return x.Status() >= 200 && x.Status() < 300 && !errorPage(x) || sentTo(x) != nil
}

// errorPage: Keycloak's theme names its page of errors.
func errorPage(x *probe.Exchange) bool {
	p := x.Answer().Page
	return x.Status() >= 400 || p != nil && p.PageID == "login-error"
}

// pageSays returns what a page tells if it has one of the parts in it, in any case.
func pageSays(x *probe.Exchange, parts ...string) bool {
	text := bodyText(x.Answer())
	return errorPage(x) && slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func endpointNamed(t *probe.Trace) probe.Verdict {
	x := request(t)
	if !guessed(t, x, "authorization_endpoint") {
		return probe.Pass("sent to %s", bare(x)).On(x)
	}
	answer := ""
	if x.Response != nil {
		answer = " (" + answered(x) + ")"
	}
	return probe.Fail("the browser was sent to %s%s: a guess, no metadata name it", bare(x), answer).On(x).
		So("the user of %s lands on the MCP server instead of a login page", clientName(t)).
		Mend("make the authorization server's metadata complete for this client: the finding on server-metadata that explains this one says what is missing")
}

// notSeen is the verdict on a page that a user's browser got, out of sight.
func notSeen(x *probe.Exchange) probe.Verdict {
	return probe.Unknown("the browser was handed %s; what it got was not seen", bare(x)).On(x)
}

func clientKnown(t *probe.Trace) probe.Verdict {
	x := request(t)
	id := clientID(x)
	switch {
	case pageSays(x, "client not found", "client disabled", "client metadata", "invalid_client", "unknown client") ||
		absolute(id) != nil && pageSays(x, "invalid request"):
		v := probe.Fail("%s for client_id %s", shown(x), quoted(id)).On(x).By(ourClient(t, x)).
			So("the user of %s sees an error page and the client waits", clientName(t))
		if absolute(id) != nil {
			return v.Mend("this id is the URL of a client metadata document: give Keycloak a client policy for its domain and let it fetch the document, " +
				"or stop offering it (start without the cimd feature), or " + preregister)
		}
		return v.Mend("make or enable the client %q in the realm (mcpwiz setup), or remove and add the connection so that the client registers anew", id)
	case wentOn(t, x):
		return probe.Pass("client %s is known", quoted(clipped(id, 60))).On(x)
	case x.Response == nil:
		return notSeen(x)
	}
	return unrelated(x)
}

// shown tells what came of an authorization request: an error page by its text, for its title is the realm's.
func shown(x *probe.Exchange) string {
	p := x.Answer().Page
	if s, ok := edgeOf(x); p == nil || p.Text == "" || !errorPage(x) || ok && s.Self {
		return answered(x)
	}
	return fmt.Sprintf("%d, the page says %s", x.Status(), said(p.Text))
}

func unrelated(x *probe.Exchange) probe.Verdict {
	return probe.Unknown("the authorization endpoint refused for another reason: %s", shown(x)).On(x)
}

func redirectAccepted(t *probe.Trace) probe.Verdict {
	x := request(t)
	uri := parameters(x).Get("redirect_uri")
	switch {
	case pageSays(x, "redirect_uri", "redirect uri", "redirect url"):
		return probe.Fail("%s for redirect_uri %s", shown(x), quoted(uri)).On(x).By(ourClient(t, x)).
			So("the user of %s sees an error page instead of the login", clientName(t)).
			Mend("%s", registerURI(uri, clientID(x)))
	case wentOn(t, x):
		return probe.Pass("%s is accepted", uri).On(x)
	case x.Response == nil:
		return notSeen(x)
	}
	return unrelated(x)
}

func registerURI(uri, id string) string {
	u := absolute(uri)
	if u != nil && probe.Loopback(u.Hostname()) {
		return "add " + uri + " without its port to the valid redirect URIs of client " + quoted(id) +
			": localhost and 127.0.0.1 are two names, and any port of each must do (RFC 8252 section 7.3)"
	}
	return "add exactly " + uri + " to the valid redirect URIs of client " + quoted(id)
}

func pageShown(t *probe.Trace) probe.Verdict {
	x := request(t)
	_, login := byEdge(x, loginPage)
	switch {
	case wentOn(t, x) && x.Response == nil:
		return probe.Pass("the browser came back from %s", bare(x)).On(x)
	case x.Response == nil:
		return notSeen(x)
	case sentTo(x) != nil && !login:
		return probe.Pass("%d to %s", x.Status(), sentTo(x).Host).On(x)
	case wentOn(t, x) && !login && showable(x):
		return probe.Pass("%s", answered(x)).On(x)
	}
	return byItself(x, noPage(t, x))
}

// showable reports whether a browser has something to show: a page, or at least a body that was not read.
func showable(x *probe.Exchange) bool {
	b := x.Answer()
	return x.Status() == 200 && (b.Page != nil || b.Type == "text/html" && b.Size > 0 || hidden(b))
}

func noPage(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := probe.Fail("%s: %s", bare(x), shown(x)).On(x).Who(served(t, x)).So("the user of %s gets no login page", clientName(t))
	switch {
	case x.Status() == 404:
		return v.Mend("make %s the authorization endpoint, or name the right one in the metadata", x.URL().Path)
	case x.Status() == 405:
		return v.Mend("answer GET at the authorization endpoint (RFC 6749 section 3.1)")
	case x.Status() >= 500:
		return v.Mend("look into the authorization server's log for this request")
	case x.Status() < 400:
		return v.Mend("answer with a login page (200 and text/html), or with a redirect that has a Location")
	}
	return v.Because(registeredOtherwise(t, x)).Mend("put right what the page says, on the client in the authorization server")
}

// registeredOtherwise names the check that tells why a client that has just registered is refused: its redirect URI was not kept.
func registeredOtherwise(t *probe.Trace, x *probe.Exchange) string {
	for _, r := range t.Of(probe.Registration) {
		if text(r.Answer().Object()["client_id"]) == clientID(x) && !slices.Contains(stringsIn(r.Answer().Object()["redirect_uris"]), parameters(x).Get("redirect_uri")) {
			return "registration.keeps-redirect-uris"
		}
	}
	return ""
}

// ours are ends of a login that say what the sign-in cannot do, not what is wrong: a person in a browser goes on.
var ours = []string{"elsewhere", "unknown-page", "needs-consent", "needs-code"}

func cameBack(t *probe.Trace) probe.Verdict {
	f := t.FactsOf("login-end")[len(t.FactsOf("login-end"))-1]
	why := text(f.Data["why"])
	if why == "" {
		return probe.Pass("the authorization response came").OnFact(f)
	}
	judged := probe.Fail
	if slices.Contains(ours, text(f.Data["kind"])) {
		judged = probe.Unknown
	}
	v := judged("%s%s", clipped(why, 300), lastPage(t)).OnFact(f).On(t.Last(probe.Authorization), t.Last(probe.Login), t.Last(probe.Callback)).
		So("%s waits for an answer of the login that does not come, or does not take the one that came", clientName(t)).
		Mend("put right what is said here; where the realm signs in elsewhere or wants a person, let a browser do it (--browser)")
	switch text(f.Data["kind"]) {
	case "undelivered":
		v = v.Mend("redirect to the redirect URI with 302 or 303, with code and state in its query (RFC 6749 section 4.1.2): no form_post, no fragment, no 307 after a form")
	case "refused":
		v = v.Mend("redirect to the redirect URI with code and state in its query, or with error (RFC 6749 section 4.1.2); the authorization server's log has the reason")
	}
	if lastPage(t) == "" { // nobody answered
		return v.Because("network.connected")
	}
	return v
}

// lastPage tells what the sign-in was answered last, where that was seen.
func lastPage(t *probe.Trace) string {
	x := t.Last(probe.Login)
	if x == nil {
		x = t.Last(probe.Authorization)
	}
	if x == nil || x.Response == nil {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", bare(x), answered(x))
}

// walkable are the pages that a login without a browser can pass, and what each asks for.
var walkable = map[string]string{
	"login-login": "user and password", "login-login-username": "the user", "login-login-password": "the password",
	"login-login-otp": "a one-time code", "login-select-authenticator": "a second factor", "login-login-oauth-grant": "the user's consent",
}

// bears reports whether a request's query has a parameter.
func bears(x *probe.Exchange, name string) bool { return x.URL().Query().Has(name) }

func loginWalked(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.Login)
	if back := t.Last(probe.Callback); back != nil && back.N >= x.N {
		return probe.Pass("the login led back to the client").On(x, back)
	}
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("no code is issued to %s", clientName(t))
	}
	text := bodyText(x.Answer())
	to := absolute(x.Header("Location"))
	page := x.Answer().Page
	switch {
	case to != nil && host(to) != host(x.URL()):
		return v("the realm signs in at %s", to.Host).Mend("use a browser for the login, or a test user that signs in at the realm itself")
	case strings.Contains(text, "invalid username or password"):
		return v("the page says %s", said(page.Text)).Mend("give the right user and password; after a few failures the account may be locked for a while")
	case strings.Contains(text, "invalid authenticator code"):
		return v("the page says %s", said(page.Text)).Mend("wait for the next one-time code, as each is good once, and begin again")
	case strings.Contains(text, "account is disabled"):
		return v("the page says %s", said(page.Text)).Mend("enable the user in the realm")
	case strings.Contains(text, "cookie not found"):
		return v("the page says %s", said(page.Text)).Mend("keep the cookies of the login page: they are Secure, so the pages must come by https or from loopback")
	case x.Status() >= 400 && bears(x, "code"):
		return v("the response with the code went to %s, not to the client's redirect URI: %s", bare(x), shown(x)).Who(probe.OwnerAuthorizationServer).
			Mend("redirect to the whole redirect_uri of the request, scheme and host and all (RFC 6749 section 4.1.2)")
	case x.Status() >= 400 || page != nil && page.PageID == "login-error":
		return v("the login ended at %s with %s", bare(x), shown(x)).Who(probe.OwnerAuthorizationServer).Mend("put right what the page says")
	case page != nil && page.PageID != "" && walkable[page.PageID] == "":
		return v("the realm shows a page %q that needs a person", page.PageID).Mend("use a browser for the login, or take this required action off the test user")
	case page != nil && page.PageID != "":
		return probe.Unknown("the login has not come to its end: the page asks for %s", walkable[page.PageID]).On(x)
	}
	return probe.Unknown("the login has not come to its end: %s", answered(x)).On(x)
}
