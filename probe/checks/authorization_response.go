package checks

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// response returns the authorization response to judge and its parameters: from the redirect, or where it arrived.
func response(t *probe.Trace) (*probe.Exchange, url.Values) {
	x := t.Last(probe.Callback)
	if q := sentBack(x); q != nil {
		return x, q
	}
	return x, parameters(x)
}

// sentBack returns the authorization response in a redirect's query or fragment, nil when the exchange is no such
// redirect but the response's arrival at the client.
func sentBack(x *probe.Exchange) url.Values {
	to := sentTo(x)
	if to == nil {
		return nil
	}
	fragment, err := url.ParseQuery(to.EscapedFragment())
	for _, q := range []url.Values{to.Query(), fragment} {
		if err == nil && (q.Has("code") || q.Has("error")) {
			return q
		}
	}
	return nil
}

// asking returns the authorization request that a response answers.
func asking(t *probe.Trace, response *probe.Exchange) *probe.Exchange {
	all := t.Of(probe.Authorization)
	for _, x := range slices.Backward(all) {
		if x.N <= response.N {
			return x
		}
	}
	return nil
}

func pkceSent(t *probe.Trace) probe.Verdict {
	x := request(t)
	p := parameters(x)
	challenge, method := p.Get("code_challenge"), p.Get("code_challenge_method")
	mend := func(v probe.Verdict) probe.Verdict {
		return v.On(x).So("a server that requires PKCE refuses the request; one that does not lets a stolen code be used").
			Mend("upgrade the client: it must send code_challenge with code_challenge_method=S256")
	}
	switch {
	case challenge == "":
		return mend(probe.Fail("there is no code_challenge"))
	case method != "S256":
		return mend(probe.Fail("code_challenge_method is %q", method))
	case len(challenge) != 43:
		return mend(probe.Fail("code_challenge has %d characters; S256 makes 43 (RFC 7636 section 4.2)", len(challenge)))
	}
	return probe.Pass("S256").On(x)
}

func scopeAccepted(t *probe.Trace) probe.Verdict {
	x, q := response(t)
	from := asking(t, x)
	scope := "no scope"
	if from != nil && parameters(from).Has("scope") {
		scope = quoted(parameters(from).Get("scope"))
	}
	switch {
	case q.Has("code"):
		return probe.Pass("asked for %s", scope).On(x, from)
	case q.Get("error") != "invalid_scope":
		return probe.Unknown("the response is %s", q.Get("error")).On(x)
	}
	v := probe.Fail("invalid_scope %s: asked for %s", quoted(q.Get("error_description")), scope).On(x, from).
		So("the login of %s ends before it begins: one scope that is not the client's spoils them all", clientName(t))
	if from == nil {
		return v.Mend("make every scope that is asked for an optional or default scope of the client")
	}
	return mendScope(t, v.By(ourClient(t, from)), from)
}

// mendScope: keycloak names the whole list and not the scope that it lacks.
func mendScope(t *probe.Trace, v probe.Verdict, from *probe.Exchange) probe.Verdict {
	asked := strings.Fields(parameters(from).Get("scope"))
	server := t.ServerMetadata().Strings("scopes_supported")
	client := quoted(clientID(from))
	strange := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return len(server) == 0 || slices.Contains(server, s) })
	switch {
	case len(asked) == 0:
		return v.Who(probe.OwnerClient).Mend("leave scope out instead of sending it empty")
	case len(asked) > 4 && len(asked) >= len(server) && len(strange) == 0:
		return v.Who(probe.OwnerOrigin).Mend("publish the server's own scope in the challenge and in the resource metadata's scopes_supported: where neither names one, this client asks for all that the authorization server has")
	case len(strange) > 0:
		return v.Mend("make the client scope %s in the realm, or stop publishing it: the authorization server does not list it", list(strange))
	case slices.Contains(asked, "offline_access"):
		return v.Mend("make offline_access an optional scope of client %s, and %s an optional or default one", client, orList(withoutOffline(asked)))
	}
	return v.Mend("make %s optional or default scopes of client %s", list(asked), client)
}

func withoutOffline(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "offline_access" })
}

func orList(words []string) string {
	if len(words) == 0 {
		return "the scope of the MCP server"
	}
	return list(words)
}

// What an error of RFC 6749 section 4.1.2.1 or OpenID Connect Core section 3.1.2.6 asks for.
var mendResponse = map[string]string{
	"access_denied":             "consent when the page asks for it; if nobody refused, look for a policy or role that keeps this user out",
	"login_required":            "leave out prompt=none: there is no session to use",
	"consent_required":          "leave out prompt=none: the user has not consented yet",
	"temporarily_unavailable":   "log in again: the login page was too old",
	"unauthorized_client":       "switch the standard flow on for this client in the realm",
	"unsupported_response_type": "ask for response_type=code",
	"server_error":              "look into the authorization server's log for this request",
}

