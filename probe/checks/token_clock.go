package checks

import (
	"net/http"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// skew is what verifiers forgive: none by some, 30 to 60 seconds by most.
const skew = 30 * time.Second

func tokenClock(t *probe.Trace) probe.Verdict {
	last, xs := accessToken(t)
	if !last.JWT {
		return opaque(xs)
	}
	for _, x := range t.Of(probe.AccessToken) {
		tok := tokenOf(x)
		if !tok.JWT {
			continue
		}
		now := clock(x)
		if name := milliseconds(tok); name != "" {
			return inMilliseconds(x, tok, name)
		}
		if at, ok := issuedOver(tok, x); ok {
			return at
		}
		v := func(judged func(string, ...any) probe.Verdict, ahead time.Duration) probe.Verdict {
			return judged("the token is valid from %s on, and %s says %s: %s in the future", now.Add(ahead).Format(time.TimeOnly),
				x.URL().Host, now.Format(time.TimeOnly), ahead.Round(time.Second)).On(x).
				So("a verifier without leeway refuses the fresh token with 401").Mend("synchronise the clocks of both hosts (NTP), and allow 30 s in the verifier")
		}
		switch ahead := validIn(tok, now); {
		case ahead > skew && datedIssue(tok, x):
			return v(probe.Fail, ahead).Who(probe.OwnerAuthorizationServer).
				Mend("let iat and nbf be the time of issue, and synchronise the authorization server's clock (NTP): its answer is dated before the token that it brings")
		case ahead > skew:
			return v(probe.Fail, ahead)
		case ahead > 5*time.Second:
			return v(probe.Warn, ahead)
		case overTooSoon(t, tok, x, now):
			return probe.Fail("the token is over at %s's time %s, long before its lifetime has passed", x.URL().Host, now.Format(time.TimeOnly)).On(x).
				So("the MCP server refuses every fresh token with 401").Mend("synchronise the clocks of both hosts (NTP)")
		}
	}
	if x := xs[len(xs)-1]; issueOf(t, last) == nil && over(last, clock(x)) {
		return probe.Unknown("the token is over at %s's time %s; when it was issued was not seen", x.URL().Host, clock(x).Format(time.TimeOnly)).On(x)
	}
	return probe.Pass("iat and nbf are not in the future").On(xs...)
}

// milliseconds names a claim of time that counts no seconds, "" for none: it lies beyond the year 9999.
func milliseconds(tok probe.Token) string {
	for _, name := range []string{"iat", "nbf", "exp"} {
		if at, ok := tok.Time(name); ok && at.Year() > 9999 {
			return name
		}
	}
	return ""
}

func inMilliseconds(x *probe.Exchange, tok probe.Token, name string) probe.Verdict {
	judged, effect := probe.Fail, "a verifier takes the token for one of the far future and refuses it with 401"
	if name == "exp" {
		judged, effect = probe.Warn, "a verifier takes the token for one that never ends, or for malformed"
	}
	return judged("%s is %s, which is the year %d", name, value(tok.Claims[name]), tokenYear(tok, name)).On(x).Who(probe.OwnerAuthorizationServer).
		So("%s", effect).Mend("write iat, nbf and exp in seconds since 1970, not in milliseconds (RFC 7519 section 2, NumericDate)")
}

func tokenYear(tok probe.Token, name string) int {
	at, _ := tok.Time(name)
	return at.Year()
}

// datedIssue reports whether an exchange issued a token and says by the issuer's own clock when it did.
func datedIssue(tok probe.Token, x *probe.Exchange) bool {
	issued, ok := x.Token("response.access_token")
	return ok && issued.Fingerprint == tok.Fingerprint && x.Header("Date") != ""
}

// issuedOver is the verdict on a token that is over when it is issued, by the clock of who issues it.
func issuedOver(tok probe.Token, x *probe.Exchange) (probe.Verdict, bool) {
	if !datedIssue(tok, x) || !over(tok, clock(x)) {
		return probe.Verdict{}, false
	}
	exp, _ := tok.Time("exp")
	return probe.Fail("the token is over when it is issued: exp is %s, and the answer that brings it is of %s", exp.Format(time.DateTime), clock(x).Format(time.DateTime)).
		On(x).Who(probe.OwnerAuthorizationServer).So("the MCP server refuses every fresh token with 401").
		Mend("issue a token of its own for every request, none from a cache, and let exp be the time of issue and its lifetime"), true
}

// validIn is how long a token still is not valid.
func validIn(tok probe.Token, now time.Time) time.Duration {
	var ahead time.Duration
	for _, name := range []string{"iat", "nbf"} {
		if at, ok := tok.Time(name); ok {
			ahead = max(ahead, at.Sub(now))
		}
	}
	return ahead
}

// clock is the time by which an answer was given: its Date, else the moment it was seen.
func clock(x *probe.Exchange) time.Time {
	if at, err := http.ParseTime(x.Header("Date")); err == nil {
		return at
	}
	return x.Start
}

func over(tok probe.Token, now time.Time) bool {
	exp, ok := tok.Time("exp")
	return ok && !exp.After(now)
}

// issueOf returns the exchange in which a token was issued, nil when it was not seen.
func issueOf(t *probe.Trace, tok probe.Token) *probe.Exchange {
	for _, x := range t.Of(probe.AccessToken) {
		if issued, ok := x.Token("response.access_token"); ok && issued.Fingerprint == tok.Fingerprint {
			return x
		}
	}
	return nil
}

// overTooSoon: the token is borne while most of its life, by one and the same observer's clock, is still to come.
func overTooSoon(t *probe.Trace, tok probe.Token, borne *probe.Exchange, now time.Time) bool {
	exp, _ := tok.Time("exp")
	iat, ok := tok.Time("iat")
	issued := issueOf(t, tok)
	return ok && over(tok, now) && issued != nil && borne != issued && borne.Start.Sub(issued.Start) < exp.Sub(iat)/2
}
