package checks

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

const preregister = "give the client an id made beforehand (mcpwiz setup; mcpwiz credentials tells what to type in)"

// attempt is the registration to judge.
func attempt(t *probe.Trace) *probe.Exchange { return latest(t, probe.Registration, succeeded) }

// Keycloak's words: Policy 'Trusted Hosts' rejected request to client-registration service. Details: Host not trusted.
var policyRefusal = regexp.MustCompile(`Policy '([^']+)' rejected request to client-registration service\.(?: Details: (.*))?`)

func policyAdmits(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	_, description := refusal(x)
	m := policyRefusal.FindStringSubmatch(description)
	switch {
	case succeeded(x):
		return probe.Pass("no policy refused the registration").On(x)
	case m == nil:
		return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
	}
	return probe.Fail("Keycloak's policy %q refused the registration: %s", m[1], quoted(m[2])).On(x).
		So("%s cannot register here, whatever the user does", clientName(t)).Mend("%s", relax(m[1], m[2], x))
}

// relax tells how a policy is loosened for the registration at hand. Hosts are of all redirect URIs and of client_uri:
// Keycloak holds both to one list.
func relax(policy, details string, x *probe.Exchange) string {
	body := x.Request.Body.Object()
	where := "; or, in the realm, Clients > Client registration > Anonymous access policies > " + policy + ": "
	switch {
	case policy == "Trusted Hosts" && strings.HasPrefix(details, "Host not trusted"):
		return preregister + where + `switch "Host sending Client Registration Request Must Match" off (a hosted client's addresses have no name ` +
			"that it could match) and add " + list(hostsOf(body)) + " to the trusted hosts"
	case policy == "Trusted Hosts" && strings.HasPrefix(details, "URL"):
		return preregister + where + "add the host of client_uri, " + quoted(text(body["client_uri"])) +
			", to the trusted hosts; mind that redirect URIs on that host may then register too"
	case policy == "Trusted Hosts":
		return preregister + where + "add " + list(hostsOf(body)) + " to the trusted hosts"
	case policy == "Allowed Client Scopes":
		return preregister + where + "allow " + list(strings.Fields(text(body["scope"]))) + "; each must exist as a client scope of the realm (openid apart)"
	case policy == "Max Clients Limit":
		return "delete the clients that registered and are not used any more, and " + preregister + ": Claude registers a new client for every connection" +
			where + "raise the limit"
	}
	return preregister + where + "loosen it for this client"
}

func hostsOf(body map[string]any) []string {
	var all []string
	for _, raw := range append(stringsIn(body["redirect_uris"]), text(body["client_uri"])) {
		if u := absolute(raw); u != nil && !slices.Contains(all, u.Hostname()) {
			all = append(all, u.Hostname())
		}
	}
	return all
}

func redirectsAllowed(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	code, _ := refusal(x)
	switch {
	case succeeded(x):
		return probe.Pass("registered %s", list(stringsIn(x.Request.Body.Object()["redirect_uris"]))).On(x)
	case code == "invalid_redirect_uri" || (x.Status() == 400 || x.Status() == 422) && strings.Contains(bodyText(x.Answer()), "redirect"):
		v := probe.Fail("%s for redirect_uris %s%s", refused(x), value(x.Request.Body.Object()["redirect_uris"]), asApplication(x)).On(x).
			So("%s cannot register: its callback is refused", clientName(t)).
			Mend("allow these redirect URIs to register (loopback ones with any port, RFC 8252 section 7.3), or %s", preregister)
		if asApplication(x) != "" {
			return v.Mend("take a client whose redirect URIs are on loopback or have a scheme of their own for native, whatever application_type it sends, or %s", preregister)
		}
		return v
	}
	return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
}

// asApplication tells the application_type of a client of the user's own machine: a server that takes it for a web application
// refuses such redirect URIs (OpenID Connect Registration section 2, where web is the default). It is "" for a hosted one.
func asApplication(x *probe.Exchange) string {
	body := x.Request.Body.Object()
	native := slices.ContainsFunc(stringsIn(body["redirect_uris"]), func(raw string) bool {
		u := absolute(raw)
		return u == nil || probe.Loopback(u.Hostname())
	})
	switch kind, told := body["application_type"]; {
	case !native:
		return ""
	case told:
		return " with application_type " + value(kind)
	}
	return " without application_type"
}

