package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// refusing returns the 401 whose challenge is judged, nil when there is none, and then why.
func refusing(t *probe.Trace) (*probe.Exchange, probe.Verdict) {
	if x := strange(t); x.Status() == 401 {
		return x, probe.Verdict{}
	}
	return nil, probe.Skip("no 401 came that could bear a challenge")
}

// reads reports whether the client at hand looks for the resource metadata in a place: header, path or root.
func reads(t *probe.Trace, place string) bool {
	places := t.Profile.Discovery.ResourceMetadata
	return len(places) == 0 || slices.Contains(places, place)
}

// wellKnown returns the resource metadata at a well-known place where the client at hand looks, nil when there are none.
func wellKnown(t *probe.Trace) *probe.Document {
	for place, at := range probe.ResourceMetadataURLs(t.Target) {
		if !reads(t, place) {
			continue
		}
		for _, d := range t.Documents(probe.ResourceMetadata) {
			if bare(d.Exchange) == at && len(d.Strings("authorization_servers")) > 0 {
				return d
			}
		}
	}
	return nil
}

// onOwnHost returns the authorization server metadata that lie on the MCP server's host, where clients of the first
// revision look (MCP 2025-03-26), complete or not; nil when there are none.
func onOwnHost(t *probe.Trace) *probe.Document {
	if d := serverDocument(t); d != nil && host(d.Exchange.URL()) == host(t.URL()) {
		return d
	}
	return nil
}

const renamed = "X-Amzn-Remapped-Www-Authenticate"

const keepHeader = "let Amazon API Gateway keep the header: map WWW-Authenticate in the integration response, or answer the 401 by a gateway response of its own"

// guess is what a client without resource metadata does.
func guess(t *probe.Trace) string {
	if t.Profile.Discovery.Fallback == "none" {
		return clientName(t) + " finds no authorization server"
	}
	return clientName(t) + " finds no authorization server and guesses " + t.Origin() + "/authorize"
}

func bearerOffered(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	if x == nil {
		return none
	}
	fields, known := x.Response.Header.Values("Www-Authenticate"), wellKnown(t)
	switch {
	case slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), "bearer") }):
		return probe.Pass("Bearer").On(x)
	case known != nil && x.Header(renamed) != "":
		return probe.Warn("the challenge came as %s; the resource metadata lie at %s", strings.ToLower(renamed), bare(known.Exchange)).On(x, known.Exchange).
			Who(probe.OwnerEdge).So("clients that go by the challenge alone find no authorization server, and its scope is lost to all").Mend("%s", keepHeader).Because("edge.headers-kept")
	case known != nil:
		return probe.Pass("no Bearer challenge; the resource metadata lie at %s", bare(known.Exchange)).On(x, known.Exchange)
	}
	v := func(format string, args ...any) probe.Verdict {
		return probe.Fail(format, args...).On(x).Who(served(t, x)).So("%s", guess(t))
	}
	send := "send WWW-Authenticate: Bearer resource_metadata=\"" + probe.ResourceMetadataURLs(t.Target)["path"] + "\" with the 401, and serve the document there"
	switch {
	case x.Header(renamed) != "":
		return v("the challenge came as %s", strings.ToLower(renamed)).Who(probe.OwnerEdge).
			Mend("%s", keepHeader)
	case len(fields) > 0 && readsParameters(fields[0]):
		return probe.Unknown("WWW-Authenticate is %s", quoted(fields[0])).On(x)
	case len(fields) > 0:
		return v("WWW-Authenticate is %s", quoted(fields[0])).Mend("take the other login off this path, and %s", send)
	}
	if first := onOwnHost(t); first != nil {
		return probe.Warn("401 without WWW-Authenticate; the authorization server's metadata lie at %s", bare(first.Exchange)).On(x, first.Exchange).
			So("clients since MCP 2025-06-18 may not look there").Mend("%s", send)
	}
	return v("401 without WWW-Authenticate, and no resource metadata at a well-known place").Mend("%s", send)
}

