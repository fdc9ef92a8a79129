package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// resourceLookout sorts what came from the URLs of the resource metadata.
func resourceLookout(t *probe.Trace) lookout {
	return look(t.Of(probe.ResourceMetadata), "resource", "authorization_servers")
}

// resourceDocument returns the resource metadata to judge: those that the client would use, else the first that came.
func resourceDocument(t *probe.Trace) *probe.Document {
	if d := t.ResourceMetadata(); d != nil {
		return d
	}
	if l := resourceLookout(t); len(l.documents) > 0 {
		return l.documents[0].Metadata()
	}
	return nil
}

// onResource makes a judge of one that needs the document.
func onResource(judge func(*probe.Trace, *probe.Document) probe.Verdict) func(*probe.Trace) probe.Verdict {
	return func(t *probe.Trace) probe.Verdict {
		if d := resourceDocument(t); d != nil {
			return judge(t, d)
		}
		return probe.Skip("no resource metadata were read")
	}
}

// noServer is the effect of resource metadata that name no authorization server to a client.
func noServer(t *probe.Trace) string {
	if t.Profile.Discovery.Fallback == "none" || machine(t) {
		return clientName(t) + " does not learn where to get a token and gives up"
	}
	return clientName(t) + " takes the MCP server itself for the authorization server and " + astray(t)
}

func resourcePublic(t *probe.Trace) probe.Verdict {
	return resourceLookout(t).forAnybody(t, noServer(t))
}

func resourceServed(t *probe.Trace) probe.Verdict {
	return resourceLookout(t).isServed(t, noServer(t))
}

func resourceIsJSON(t *probe.Trace) probe.Verdict {
	return resourceLookout(t).isJSON(t, "resource metadata document", noServer(t))
}

func resourceFound(t *probe.Trace) probe.Verdict {
	l := resourceLookout(t)
	switch {
	case len(l.documents) > 0:
		return probe.Pass("%s", bare(l.documents[0])).On(l.documents[0])
	case len(l.absent) == 0:
		return l.nothing("no document was asked for")
	case openTo(t):
		return probe.Skip("the server asks for no login: it needs no resource metadata")
	}
	at := probe.ResourceMetadataURLs(t.Target)["path"]
	stray, where := misplaced(t, resourceCopies(t), func(x *probe.Exchange) bool { return strings.HasPrefix(x.URL().Path, "/.well-known/") })
	v := probe.Fail("%s%s", asked(l.absent), where).On(append(slices.Clone(l.absent), stray)...).
		Mend("serve the document at %s: {\"resource\": %q, \"authorization_servers\": [\"<issuer>\"]}", at, t.Target)
	if stray != nil {
		v = v.Mend("serve the document of %s at %s: the well-known path comes first, the endpoint's path after it (RFC 9728 section 3.1)", bare(stray), at)
	}
	if onOwnHost(t) != nil {
		v.Outcome = probe.Warned
		return v.So("clients since MCP 2025-06-18 may not look for the authorization server on the MCP server's own host, as %s did", clientName(t))
	}
	return inFront(l.absent[0], v.So("%s", noServer(t)).Because(cmp.Or(noAnswer(t, resourceMetadataURL), silentChallenge(t))))
}

func resourceMetadataURL(path string) bool {
	return strings.HasPrefix(path, "/.well-known/oauth-protected-resource")
}

// silentChallenge names the check on a challenge that leads to no document: the document would mend it too.
func silentChallenge(t *probe.Trace) string {
	x := t.Last(probe.Unauthenticated)
	switch c := x.Challenge(); {
	case x == nil:
		return ""
	case x.Response != nil && !parses(x):
		return "challenge.readable"
	case c == nil:
		return "challenge.bearer"
	case absolute(c.ResourceMetadata) == nil:
		return "challenge.names-metadata"
	}
	return ""
}

// openTo reports whether the endpoint opens the protocol to whoever comes.
func openTo(t *probe.Trace) bool {
	open := false
	for _, x := range t.Of(probe.Unauthenticated) {
		if x.Status() == 401 || x.Status() == 403 {
			return false
		}
		open = open || result(x) != nil
	}
	return open
}

