package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

const documentFlag = "client_id_metadata_document_supported"

const methodList = "token_endpoint_auth_methods_supported"

// authMethodsOf are the methods that a document lists; without a list it is client_secret_basic (RFC 8414 section 2).
func authMethodsOf(d *probe.Document) []string {
	if !d.Has(methodList) {
		return []string{"client_secret_basic"}
	}
	return d.Strings(methodList)
}

// registers reports whether the client gets its id this way: preregistered, cimd or dcr. Of a stranger everything is possible.
func registers(t *probe.Trace, how string) bool {
	return len(t.Profile.Register.Order) == 0 || slices.Contains(t.Profile.Register.Order, how)
}

// givenID returns a request made with a client id that was not got by registration, nil when there was none.
func givenID(t *probe.Trace) *probe.Exchange {
	if t.Has(probe.Registration) {
		return nil
	}
	for _, e := range []probe.Evidence{probe.Authorization, probe.TokenRequest} {
		if x := t.Last(e); x != nil && clientID(x) != "" {
			return x
		}
	}
	return nil
}

func registrationOffered(t *probe.Trace, d *probe.Document) probe.Verdict {
	given, endpoint := givenID(t), d.String("registration_endpoint")
	needsNone := t.Profile.Register.DocumentNeedsNone && !slices.Contains(authMethodsOf(d), "none")
	switch {
	case machine(t):
		return probe.Skip("a machine's client is made beforehand")
	case given != nil:
		return probe.Pass("client id %s is in use", quoted(clipped(clientID(given), 60))).On(given, d.Exchange)
	case registers(t, "cimd") && d.True(documentFlag) && !needsNone:
		return probe.Pass("client metadata documents are taken").On(d.Exchange)
	case registers(t, "dcr") && absolute(endpoint) != nil:
		return probe.Pass("clients register at %s", endpoint).On(d.Exchange)
	}
	detail := "no registration_endpoint and no " + documentFlag
	if endpoint != "" || d.True(documentFlag) {
		detail = "nothing that " + clientName(t) + " can register by"
	}
	return probe.Fail("%s: %s", bare(d.Exchange), detail).On(d.Exchange).Who(served(t, d.Exchange)).
		So("%s has no client id until its user types one in", clientName(t)).
		Mend("%s; or offer registration (RFC 7591) or client metadata documents", preregister)
}

func documentUsable(t *probe.Trace, d *probe.Document) probe.Verdict {
	switch {
	case machine(t):
		return probe.Skip("a machine's client is made beforehand")
	case !d.True(documentFlag):
		return probe.Skip("the server offers no client metadata documents")
	case slices.Contains(authMethodsOf(d), "none"):
		return probe.Pass("offered, with none among the methods").On(d.Exchange)
	}
	effect := "clients register instead, a new client for every connection, or take the document and are refused at the token endpoint"
	if t.Profile.Register.DocumentNeedsNone {
		effect = clientName(t) + " registers instead: a new client for every connection"
	}
	return probe.Fail("%s: %s is true, and %s has no none: %s", bare(d.Exchange), documentFlag, methodList, list(authMethodsOf(d))).
		On(d.Exchange).Who(served(t, d.Exchange)).So("%s", effect).
		Mend("upgrade Keycloak to 26.7, which lists none with the feature cimd, or start it without that feature; elsewhere add none to the list")
}

func authMethods(t *probe.Trace, d *probe.Document) probe.Verdict {
	listed, own := authMethodsOf(d), t.Profile.Token.ConfidentialAuth
	usable := []string{"client_secret_basic", "client_secret_post", "none"}
	if machine(t) {
		usable = []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	}
	can := slices.DeleteFunc(slices.Clone(usable), func(m string) bool { return !slices.Contains(listed, m) })
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("%s: %s is %s", bare(d.Exchange), methodList, value(listed)).On(d.Exchange).Who(served(t, d.Exchange)).
			Mend("take and list one of %s", strings.Join(usable, ", "))
	}
	switch {
	case noList(d, methodList):
		return notList(methodList)
	case len(can) == 0:
		return v(probe.Fail).So("%s can authenticate in none of these ways: the login fails at its last step", clientName(t))
	case own != "" && !machine(t) && d.Has(methodList) && !slices.Contains(can, own) && !slices.Contains(can, "none"):
		return v(probe.Warn).So("with a secret %s uses %s, which may be refused", clientName(t), own).
			Mend("take and list %s too, or make the client public", own)
	}
	return probe.Pass("%s", list(can)).On(d.Exchange)
}