func hasKey(m map[string]string, key string) bool { _, ok := m[key]; return ok }

// readsParameters reports whether a field has the parameters of a challenge and no scheme, which is another fault.
func readsParameters(field string) bool { return strings.Contains(field, "resource_metadata") }

func readable(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	if x == nil {
		return none
	}
	fields := x.Response.Header.Values("Www-Authenticate")
	judged, effect := probe.Fail, "the challenge is dropped: "+guess(t)
	if t.ResourceMetadata() != nil {
		judged, effect = probe.Warn, "clients that read strictly drop the challenge"
	}
	var schemes []string
	for _, field := range fields {
		all, err := probe.ParseChallenges(field)
		if err != nil {
			return judged("%s", clipped(err.Error(), 160)).On(x).Who(served(t, x)).So("%s", effect).
				Mend("write it as WWW-Authenticate: Bearer resource_metadata=\"https://...\", scope=\"...\": the scheme first, values in quotes, commas between")
		}
		for _, c := range all {
			schemes = append(schemes, c.Scheme)
		}
	}
	i := slices.IndexFunc(schemes, func(s string) bool { return strings.EqualFold(s, "Bearer") })
	switch {
	case len(fields) == 0:
		return probe.Skip("there is no WWW-Authenticate to read")
	case i > 0 && wellKnown(t) == nil:
		return probe.Warn("%s comes before Bearer", list(schemes[:i])).On(x).Who(served(t, x)).So("clients that read only the first challenge find no resource metadata").
			Mend("put the Bearer challenge first, or serve the resource metadata at their well-known place too")
	}
	return probe.Pass("%s", list(schemes)).On(x)
}

func namesMetadata(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	if x == nil {
		return none
	}
	c, known := x.Challenge(), wellKnown(t)
	switch {
	case !reads(t, "header"):
		return probe.Skip("%s does not read the challenge", clientName(t))
	case c == nil:
		return probe.Skip("there is no Bearer challenge")
	case !parses(x):
		return probe.Skip("the challenge cannot be read to its end")
	case absolute(c.ResourceMetadata) != nil:
		return probe.Pass("%s", clipped(c.ResourceMetadata, 200)).On(x)
	}
	v := func(judged func(string, ...any) probe.Verdict, detail, effect string) probe.Verdict {
		return judged("%s", detail).On(x).Who(served(t, x)).So("%s", effect).
			Mend("write resource_metadata=%q into the challenge, and serve the document there", probe.ResourceMetadataURLs(t.Target)["path"])
	}
	_, there := c.Params["resource_metadata"]
	relative := "resource_metadata is " + quoted(c.ResourceMetadata) + ", no absolute URL"
	switch first := onOwnHost(t); {
	case !there && known != nil:
		return probe.Pass("no resource_metadata in the challenge; the document lies at %s", bare(known.Exchange)).On(x, known.Exchange)
	case !there && first != nil:
		return v(probe.Warn, "the challenge has no resource_metadata; the authorization server's metadata lie at "+bare(first.Exchange), "clients since MCP 2025-06-18 may not look there")
	case !there:
		return v(probe.Fail, "the challenge has no resource_metadata, and no document lies at a well-known place", guess(t))
	case known != nil:
		return v(probe.Warn, relative, "the parameter is ignored; clients that look at the well-known place go on")
	}
	return v(probe.Fail, relative, guess(t))
}

// parses reports whether every challenge of an answer can be read by the grammar of RFC 9110.
func parses(x *probe.Exchange) bool {
	return !slices.ContainsFunc(x.Response.Header.Values("Www-Authenticate"), func(field string) bool {
		_, err := probe.ParseChallenges(field)
		return err != nil
	})
}

