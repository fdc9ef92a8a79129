package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// machineInstead is what those can do who took the authorization endpoint away to have machine-to-machine.
const machineInstead = "; for machine-to-machine use an organization's connector with static_headers, authorization_token of the Messages API, " +
	"or --header and headersHelper of Claude Code, or keep the login and switch consent off on the client"

func authorizationEndpoint(t *probe.Trace) probe.Verdict {
	if machine(t) {
		return probe.Skip("%s takes tokens for itself and opens no browser: it needs no authorization_endpoint", clientName(t))
	}
	return onServer(namesAuthorizationEndpoint)(t)
}

func namesAuthorizationEndpoint(t *probe.Trace, d *probe.Document) probe.Verdict {
	lacking := lacks(d, "authorization_endpoint")
	if lacking == "" {
		return earlierLacks(t, d)
	}
	v := probe.Fail("%s: %s", bare(d.Exchange), lacking).On(d.Exchange).Who(served(t, d.Exchange)).So("%s", rejected(t))
	who := clientName(t)
	switch {
	case d.Has("authorization_endpoint"):
		return v.Mend("publish authorization_endpoint as an absolute URL")
	case t.Profile.Hosted:
		who += "'s hosted client"
	}
	return v.Mend("put authorization_endpoint back; %s has no client_credentials grant%s", who, machineInstead)
}

// lacks tells how a document has no such endpoint, "" when it has one.
func lacks(d *probe.Document, name string) string {
	switch {
	case absolute(d.String(name)) != nil && strings.ContainsAny(d.String(name), " \t\r\n"):
		return name + " is " + value(d.Members[name]) + ", with a blank, which no URL has (RFC 3986 section 2)"
	case absolute(d.String(name)) != nil:
		return ""
	case d.Has(name):
		return name + " is " + value(d.Members[name]) + ", not an absolute URL"
	}
	return "no " + name
}

// earlierLacks warns of a document that the client passed over before it found the one in use.
func earlierLacks(t *probe.Trace, d *probe.Document) probe.Verdict {
	for _, x := range serverLookout(t).documents {
		if lacking := lacks(x.Metadata(), "authorization_endpoint"); lacking != "" && x.N < d.Exchange.N {
			return probe.Warn("%s: %s; the document at %s is complete", bare(x), lacking, bare(d.Exchange)).On(x, d.Exchange).Who(served(t, x)).
				So("clients that stop at the first document reject the server").Mend("put authorization_endpoint back")
		}
	}
	return probe.Pass("%s", d.String("authorization_endpoint")).On(d.Exchange)
}

func tokenEndpoint(t *probe.Trace, d *probe.Document) probe.Verdict {
	if lacking := lacks(d, "token_endpoint"); lacking != "" {
		return probe.Fail("%s: %s", bare(d.Exchange), lacking).On(d.Exchange).Who(served(t, d.Exchange)).
			So("%s", rejected(t)).Mend("publish token_endpoint as an absolute URL")
	}
	return probe.Pass("%s", d.String("token_endpoint")).On(d.Exchange)
}

func issuerAsAsked(t *probe.Trace, d *probe.Document) probe.Verdict {
	x, got, rule := d.Exchange, d.String("issuer"), t.Profile.Discovery.IssuerRule
	want, _ := candidate(t, x)
	v := func(judged func(string, ...any) probe.Verdict) probe.Verdict {
		return mendIssuer(t, want, got, judged("issuer is %s, asked was %s%s", quoted(got), quoted(want), unlike(want, got)).On(x, resourceExchange(t)))
	}
	switch {
	case got == "" && !d.Has("issuer"):
		return probe.Fail("%s: no issuer", bare(x)).On(x).Who(served(t, x)).So("%s", rejected(t)).
			Mend("publish issuer, the URL that authorization_servers names")
	case got == "":
		return probe.Fail("%s: issuer is %s, not a URL", bare(x), value(d.Members["issuer"])).On(x).Who(served(t, x)).So("%s", rejected(t)).
			Mend("publish issuer as a string, the URL that authorization_servers names")
	case want == "":
		return probe.Skip("no resource metadata sent a client to this document: there is no issuer to compare with")
	case got == want:
		return probe.Pass("%s", got).On(x)
	case rule == "slash" && strings.TrimSuffix(got, "/") == strings.TrimSuffix(want, "/"):
		return probe.Pass("%s; %s forgives the slash at the end", got, clientName(t)).On(x)
	case rule == "" && rootSlash(want, got):
		return v(probe.Warn).So("clients that compare byte for byte drop the document; many add or drop this slash by themselves")
	case rule == "none":
		return v(probe.Warn).So("%s does not compare; clients that do drop the document", clientName(t))
	}
	return v(probe.Fail).So("%s must not use the document (RFC 8414 section 3.3) and %s", clientName(t), astray(t))
}

