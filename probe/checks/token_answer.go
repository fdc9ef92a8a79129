package checks

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func answerValid(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	o := x.Answer().Object()
	kind, expires := o["token_type"], o["expires_in"]
	_, isNumber := number(expires)
	fail := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).So("strict clients drop the token: the login fails at its last step").
			Mend("answer as RFC 6749 section 5.1 has it: token_type \"Bearer\", and expires_in a number of seconds")
	}
	switch {
	case text(o["access_token"]) == "":
		return fail("access_token is %s, not a string", value(o["access_token"])).
			Mend("answer as RFC 6749 section 5.1 has it: access_token one string")
	case unbearable(x) != "":
		return fail("access_token has %s, which no bearer token has (RFC 6750 section 2.1)", unbearable(x)).
			Mend("issue tokens of letters, digits and -._~+/= alone; look for a line end or a blank that is pasted on to the token")
	case kind == nil:
		return fail("there is no token_type")
	case !strings.EqualFold(text(kind), "Bearer"):
		return fail("token_type is %s, not Bearer", value(kind))
	case misshapen(o) != "":
		return fail("%s is %s, not a string", misshapen(o), value(o[misshapen(o)])).
			Mend("answer as RFC 6749 section 5.1 has it: scope one string with spaces between, and no member where there is nothing to say")
	case expires != nil && !isNumber:
		return fail("expires_in is %s, not a number", value(expires))
	case strict(x.Answer().Problem):
		return fail("the body %s", x.Answer().Problem).
			Mend("write the answer with a JSON encoder: UTF-8 without a byte order mark, one object, Content-Type: application/json")
	case x.Answer().Problem != "":
		return probe.Warn("the body is not what its label says: %s", x.Answer().Problem).On(x).
			So("strict clients drop the token").Mend("label the answer application/json")
	case expires == nil:
		return probe.Warn("there is no expires_in").On(x).So("clients cannot renew the token in time").Mend("add expires_in, in seconds")
	case !strings.Contains(strings.ToLower(x.Header("Cache-Control")), "no-store"):
		return probe.Warn("Cache-Control is %q, without no-store", x.Header("Cache-Control")).On(x).
			So("a cache on the way may keep the token").Mend("answer with Cache-Control: no-store")
	}
	return probe.Pass("%s for %v s", text(kind), expires).On(x)
}

// unbearable tells the character by which an issued token cannot be borne, "" for none.
func unbearable(x *probe.Exchange) string {
	tok, _ := x.Token("response.access_token")
	return tok.Unfit
}

// misshapen returns a member of a token answer that is there and no string though it has to be one, "" for none.
func misshapen(o map[string]any) string {
	for _, name := range []string{"scope", "refresh_token", "id_token"} {
		v, there := o[name]
		if _, isString := v.(string); there && !isString {
			return name
		}
	}
	return ""
}

func scopeAtToken(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	code, _ := refusal(x)
	p := parameters(x)
	switch {
	case code == "invalid_scope":
		v := probe.Fail("%s: asked for %s", refused(x), quoted(p.Get("scope"))).On(x).By(ourClient(t, x)).
			So("%s gets no token: one scope that is not the client's spoils them all", clientName(t))
		if p.Has("scope") && strings.TrimSpace(p.Get("scope")) == "" {
			return v.Who(probe.OwnerClient).Mend("leave scope out instead of sending it empty")
		}
		return v.Mend("make %s optional or default scopes of client %s", orList(strings.Fields(p.Get("scope"))), quoted(clientID(x)))
	case !p.Has("scope"):
		return probe.Skip("the token request names no scope")
	case granted(x):
		return probe.Pass("%s", p.Get("scope")).On(x)
	}
	return otherwise(x)
}

// lifetime is a token's, as the answer tells it, else as its claims do.
func lifetime(x *probe.Exchange) (time.Duration, bool) {
	if s, ok := number(x.Answer().Object()["expires_in"]); ok {
		return time.Duration(s * float64(time.Second)), true
	}
	tok, _ := x.Token("response.access_token")
	exp, ok := tok.Time("exp")
	iat, also := tok.Time("iat")
	return exp.Sub(iat), ok && also
}

// renewsEarly is the margin of a client of which nothing is known: the largest one observed.
const renewsEarly = 300

func tokenLifetime(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	margin := t.Profile.Token.RefreshMargin
	if t.Profile.ID == "" {
		margin = renewsEarly
	}
	life, known := lifetime(x)
	switch {
	case ownGrant(t, x):
		return probe.Skip("a machine asks for a new token when it needs one")
	case margin == 0:
		return probe.Skip("%s is not known to renew before the end", clientName(t))
	case !known:
		return probe.Unknown("nothing tells how long the token lives").On(x)
	case life < shortest:
		return probe.Unknown("it lives too short for any client").On(x)
	case life <= time.Duration(margin)*time.Second:
		return probe.Fail("the token lives %.0f s; %s renews what has %d s or less to live", life.Seconds(), clientName(t), margin).On(x).By(ourClient(t, x)).
			So("every MCP request costs a token request first").
			Mend("set access.token.lifespan to 900 on client %s (Advanced > Access Token Lifespan: 15 minutes)", quoted(clientID(x)))
	}
	return probe.Pass("%.0f s", life.Seconds()).On(x)
}

// pause is Keycloak's SSO Session Idle as shipped: refresh tokens without offline_access live no longer.
const pause = 30 * time.Minute

