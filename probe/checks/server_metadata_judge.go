package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// serverLookout sorts what came from the URLs of authorization server metadata.
func serverLookout(t *probe.Trace) lookout {
	return look(t.Of(probe.ServerMetadata), "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
}

// issuersNamed are the authorization servers that the resource metadata send this client to.
func issuersNamed(t *probe.Trace) []string {
	all := resourceDocument(t).Strings("authorization_servers")
	if len(all) > 1 && (t.Profile.Discovery.FirstServerOnly || t.Profile.ID == "") {
		return all[:1]
	}
	return all
}

// A wellKnownForm is one way to make a metadata URL of an issuer, by what stands before and after the issuer's path.
type wellKnownForm struct{ name, before, after string }

// The forms in the order in which clients try them (probe.ServerMetadataURLs); the last is Keycloak's own.
var wellKnownForms = []wellKnownForm{
	{"oauth", "/.well-known/oauth-authorization-server", ""},
	{"oidc-inserted", "/.well-known/openid-configuration", ""},
	{"oidc-appended", "", "/.well-known/openid-configuration"},
	{"oauth-appended", "", "/.well-known/oauth-authorization-server"},
}

// candidate tells of which issuer that was named, and in which forms, a URL is the well-known one; "" for none: a copy.
func candidate(t *probe.Trace, x *probe.Exchange) (issuer string, forms []string) {
	at := place(x.URL())
	for _, issuer := range issuersNamed(t) {
		u := absolute(issuer)
		if u == nil {
			continue
		}
		root, path := strings.ToLower(u.Scheme)+"://"+host(u), strings.TrimSuffix(u.EscapedPath(), "/")
		for _, form := range wellKnownForms {
			if root+form.before+path+form.after == at {
				forms = append(forms, form.name)
			}
		}
		if len(forms) > 0 {
			return issuer, forms
		}
	}
	return "", nil
}

func isCandidate(t *probe.Trace, x *probe.Exchange) bool {
	issuer, _ := candidate(t, x)
	return issuer != ""
}

// serverDocument returns the metadata to judge: those of the issuer that was named, and of these the first that the client
// accepts, else the first; where that issuer served none, the copy in use.
func serverDocument(t *probe.Trace) *probe.Document {
	docs := serverLookout(t).documents
	own := slices.DeleteFunc(slices.Clone(docs), func(x *probe.Exchange) bool { return !isCandidate(t, x) })
	for _, x := range own {
		if d := x.Metadata(); accepted(t, d) {
			return d
		}
	}
	switch {
	case len(own) > 0:
		return own[0].Metadata()
	case t.ServerMetadata() != nil:
		return t.ServerMetadata()
	case len(docs) > 0:
		return docs[0].Metadata()
	}
	return nil
}

// accepted reports whether a document has what the client at hand requires.
func accepted(t *probe.Trace, d *probe.Document) bool {
	return !slices.ContainsFunc(t.RequiredMembers(), func(name string) bool { return !d.Says(name) })
}

// onServer makes a judge of one that needs the document.
func onServer(judge func(*probe.Trace, *probe.Document) probe.Verdict) func(*probe.Trace) probe.Verdict {
	return func(t *probe.Trace) probe.Verdict {
		if d := serverDocument(t); d != nil {
			return judge(t, d)
		}
		return probe.Skip("no authorization server metadata were read")
	}
}

func serverPublic(t *probe.Trace) probe.Verdict {
	return asNamed(t, serverLookout(t).forAnybody(t, unfound(t)))
}

func serverServed(t *probe.Trace) probe.Verdict {
	return asNamed(t, serverLookout(t).isServed(t, unfound(t)))
}

func serverIsJSON(t *probe.Trace) probe.Verdict {
	return asNamed(t, serverLookout(t).isJSON(t, "authorization server metadata document", unfound(t)))
}

// asNamed: where nobody named an authorization server, what is met at the URLs that were guessed comes of that.
func asNamed(t *probe.Trace, v probe.Verdict) probe.Verdict {
	if v.Outcome == probe.Failed && v.Cause == "" {
		return v.Because(unnamed(t))
	}
	return v
}

func serverFound(t *probe.Trace) probe.Verdict {
	l := serverLookout(t)
	refused := slices.DeleteFunc(slices.Clone(l.absent), func(x *probe.Exchange) bool { return !isCandidate(t, x) && len(issuersNamed(t)) > 0 })
	if d := serverDocument(t); d != nil {
		return foundAt(t, d, refused)
	}
	if len(l.absent) == 0 {
		return l.nothing("no document was asked for")
	}
	x := l.absent[0]
	stray, where := misplaced(t, serverCopies(t), func(y *probe.Exchange) bool {
		_, forms := candidate(t, y)
		return !slices.Equal(forms, []string{"oauth-appended"})
	})
	v := probe.Fail("%s%s", asked(l.absent), where).On(append(slices.Clone(l.absent), stray)...).Who(served(t, x)).So("%s", unfound(t)).
		Mend("%s", mendMissing(t, x))
	if issuer, _, found := strings.Cut(strings.Join(issuersNamed(t)[:min(1, len(issuersNamed(t)))], ""), "/.well-known/"); found {
		v = v.Who(probe.OwnerOrigin).Mend("name the issuer itself in authorization_servers of the resource metadata, %s, not the URL of its metadata", issuer)
	}
	v = inFront(x, v)
	if cause := cmp.Or(noAnswer(t, serverMetadataURL), l.cutOff(), unnamed(t)); cause != "" { // nobody said that anything lies there
		v = v.Because(cause)
	}
	return v
}

// foundAt tells where the document lies, and who does not look there.
func foundAt(t *probe.Trace, d *probe.Document, refused []*probe.Exchange) probe.Verdict {
	x := d.Exchange
	issuer, forms := candidate(t, x)
	looks := t.Profile.Discovery.ServerMetadata
	switch {
	case issuer == "" && len(refused) > 0:
		return probe.Warn("%s; only the copy at %s", asked(refused), bare(x)).On(append(refused, x)...).
			So("clients that ask the authorization server itself find no metadata").Mend("%s", mendMissing(t, refused[0]))
	case issuer == "":
		return probe.Pass("%s", bare(x)).On(x)
	case len(looks) > 0 && !slices.ContainsFunc(forms, func(form string) bool { return slices.Contains(looks, form) }):
		return probe.Fail("the document lies at %s alone", bare(x)).On(append(refused, x)...).
			So("%s does not look there and %s", clientName(t), astray(t)).Mend("%s", mendMissing(t, x))
	case !slices.Contains(forms, "oauth") && len(refused) > 0:
		return probe.Pass("%s; clients that know RFC 8414's form alone find %s", bare(x), asked(refused[:1])).On(append(refused, x)...)
	}
	return probe.Pass("%s", bare(x)).On(x)
}

func serverMetadataURL(path string) bool {
	return strings.Contains(path, "/.well-known/oauth-authorization-server") || strings.Contains(path, "/.well-known/openid-configuration")
}

// unnamed names the check on the resource metadata where these name no authorization server, so that it was looked for on
// the MCP server's own host: what mends them mends this.
func unnamed(t *probe.Trace) string {
	l := resourceLookout(t)
	d := resourceDocument(t)
	asked := func(x *probe.Exchange) bool { return isCandidate(t, x) }
	switch {
	case d != nil && d.String("resource") == "" && !slices.ContainsFunc(t.Of(probe.ServerMetadata), asked):
		return "resource-metadata.names-target"
	case slices.ContainsFunc(l.documents, func(x *probe.Exchange) bool { return strict(x.Answer().Problem) }) && !slices.ContainsFunc(t.Of(probe.ServerMetadata), asked):
		return "resource-metadata.is-json"
	case len(issuersNamed(t)) == 0 && noAnswer(t, resourceMetadataURL) != "":
		return "network.connected"
	case len(issuersNamed(t)) > 0 || len(t.Of(probe.ResourceMetadata)) == 0:
		return ""
	case len(l.documents) > 0:
		return "resource-metadata.names-authorization-server"
	case len(l.locked) > 0:
		return "resource-metadata.public"
	case len(l.failing()) > 0:
		return "resource-metadata.served"
	case len(l.broken) > 0:
		return "resource-metadata.is-json"
	case l.cutOff() != "":
		return l.cutOff()
	}
	return "resource-metadata.found"
}

func pathOf(raw string) string {
	u := absolute(raw)
	if u == nil {
		return raw
	}
	return u.Path
}

func mendMissing(t *probe.Trace, x *probe.Exchange) string {
	named := issuersNamed(t)
	switch {
	case len(named) == 0:
		return "name the authorization server in the resource metadata (authorization_servers), or serve its metadata at " + t.Origin() + "/.well-known/oauth-authorization-server"
	case strings.Contains(bodyText(x.Answer()), "realm does not exist"):
		return "write the realm's name in authorization_servers as the realm has it, upper and lower case too: Keycloak knows no realm of " + named[0]
	case strings.Contains(named[0], "/realms/"):
		return "let the proxy forward " + pathOf(probe.ServerMetadataURLs(named[0])["oauth"]) + " to Keycloak (26.4 or later serves it), not /realms/ alone"
	}
	return "serve the metadata at " + probe.ServerMetadataURLs(named[0])["oauth"] + ", and name the issuer in authorization_servers byte for byte"
}

func earlierFallThrough(t *probe.Trace, d *probe.Document) probe.Verdict {
	l := serverLookout(t)
	for _, x := range slices.Concat(l.broken, l.locked) {
		if x.N < d.Exchange.N && isCandidate(t, x) == isCandidate(t, d.Exchange) {
			return inFront(x, probe.Fail("%s: %s; the document lies at %s", bare(x), answered(x), bare(d.Exchange)).On(x, d.Exchange).Who(served(t, x)).
				So("the Python and TypeScript libraries stop at such an answer and do not ask the URL of the document").
				Mend("answer 404 at %s, or serve the document there too", x.URL().Path))
		}
	}
	return probe.Pass("%s", bare(d.Exchange)).On(d.Exchange)
}

func mirrorAgrees(t *probe.Trace, d *probe.Document) probe.Verdict {
	for _, x := range slices.Concat(serverLookout(t).documents, serverCopies(t)) {
		if host(x.URL()) != host(t.URL()) || isCandidate(t, x) || len(issuersNamed(t)) == 0 {
			continue
		}
		mirror := x.Metadata()
		if d.Exchange == x {
			return ownName(t, mirror)
		}
		if what := disagree(d, mirror, decisive...); what != "" {
			return probe.Fail("%s", what).On(d.Exchange, x).
				So("clients that read the copy go elsewhere than those that read the original").
				Mend("serve the authorization server's own document unchanged at %s, or none", bare(x))
		}
		return probe.Pass("%s", bare(x)).On(d.Exchange, x)
	}
	return probe.Skip("no copy on the MCP server's host was read")
}

// ownName judges a copy whose original was not seen by the name that it bears.
func ownName(t *probe.Trace, mirror *probe.Document) probe.Verdict {
	want, got := issuersNamed(t)[0], mirror.String("issuer")
	if want == got {
		return probe.Pass("the copy bears the issuer %s", got).On(mirror.Exchange)
	}
	return probe.Fail("the copy's issuer is %s, the resource metadata name %s%s", quoted(got), quoted(want), unlike(want, got)).On(mirror.Exchange).
		So("clients that compare refuse the copy").Mend("serve the authorization server's own document unchanged, with its own issuer")
}