// algorithmList is for private_key_jwt and client_secret_jwt (RFC 8414 section 2).
const algorithmList = "token_endpoint_auth_signing_alg_values_supported"

// assertion returns the last token request that bears a signed assertion, and what it is signed with; nil for none.
func assertion(t *probe.Trace) (*probe.Exchange, string) {
	for _, e := range []probe.Evidence{probe.TokenRequest, probe.Refresh} {
		x := latest(t, e, granted)
		if x == nil {
			continue
		}
		if tok, ok := x.Token("request.client_assertion"); ok && tok.Alg != "" {
			return x, tok.Alg
		}
	}
	return nil, ""
}

func assertionAlgorithm(t *probe.Trace, d *probe.Document) probe.Verdict {
	x, alg := assertion(t)
	listed := d.Strings(algorithmList)
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return judged("the assertion of exchange %d is signed with %s, and %s is %s", x.N, alg, algorithmList, value(d.Members[algorithmList])).On(d.Exchange, x).
			Mend("give the client a key for one of %s, or let the token endpoint take %s and list it", list(listed), alg)
	}
	switch {
	case x == nil:
		return probe.Skip("%s was not seen to sign an assertion", clientName(t))
	case noList(d, algorithmList):
		return notList(algorithmList)
	case !d.Has(algorithmList):
		return probe.Skip("%s is not there: it is not said which algorithms are taken", algorithmList)
	case slices.Contains(listed, alg):
		return probe.Pass("%s", alg).On(d.Exchange, x)
	case granted(x):
		return v(probe.Warn).So("it was taken all the same; clients that go by the list do not try")
	}
	return v(probe.Fail).So("%s is refused as a client that cannot prove itself", clientName(t))
}

func scopesListed(t *probe.Trace, d *probe.Document) probe.Verdict {
	listed, want := d.Strings("scopes_supported"), published(t)
	strange := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(listed, s) })
	switch {
	case len(want) == 0:
		return probe.Skip("the MCP server names no scope")
	case noList(d, "scopes_supported"):
		return notList("scopes_supported")
	case len(listed) == 0:
		return probe.Skip("the authorization server lists no scopes")
	case len(strange) == 0:
		return probe.Pass("%s", strings.Join(want, " ")).On(d.Exchange, resourceExchange(t))
	case realmOf(d.String("issuer")) == "":
		return probe.Skip("%s need not be listed: an authorization server may keep scopes to itself (RFC 8414 section 2)", list(strange))
	}
	return probe.Fail("the MCP server names %s, which %s does not list", list(strange), bare(d.Exchange)).On(d.Exchange, resourceExchange(t)).
		By("keycloak/scope/"+strange[0]).So("%s asks for it and is refused with invalid_scope", clientName(t)).
		Mend("make the client scope %s in the realm (mcpwiz setup), with Include in OpenID Provider Metadata on, or publish another", list(strange))
}

func issPromised(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "authorization_response_iss_parameter_supported"
	switch {
	case machine(t):
		return probe.Skip("client_credentials has no authorization response")
	case d.True(name):
		return probe.Pass("promised").On(d.Exchange)
	case t.Profile.ID != "" && !t.Profile.Authorize.ChecksIss:
		return probe.Pass("not promised; %s is not known to look", clientName(t)).On(d.Exchange)
	}
	return probe.Fail("%s: %s is not true", bare(d.Exchange), name).On(d.Exchange).Who(served(t, d.Exchange)).
		So("%s cannot tell whose response it gets, should it talk to several authorization servers", clientName(t)).
		Mend("send iss on every authorization response and publish %s: true", name)
}
