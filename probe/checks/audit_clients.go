package checks

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// planned reports whether a client or scope is one of the connection's.
func planned(f probe.Fact) bool { return text(f.Data["resource"]) != "" }

// clientCalled is a client for a sentence.
func clientCalled(f probe.Fact) string {
	return "client " + quoted(clipped(text(f.Data["client_id"]), 60))
}

// may reports whether a client may use a flow.
func may(f probe.Fact, flow string) bool { return slices.Contains(texts(f.Data["flows"]), flow) }

// ownOrElse fails of what the connection's own clients have, and warns of what others have.
func ownOrElse(t *probe.Trace, kind, effect string, judge func(probe.Fact) []fault) probe.Verdict {
	v := audited(t, kind, effect, judge)
	if v.Outcome == probe.Failed && v.Resource == "" {
		v.Outcome = probe.Warned
	}
	return v
}

func clientUsable(t *probe.Trace) probe.Verdict {
	return audited(t, auditClient, "nobody can sign in with it", func(f probe.Fact) []fault {
		flow := map[string]string{"login": "standard", "machine": "service"}[text(f.Data["use"])]
		resource := text(f.Data["resource"])
		switch {
		case !planned(f):
			return nil
		case on(f.Data["missing"]):
			return []fault{{clientCalled(f) + " is not there", "make it", resource}}
		case f.Data["enabled"] == false:
			return []fault{{clientCalled(f) + " is disabled", "enable it", resource}}
		case flow == "standard" && !may(f, flow):
			return []fault{{clientCalled(f) + " may not use the standard flow", "switch Standard flow on", resource}}
		case flow == "service" && !may(f, flow):
			return []fault{{clientCalled(f) + " has no service account", "switch Service accounts roles on", resource}}
		}
		return nil
	})
}

func redirectsExact(t *probe.Trace) probe.Verdict {
	return ownOrElse(t, auditClient, "codes may be sent to who can place a page, or a redirect, there", func(f probe.Fact) []fault {
		var all []fault
		if !may(f, "standard") && !may(f, "implicit") {
			return nil
		}
		for _, uri := range texts(f.Data["redirect_uris"]) {
			if why := loose(uri); why != "" {
				all = append(all, fault{fmt.Sprintf("%s: %s %s", clientCalled(f), quoted(uri), why), "register whole callbacks by https", text(f.Data["resource"])})
			}
		}
		return all
	})
}

// loose says why a redirect URI lets codes go astray; "" when it does not.
func loose(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case strings.HasSuffix(uri, "*"):
		return "is a wildcard"
	case err == nil && u.Scheme == "http" && !probe.Loopback(u.Hostname()):
		return "is plain http"
	}
	return ""
}

func grantsNeeded(t *probe.Trace) probe.Verdict {
	return audited(t, auditClient, "passwords are tried, or tokens read, without a login page between", func(f probe.Fact) []fault {
		var all []fault
		if may(f, "password") {
			all = append(all, fault{clientCalled(f) + " has direct access grants", "switch Direct access grants off", text(f.Data["resource"])})
		}
		if may(f, "implicit") {
			all = append(all, fault{clientCalled(f) + " has the implicit flow", "switch Implicit flow off", text(f.Data["resource"])})
		}
		return all
	})
}

func pkceRequired(t *probe.Trace) probe.Verdict {
	return audited(t, auditClient, "a stolen code can be redeemed without the client's secret half", func(f probe.Fact) []fault {
		if on(f.Data["missing"]) || !may(f, "standard") || !planned(f) && !on(f.Data["public"]) {
			return nil
		}
		switch method := text(f.Data["pkce"]); method {
		case "S256":
			return nil
		case "":
			return []fault{{clientCalled(f) + " is not held to PKCE", "set its Code Challenge Method to S256", text(f.Data["resource"])}}
		default:
			return []fault{{clientCalled(f) + " is held to PKCE with " + quoted(method), "set its Code Challenge Method to S256", text(f.Data["resource"])}}
		}
	})
}

// tokenClients are the clients of the connection that get tokens for a server.
func tokenClients(t *probe.Trace) []probe.Fact {
	return slices.DeleteFunc(slices.Clone(t.FactsOf(auditClient)), func(f probe.Fact) bool {
		use := text(f.Data["use"])
		return !planned(f) || on(f.Data["missing"]) || use != "login" && use != "machine"
	})
}

func audienceMapped(t *probe.Trace) probe.Verdict {
	facts := t.FactsOf(auditScope)
	var all []fault
	bears := map[string][]string{} // scopes by the server that they put into the audience
	for _, f := range facts {
		name, server := text(f.Data["scope"]), text(f.Data["server"])
		if server == "" {
			continue
		}
		bears[server] = append(bears[server], name)
		if what := unmapped(f, server); what != "" {
			all = append(all, fault{"scope " + name + " " + what, "give the scope an audience mapper: Included Custom Audience " + server + ", Add to access token on", text(f.Data["resource"])})
		}
	}
	for _, c := range tokenClients(t) {
		scopes := bears[text(c.Data["server"])]
		if len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(texts(c.Data["default_scopes"]), s) }) {
			all = append(all, fault{fmt.Sprintf("%s does not have %s by default", clientCalled(c), list(scopes)), "make " + list(scopes) + " a default scope of it", text(c.Data["resource"])})
		}
	}
	if len(all) == 0 {
		return probe.Pass("%s", looked(facts)).OnFact(facts...)
	}
	return faulty(all, "users sign in, and then every request to the MCP server is answered with 401").OnFact(facts...)
}

