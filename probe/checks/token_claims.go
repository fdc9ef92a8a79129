package checks

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// accessToken returns the access token in use last, and the exchanges it was issued or borne in.
func accessToken(t *probe.Trace) (probe.Token, []*probe.Exchange) {
	all := t.Of(probe.AccessToken)
	last := tokenOf(all[len(all)-1])
	return last, slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool { return tokenOf(x).Fingerprint != last.Fingerprint })
}

func tokenOf(x *probe.Exchange) probe.Token {
	if t, ok := x.Token("response.access_token"); ok {
		return t
	}
	t, _ := x.Token("request.authorization")
	return t
}

// alike returns the exchanges of all access tokens that say the same of a claim as the one in use: with what is wrong in it they
// are wrong too.
func alike(t *probe.Trace, claim string) []*probe.Exchange {
	last, _ := accessToken(t)
	return slices.DeleteFunc(slices.Clone(t.Of(probe.AccessToken)), func(x *probe.Exchange) bool {
		return !reflect.DeepEqual(tokenOf(x).Claims[claim], last.Claims[claim])
	})
}

func opaque(xs []*probe.Exchange) probe.Verdict {
	return probe.Unknown("the access token is no JWT; only the authorization server's introspection can tell").On(xs...)
}

// grantRequest returns the request that asked for the token in use: the authorization request, or the token request of
// a machine; nil when neither was seen.
func grantRequest(t *probe.Trace) *probe.Exchange {
	if x := t.Last(probe.Authorization); x != nil {
		return x
	}
	return t.Last(probe.TokenRequest)
}

// resources are the values of aud that the server must accept: its URL, and what its metadata say it is where this
// client goes by them.
func resources(t *probe.Trace) []string {
	all := []string{t.Target}
	if r := t.ResourceMetadata().String("resource"); r != "" && r != t.Target && t.Profile.Discovery.ResourceRule != "exact" {
		all = append(all, r)
	}
	return all
}

func audienceNamesTarget(t *probe.Trace) probe.Verdict {
	tok, xs := accessToken(t)
	if !tok.JWT {
		return opaque(xs)
	}
	aud, want := tok.Audience(), resources(t)
	for _, a := range aud {
		if slices.Contains(want, a) {
			return probe.Pass("aud is %s", value(tok.Claims["aud"])).On(xs...)
		}
	}
	detail := "the access token has no aud"
	if len(aud) > 0 {
		detail = "aud is " + value(tok.Claims["aud"]) + ", the MCP server is " + quoted(t.Target) + differing(t.Target, nearest(aud))
	}
	v := probe.Fail("%s", detail).On(alike(t, "aud")...).
		So("%s signs in, and then every request to the MCP server answers 401", clientName(t))
	if r := renewal(t, xs); r != nil && meantForUs(t, want) {
		return lostInRenewal(t, r, xs, aud)
	}
	if asked := askedFor(t); asked != "" && slices.Contains(aud, asked) {
		return v.Who(probe.OwnerOrigin).Mend("%s asks for resource %s, and the token is for that: let the MCP server be reached by this very URL, "+
			"and name it in its metadata, or let the server take this audience too", clientName(t), asked)
	}
	return v.By(audienceScope(t)).Mend("%s", mendAudience(t, tok))
}

// renewal returns the refresh that brought a token, nil where it was issued in another way.
func renewal(t *probe.Trace, issued []*probe.Exchange) *probe.Exchange {
	for _, x := range issued {
		if t.Is(x, probe.Refresh) {
			return x
		}
	}
	return nil
}

// meantForUs reports whether some token of the trace has an audience that the server accepts.
func meantForUs(t *probe.Trace, want []string) bool {
	return slices.ContainsFunc(t.Of(probe.AccessToken), func(x *probe.Exchange) bool {
		return slices.ContainsFunc(tokenOf(x).Audience(), func(a string) bool { return slices.Contains(want, a) })
	})
}

