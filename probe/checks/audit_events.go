package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// apart is how far an event may lie from the request that it is of.
const apart = 3 * time.Second

// askedAt are the parts of a path by which a request is one that an event of a kind can be of.
var askedAt = map[string][]string{
	"LOGIN_ERROR":           {"/protocol/openid-connect/auth", "/login-actions/"},
	"CLIENT_REGISTER_ERROR": {"/clients-registrations/"},
	"CODE_TO_TOKEN_ERROR":   {"/protocol/openid-connect/token"},
	"REFRESH_TOKEN_ERROR":   {"/protocol/openid-connect/token"},
	"CLIENT_LOGIN_ERROR":    {"/protocol/openid-connect/token"},
}

// saysAlready are the checks that say the same of an error as the event does, by its type, or by type and error.
var saysAlready = map[string]string{
	"LOGIN_ERROR invalid_redirect_uri": "authorization.redirect-accepted",
	"LOGIN_ERROR client_not_found":     "authorization.client-known",
	"LOGIN_ERROR client_disabled":      "authorization.client-known",
	"LOGIN_ERROR":                      "authorization.login-walked",
	"CLIENT_REGISTER_ERROR":            "registration.policy-admits",
	"CODE_TO_TOKEN_ERROR":              "token.code-accepted",
	"CLIENT_LOGIN_ERROR":               "token.client-authenticated",
	"REFRESH_TOKEN_ERROR":              "token.refresh-works",
}

var mendEvent = map[string]string{
	"invalid_redirect_uri":       "add that redirect URI to the client",
	"client_not_found":           "make the client, or give the one that is there",
	"client_disabled":            "enable the client",
	"invalid_user_credentials":   "sign in with the right password, or reset it",
	"user_not_found":             "make the user, or correct the name",
	"user_disabled":              "enable the user",
	"user_temporarily_disabled":  "wait, or unlock the user: brute force detection has locked it",
	"rejected_by_user":           "sign in again and give consent",
	"invalid_client_credentials": "give the client its own secret: mcpwiz credentials shows it",
	"pkce_verification_failed":   "look for what changes or repeats requests on the way: the verifier is not of the challenge that was sent",
	"invalid_code":               "look for what sends the request twice: a code is good once, for a minute",
	"not_allowed":                "change the policy that is named, in Clients, Client registration",
}

func noRegistrationRefused(t *probe.Trace) probe.Verdict {
	return logged(t, "this registration", "the client gets no id", "CLIENT_REGISTER_ERROR")
}

func noSignInError(t *probe.Trace) probe.Verdict {
	if t.Has(probe.Callback) {
		if x, q := response(t); q.Has("code") {
			return probe.Pass("a code came back").On(x)
		}
	}
	return logged(t, "this sign-in", clientName(t)+" gets no code", "LOGIN_ERROR")
}

func noTokenError(t *probe.Trace) probe.Verdict {
	return logged(t, "its token requests", clientName(t)+" gets no token", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN_ERROR", "CLIENT_LOGIN_ERROR")
}

// logged judges the errors that Keycloak has logged of the handshake's own requests: what probes bring about is meant.
func logged(t *probe.Trace, of, effect string, kinds ...string) probe.Verdict {
	summary := t.FactsOf(auditEvents)[0]
	if !on(summary.Data["enabled"]) {
		return probe.Unknown("the realm keeps no events (eventsEnabled is off)")
	}
	for _, f := range t.FactsOf(auditEvent) {
		kind, code := text(f.Data["type"]), text(f.Data["error"])
		if !slices.Contains(kinds, kind) {
			continue
		}
		x := behind(t, f)
		if x == nil || x.Probe != "" {
			continue
		}
		v := probe.Fail("Keycloak logged %s %s at %s%s", kind, code, f.At.Format(time.TimeOnly), details(f)).On(x).OnFact(f).So("%s", effect).Because(says(f))
		if mend := mendEvent[code]; mend != "" {
			return v.Mend("%s", mend)
		}
		return v.Mend("look it up in the realm, Events")
	}
	return probe.Pass("none of %s", of).OnFact(summary)
}

// says returns the check that says the same of the handshake as an event does.
func says(f probe.Fact) string {
	kind, code, reason := text(f.Data["type"]), text(f.Data["error"]), text(f.Data["reason"])
	switch {
	case code == "invalid_client_credentials":
		return "token.client-authenticated"
	case strings.HasPrefix(reason, "Invalid scopes"):
		return "authorization.scope-accepted"
	case strings.Contains(reason, "code_challenge"):
		return "authorization.pkce-sent"
	}
	return cmp.Or(saysAlready[kind+" "+code], saysAlready[kind])
}

// details are the details of an event.
func details(f probe.Fact) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.Data)) {
		if v := text(f.Data[name]); v != "" && name != "type" && name != "error" {
			all = append(all, fmt.Sprintf("%s %s", name, quoted(v)))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, ", ")
}