func resourceExchange(t *probe.Trace) *probe.Exchange {
	if d := resourceDocument(t); d != nil {
		return d.Exchange
	}
	return nil
}

// mendIssuer: who asked by another path or slash must ask rightly; a server that bears another name must bear its public one.
func mendIssuer(t *probe.Trace, want, got string, v probe.Verdict) probe.Verdict {
	a, b := absolute(want), absolute(got)
	if a != nil && b != nil && a.Scheme == b.Scheme && host(a) == host(b) {
		return v.Who(probe.OwnerOrigin).Mend("write %s into authorization_servers of the resource metadata, byte for byte", got)
	}
	if realm := realmOf(want); realm != "" && a != nil {
		return v.By("keycloak/realm/"+realm).Mend("start Keycloak with KC_HOSTNAME=%s://%s, KC_PROXY_HEADERS=xforwarded, and no frontendUrl of another name on the realm", a.Scheme, a.Host)
	}
	return v.Mend("let the authorization server call itself %s, or name it %s in authorization_servers if that is its public name", want, got)
}

// realmOf returns the realm of a Keycloak's issuer, "" for any other.
func realmOf(issuer string) string {
	_, realm, _ := strings.Cut(strings.TrimSuffix(issuer, "/"), "/realms/")
	return realm
}

// Members of RFC 8414 section 2, OpenID Connect Discovery section 3, RFC 9207 section 3 and the client id metadata
// document draft that clients have in their schemas.
var (
	serverTexts = []string{"service_documentation", "op_policy_uri", "op_tos_uri"}
	serverURLs  = []string{"registration_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint", "userinfo_endpoint"}
	serverLists = []string{
		"scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported", "token_endpoint_auth_methods_supported",
		"token_endpoint_auth_signing_alg_values_supported", "code_challenge_methods_supported", "revocation_endpoint_auth_methods_supported",
		"introspection_endpoint_auth_methods_supported", "subject_types_supported", "id_token_signing_alg_values_supported",
	}
	serverFlags = []string{
		"client_id_metadata_document_supported", "authorization_response_iss_parameter_supported", "require_pushed_authorization_requests",
		"require_request_uri_registration", "request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported",
	}
	// ownChecks have a check of their own for being absent.
	ownChecks = []string{"issuer", "authorization_endpoint", "token_endpoint", "response_types_supported", "code_challenge_methods_supported"}
)

func serverWellFormed(t *probe.Trace, d *probe.Document) probe.Verdict {
	wrong, null := mistyped(d, serverTexts, serverLists, serverFlags)
	for _, name := range serverURLs {
		if d.Has(name) && lacks(d, name) != "" {
			wrong = append(wrong, lacks(d, name))
		}
		if v, there := d.Members[name]; there && v == nil {
			null = append(null, name)
		}
	}
	for _, name := range t.RequiredMembers() {
		if !d.Has(name) && !slices.Contains(ownChecks, name) {
			wrong = append(wrong, "there is no "+name+", which "+clientName(t)+" requires")
		}
	}
	for _, name := range serverLists {
		if slices.Contains(d.Strings(name), "") && len(wrong) == 0 {
			return probe.Warn("%s: %s has an empty string", bare(d.Exchange), name).On(d.Exchange).Who(served(t, d.Exchange)).
				So("clients with a strict schema drop the document; those that ask for every scope send one that is empty").
				Mend("take the empty string out of %s", name)
		}
	}
	return typed(t, d, wrong, null)
}