func methodAccepted(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	method := text(x.Request.Body.Object()["token_endpoint_auth_method"])
	code, _ := refusal(x)
	said := bodyText(x.Answer())
	switch {
	case succeeded(x):
		return probe.Pass("registered, having asked for %s", orNone(method)).On(x)
	case (x.Status() == 400 || x.Status() == 422) && method != "" && code != "invalid_redirect_uri" &&
		(strings.Contains(said, "auth_method") || strings.Contains(said, "auth method") || strings.Contains(said, method) || unsupported(t, method) ||
			method != "none" && strings.Contains(said, "public client") || method == "none" && strings.Contains(said, "confidential")):
		return probe.Fail("asked for token_endpoint_auth_method %q: %s", method, refused(x)).On(x).
			So("%s asks for this method whatever the metadata offer, so it cannot register", clientName(t)).
			Mend("accept %s at the registration endpoint (the answer may name another method), or %s", method, preregister)
	}
	return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
}

// unsupported: the metadata list their methods, and not this one. Keycloak takes none without listing it.
func unsupported(t *probe.Trace, method string) bool {
	all := t.ServerMetadata().Strings("token_endpoint_auth_methods_supported")
	return method != "none" && len(all) > 0 && !slices.Contains(all, method)
}

func registered(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	if succeeded(x) {
		return probe.Pass("%d at %s", x.Status(), bare(x)).On(x)
	}
	return byItself(x, notRegistered(t, x))
}

func notRegistered(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	v := probe.Fail("POST %s: %s", bare(x), refused(x)).On(x).Who(served(t, x)).
		So("%s has no client id: it stops before the login", clientName(t))
	switch {
	case guessed(t, x, "registration_endpoint"):
		return v.Who(probe.OwnerOrigin).
			Mend("publish metadata that %s accepts, so that it does not guess this URL on the MCP server's host; or %s", clientName(t), preregister)
	case x.Status() >= 300 && x.Status() < 400:
		return v.Mend("name the final URL as registration_endpoint: a redirected POST arrives as GET")
	case x.Status() == 404 || x.Status() == 405:
		return v.Mend("serve POST %s and let the proxy forward it, name the right URL as registration_endpoint, or take the member out; or %s", x.URL().Path, preregister)
	case x.Status() == 409:
		return v.Mend("let several clients have one client_name: %s registers anew for every connection", clientName(t))
	case x.Status() == 415:
		return v.Mend("take application/json at %s: a registration is no form (RFC 7591 section 3.1)", x.URL().Path)
	case x.Status() == 429:
		return v.Mend("raise the rate limit of POST %s: %s registers anew for every connection, from few addresses", x.URL().Path, clientName(t))
	case x.Status() >= 500:
		return v.Mend("look into the authorization server's log for this request")
	case x.Answer().Type == "text/html" || x.Answer().Page != nil:
		return v.Mend("let POST %s through the firewall or proxy in front: rules against URLs in a body match redirect_uris", x.URL().Path)
	case x.Status() == 401:
		return v.Mend("%s: this server registers only those who bear an initial access token, which no MCP client does", preregister)
	}
	return v.Mend("%s; or make the endpoint accept the body that this client sends", preregister)
}

