package checks

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// lookups returns the last answer of this machine's name service for each host.
func lookups(t *probe.Trace) []probe.Fact {
	own := func(f probe.Fact) bool { return !byPublic(f) }
	return lastOf(filtered(t.FactsOf("dns"), own), "host")
}

// lastOf returns of facts with the same data under names, and for "" the same source, the last.
func lastOf(facts []probe.Fact, names ...string) []probe.Fact {
	var all []probe.Fact
	at := map[string]int{}
	for _, f := range facts {
		key := ""
		for _, name := range names {
			if name == "" {
				key += f.Source + " "
				continue
			}
			key += value(f.Data[name]) + " "
		}
		if i, ok := at[key]; ok {
			all[i] = f
			continue
		}
		at[key] = len(all)
		all = append(all, f)
	}
	return all
}

// texts returns a fact's list of strings: live facts hold Go's, those of a capture JSON's.
func texts(v any) []string {
	if s, ok := v.([]string); ok {
		return s
	}
	return stringsIn(v)
}

// servedAt says who must act on what a fact about a host tells.
func servedAt(t *probe.Trace, f probe.Fact) probe.Owner {
	if strings.EqualFold(text(f.Data["host"]), t.URL().Hostname()) {
		return probe.OwnerOrigin
	}
	return probe.OwnerAuthorizationServer
}

func resolves(t *probe.Trace) probe.Verdict {
	var names []string
	var doubt string
	for _, f := range lookups(t) {
		name, said := text(f.Data["host"]), text(f.Data["error"])
		missing, _ := f.Data["not_found"].(bool)
		switch found := slices.Concat(texts(f.Data["a"]), texts(f.Data["aaaa"])); {
		case len(found) > 0:
			names = append(names, name+" is "+list(found))
		case reached(t, name):
			doubt = name + " does not resolve here, yet it answers: the requests go through a proxy"
		default:
			return unresolved(t, f, name, said, missing)
		}
	}
	if doubt != "" {
		return probe.Unknown("%s", doubt)
	}
	return probe.Pass("%s", strings.Join(names, "; ")).OnFact(lookups(t)...)
}

func unresolved(t *probe.Trace, f probe.Fact, name, said string, missing bool) probe.Verdict {
	v := probe.Fail("%s has neither an A nor an AAAA record", name)
	switch {
	case missing:
		v = probe.Fail("there is no such name as %s", name)
	case said != "":
		v = probe.Fail("%s does not resolve: %s", name, clipped(said, 160))
	}
	if known, _ := publicly(t, name); len(addresses(known...)) > 0 {
		return probe.Fail("%s does not resolve here, though it is %s for %s", name, list(addresses(known...)), list(sources(known))).
			OnFact(f).OnFact(known...).Who(probe.OwnerNetwork).So("nothing was asked of %s from here; others may reach it", partyAt(t, f)).
			Mend("look at this machine's resolver (dig %s): a record that is new is missing until what the resolver keeps runs out", name)
	}
	if noResolver(said) {
		return v.OnFact(f).Who(probe.OwnerNetwork).So("nothing is known of %s: this machine reached no name server", partyAt(t, f)).
			Mend("bring this machine's network up, or name a resolver that it reaches in /etc/resolv.conf, and ask again")
	}
	v = v.OnFact(f).So("%s cannot reach %s", clientName(t), partyAt(t, f)).Because(insider(t, name))
	if said != "" && !missing {
		return v.Mend("see that the zone's name servers answer for %s (dig +trace %s), and that this machine's resolver works", name, name)
	}
	return v.Mend("make an A record for %s, or for a tunnel: cloudflared tunnel route dns <tunnel> %s", name, name)
}

// noResolver: the question never left this machine, or met nobody where it was sent to.
func noResolver(said string) bool {
	return noNetwork(said) || strings.HasSuffix(said, "no route to host") || strings.HasSuffix(said, "connection refused")
}

// noNetwork: this machine knows of no way there (ENETUNREACH), which says nothing of who would be there.
func noNetwork(said string) bool { return strings.HasSuffix(said, "network is unreachable") }

func partyAt(t *probe.Trace, f probe.Fact) string {
	if servedAt(t, f) == probe.OwnerOrigin {
		return "the MCP server"
	}
	return "the authorization server"
}

// reached reports whether a host answered a request.
func reached(t *probe.Trace, name string) bool {
	return slices.ContainsFunc(responses(t), func(x *probe.Exchange) bool { return strings.EqualFold(x.URL().Hostname(), name) })
}

// notHosted is why a client need not be able to reach everything from its vendor's cloud.
func notHosted(t *probe.Trace) probe.Verdict {
	if t.Profile.ID == "" {
		return probe.Skip("nothing tells from which network the client connects")
	}
	return probe.Skip("%s connects from its user's own network", clientName(t))
}