func refreshIssued(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	o := x.Answer().Object()
	life, known := lifetime(x)
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).By(ourClient(t, x)).
			Mend("make offline_access an optional scope of client %s, so that clients which ask for it stay signed in", quoted(clientID(x)))
	}
	switch {
	case ownGrant(t, x):
		return probe.Skip("client_credentials has no refresh token")
	case text(o["refresh_token"]) == "" && known:
		return v("there is no refresh_token").So("%s will ask to sign in again after %s, in use or not", clientName(t), spell(life))
	case text(o["refresh_token"]) == "":
		return v("there is no refresh_token").So("the user of %s signs in again whenever the token ends", clientName(t))
	}
	return probe.Pass("issued").On(x)
}

func refreshWorks(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.Refresh)
	if granted(x) {
		return renewedWell(t, x)
	}
	code, description := refusal(x)
	said := refused(x)
	if code == "" {
		said = inFull(x)
	}
	v := probe.Fail("%s, with %s", said, proof(x)).On(x).Who(served(t, x)).
		So("the user of %s is asked to sign in again though nothing changed", clientName(t))
	switch {
	case code == "" && x.Status() == 200:
		return v.Mend("answer a refresh as RFC 6749 section 5.1 has it: a JSON object with access_token and token_type \"Bearer\"")
	case strings.Contains(description, "reuse exceeded") || strings.Contains(description, "required client"):
		return v.Mend("switch Revoke Refresh Token off in the realm (Sessions > Tokens), or set Refresh Token Max Reuse to 1: the token was used twice and the session died of it")
	case strings.Contains(description, "not active"):
		return v.Mend("make offline_access an optional scope of the client: the SSO session that the refresh token hung on is over")
	case strings.Contains(description, "don't match"):
		return v.Who(probe.OwnerClient).Mend("renew with the client id that the token was issued to")
	case code == "unauthorized_client" || code == "invalid_client":
		return v.Who(probe.OwnerClient).Mend("authenticate the refresh as the code was: a confidential client must prove itself here too; some clients never do and need a public client")
	case code == "invalid_target":
		return v.Mend("let the authorization server take the resource that the token was granted for, or connect anew after the server's URL has changed")
	}
	return byItself(x, v.Mend("sign in again; if it comes back, look for REFRESH_TOKEN_ERROR in the authorization server's events"))
}

// renewedWell holds what a refresh brought to what the first token answer is held to (RFC 6749 section 6).
func renewedWell(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	o := x.Answer().Object()
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).Because("token.answer-valid").
			So("the user of %s is asked to sign in again though the refresh succeeded", clientName(t)).
			Mend("answer a refresh as RFC 6749 section 5.1 has it: access_token a string, token_type \"Bearer\", in one JSON object")
	}
	switch {
	case text(o["access_token"]) == "":
		return v("renewed, and access_token is %s, not a string", value(o["access_token"]))
	case !strings.EqualFold(text(o["token_type"]), "Bearer"):
		return v("renewed, and token_type is %s, not Bearer", value(o["token_type"]))
	case strict(x.Answer().Problem):
		return v("renewed, and the body %s", x.Answer().Problem)
	case o["refresh_token"] != nil && text(o["refresh_token"]) == "":
		return v("renewed, and refresh_token is %s: a client that takes it for the new one has none", value(o["refresh_token"])).
			So("the user of %s is asked to sign in again when the renewed token ends", clientName(t)).
			Mend("leave refresh_token out where the one before stays good, or issue one (RFC 6749 section 6)")
	}
	return probe.Pass("renewed").On(x)
}

func deadRefresh(t *probe.Trace) probe.Verdict {
	x, stranger := t.Last(probe.OfProbe("dead-refresh")), t.Last(probe.OfProbe("unknown-client"))
	code, _ := refusal(x)
	switch {
	case code == "invalid_grant" && x.Status() == 400:
		return probe.Pass("%s", refused(x)).On(x)
	case code == "invalid_client" || code == "unauthorized_client":
		return probe.Unknown("the client was refused before its refresh token was looked at: %s", refused(x)).On(x)
	case absentEndpoint(x) && stranger != nil && absentEndpoint(stranger):
		return probe.Skip("nothing takes token requests at %s: %s", bare(x), refused(x)).Because(absentBecause(t))
	}
	return byItself(x, probe.Fail("a refresh token of nonsense is answered with %s", refused(x)).On(x).Who(served(t, x)).
		So("%s does not learn that it must ask its user to sign in again", clientName(t)).
		Mend(`answer 400 with {"error":"invalid_grant"} for a refresh token that is not good any more`))
}

// saidToAll names the check on tokens where the client's own request was refused in the same words: they say nothing of who asks.
func saidToAll(t *probe.Trace, x *probe.Exchange) string {
	if y := tokenRequest(t); y != nil && !granted(y) && refused(y) == refused(x) {
		return "token.issued"
	}
	return ""
}

func unknownClient(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("unknown-client"))
	code, _ := refusal(x)
	judged := probe.Fail
	switch {
	case code == "invalid_client" && x.Status() == 401:
		return probe.Pass("%s", refused(x)).On(x)
	case code == "invalid_client" && x.Status() == 400:
		judged = probe.Warn
	}
	if absentEndpoint(x) {
		return probe.Skip("nothing takes token requests at %s: %s", bare(x), refused(x)).Because(absentBecause(t))
	}
	v := judged("an unknown client is answered with %s", refused(x)).On(x).Who(served(t, x)).Because(saidToAll(t, x))
	return byItself(x, v.
		So("a client whose registration is gone does not register anew, and no retry helps its user").
		Mend(`answer 401 with {"error":"invalid_client"}`))
}