// lostInRenewal tells of a renewed token that is made for somebody else than the first.
func lostInRenewal(t *probe.Trace, r *probe.Exchange, xs []*probe.Exchange, aud []string) probe.Verdict {
	detail := "the renewed token has no aud"
	if len(aud) > 0 {
		detail = "aud of the renewed token is " + list(aud)
	}
	v := probe.Fail("%s, that of the token before named %s", detail, quoted(t.Target)).On(xs...).
		So("%s works until the first token ends, and then every request answers 401", clientName(t))
	if parameters(r).Has("resource") {
		return v.Mend("issue the renewed token with the audience of the grant: the refresh names resource %s", parameters(r).Get("resource"))
	}
	return v.Mend("issue the renewed token with the audience of the grant, also where the refresh names no resource (RFC 8707 section 2.2)")
}

// askedFor is the resource that the token in use was asked for (RFC 8707), "" for none.
func askedFor(t *probe.Trace) string {
	if x := grantRequest(t); x != nil {
		return parameters(x).Get("resource")
	}
	return ""
}

// nearest is the audience to compare with: the first that is a URL.
func nearest(aud []string) string {
	for _, a := range aud {
		if absolute(a) != nil {
			return a
		}
	}
	return ""
}

// audienceScope names the client scope whose mapper writes the audience.
func audienceScope(t *probe.Trace) string {
	if !keycloak(t) {
		return ""
	}
	return "keycloak/scope/" + scopeName(t)
}

func scopeName(t *probe.Trace) string {
	if all := published(t); len(all) > 0 {
		return all[0]
	}
	return "mcp:tools"
}

func mendAudience(t *probe.Trace, tok probe.Token) string {
	scope, id := scopeName(t), clientOf(t)
	switch {
	case len(tok.Audience()) == 0 && tok.Claims["sub"] == nil:
		return "switch lightweight access tokens off for " + id + " (client.use.lightweight.access.token.enabled): they bear neither aud nor sub"
	case len(tok.Audience()) == 0 && tok.Claims["scope"] != nil && !slices.Contains(strings.Fields(tok.Claim("scope")), scope):
		return "make the client scope " + scope + ", which bears the audience mapper, a default scope of " + id +
			"; where a role guards it, give the user that role"
	case differing(t.Target, nearest(tok.Audience())) == ": the slash at the end differs":
		return "write the URL as the client is given it, " + t.Target + ", into Included Custom Audience of the audience mapper"
	}
	return "add an audience mapper to the client scope " + scope + " of " + id + ": Included Custom Audience " + t.Target +
		", Add to access token on (mcpwiz setup does it)"
}

// clientOf names the client in the realm for a sentence.
func clientOf(t *probe.Trace) string {
	if x := grantRequest(t); x != nil && clientID(x) != "" {
		return "client " + quoted(clipped(clientID(x), 60))
	}
	return "the client"
}

func issuerMatches(t *probe.Trace) probe.Verdict {
	tok, xs := accessToken(t)
	want, got := issuer(t), tok.Claim("iss")
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(alike(t, "iss")...).So("the MCP server, which knows the published issuer, refuses the token with 401").
			Mend("set KC_HOSTNAME to the full public URL so that the issuer does not follow the Host header, and configure the MCP server with that issuer, byte for byte")
	}
	switch {
	case !tok.JWT:
		return opaque(xs)
	case want == "":
		return probe.Unknown("iss is %q; no metadata were seen to compare it with", got).On(xs...)
	case got == "":
		return v("the access token has no iss")
	case got != want:
		return v("iss is %s, the metadata's issuer %s%s", quoted(got), quoted(want), differing(want, got))
	}
	return probe.Pass("%s", got).On(xs...)
}

func signatureVerifies(t *probe.Trace) probe.Verdict {
	facts := t.FactsOf("token-signature")
	f := facts[len(facts)-1]
	alg, kid := text(f.Data["alg"]), text(f.Data["kid"])
	xs := signedAlike(t)
	if valid, _ := f.Data["valid"].(bool); valid {
		return probe.Pass("%s with key %s", alg, quoted(clipped(kid, 20))).OnFact(f).On(xs...)
	}
	v := probe.Fail("%s (alg %q, kid %s; told by %s)", text(f.Data["reason"]), alg, quoted(clipped(kid, 20)), f.Source).OnFact(f).On(xs...).
		So("the MCP server refuses the token with 401")
	if t.Has(probe.JWKS) && keysUsable(t).Outcome == probe.Failed {
		v = v.Because("server-metadata.keys-usable")
	}
	if alg == "none" || strings.HasPrefix(alg, "HS") {
		return v.Mend("sign access tokens with RS256 or ES256: who can verify %s could also forge it", alg)
	}
	return v.Mend("publish the signing key at jwks_uri of this very issuer, and let the MCP server fetch the keys again on an unknown kid")
}