func atWellKnownPath(t *probe.Trace, d *probe.Document) probe.Verdict {
	want := absolute(probe.ResourceMetadataURLs(t.Target)["path"])
	if want == nil {
		return probe.Skip("%s is no URL", quoted(t.Target))
	}
	var missed *probe.Exchange
	documents := slices.Concat(resourceLookout(t).documents, resourceCopies(t))
	for _, x := range slices.Concat(t.Of(probe.ResourceMetadata), copies(t)) {
		switch {
		case place(x.URL()) != place(want):
		case slices.Contains(documents, x):
			return probe.Pass("%s", bare(x)).On(x)
		default:
			missed = x
		}
	}
	if missed == nil {
		return probe.Unknown("%s was not asked: the document came from %s", want, bare(d.Exchange)).On(d.Exchange)
	}
	where := ""
	if root := absolute(probe.ResourceMetadataURLs(t.Target)["root"]); root == nil || place(d.Exchange.URL()) != place(root) {
		where = ", which only the challenge names"
	}
	return probe.Fail("%s: %s; the document lies at %s%s", bare(missed), answered(missed), bare(d.Exchange), where).On(missed, d.Exchange).
		So("clients that ask the path form alone find nothing").Mend("serve the same document at %s", want)
}

func namesTarget(t *probe.Trace, d *probe.Document) probe.Verdict {
	got, want, rule := d.String("resource"), t.Target, t.Profile.Discovery.ResourceRule
	detail := fmt.Sprintf("resource is %s, the URL as typed is %s%s", quoted(got), quoted(want), unlike(want, got))
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("%s", detail).On(d.Exchange).Mend("%s", mendResource(want, got))
	}
	switch {
	case absolute(got) == nil:
		detail = bare(d.Exchange) + ": no resource"
		if d.Has("resource") {
			detail = "resource is " + value(d.Members["resource"]) + ", not a URL"
		}
		return v(probe.Fail).So("%s cannot tell what the document is about and drops it", clientName(t)).
			Mend("set resource to %s (RFC 9728 section 2)", want)
	case got == want:
		return probe.Pass("%s", got).On(d.Exchange)
	case rule == "" && rootSlash(want, got):
		return v(probe.Warn).So("clients that compare byte for byte drop the document; many add or drop this slash by themselves")
	case rule == "prefix" && covers(got, want):
		return probe.Pass("%s, which %s takes for %s: the same origin, and the path begins so", got, clientName(t), want).On(d.Exchange)
	case rule == "none":
		return v(probe.Warn).So("%s does not compare; clients that do drop the document", clientName(t))
	}
	return v(probe.Fail).So("%s takes the document for another server's and drops it", clientName(t))
}

// covers: the same origin, and the target's path begins with the resource's, segment by segment.
func covers(resource, target string) bool {
	r, u := absolute(resource), absolute(target)
	return r != nil && u != nil && r.Scheme == u.Scheme && host(r) == host(u) &&
		strings.HasPrefix(strings.TrimSuffix(u.Path, "/")+"/", strings.TrimSuffix(r.Path, "/")+"/")
}

func mendResource(want, got string) string {
	a, b := absolute(want), absolute(got)
	switch {
	case b == nil:
		return "set resource to " + want
	case a != nil && a.Scheme != b.Scheme:
		return "set the server's public URL to " + want + ", or let it trust X-Forwarded-Proto of the proxy that ends TLS"
	case a != nil && host(a) != host(b):
		return "set the server's public URL to " + want + ": it must not take its name from where it listens"
	}
	return "make resource read " + want + ", or give clients the URL " + got + ": they are compared byte for byte"
}