// unmapped says why a scope does not put a server into the audience; "" when it does.
func unmapped(f probe.Fact, server string) string {
	if on(f.Data["missing"]) {
		return "is not there"
	}
	var other []string
	for _, m := range objects(f.Data["audiences"]) {
		switch {
		case text(m["value"]) == server && on(m["in_access_token"]):
			return ""
		case text(m["value"]) == server:
			return "has an audience mapper that is kept out of access tokens"
		}
		other = append(other, quoted(text(m["value"])))
	}
	if len(other) > 0 {
		return "puts " + list(other) + " into the audience, not " + server
	}
	return "has no audience mapper"
}

func audienceOnly(t *probe.Trace) probe.Verdict {
	facts := t.FactsOf(auditScope)
	var all []fault
	for _, f := range facts {
		if server := text(f.Data["server"]); server != "" {
			all = append(all, furtherAudiences("scope "+text(f.Data["scope"]), f, server)...)
		}
	}
	for _, c := range tokenClients(t) {
		all = append(all, furtherAudiences(clientCalled(c), c, text(c.Data["server"]))...)
		if on(c.Data["full_scope"]) {
			all = append(all, fault{clientCalled(c) + " has Full scope allowed: the user's roles bring their audiences, account among them",
				"switch Full scope allowed off", text(c.Data["resource"])})
		}
	}
	if len(all) == 0 {
		return probe.Pass("%s", looked(facts)).OnFact(facts...)
	}
	return faulty(all, "what gets hold of a token, the MCP server too, can use it elsewhere in the user's name").OnFact(facts...)
}

// furtherAudiences are those of mappers beside the server's; setup leaves others' mappers alone, so a hand takes them away.
func furtherAudiences(whose string, f probe.Fact, server string) []fault {
	var all []fault
	for _, m := range objects(f.Data["audiences"]) {
		if aud := text(m["value"]); aud != server && on(m["in_access_token"]) {
			all = append(all, fault{fmt.Sprintf("%s puts %s into the audience (mapper %s)", whose, quoted(aud), quoted(text(m["mapper"]))),
				"take that mapper away", ""})
		}
	}
	return all
}

// ofTokens judges the clients that get tokens for a server.
func ofTokens(t *probe.Trace, effect string, judge func(probe.Fact) []fault) probe.Verdict {
	return audited(t, auditClient, effect, func(f probe.Fact) []fault {
		if use := text(f.Data["use"]); !planned(f) || on(f.Data["missing"]) || use != "login" && use != "machine" {
			return nil
		}
		return judge(f)
	})
}

func subMapped(t *probe.Trace) probe.Verdict {
	return ofTokens(t, "the MCP server cannot tell users apart", func(f probe.Fact) []fault {
		if slices.Contains(texts(f.Data["default_scopes"]), "basic") {
			return nil
		}
		return []fault{{clientCalled(f) + " does not have the scope basic, which bears sub", "make basic a default scope of it", text(f.Data["resource"])}}
	})
}

func tokenWhole(t *probe.Trace) probe.Verdict {
	return ofTokens(t, "an MCP server that verifies tokens by itself refuses every one", func(f probe.Fact) []fault {
		if !on(f.Data["lightweight"]) {
			return nil
		}
		return []fault{{clientCalled(f) + " gets lightweight access tokens", "switch Always use lightweight access token off", text(f.Data["resource"])}}
	})
}

func registrationGuarded(t *probe.Trace) probe.Verdict {
	f := t.FactsOf(auditRegistration)[0]
	hosts, holes := texts(f.Data["hosts"]), texts(f.Data["holes"])
	v := func(judged func(string, ...any) probe.Verdict, detail string) probe.Verdict {
		mend := "put the policy Trusted Hosts back, and trust hosts by their whole names"
		if len(holes) > 0 {
			detail += fmt.Sprintf("; in Keycloak %s %s (%s)", text(f.Data["version"]), text(f.Data["effect"]), strings.Join(holes, ", "))
			mend = "update Keycloak first of all; " + mend
		}
		return judged("%s", detail).OnFact(f).So("anybody registers a client that sends the codes of your users where it likes").Mend("%s", mend)
	}
	wide := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return !strings.HasPrefix(h, "*") })
	open := on(f.Data["policy"]) && !on(f.Data["sender_match"]) && len(hosts) > 0
	switch {
	case !on(f.Data["policy"]):
		return v(probe.Fail, "anonymous registration has no policy Trusted Hosts")
	case !on(f.Data["uris_match"]):
		return v(probe.Fail, "the policy Trusted Hosts does not look at redirect URIs (client-uris-must-match)")
	case len(wide) > 0:
		return v(probe.Fail, "the policy Trusted Hosts trusts "+list(few(wide, 4)))
	case open && len(holes) > 0:
		return v(probe.Fail, "anonymous registration is open for callbacks on "+list(few(hosts, 4)))
	case open:
		return probe.Pass("open for callbacks on %s alone", list(few(hosts, 6))).OnFact(f)
	}
	return probe.Pass("nobody may register without a token, but from a trusted host").OnFact(f)
}

func documentsLetIn(t *probe.Trace) probe.Verdict {
	f := t.FactsOf(auditRegistration)[0]
	switch {
	case f.Data["documents"] == nil:
		return probe.Unknown("this account is not told which features are on")
	case !on(f.Data["documents"]):
		return probe.Skip("the feature cimd is off")
	case on(f.Data["document_policy"]):
		return probe.Pass("a client policy lets documents in").OnFact(f)
	}
	return probe.Fail("the feature cimd is on, and no client policy lets a document in").OnFact(f).
		So("Claude prefers its document wherever no client id is typed in, and its user sees Client not found").
		Mend("give the client registration: metadata-document in mcpwiz.yaml and run mcpwiz setup, or start Keycloak without the feature cimd")
}