func codeIssued(t *probe.Trace) probe.Verdict {
	x, q := response(t)
	if q.Has("code") {
		return probe.Pass("a code came back").On(x)
	}
	code, description := q.Get("error"), q.Get("error_description")
	detail := "error=" + code
	if description != "" {
		detail += " " + quoted(description)
	}
	v := probe.Fail("%s", detail).On(x).So("%s gets no code; it tells its user only that authorization failed", clientName(t))
	switch mend := mendResponse[code]; {
	case code == "access_denied" || code == "login_required":
		return v.Who(probe.OwnerClient).Mend("%s", mend)
	case mend != "":
		return v.Mend("%s", mend)
	case strings.Contains(description, "code_challenge"):
		return v.Who(probe.OwnerClient).Mend("upgrade the client: it must send code_challenge with code_challenge_method=S256")
	case strings.Contains(description, "duplicated parameter"):
		return v.Who(probe.OwnerClient).Mend("send every parameter once; Keycloak takes only one resource")
	case code == "invalid_target":
		return refusedTarget(t, x, v)
	case code == "invalid_scope":
		return v.Mend("make every scope that is asked for an optional or default scope of the client")
	}
	return v.Mend("look for this error in the authorization server's events")
}

// responseOnce holds the response to RFC 6749 section 3.1: parameters must not be included more than once.
func responseOnce(t *probe.Trace) probe.Verdict {
	x, q := response(t)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if n := len(q[name]); n > 1 {
			return probe.Fail("%s is there %d times", quoted(name), n).On(x).
				So("clients refuse the response, or take the first or the last of them as they please").
				Mend("send each parameter of the response once: look for a plugin or a proxy that adds its own to the redirect")
		}
	}
	return probe.Pass("%d parameters, each of them once", len(q)).On(x)
}

// refusedTarget tells of the resource that an authorization request named in vain (RFC 8707 section 2).
func refusedTarget(t *probe.Trace, x *probe.Exchange, v probe.Verdict) probe.Verdict {
	from := asking(t, x)
	if from == nil || !parameters(from).Has("resource") {
		return v.Mend("let the authorization server know %s as a resource", t.Target)
	}
	_, q := response(t)
	resource := parameters(from).Get("resource")
	detail := "error=invalid_target"
	if description := q.Get("error_description"); description != "" {
		detail += " " + quoted(description)
	}
	return probe.Fail("%s for resource %s", detail, quoted(resource)).On(x, from).
		So("every client that sends resource, as MCP requires, gets no code").
		Mend("let the authorization server take resource %s (RFC 8707): register the MCP server there as a resource, or have it ignore the parameter", resource)
}

func byGet(t *probe.Trace) probe.Verdict {
	x, _ := response(t)
	fail := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("the callback of %s never gets the response: it answers GET alone", clientName(t))
	}
	arrived := sentBack(x) == nil
	switch status := x.Status(); {
	case arrived && x.Request.Method == "POST":
		return fail("the response came by POST").Mend("answer the consent form with 302 or 303 instead of 307, and do not use response_mode=form_post")
	case arrived:
		return probe.Pass("the response came by GET").On(x)
	case (status == 307 || status == 308) && x.Request.Method == "POST":
		return fail("POST %s is answered with %d: the browser repeats the POST at the callback", x.URL().Path, status).
			Mend("redirect with 302 or 303 after a form")
	case !sentTo(x).Query().Has("code") && !sentTo(x).Query().Has("error"):
		return fail("the response is in the fragment of the redirect, which stays in the browser").Mend("use response_type=code with response_mode=query")
	}
	return probe.Pass("%d to the callback", x.Status()).On(x)
}

func stateKept(t *probe.Trace) probe.Verdict {
	x, q := response(t)
	from := asking(t, x)
	if from == nil || !parameters(from).Has("state") {
		return probe.Skip("%s sent no state", clientName(t))
	}
	sent, got := parameters(from).Get("state"), q.Get("state")
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("%s takes the response for a forged one and drops it", clientName(t)).
			Mend("return state byte for byte; look for a proxy that encodes the query anew")
	}
	switch {
	case !q.Has("state"):
		return v("state was sent and did not come back")
	case sent != got:
		return v("state came back changed: %s was sent, %s returned", sent, got)
	}
	return probe.Pass("state is the one that was sent").On(x, from)
}

func issMatches(t *probe.Trace) probe.Verdict {
	x, q := response(t)
	want, got := issuer(t), q.Get("iss")
	promised := slices.ContainsFunc(t.Documents(probe.ServerMetadata), func(d *probe.Document) bool {
		return d.True("authorization_response_iss_parameter_supported")
	})
	v := func(format string, args ...any) probe.Verdict {
		judged := probe.Fail
		if t.Profile.ID != "" && !t.Profile.Authorize.ChecksIss {
			judged = probe.Warn
		}
		return judged(format, args...).On(x).So("clients that follow RFC 9207 drop the response after a good login")
	}
	switch {
	case got == "" && promised:
		return v("the metadata promise iss and the response has none").
			Mend("send iss on every authorization response, errors too, or set authorization_response_iss_parameter_supported to false")
	case got == "":
		return probe.Pass("no iss, and the metadata promise none").On(x)
	case want == "":
		return probe.Unknown("iss is %q; no metadata were seen to compare it with", got).On(x)
	case got != want:
		return v("iss is %s, the metadata's issuer %s%s", quoted(got), quoted(want), differing(want, got)).
			Mend("set KC_HOSTNAME to the full public URL, take a frontendUrl of another name off the realm, and publish that one issuer everywhere")
	}
	return probe.Pass("%s", got).On(x)
}
