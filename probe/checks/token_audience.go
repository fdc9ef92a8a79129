package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

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