func responseTypeCode(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "response_types_supported"
	v := func(judged func(string, ...any) probe.Verdict, detail string) probe.Verdict {
		return judged("%s: %s", bare(d.Exchange), detail).On(d.Exchange).Who(served(t, d.Exchange)).Mend(`publish response_types_supported with "code"`)
	}
	switch {
	case machine(t):
		return probe.Skip("client_credentials has no authorization request")
	case noList(d, name):
		return notList(name)
	case !d.Has(name) && slices.Contains(t.RequiredMembers(), name):
		return v(probe.Fail, "no response_types_supported").So("%s", rejected(t))
	case !d.Has(name):
		return v(probe.Warn, "no response_types_supported").So("TypeScript clients drop a document without it")
	case !slices.Contains(d.Strings(name), "code"):
		return v(probe.Fail, "response_types_supported is "+value(d.Members[name])).So("clients that look refuse the server: it does not know the authorization code flow")
	}
	return probe.Pass("code is listed").On(d.Exchange)
}

func pkceListed(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "code_challenge_methods_supported"
	v := func(judged func(string, ...any) probe.Verdict, detail string) probe.Verdict {
		return judged("%s: %s", bare(d.Exchange), detail).On(d.Exchange).Who(served(t, d.Exchange)).
			Mend(`publish code_challenge_methods_supported: ["S256"]; where the authorization server cannot be told to, serve its metadata through a proxy that adds the member`)
	}
	refuses := t.Profile.Discovery.RequiresS256 || t.Profile.ID == ""
	switch {
	case machine(t):
		return probe.Skip("client_credentials has no code to protect")
	case noList(d, name):
		return notList(name)
	case slices.Contains(d.Strings(name), "S256"):
		return probe.Pass("S256 is listed").On(d.Exchange)
	case d.Has(name):
		return v(probe.Fail, name+" is "+value(d.Members[name])).So("%s uses S256 and refuses a server that does not know it", clientName(t))
	case refuses:
		return v(probe.Fail, "no "+name).So("%s takes the server for one without PKCE and refuses it before the login", clientName(t))
	}
	return v(probe.Warn, "no "+name).So("%s goes on; clients that hold to the specification refuse the server", clientName(t))
}

func grantTypes(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "grant_types_supported"
	listed := d.Strings(name)
	v := func(detail string) probe.Verdict {
		return probe.Fail("%s: %s", bare(d.Exchange), detail).On(d.Exchange).Who(served(t, d.Exchange))
	}
	switch {
	case machine(t):
		return probe.Skip("%s does not log a user in", clientName(t))
	case noList(d, name):
		return notList(name)
	case !d.Has(name):
		return probe.Pass("no list: authorization_code by default (RFC 8414 section 2)").On(d.Exchange)
	case !slices.Contains(listed, "authorization_code"):
		return v("grant_types_supported is "+value(d.Members[name])).Because("server-metadata.authorization-endpoint").
			So("%s begins a login all the same: the list chooses no grant", clientName(t)).Mend("list authorization_code and refresh_token; a list of client_credentials alone keeps clients with a user out")
	case !slices.Contains(listed, "refresh_token"):
		return v("grant_types_supported has no refresh_token").So("clients that go by the list ask for no refresh token: their users sign in whenever the token ends").
			Mend("add refresh_token to grant_types_supported")
	}
	return probe.Pass("authorization_code and refresh_token are listed").On(d.Exchange)
}

func machineGrantListed(t *probe.Trace, d *probe.Document) probe.Verdict {
	const name = "grant_types_supported"
	switch {
	case !machine(t):
		return probe.Skip("%s does not use client_credentials", clientName(t))
	case noList(d, name):
		return notList(name)
	case !d.Has(name):
		return probe.Unknown("%s: no grant_types_supported; the token request will tell", bare(d.Exchange)).On(d.Exchange)
	case !slices.Contains(d.Strings(name), "client_credentials"):
		return probe.Fail("%s: grant_types_supported is %s", bare(d.Exchange), value(d.Members[name])).On(d.Exchange).Who(served(t, d.Exchange)).
			So("%s may be refused its token", clientName(t)).
			Mend("switch the grant client_credentials on in the authorization server (in Keycloak: Service accounts roles of the client) and list it")
	}
	return probe.Pass("client_credentials is listed").On(d.Exchange)
}
