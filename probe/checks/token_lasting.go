package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// spell writes a duration as people say it, "30 minutes": in the largest unit that fits it well.
func spell(d time.Duration) string {
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		near := unit.is / 20
		switch n := d.Round(unit.is) / unit.is; {
		case (d - unit.is).Abs() <= near:
			return "1 " + unit.name
		case d >= 2*unit.is-near:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return fmt.Sprintf("%.0f seconds", d.Seconds())
}

// ownGrant reports whether a token request is a machine's own.
func ownGrant(t *probe.Trace, x *probe.Exchange) bool {
	return machine(t) || parameters(x).Get("grant_type") == "client_credentials"
}

// shortest is as little as a client needs to make use of a token.
const shortest = 10 * time.Second

func lifetimeUsable(t *probe.Trace) probe.Verdict {
	x := tokenRequest(t)
	life, known := lifetime(x)
	told, _ := number(x.Answer().Object()["expires_in"])
	tok, _ := x.Token("response.access_token")
	exp, dated := tok.Time("exp")
	left := exp.Sub(clock(x))
	v := func(judged func(string, ...any) probe.Verdict, format string, args ...any) probe.Verdict {
		return judged(format, args...).On(x)
	}
	switch {
	case !known:
		return probe.Unknown("nothing tells how long the token lives").On(x)
	case life < shortest:
		return v(probe.Fail, "the token lives %.0f s", life.Seconds()).
			So("it is over before %s has used it: every request answers 401", clientName(t)).
			Mend("let access tokens live 15 minutes (Keycloak: access.token.lifespan 900 on client %s)", quoted(clientID(x)))
	case dated && told > 0 && milliseconds(tok) == "" && time.Duration(told)*time.Second > left+time.Minute:
		return v(probe.Warn, "expires_in is %.0f, the token itself ends after %.0f s", told, left.Seconds()).
			So("%s holds the token for good while the MCP server refuses it", clientName(t)).
			Mend("let expires_in be what is left of the token's exp, in seconds").Because("token.clock")
	}
	return v(probe.Pass, "%s", spell(life))
}

// renewable returns the token answer that brought the newest refresh token, nil when none did.
func renewable(t *probe.Trace) *probe.Exchange {
	all := slices.Concat(t.Of(probe.TokenRequest), t.Of(probe.Refresh))
	slices.SortFunc(all, func(a, b *probe.Exchange) int { return a.N - b.N })
	for _, x := range slices.Backward(all) {
		if granted(x) && text(x.Answer().Object()["refresh_token"]) != "" {
			return x
		}
	}
	return nil
}

// silence is how long a refresh token lives without being used, as the answer tells it, else as its own claims do.
func silence(x *probe.Exchange) (time.Duration, bool) {
	if s, ok := number(x.Answer().Object()["refresh_expires_in"]); ok && s > 0 {
		return time.Duration(s * float64(time.Second)), true
	}
	tok, _ := x.Token("response.refresh_token")
	exp, ok := tok.Time("exp")
	return exp.Sub(clock(x)), ok
}

func signInLasts(t *probe.Trace) probe.Verdict {
	x := renewable(t)
	if ownGrant(t, tokenRequest(t)) {
		return probe.Skip("a machine signs in by itself")
	}
	if x == nil {
		return probe.Skip("there is no refresh token to outlive a pause")
	}
	idle, known := silence(x)
	life, _ := lifetime(x)
	scope := strings.Fields(text(x.Answer().Object()["scope"]))
	offline := slices.Contains(scope, "offline_access")
	v := probe.Fail("%s will ask to sign in again after %s without use", clientName(t), spell(idle)).On(x).By(ourClient(t, x)).
		So("its user signs in again after every longer pause")
	switch {
	case !known && offline:
		return probe.Pass("no end is told: the sign-in lasts until it is taken back (offline_access)").On(x)
	case !known:
		return probe.Pass("a refresh token was issued, and nothing tells that it ends").On(x)
	case life > 0 && idle < life:
		return v.Mend("let the refresh token live longer than the access token, which has %s: renewed before its end it is of no use", spell(life))
	case idle <= pause && offline:
		return v.Mend("lengthen Client Offline Session Idle of client %s: offline_access was granted, and ends so soon all the same", quoted(clientID(x)))
	case idle <= pause:
		return v.Mend("make offline_access an optional scope of client %s, so that clients which ask for it stay signed in", quoted(clientID(x)))
	}
	return probe.Pass("%s will ask to sign in again after %s without use", clientName(t), spell(idle)).On(x)
}

// survivesRetry reads the exchanges of the probe in order: the renewal that was tried again, and where that was refused, one
// with the new token.
func survivesRetry(t *probe.Trace) probe.Verdict {
	all := t.Of(probe.OfProbe("refresh-retry"))
	again := all[0]
	code, description := refusal(again)
	switch {
	case granted(again):
		return probe.Pass("the refresh token before is still taken").On(again)
	case code == "":
		return probe.Unknown("the refresh token before is answered with %s", refused(again)).On(again)
	case t.Has(probe.Refresh) && !granted(t.Last(probe.Refresh)):
		return probe.Unknown("the client's own renewal is refused too: %s", refused(t.Last(probe.Refresh))).On(again, t.Last(probe.Refresh))
	}
	v := probe.Fail("used once more, the refresh token before is answered with %s", refused(again)).On(all...).
		So("a client that loses the answer of a renewal, or renews twice at once, signs its user in again")
	if len(all) > 1 && !granted(all[1]) {
		v = v.So("a client that loses the answer of a renewal, or renews twice at once, loses the whole sign-in: the new token is dead too (%s)", refused(all[1]))
	}
	if keycloak(t) || strings.Contains(description, "reuse exceeded") {
		return v.Mend("set Refresh Token Max Reuse to 1 (realm settings, Sessions > Tokens), or switch Revoke Refresh Token off")
	}
	return v.Mend("take a rotated refresh token again for some seconds (a grace period): a client cannot know that its answer got lost")
}

func tokenFast(t *probe.Trace) probe.Verdict {
	limit := time.Duration(t.Profile.Limits.Token) * time.Second
	if limit == 0 {
		limit = 10 * time.Second
	}
	var slowest *probe.Exchange
	for _, x := range slices.Concat(t.Of(probe.TokenRequest), t.Of(probe.Refresh)) {
		if slowest == nil || x.Timing.Total > slowest.Timing.Total {
			slowest = x
		}
	}
	took := afterMS(slowest.Timing.Total)
	switch {
	case took == 0:
		return probe.Unknown("nothing tells how long the token request took").On(slowest)
	case took > limit/2:
		return probe.Fail("POST %s took %s; %s waits %s", bare(slowest), took.Round(100*time.Millisecond), clientName(t), limit).On(slowest).
			So("the login fails now and then at its last step").
			Mend("keep the authorization server warm and give it more power: password hashing and a cold start are the usual causes")
	}
	return probe.Pass("%s at most", took).On(slowest)
}

// offset is how far a host's clock is from that of who asked, by the Date of its answers that come from no cache: the least
// of them, since an answer may be old.
func offset(t *probe.Trace, name string) (least time.Duration, at *probe.Exchange) {
	for _, x := range responses(t) {
		date, err := time.Parse(time.RFC1123, x.Header("Date"))
		if err != nil || host(x.URL()) != name || x.Header("Age") != "" || x.Start.IsZero() {
			continue
		}
		off := date.Sub(x.Start.Add(afterMS(x.Timing.FirstByte)))
		if at == nil || off.Abs() < least.Abs() {
			least, at = off, x
		}
	}
	return least, at
}

func clocksAgree(t *probe.Trace) probe.Verdict {
	here, there := host(t.URL()), host(t.URL())
	for _, x := range t.Of(probe.ServerMetadata) { // a copy may lie on the MCP server's host
		if h := host(x.URL()); h != here {
			there = h
		}
	}
	if here == there {
		return probe.Skip("MCP server and authorization server are one host")
	}
	a, x := offset(t, here)
	b, y := offset(t, there)
	switch apart := (a - b).Abs(); {
	case x == nil || y == nil:
		return probe.Unknown("the time (Date) of %s was not seen", unclocked(here, there, x)).On(t.Last(probe.ServerMetadata))
	case apart > skew+2*time.Second: // Date has whole seconds
		return probe.Fail("by their Date headers %s and %s are %s apart", here, there, apart.Round(time.Second)).On(x, y).
			So("fresh tokens are not valid yet, or over too soon: 401 right after a good login").
			Mend("synchronise the clocks of both hosts (NTP); where an edge stands in front of one, the Date is the edge's")
	default:
		return probe.Pass("%s apart at most", max(apart, time.Second).Round(time.Second)).On(x, y)
	}
}

// unclocked names the host whose time was not seen, by what was seen of the first.
func unclocked(here, there string, seen *probe.Exchange) string {
	if seen == nil {
		return here
	}
	return there
}
