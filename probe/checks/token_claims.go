package checks

import (
	"net/url"
	"reflect"
	"slices"
	"strings"

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
	case got != want && fronts(t, want, got) && t.Has(probe.Authenticated) && tokenAccepted(t).Outcome == probe.Passed:
		return probe.Skip("iss is %s, the metadata's issuer %s: the MCP server takes it, as one does that names itself the issuer in front of another", quoted(got), quoted(want))
	case got != want:
		return v("iss is %s, the metadata's issuer %s%s", quoted(got), quoted(want), differing(want, got))
	}
	return probe.Pass("%s", got).On(xs...)
}

// fronts: the MCP server's own origin is named as the issuer, and the token is of another, not of the same one written otherwise.
func fronts(t *probe.Trace, want, got string) bool {
	target, err := url.Parse(t.Target)
	return err == nil && want == target.Scheme+"://"+target.Host && !strings.EqualFold(strings.TrimSuffix(got, "/"), want)
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