func namesAuthorizationServer(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "authorization_servers"
	fail := func(format string, args ...any) probe.Verdict {
		return probe.Fail("%s: %s", bare(d.Exchange), fmt.Sprintf(format, args...)).On(d.Exchange).So("%s", noServer(t)).
			Mend(`set authorization_servers to ["<issuer>"]: the issuer of the authorization server's own metadata, byte for byte`)
	}
	array, isArray := d.Members[name].([]any)
	all := stringsIn(d.Members[name])
	switch {
	case isArray && len(array) == 0 && openTo(t):
		return fail("authorization_servers is empty, and the server asks for no login").So("clients with a schema take the server for broken").
			Mend("answer 404 at the well-known URLs of a server without login")
	case !d.Has(name):
		return fail("no authorization_servers")
	case !isArray || len(all) != len(array):
		return fail("authorization_servers is %s, not an array of URLs", value(d.Members[name]))
	case len(all) == 0:
		return fail("authorization_servers is empty")
	}
	first := absolute(all[0])
	switch {
	case first == nil:
		return fail("authorization_servers[0] is %s, not an absolute URL", quoted(all[0]))
	case first.RawQuery != "" || first.Fragment != "":
		return fail("authorization_servers[0] is %s: an issuer has neither query nor fragment (RFC 8414 section 2)", quoted(all[0]))
	case !t.Rehearsal() && secluded(first) != "" && (t.Profile.Hosted || t.Profile.ID == ""):
		return fail("authorization_servers[0] is %s: %s", quoted(all[0]), secluded(first)).So("%s cannot reach it from outside", clientName(t)).
			Mend("name the authorization server by its public https name, here and in its own metadata (KC_HOSTNAME)")
	case len(all) > 1:
		return probe.Pass("%s, the first of %d, is the one that is asked", all[0], len(all)).On(d.Exchange)
	}
	return probe.Pass("%s", all[0]).On(d.Exchange)
}

func resourceHTTPS(t *probe.Trace, d *probe.Document) probe.Verdict {
	if t.Rehearsal() {
		return probe.Skip(rehearsal)
	}
	var plain, members []string
	for _, name := range []string{"resource", "authorization_servers", "jwks_uri"} {
		for _, s := range d.Strings(name) {
			if u := absolute(s); u != nil && u.Scheme == "http" {
				plain, members = append(plain, name+" has "+s), append(members, name)
			}
		}
	}
	if len(plain) == 0 {
		return probe.Pass("no URL is http").On(d.Exchange)
	}
	v := probe.Fail("%s", list(plain)).On(d.Exchange).So("%s talks https alone", clientName(t)).
		Mend("set the server's public URL with https, or let it trust X-Forwarded-Proto of the proxy that ends TLS")
	switch members = slices.Compact(members); {
	case len(members) > 1:
		return v
	case members[0] == "resource":
		return v.Because("resource-metadata.names-target")
	}
	return v.Because("resource-metadata.names-authorization-server")
}

func resourceWellFormed(t *probe.Trace, d *probe.Document) probe.Verdict {
	wrong, null := mistyped(d, []string{"resource_name", "resource_documentation", "resource_policy_uri", "resource_tos_uri", "jwks_uri"},
		[]string{"scopes_supported", "bearer_methods_supported", "resource_signing_alg_values_supported"},
		[]string{"tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens_required"})
	return typed(t, d, wrong, null)
}

func resourceScopes(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "scopes_supported"
	scopes := d.Strings(name)
	v := func(format string, args ...any) probe.Verdict { return probe.Fail(format, args...).On(d.Exchange) }
	switch {
	case noList(d, name):
		return notList(name)
	case len(scopes) == 0:
		return v("%s: no scope in scopes_supported", bare(d.Exchange)).
			So("clients that go by this list ask for every scope of the authorization server, or for none").
			Mend("list the server's own scopes in scopes_supported, and the same in the challenge's scope")
	case slices.Contains(scopes, ""):
		return v("scopes_supported has an empty string").So("clients with a schema drop the document, others send an empty scope, which is refused").
			Mend("take the empty string out of scopes_supported")
	case slices.Contains(scopes, "offline_access"):
		return v("scopes_supported has offline_access").So("clients ask for it even where the authorization server refuses it").
			Mend("take offline_access out: clients ask for it by themselves when the authorization server's scopes_supported lists it")
	}
	return probe.Pass("%s", strings.Join(scopes, " ")).On(d.Exchange)
}

func bearerByHeader(_ *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "bearer_methods_supported"
	switch methods := d.Strings(name); {
	case noList(d, name):
		return notList(name)
	case !d.Has(name):
		return probe.Pass("no method is ruled out").On(d.Exchange)
	case !slices.Contains(methods, "header"):
		return probe.Fail("bearer_methods_supported is %s", value(d.Members[name])).On(d.Exchange).
			So("clients that read it do not send their token: they know no other way than the header").
			Mend(`set bearer_methods_supported to ["header"], or leave it out`)
	default:
		return probe.Pass("%s", list(methods)).On(d.Exchange)
	}
}