// behind returns the request that an event is of: the nearest in time of those that can have brought it about. A probe it is only
// where nothing else can be: what was refused alike has left such an event too, and times tell the two apart to a millisecond at best.
func behind(t *probe.Trace, f probe.Fact) *probe.Exchange {
	var nearest *probe.Exchange
	least := apart
	for _, x := range t.Exchanges {
		d := distance(x, f.At)
		if d > apart || !broughtAbout(x, f) {
			continue
		}
		instead := nearest != nil && nearest.Probe != "" && x.Probe == ""
		if nearest == nil || instead || d < least && (x.Probe == "" || nearest.Probe != "") {
			nearest, least = x, d
		}
	}
	return nearest
}

// grantOf is what a token request asks for where it can bring about an event.
var grantOf = map[string]string{
	"CODE_TO_TOKEN_ERROR": "authorization_code", "REFRESH_TOKEN_ERROR": "refresh_token", "CLIENT_LOGIN_ERROR": "client_credentials",
}

// broughtAbout reports whether an event can be of a request: by what it asks, by whom, and that it was refused.
func broughtAbout(x *probe.Exchange, f probe.Fact) bool {
	kind := text(f.Data["type"])
	at := func(part string) bool { return strings.Contains(x.URL().Path, part) }
	if !slices.ContainsFunc(askedAt[kind], at) {
		return false
	}
	p := parameters(x)
	same := func(asked, logged string) bool { return asked == "" || logged == "" || asked == logged }
	switch {
	case !same(clientID(x), text(f.Data["client_id"])) || !same(p.Get("redirect_uri"), text(f.Data["redirect_uri"])):
		return false
	case !same(p.Get("grant_type"), grantOf[kind]):
		return false
	case strings.Contains(text(f.Data["reason"]), "code_challenge") && p.Has("code_challenge"):
		return false
	case kind == "LOGIN_ERROR":
		return refusedSignIn(x, text(f.Data["error"]))
	}
	return x.Status() == 0 || x.Status() >= 400
}

// beforeLogin are errors of the authorization request itself; others are of what a user does on a page.
var beforeLogin = []string{"invalid_redirect_uri", "client_not_found", "client_disabled", "invalid_request", "unsupported_response_type"}

// refusedSignIn reports whether a request of a sign-in was refused, and for such an error. A page that shows itself again after
// a form was sent refuses what was in it.
func refusedSignIn(x *probe.Exchange, code string) bool {
	switch {
	case strings.Contains(x.Header("Location"), "error=") || x.Status() >= 400:
		return true
	case slices.Contains(beforeLogin, code):
		return false
	}
	return x.Request.Method == "POST" && x.Status() == 200
}

// distance is how far a moment of Keycloak's clock, which the Date of the answer tells, lies outside the time of a request.
func distance(x *probe.Exchange, at time.Time) time.Duration {
	if ahead := clock(x).Sub(x.Start); ahead.Abs() > 2*time.Second {
		at = at.Add(-ahead)
	}
	end := x.Start.Add(time.Duration(x.Timing.Total * float64(time.Millisecond)))
	return max(0, x.Start.Sub(at), at.Sub(end))
}