func metadataURLPublic(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	switch {
	case x == nil:
		return none
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case x.Challenge() == nil || absolute(x.Challenge().ResourceMetadata) == nil:
		return probe.Skip("the challenge names no URL")
	}
	u := absolute(x.Challenge().ResourceMetadata)
	v := func(what string) probe.Verdict {
		return probe.Fail("resource_metadata is %s: %s", clipped(u.String(), 200), what).On(x).Who(served(t, x)).So("%s cannot read the resource metadata there", clientName(t)).
			Mend("tell the server its public URL %s (mcpwiz: url), or let it trust X-Forwarded-Proto and X-Forwarded-Host of the proxy (uvicorn: --proxy-headers --forwarded-allow-ips)", t.Origin())
	}
	switch {
	case host(u) != host(t.URL()) && secluded(u) != "":
		return v(secluded(u))
	case u.Scheme == "http" && t.URL().Scheme == "https":
		return v("http, though the endpoint is https")
	case t.Profile.Hosted && u.Port() != "" && u.Port() != defaultPort(u.Scheme) && u.Port() != t.URL().Port():
		return v("port " + u.Port())
	}
	return probe.Pass("%s", clipped(u.String(), 200)).On(x)
}

func scopeNamed(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	if x == nil {
		return none
	}
	var wanted []string
	c := x.Challenge()
	if c != nil {
		wanted = strings.Fields(c.Scope)
	}
	d := t.ResourceMetadata()
	listed := d.Strings("scopes_supported")
	missing := slices.DeleteFunc(slices.Clone(wanted), func(s string) bool { return slices.Contains(listed, s) })
	v := func(format string, args ...any) probe.Verdict { return probe.Fail(format, args...).On(x, d.Exchange) }
	switch {
	case c != nil && hasKey(c.Params, "scope") && len(wanted) == 0:
		return probe.Warn("the challenge has scope=%q", clipped(c.Scope, 20)).On(x).Who(served(t, x)).
			So("clients that go by the challenge ask for an empty scope, which Keycloak refuses with invalid_scope, or for none and get a token without the audience").
			Mend("name the scope in the challenge, or leave the parameter out where none is needed")
	case len(wanted) > 0 && len(listed) > 0 && len(missing) > 0:
		return v("the challenge wants %s, the resource metadata list %s", list(wanted), list(listed)).
			So("clients that do not look at the challenge ask for too little").Mend("list %s in scopes_supported of the resource metadata too", list(missing))
	case len(wanted) > 0:
		return probe.Pass("%s", list(wanted)).On(x)
	case len(listed) > 0:
		return probe.Pass("%s, by the resource metadata", list(listed)).On(x, d.Exchange)
	}
	if through := latest(t, probe.Authenticated, succeeded); through != nil && succeeded(through) {
		return probe.Pass("none is named, and none is needed: %s got through", clientName(t)).On(x, through)
	}
	if d == nil {
		return probe.Unknown("the challenge names no scope, and no resource metadata were read").On(x)
	}
	return v("neither the challenge nor the resource metadata name a scope").
		Because("resource-metadata.scopes").
		So("some clients ask for every scope of the authorization server and get invalid_scope, others for none and get a token without the audience").
		Mend("add scope=\"...\" to the challenge and scopes_supported to the resource metadata")
}

func errorFits(t *probe.Trace) probe.Verdict {
	x, none := refusing(t)
	if x == nil {
		return none
	}
	c := x.Challenge()
	switch {
	case c == nil:
		return probe.Skip("there is no Bearer challenge")
	case c.Error == "":
		return probe.Pass("no error").On(x)
	case c.Error == "invalid_token":
		return probe.Pass("error=\"invalid_token\", which clients take like none").On(x)
	}
	return probe.Fail("error=%q %s where no token was sent", clipped(c.Error, 60), quoted(c.ErrorDescription)).On(x).Who(served(t, x)).
		So("clients take it for a verdict on a token that they do not have").Mend("leave error out of the challenge where no token was sent")
}
