package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// clientMembers are the members of client metadata that servers know (RFC 7591 section 2, OpenID Connect Registration
// section 2), but those that have checks of their own.
var clientMembers = []string{
	"grant_types", "response_types", "client_name", "client_uri", "logo_uri", "contacts", "tos_uri", "policy_uri", "jwks_uri", "jwks",
	"software_id", "software_version", "software_statement", "application_type", "subject_type", "initiate_login_uri", "default_max_age",
}

// blamed are the members that a refusal names, sorted into those that were sent and those that were not.
func blamed(x *probe.Exchange) (sent, missing []string) {
	words := strings.FieldsFunc(bodyText(x.Answer()), func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z')
	})
	body := x.Request.Body.Object()
	for _, name := range clientMembers {
		if !slices.Contains(words, name) {
			continue
		}
		if _, there := body[name]; there {
			sent = append(sent, name)
		} else {
			missing = append(missing, name)
		}
	}
	return sent, missing
}

func membersAccepted(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	sent, missing := blamed(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).So("%s cannot register: it always sends the same body", clientName(t))
	}
	switch policy, _ := refusal(x); {
	case succeeded(x):
		return probe.Pass("no member of the body was refused").On(x)
	case x.Status() != 400 && x.Status() != 422 || policy == "invalid_redirect_uri" || policyRefusal.MatchString(bodyDescription(x)):
		return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
	case len(sent) > 0:
		var told []string
		for _, name := range sent {
			told = append(told, name+" "+value(x.Request.Body.Object()[name]))
		}
		return v("the body has %s: %s", list(told), refused(x)).
			Mend("ignore members that the server does not know (RFC 7591 section 2), allow what this client sends, or %s", preregister)
	case len(missing) > 0:
		return v("the body has no %s: %s", list(missing), refused(x)).
			Mend("ask for no member but redirect_uris (RFC 7591 section 2), or %s", preregister)
	}
	return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
}

func bodyDescription(x *probe.Exchange) string { _, description := refusal(x); return description }

func scopesRegistered(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	scope := strings.Fields(text(x.Request.Body.Object()["scope"]))
	code, description := refusal(x)
	kept, told := x.Answer().Object()["scope"].(string)
	lost := slices.DeleteFunc(slices.Clone(scope), func(s string) bool { return slices.Contains(strings.Fields(kept), s) })
	switch {
	case len(scope) == 0:
		return probe.Skip("the client registers no scope")
	case succeeded(x) && told && kept != "" && len(lost) > 0:
		return probe.Warn("asked for %s, registered %s", list(scope), list(strings.Fields(kept))).On(x).
			So("%s asks for %s all the same, and may be refused with invalid_scope", clientName(t), list(lost)).
			Mend("let clients register %s, or stop publishing it", list(lost))
	case succeeded(x):
		return probe.Pass("%s", list(scope)).On(x)
	case policyRefusal.MatchString(description) || code != "invalid_scope" && !strings.Contains(strings.ToLower(description), "scope"):
		return probe.Unknown("the registration was refused for another reason: %s", refused(x)).On(x)
	}
	v := probe.Fail("asked for scope %s: %s", quoted(strings.Join(scope, " ")), refused(x)).On(x).So("%s registers the scopes that it will ask for, and is not let in", clientName(t))
	if slices.Contains(scope, "offline_access") && strings.Contains(description, "offline_access") {
		return v.Mend("let clients register offline_access, or take it out of the authorization server's scopes_supported: clients add it because it is listed there")
	}
	return v.Mend("let clients register %s, name scopes in the resource metadata that clients may have, or %s", list(scope), preregister)
}

func grantsKept(t *probe.Trace) probe.Verdict {
	x := attempt(t)
	o := x.Answer().Object()
	grants, kinds := stringsIn(o["grant_types"]), stringsIn(o["response_types"])
	want := stringsIn(x.Request.Body.Object()["grant_types"])
	v := func(judged func(string, ...any) probe.Verdict, detail string) probe.Verdict {
		return judged("%s", detail).On(x).Mend("register the grant types and response types that are asked for (RFC 7591 section 3.2.1)")
	}
	switch {
	case len(grants) > 0 && !slices.Contains(grants, "authorization_code"):
		return v(probe.Fail, "grant_types registered are "+value(o["grant_types"])).So("%s may not use the code that its login brings", clientName(t))
	case len(kinds) > 0 && !slices.ContainsFunc(kinds, func(s string) bool { return slices.Contains(strings.Fields(s), "code") }):
		return v(probe.Fail, "response_types registered are "+value(o["response_types"])).So("%s may not ask for a code", clientName(t))
	case len(grants) > 0 && slices.Contains(want, "refresh_token") && !slices.Contains(grants, "refresh_token"):
		return v(probe.Warn, "asked for refresh_token, registered "+value(o["grant_types"])).So("%s gets no refresh token: its user signs in whenever the access token ends", clientName(t))
	}
	return probe.Pass("authorization_code and code").On(x)
}