func registrationValid(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	o := x.Answer().Object()
	fail := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("%s cannot read the answer and takes the registration for failed", clientName(t)).
			Mend("answer 201 with a JSON object as RFC 7591 section 3.2.1 has it")
	}
	method, wanted := text(o["token_endpoint_auth_method"]), text(x.Request.Body.Object()["token_endpoint_auth_method"])
	expires, has := o["client_secret_expires_at"]
	secret := text(o["client_secret"])
	switch {
	case o == nil:
		return fail("%d without a JSON object: %s", x.Status(), answered(x))
	case strict(x.Answer().Problem):
		return fail("the body %s", x.Answer().Problem)
	case o["client_id"] == nil && o["error"] != nil:
		return fail("an error with a success: %s", refused(x)).Mend("answer errors with 400 (RFC 7591 section 3.2.2), and mend what this one says")
	case o["client_id"] == nil:
		return fail("the answer has no client_id: %s", unreadable(x))
	case text(o["client_id"]) == "":
		return fail("client_id is %s, not a string", value(o["client_id"]))
	case strings.HasPrefix(method, "client_secret_") && secret == "":
		return fail("token_endpoint_auth_method is %q and there is no client_secret", method)
	case has && !whole(expires):
		return fail("client_secret_expires_at is %s, not a whole number", value(expires))
	case secret != "" && has && ended(x, expires):
		return fail("client_secret_expires_at is %s: the secret had ended when it was handed out, at %d", value(expires), x.Start.Unix()).
			So("the token endpoint refuses the secret of %s", clientName(t)).Mend("write the time in seconds at which the secret ends, 0 for never (RFC 7591 section 3.2.1)")
	case method != "" && method != "none" && method != "client_secret_basic" && method != "client_secret_post" && method != wanted:
		return fail("token_endpoint_auth_method is %q, where %s was asked for", method, orNone(wanted)).So("%s cannot authenticate so at the token endpoint: it has a secret at most", clientName(t)).
			Mend("register the method that is asked for, or %s", preregister)
	case secret != "" && !has:
		return probe.Warn("there is a client_secret and no client_secret_expires_at").On(x).
			So("strict clients take the registration for failed").Mend("add client_secret_expires_at, 0 for a secret that does not expire")
	case x.Status() != 201 && x.Status() != 200:
		return fail("answered %d", x.Status())
	case x.Status() == 200:
		return probe.Pass("client_id %q; answered 200, where RFC 7591 has 201", clipped(text(o["client_id"]), 60)).On(x)
	}
	return probe.Pass("client_id %q", clipped(text(o["client_id"]), 60)).On(x)
}

// ended reports whether a time in seconds, 0 for never, was over when an answer came; a minute is left to clocks.
func ended(x *probe.Exchange, expires any) bool {
	n, ok := expires.(json.Number)
	at, err := n.Int64()
	return ok && err == nil && at != 0 && at < x.Start.Unix()-60
}

func keepsRedirects(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	want := stringsIn(x.Request.Body.Object()["redirect_uris"])
	got, told := x.Answer().Object()["redirect_uris"]
	kept := stringsIn(got)
	lost := slices.DeleteFunc(slices.Clone(want), func(u string) bool { return slices.Contains(kept, u) })
	switch {
	case len(want) == 0:
		return probe.Skip("no redirect URI was asked for")
	case !told:
		return probe.Warn("the answer does not tell redirect_uris").On(x).So("strict clients take the registration for failed").
			Mend("repeat all registered metadata in the answer (RFC 7591 section 3.2.1)")
	case len(lost) > 0:
		return probe.Fail("asked for %s, registered %s", value(want), value(got)).On(x).
			So("a login by %s ends on an error page: the redirect URI is not registered", list(lost)).Mend("register every redirect URI as it is sent")
	}
	return probe.Pass("registered %s", list(kept)).On(x)
}

func methodFollowed(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	want := text(x.Request.Body.Object()["token_endpoint_auth_method"])
	got := text(x.Answer().Object()["token_endpoint_auth_method"])
	switch {
	case want == "" || got == "":
		return probe.Pass("asked for %s, registered %s", orNone(want), orNone(got)).On(x)
	case want != got:
		return probe.Fail("asked for %q, registered %q", want, got).On(x).
			So("a client that keeps to its wish gets 401 at the token endpoint; the clients observed follow the answer").
			Mend("register the method that is asked for (Keycloak does from 26.6), or %s", preregister)
	}
	return probe.Pass("registered %q", got).On(x)
}

func orNone(s string) string {
	if s == "" {
		return "no method by name"
	}
	return quoted(s)
}
