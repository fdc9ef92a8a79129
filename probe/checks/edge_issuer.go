package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// edgeIssuer judges whose tokens clients are sent for, where an edge issues some itself.
var edgeIssuer = []*probe.Check{
	{
		ID: "edge.sends-to-own-issuer", Title: "clients are sent to the server's own authorization server, not to the edge's",
		Doc: "An Access application with Managed OAuth puts its own 401 in the place of the server's and sends clients to Access for their tokens; discovery then goes all the way and looks right. " +
			"The server behind knows nothing of these tokens, and its own authorization server is never asked. " +
			"It shows in the challenge, whose resource_metadata is at /.well-known/cloudflare-access-protected-resource. " +
			"Have one of the two: switch Managed OAuth off, or take the authorization server of your own away and verify Cf-Access-Jwt-Assertion.",
		Stage: probe.StageEdge, Level: probe.Must, Owner: probe.OwnerEdge,
		Spec:  cloudflareDocs + "cloudflare-one/access-controls/applications/http-apps/managed-oauth/",
		Needs: []probe.Evidence{probe.Unauthenticated}, Judge: sendsToOwnIssuer,
	},
}

// accessDocument is where the challenges of Access lead.
const accessDocument = "/.well-known/cloudflare-access-protected-resource"

func sendsToOwnIssuer(t *probe.Trace) probe.Verdict {
	var challenge *probe.Exchange
	for _, x := range t.Of(probe.Unauthenticated) {
		if c := x.Challenge(); x.Status() == 401 && c != nil {
			challenge = x
		}
	}
	switch {
	case challenge == nil:
		return probe.Skip("nobody is sent anywhere: there is no challenge")
	case !strings.Contains(challenge.Challenge().ResourceMetadata, accessDocument):
		return probe.Pass("the challenge is none of an edge's").On(challenge)
	}
	document, servers := accessServers(t)
	if document == nil {
		return probe.Unknown("%s: %s; where it leads was not read, or says nothing", bare(challenge), answered(challenge)).On(challenge)
	}
	wanted := ownIssuers(t)
	if slices.ContainsFunc(wanted, func(s string) bool { return slices.ContainsFunc(servers, sameIssuer(s)) }) {
		return probe.Pass("Access issues the tokens, as is wanted: %s", list(servers)).On(challenge, document)
	}
	judged, effect := probe.Warn, "gets its tokens from Access: a server that has an authorization server of its own takes them for somebody else's"
	of := ""
	if len(wanted) > 0 {
		judged, effect = probe.Fail, "never comes to "+list(wanted)+", and the server takes the tokens that it brings for somebody else's"
		of = ", not to " + list(wanted)
	}
	return traced(t, challenge, judged("%s: the challenge of Cloudflare Access (Managed OAuth) sends clients to %s%s", bare(challenge), list(servers), of).
		On(challenge, document).So("%s %s", clientName(t), effect).
		Mend("to keep an authorization server of your own, switch Managed OAuth off in this Access application, and let the server's paths past it "+
			"(a more specific application for %s and /.well-known/* with the policy Bypass, Everyone); "+
			"to have Access issue the tokens, keep it, allow the client's redirect URI there, and let the server verify Cf-Access-Jwt-Assertion instead of bearer tokens", t.URL().Path))
}

// accessServers returns the document that Access serves for its own challenge, and the authorization servers in it; nil for none.
func accessServers(t *probe.Trace) (*probe.Exchange, []string) {
	for _, d := range t.Documents(probe.ResourceMetadata) {
		if all := d.Strings("authorization_servers"); ofAccess(d.Exchange) && len(all) > 0 {
			return d.Exchange, all
		}
	}
	return nil, nil
}

func ofAccess(x *probe.Exchange) bool { return strings.HasPrefix(x.URL().Path, accessDocument) }

// ownIssuers are the authorization servers that the server means to have: what its user says, what the documents say that are
// the server's own, and who issued the tokens that it took.
func ownIssuers(t *probe.Trace) []string {
	var all []string
	for _, f := range t.FactsOf(probe.ExpectedIssuer) {
		all = append(all, text(f.Data["issuer"]))
	}
	for _, d := range t.Documents(probe.ResourceMetadata) {
		if !ofAccess(d.Exchange) {
			all = append(all, d.Strings("authorization_servers")...)
		}
	}
	for _, x := range t.Of(probe.Authenticated) {
		if succeeded(x) {
			all = append(all, tokenOf(x).Claim("iss"))
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

func sameIssuer(a string) func(string) bool {
	return func(b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }
}