// authorizationServer returns the authorization server that the client turns to, and the exchange that named it.
func authorizationServer(t *probe.Trace) (*url.URL, *probe.Exchange) {
	d := t.ResourceMetadata()
	if d == nil {
		return nil, nil
	}
	return absolute(d.Strings("authorization_servers")[0]), d.Exchange
}

func byHTTPS(t *probe.Trace) probe.Verdict {
	if t.Rehearsal() {
		return probe.Skip(rehearsal)
	}
	first := attempts(t)[:1]
	if t.URL().Scheme == "http" {
		judged, effect := probe.Fail, clientName(t)+" refuses http URLs"
		if !t.Profile.Hosted {
			judged, effect = probe.Warn, "tokens travel in clear text"
		}
		return judged("the MCP server is named by http: %s", t.Origin()).On(first...).So("%s", effect).
			Mend("publish it through TLS (a tunnel or a proxy does it) and type https://%s", t.URL().Host)
	}
	return probe.Pass("%s", t.Origin()).On(first...)
}

func port443(t *probe.Trace) probe.Verdict {
	switch {
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case !t.Profile.Hosted:
		return notHosted(t)
	}
	first := attempts(t)[:1]
	v := func(u *url.URL) probe.Verdict {
		return probe.Fail("%s is at port %s", u.Hostname(), u.Port()).So("%s sends no request there", clientName(t)).
			Mend("publish it at port 443: a tunnel or reverse proxy maps 443 to port %s behind it, and serves several servers by path or hostname", u.Port())
	}
	if p := t.URL().Port(); p != "" && p != "443" {
		return v(t.URL()).On(first...)
	}
	// The ports of endpoints are judged where metadata name them.
	as, named := authorizationServer(t)
	if len(t.Documents(probe.ServerMetadata)) == 0 && as != nil && secluded(as) == "" && as.Port() != "" && as.Port() != "443" {
		return v(as).On(named).Who(probe.OwnerAuthorizationServer)
	}
	return probe.Pass("%s", t.URL().Hostname()).On(first...).On(named)
}

// keyNames are the parameters by which servers take a secret in the URL.
var keyNames = []string{"token", "access_token", "key", "api_key", "apikey", "api-key", "secret", "password", "auth", "authorization", "bearer", "jwt"}

func urlCanonical(t *probe.Trace) probe.Verdict {
	u, first := t.URL(), attempts(t)[:1]
	for name := range u.Query() {
		if slices.Contains(keyNames, strings.ToLower(name)) {
			return probe.Fail("the query has a parameter %s", quoted(name)).On(first...).So("the secret stands in every log on the way, and MCP forbids it").
				Mend("take it out of the URL and sign in by OAuth, or send it as Authorization: Bearer by a header of the client's own")
		}
	}
	switch {
	case u.User != nil:
		return probe.Fail("the URL has a user part before the host").On(first...).So("clients refuse it or leave it out, and the password stands in logs").
			Mend("type the URL without user and password: https://%s%s", u.Host, u.EscapedPath())
	case strings.Contains(t.Target, "#"):
		return probe.Fail("the URL has a fragment").On(first...).So("the fragment is never sent, and no resource identifier may have one (RFC 8707 section 2)").
			Mend("type the URL up to the #")
	}
	if odd := oddity(t); odd != "" {
		return probe.Warn("%s://%s%s: %s", u.Scheme, u.Host, u.EscapedPath(), odd).On(first...).So("clients that compare the resource as text may find two names").
			Mend("type %s, and publish that as the resource", canonical(u))
	}
	return probe.Pass("%s%s", t.Origin(), u.EscapedPath()).On(first...)
}

// oddity tells in what a URL differs from the form that clients make of it, unless the resource is published just so.
func oddity(t *probe.Trace) string {
	u := t.URL()
	raw, _, _ := strings.Cut(t.Target, "?")
	switch typed := t.ResourceMetadata().String("resource"); {
	case typed == t.Target:
		return ""
	case u.Port() != "" && u.Port() == defaultPort(u.Scheme):
		return "the port is the scheme's own"
	case !strings.HasPrefix(raw, strings.ToLower(u.Scheme)+"://"+strings.ToLower(u.Host)):
		return "scheme and host are not in lower case"
	}
	return ""
}

// canonical is a URL with scheme and host in lower case and no default port. A slash at the end stays: some servers answer
// nowhere else.
func canonical(u *url.URL) string {
	c := *u
	c.Scheme, c.Host = strings.ToLower(c.Scheme), strings.ToLower(strings.TrimSuffix(c.Host, ":"+defaultPort(c.Scheme)))
	return c.String()
}
