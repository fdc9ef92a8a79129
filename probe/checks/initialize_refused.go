package checks

import (
	"slices"

	"github.com/mcpwiz/mcpwiz/probe"
)

func garbageRefused(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.OfProbe("garbage-token"))
	if x := admitted(all); x != nil {
		return probe.Fail("a token of nonsense is answered with %s", replied(x)).On(x).Who(served(t, x)).
			So("anybody can use the server: it does not verify tokens").
			Mend("verify signature, issuer, audience and expiry of every token before anything else")
	}
	refused := slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool { return x.Status() != 401 })
	for _, x := range all {
		switch {
		case x.Status() == 401 || unknownMethod(x) && len(refused) > 0:
			continue
		case x.Status() == 404 || x.Status() == 405:
			return probe.Unknown("nobody takes the request: %s", answered(x)).On(x)
		}
		v := probe.Fail("a token of nonsense is answered with %s", replied(x)).On(x).Who(served(t, x)).Because("challenge.status-401").
			So("a client with an old token does not learn that it must sign in again").
			Mend(`answer 401 with WWW-Authenticate: Bearer error="invalid_token" for every token that does not verify`)
		switch {
		case x.Status() == 429:
			return v.Because("edge.not-limited")
		case stoppedByName(t, x):
			return v.Because("edge.user-agents-alike")
		case x.Status() == 403 && !t.Has(probe.OfProbe("user-agent-token")) && takenWithout(t, x):
			v = v.Mend(`answer 401 with WWW-Authenticate: Bearer error="invalid_token" for every token that does not verify; `+
				"or, where a rule before the server stops User-Agent %s once it bears a token, let it through: mcpwiz doctor %s --login USER compares", agent(x), t.Target)
		}
		return byItself(x, v)
	}
	for _, x := range refused {
		if c := x.Challenge(); c == nil || c.Error != "invalid_token" {
			return probe.Warn("401, without error=\"invalid_token\" in the challenge").On(x).So("clients cannot tell a bad token from a missing one").
				Mend(`add error="invalid_token" to WWW-Authenticate where a token was sent`)
		}
	}
	return probe.Pass("401 invalid_token").On(refused...)
}

// takenWithout reports whether the same client was answered with 401 where it bore no token.
func takenWithout(t *probe.Trace, x *probe.Exchange) bool {
	return slices.ContainsFunc(t.Of(probe.Unauthenticated), func(y *probe.Exchange) bool { return y.Status() == 401 && agent(y) == agent(x) })
}

// stoppedByName reports whether an answer is that of a rule on the User-Agent: the same place takes the request under another name.
func stoppedByName(t *probe.Trace, x *probe.Exchange) bool {
	v := agentsAlike(t)
	if v.Outcome != probe.Failed && v.Outcome != probe.Warned {
		return false
	}
	y := t.Exchanges[v.Exchanges[0]-1]
	return asksLike(x) == asksLike(y) && agent(x) == agent(y) && x.Status() == y.Status()
}

func audienceRefused(t *probe.Trace) probe.Verdict {
	x := t.Last(probe.OfProbe("wrong-audience"))
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("a token for another resource is answered with %s", answered(x)).On(x).Mend("compare aud with %s and answer 401 invalid_token", t.Target)
	}
	switch {
	case x.Status() == 401:
		return probe.Pass("%s", complained(x)).On(x)
	case succeeded(x):
		return v(probe.Fail).So("every service of this realm can use its users' tokens at this server")
	}
	return v(probe.Warn).So("the token does not get in; its client does not learn that it must get another")
}
