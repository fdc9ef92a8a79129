package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// copies are the answers where other clients than the one at hand look for documents: they were asked for late, and no
// client rests on them.
func copies(t *probe.Trace) []*probe.Exchange { return t.Of(probe.OfProbe("copy")) }

// resourceCopies are the documents among the copies that are resource metadata.
func resourceCopies(t *probe.Trace) []*probe.Exchange {
	return look(copies(t), "resource", "authorization_servers").documents
}

// serverCopies are the documents among the copies that are an authorization server's.
func serverCopies(t *probe.Trace) []*probe.Exchange {
	return slices.DeleteFunc(look(copies(t), "issuer", "authorization_endpoint", "token_endpoint").documents, func(x *probe.Exchange) bool {
		return strings.Contains(x.URL().Path, "oauth-protected-resource")
	})
}

func resourceCopiesAgree(t *probe.Trace, d *probe.Document) probe.Verdict {
	agree := []*probe.Exchange{d.Exchange}
	for _, x := range slices.Concat(resourceLookout(t).documents, resourceCopies(t)) {
		other := x.Metadata()
		if place(x.URL()) == place(d.Exchange.URL()) || other.String("resource") == t.Origin() && d.String("resource") != t.Origin() {
			continue // asked twice, or about the whole host (RFC 9728 section 3.1)
		}
		agree = append(agree, x)
		if what := disagree(d, other, "resource", "authorization_servers", "scopes_supported"); what != "" {
			return probe.Fail("%s", what).On(d.Exchange, x).
				So("it depends on the client which of them it goes by").Mend("serve one and the same document at both URLs")
		}
	}
	if len(agree) == 1 {
		return probe.Skip("no second copy was read")
	}
	return probe.Pass("%d copies say the same", len(agree)).On(agree...)
}

// disagree tells the first member in which two documents differ, "" for none. The order of scopes says nothing.
func disagree(d, other *probe.Document, members ...string) string {
	for _, name := range members {
		a, b := orAbsent(d, name), orAbsent(other, name)
		if a != b && (name != "scopes_supported" || !sameSet(d.Strings(name), other.Strings(name))) {
			return fmt.Sprintf("%s is %s at %s and %s at %s", name, a, bare(d.Exchange), b, bare(other.Exchange))
		}
	}
	return ""
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return len(a) > 0 && slices.Equal(slices.Compact(a), slices.Compact(b))
}

// The members that decide where a client goes.
var decisive = []string{"issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri"}

// serverCopiesAgree compares the well-known forms of one issuer. What one of them leaves out beyond the endpoints of a login
// is its own affair: OpenID Connect Discovery and RFC 8414 ask for different members.
func serverCopiesAgree(t *probe.Trace, d *probe.Document) probe.Verdict {
	agree := []*probe.Exchange{d.Exchange}
	for _, x := range slices.Concat(serverLookout(t).documents, serverCopies(t)) {
		if place(x.URL()) == place(d.Exchange.URL()) || !isCandidate(t, x) || !isCandidate(t, d.Exchange) {
			continue
		}
		other := x.Metadata()
		agree = append(agree, x)
		members := slices.DeleteFunc(slices.Clone(decisive), func(name string) bool { return !d.Has(name) || !other.Has(name) })
		if what := disagree(d, other, members...); what != "" {
			return probe.Fail("%s", what).On(d.Exchange, x).Who(served(t, x)).
				So("clients take the first form that they find, and not all look in the same order: some go elsewhere than %s", clientName(t)).
				Mend("serve the same metadata at both URLs, or 404 at %s", bare(x))
		}
	}
	switch {
	case len(agree) == 1 && len(copies(t)) == 0:
		return probe.Skip("not seen: %s", probe.OfProbe("copy"))
	case len(agree) == 1:
		return probe.Skip("the metadata were read in one form only")
	}
	return probe.Pass("%d forms name the same endpoints", len(agree)).On(agree...)
}

// misplaced tells where a document lies that was found at none of its well-known URLs, "" for nowhere.
func misplaced(t *probe.Trace, xs []*probe.Exchange, well func(*probe.Exchange) bool) (*probe.Exchange, string) {
	for _, x := range xs {
		if !well(x) {
			return x, "; it lies at " + bare(x) + ", where no client looks"
		}
	}
	return nil, ""
}

// openWithoutMetadata judges the documents that a server publishes which asks for no login.
func openWithoutMetadata(t *probe.Trace) probe.Verdict {
	xs := copies(t)
	if !openTo(t) {
		return probe.Skip("the server asks for a login")
	}
	v := func(x *probe.Exchange, format string, args ...any) probe.Verdict {
		return probe.Warn("%s: %s, and the server asks for no login", bare(x), fmt.Sprintf(format, args...)).On(x).Who(served(t, x)).
			So("clients that look for these documents first want to sign their user in, or take the server for broken").
			Mend("answer 404 at %s, or let the MCP server ask for a token with 401", bare(x))
	}
	for _, x := range resourceCopies(t) {
		d := x.Metadata()
		switch named := d.Strings("authorization_servers"); {
		case len(named) == 0:
			return v(x, "resource metadata without an authorization server")
		case d.String("resource") == t.Target:
			return probe.Pass("%s: a login at %s is offered and not demanded; what needs it must answer 401", bare(x), named[0]).On(x)
		default:
			return v(x, "resource metadata of %s", quoted(d.String("resource")))
		}
	}
	for _, x := range serverCopies(t) {
		return v(x, "authorization server metadata of issuer %s", quoted(x.Metadata().String("issuer")))
	}
	return probe.Pass("no metadata of a login are published").On(xs...)
}