// signedAlike returns the exchanges of all access tokens that are signed as the one in use is.
func signedAlike(t *probe.Trace) []*probe.Exchange {
	if !t.Has(probe.AccessToken) {
		return nil
	}
	last, _ := accessToken(t)
	return slices.DeleteFunc(slices.Clone(t.Of(probe.AccessToken)), func(x *probe.Exchange) bool {
		tok := tokenOf(x)
		return tok.Alg != last.Alg || tok.Kid != last.Kid
	})
}

// demanded are the scopes that a token must bear: the challenge's, else those of the resource metadata.
func demanded(t *probe.Trace) []string {
	for _, x := range slices.Backward(t.Of(probe.Unauthenticated)) {
		if c := x.Challenge(); c != nil && c.Scope != "" {
			return withoutOffline(strings.Fields(c.Scope))
		}
	}
	return published(t)
}

func scopeGranted(t *probe.Trace) probe.Verdict {
	tok, xs := accessToken(t)
	want := demanded(t)
	have := strings.Fields(tok.Claim("scope"))
	if !tok.JWT || tok.Claims["scope"] == nil {
		for _, x := range xs {
			have = append(have, strings.Fields(text(x.Answer().Object()["scope"]))...)
		}
	}
	var asked []string
	if from := grantRequest(t); from != nil {
		asked = strings.Fields(parameters(from).Get("scope"))
	}
	lost := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(have, s) })
	switch {
	case len(want) == 0:
		return probe.Skip("the MCP server names no scope")
	case !tok.JWT && len(have) == 0:
		return opaque(xs)
	case len(lost) == 0:
		return probe.Pass("%s", strings.Join(want, " ")).On(xs...)
	}
	return probe.Fail("the token's scope is %s; the MCP server wants %s", quoted(strings.Join(have, " ")), quoted(strings.Join(want, " "))).On(alike(t, "scope")...).
		By(audienceScope(t)).So("the MCP server answers 403 insufficient_scope, or 401 where the audience hangs on that scope").
		Mend("%s", mendLost(t, tok, asked, lost))
}

func mendLost(t *probe.Trace, tok probe.Token, asked, lost []string) string {
	id := clientOf(t)
	switch {
	case !slices.ContainsFunc(lost, func(s string) bool { return slices.Contains(asked, s) }):
		return "make " + list(lost) + " default scopes of " + id + ": the client did not ask for them"
	case slices.Contains(tok.Audience(), t.Target):
		return "switch Include in token scope on for the client scope " + list(lost) + " (include.in.token.scope)"
	}
	return "assign " + list(lost) + " to " + id + " as default scopes; where a role guards them, give the user that role"
}

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

func subPresent(t *probe.Trace) probe.Verdict {
	tok, xs := accessToken(t)
	switch {
	case !tok.JWT:
		return opaque(xs)
	case tok.Claims["sub"] == nil:
		return probe.Fail("the access token has no sub").On(xs...).
			So("the MCP server cannot tell users apart; some refuse the token").
			Mend("make basic a default scope of %s, and switch lightweight access tokens off", clientOf(t))
	}
	return probe.Pass("sub is there").On(xs...)
}

// headerLine is what common servers take of a header line, less the name and the scheme (nginx: 8 kB).
const headerLine = 8000

func tokenSize(t *probe.Trace) probe.Verdict {
	tok, xs := accessToken(t)
	if tok.Length > headerLine {
		return probe.Fail("the token has %d characters", tok.Length).On(xs...).
			So("servers and proxies that take header lines of 8 kB answer 431 or 400 to this user").
			Mend("switch Full Scope Allowed off for %s and take away mappers of roles and groups that the MCP server does not need", clientOf(t))
	}
	return probe.Pass("%d characters", tok.Length).On(xs...)
}
