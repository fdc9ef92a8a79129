package checks

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// attempts returns the requests that are no probe, answered or not.
func attempts(t *probe.Trace) []*probe.Exchange {
	return slices.DeleteFunc(slices.Clone(t.Of(probe.Connection)), func(x *probe.Exchange) bool { return x.Probe != "" })
}

// finals returns of requests that ask the same place in the same way the last: a client that tries again and gets through
// is not held to its first try.
func finals(xs []*probe.Exchange) []*probe.Exchange {
	var all []*probe.Exchange
	at := map[string]int{}
	for _, x := range xs {
		key := fmt.Sprint(x.Request.Method, " ", x.Request.Body.Method(), " ", x.Request.Body.Form.Get("grant_type"), " ", bare(x), " ", x.Bearer())
		if i, ok := at[key]; ok {
			all[i] = x
			continue
		}
		at[key] = len(all)
		all = append(all, x)
	}
	return all
}

// others says that a finding holds for more requests than the one it tells of.
func others(n int) string {
	switch {
	case n < 2:
		return ""
	case n == 2:
		return ", and one more request"
	}
	return fmt.Sprintf(", and %d more requests", n-1)
}

// atEndpoint returns the answered requests to the MCP endpoint itself, in order.
func atEndpoint(t *probe.Trace) []*probe.Exchange {
	all := slices.Concat(t.Of(probe.Unauthenticated), t.Of(probe.Authenticated))
	slices.SortFunc(all, func(a, b *probe.Exchange) int { return a.N - b.N })
	return slices.DeleteFunc(all, func(x *probe.Exchange) bool { return x.Response == nil })
}

// answering returns the first answered exchange with each host.
func answering(t *probe.Trace) (hosts []string, first []*probe.Exchange) {
	for _, x := range responses(t) {
		if h := host(x.URL()); !slices.Contains(hosts, h) {
			hosts, first = append(hosts, h), append(first, x)
		}
	}
	return hosts, first
}

// unanswered: an error and no response. That the client gave up says nothing of the server.
func unanswered(x *probe.Exchange) bool {
	return x.Response == nil && x.Error != nil && x.Error.Kind != "canceled"
}

func connected(t *probe.Trace) probe.Verdict {
	dead := slices.DeleteFunc(finals(attempts(t)), func(x *probe.Exchange) bool { return !unanswered(x) })
	hosts, first := answering(t)
	switch {
	case len(dead) == 0 && len(hosts) == 0:
		return probe.Unknown("no request has come to its end").On(attempts(t)...)
	case len(dead) == 0:
		return probe.Pass("%s answered", list(hosts)).On(first...)
	}
	x := dead[0]
	judged := probe.Fail
	if longer := time.Duration(t.Profile.Limits.ToolCall) * time.Second; len(dead) == 1 && t.Is(x, probe.ToolCall) && afterMS(x.Timing.Total) < longer && tookAndWaits(x) {
		return slowCall(t, x, longer)
	}
	if slices.Contains(hosts, host(x.URL())) && len(dead) == 1 && x.Request.Method == "GET" && host(x.URL()) == host(t.URL()) && x.URL().Path == t.URL().Path {
		judged = probe.Warn // the stream that some clients open: calls work without it
	}
	v := judged("%s %s: %s (%s)%s", x.Request.Method, bare(x), x.Error.Kind, whyNothing(x), others(len(dead))).On(dead...).
		So("%s cannot reach %s", clientName(t), party(t, x))
	if other := underOtherNames(t, x); other != nil && x.Error.Kind != "protocol" {
		return v.On(other).Who(probe.OwnerEdge).Because("edge.user-agents-alike").So("%s waits for %s in vain, where others are answered", clientName(t), bare(x)).
			Mend("let User-Agent %s through at %s", agent(x), x.URL().Path)
	}
	if slices.Contains(hosts, host(x.URL())) && x.Error.Kind != "protocol" {
		v = v.Who(served(t, x)).So("%s waits for %s in vain", clientName(t), bare(x))
		if path := x.URL().Path; x.Error.Kind == "timeout" && (resourceMetadataURL(path) || serverMetadataURL(path)) {
			return v.So("%s waits %g s for the document and then goes on as if it were not there", clientName(t), patience(t)).
				Mend("the host answers other requests: serve %s at once, from memory; it must not wait for a database, a cold start or another server", path)
		}
		if x.Error.Kind == "timeout" && place(x.URL()) != place(t.URL()) {
			return v.Mend("the host answers other requests, this one gets nothing in time: look into the server's log for what it waits for (a database, a cold start, the hashing of a password)")
		}
		return v.
			Mend("the host answers other requests, this one gets nothing: look into the server's log; send the headers of a stream at once and a comment line every 15 s")
	}
	v = mendConnection(t, v, x)
	if host(x.URL()) != host(t.URL()) && challengeLeadsTo(t, x.URL()) {
		v = v.Who(probe.OwnerOrigin).So("%s cannot fetch the resource metadata that the challenge names", clientName(t)).
			Mend("let resource_metadata in the challenge name the URL at which clients reach the document: %s", probe.ResourceMetadataURLs(t.Target)["path"])
	}
	if cause := namedInside(t, x); cause != "" {
		v = v.Because(cause)
	}
	return v
}

// namedInside names the check of the document that sent a client to this machine, which is not where the server is; "" for none.
func namedInside(t *probe.Trace, x *probe.Exchange) string {
	switch {
	case t.Rehearsal() || secluded(x.URL()) == "" || host(x.URL()) == host(t.URL()):
		return ""
	case challengeLeadsTo(t, x.URL()):
		return "challenge.metadata-url-public"
	case insider(t, x.URL().Hostname()) != "":
		return insider(t, x.URL().Hostname())
	}
	return "server-metadata.endpoints-public"
}

func challengeLeadsTo(t *probe.Trace, u *url.URL) bool {
	return slices.ContainsFunc(t.Of(probe.Unauthenticated), func(y *probe.Exchange) bool { return leadsTo(y, u) })
}

// leadsTo reports whether the challenge of an answer leads to a URL: a request there that got no answer is no evidence of its own.
func leadsTo(y *probe.Exchange, u *url.URL) bool {
	c := y.Challenge()
	if c == nil {
		return false
	}
	at := absolute(c.ResourceMetadata)
	return at != nil && place(at) == place(u)
}

// underOtherNames returns an answer that the same request got under another User-Agent, nil for none.
func underOtherNames(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	for _, y := range besideProbes(t) {
		if y.Response != nil && asksLike(x) == asksLike(y) && agent(x) != agent(y) && !refusesAgent(y) {
			return y
		}
	}
	return nil
}

// party tells whom a request went to.
func party(t *probe.Trace, x *probe.Exchange) string {
	if host(x.URL()) == host(t.URL()) {
		return "the MCP server"
	}
	return "the authorization server (" + host(x.URL()) + ")"
}

func mendConnection(t *probe.Trace, v probe.Verdict, x *probe.Exchange) probe.Verdict {
	name, port := x.URL().Hostname(), x.URL().Port()
	if port == "" {
		port = defaultPort(x.URL().Scheme)
	}
	switch kind := x.Error.Kind; {
	case strings.HasPrefix(x.Error.Text, "proxyconnect "): // net/http's word for its own way to a proxy
		return v.Who(probe.OwnerNetwork).So("nothing is known of %s: the proxy of this machine was not reached", party(t, x)).
			Mend("put the proxy right that HTTPS_PROXY names, or leave it out (NO_PROXY=%s)", name)
	case kind == "dns":
		return v.Because("network.resolves").Mend("make an A record for %s", name)
	case kind == "tls" && oldTLS(x.Error.Text):
		return v.Who(served(t, x)).Because("network.tls-version").Mend("speak TLS 1.2 or newer at %s", name)
	case kind == "tls" && strings.Contains(x.Error.Text, "HTTP response to HTTPS client"):
		return v.Who(served(t, x)).Mend("port %s of %s speaks plain HTTP: put TLS in front of it, or type http:// where it is this machine's own", port, name)
	case kind == "tls" && wantsClientCertificate(x.Error.Text):
		return v.Who(served(t, x)).So("%s has no certificate to show, as no MCP client has", clientName(t)).
			Mend("ask for no client certificate at %s (nginx: ssl_verify_client off; Cloudflare: take the host off SSL/TLS > Client Certificates and the mTLS rule)", name)
	case kind == "tls" && probe.Loopback(name):
		return v.Who(served(t, x)).
			Mend("for a rehearsal let this machine trust the certificate (SSL_CERT_FILE=<its authority>.pem mcpwiz doctor ...), or serve plain HTTP and type http://")
	case kind == "tls":
		return v.Who(served(t, x)).Because("network.certificate-verifies").
			Mend("serve a certificate for %s at port %s; Cloudflare's own covers one level of sub-domains, deeper names need Advanced Certificate Manager", name, port)
	case kind == "protocol" && strings.Contains(x.Error.Text, `malformed HTTP response "\x15\x03`): // a TLS alert (RFC 8446 section 6)
		return v.Who(served(t, x)).Mend("port %s of %s speaks TLS: type https://", port, name)
	case kind == "protocol" && strings.Contains(x.Error.Text, "response headers exceeded"):
		return v.Who(served(t, x)).So("%s cannot read the answer of %s", clientName(t), party(t, x)).
			Mend("look at what writes headers without end at %s: all of them together are a few kilobytes long", x.URL().Path)
	case kind == "protocol" && brokenHead(x.Error.Text):
		return v.Who(served(t, x)).So("%s cannot read the answer of %s", clientName(t), party(t, x)).
			Mend("write the head of the answer at %s as RFC 9112 section 5 has it: each header a name, a colon and printable text on a line of its own, one Content-Length", x.URL().Path)
	case kind == "protocol":
		return v.Who(served(t, x)).Mend("port %s of %s speaks something else than HTTP: look which program listens there, and which port the server has", port, name)
	case kind == "refused":
		return v.Who(served(t, x)).Mend("start what should listen at port %s of %s, and see that the port is forwarded to it", port, name)
	case (kind == "reset" || kind == "eof") && probe.Loopback(name):
		return v.Who(served(t, x)).Mend("look into the log of what listens at port %s: it took the connection and let it go without an answer", port)
	case kind == "reset" || kind == "eof":
		return v.Mend("look for a firewall, proxy or hosting provider that cuts connections to %s, and for a server that lets them go without an answer; hosted Claude comes from 160.79.104.0/21", name)
	case tookAndWaits(x):
		return v.Who(served(t, x)).So("%s waits for %s in vain", clientName(t), party(t, x)).
			Mend("look into the log of what listens at port %s of %s: it takes the connection and does not answer (a handler that waits for a database or another server, a proxy whose backend is gone)", port, name)
	case kind == "unreachable" && noNetwork(x.Error.Text):
		return v.Who(probe.OwnerNetwork).So("nothing is known of %s: this machine has no way to %s", party(t, x), name).
			Mend("bring this machine's network up and ask again; where %s has IPv6 addresses alone, ask from a machine that has IPv6", name)
	case kind == "timeout" || kind == "unreachable":
		return v.Mend("let port %s of %s through the firewall and the router, and see that its address is the server's own; hosted Claude comes from 160.79.104.0/21", port, name)
	}
	return v.Mend("look into the log of what listens at port %s of %s", port, name)
}

// slowCall tells of a tool that was not waited for as long as the client waits.
func slowCall(t *probe.Trace, x *probe.Exchange, longer time.Duration) probe.Verdict {
	return probe.Warn("tools/call: nothing came within %s; %s waits for %s", waited(x), clientName(t), longer).On(x).Who(served(t, x)).
		So("the user waits, and other clients give up after a minute").Mend("answer sooner, or begin a stream at once and send a comment line every 15 s")
}

// tookAndWaits: a connection was there, and no answer came over it in time.
func tookAndWaits(x *probe.Exchange) bool {
	return x.Error.Kind == "timeout" && x.Peer != nil && x.Peer.Addr != "" && x.Timing.Total > 0
}

// whyNothing tells why a request got no answer.
func whyNothing(x *probe.Exchange) string {
	if tookAndWaits(x) {
		return "the connection was taken, and nothing came within " + waited(x)
	}
	return clipped(x.Error.Text, 160)
}

// waited tells how long an exchange took, in seconds where it was that long.
func waited(x *probe.Exchange) string {
	took := afterMS(x.Timing.Total)
	if took >= time.Second {
		took = took.Round(time.Second)
	}
	return took.String()
}

// brokenHead: an answer that begins as one of HTTP, and whose headers are none.
func brokenHead(said string) bool {
	return slices.ContainsFunc([]string{"malformed MIME header", "Content-Length", "Transfer-Encoding", "transfer encoding"},
		func(part string) bool { return strings.Contains(said, part) })
}

// wantsClientCertificate: the alerts of a server that was shown none (RFC 8446 section 6.2; TLS 1.2 knows but bad_certificate).
func wantsClientCertificate(said string) bool {
	return strings.Contains(said, "remote error") && (strings.Contains(said, "certificate required") || strings.Contains(said, "bad certificate"))
}

// oldTLS: what Go, OpenSSL and alerts say when no version suits both (RFC 8446 section 6.2, protocol_version).
func oldTLS(said string) bool {
	return strings.Contains(said, "protocol version")
}

func tlsVersion(t *probe.Trace) probe.Verdict {
	v := func(name, seen string) probe.Verdict {
		return probe.Fail("%s: %s", name, seen).So("%s refuses the connection", clientName(t)).
			Mend("raise the lowest TLS version to 1.2 (nginx: ssl_protocols TLSv1.2 TLSv1.3; Cloudflare: SSL/TLS > Edge Certificates > Minimum TLS Version)")
	}
	var seen []string
	var on []*probe.Exchange
	for _, x := range attempts(t) {
		switch {
		case x.Error != nil && x.Error.Kind == "tls" && oldTLS(x.Error.Text):
			return v(host(x.URL()), clipped(x.Error.Text, 160)).On(x).Who(served(t, x))
		case x.Peer == nil || x.Peer.TLS == nil || x.Peer.TLS.Version == "":
		case outdated(x.Peer.TLS.Version):
			return v(host(x.URL()), x.Peer.TLS.Version).On(x).Who(served(t, x))
		case !slices.Contains(seen, x.Peer.TLS.Version):
			seen, on = append(seen, x.Peer.TLS.Version), append(on, x)
		}
	}
	for _, f := range certificates(t) {
		if version := text(f.Data["version"]); outdated(version) {
			return v(text(f.Data["host"]), version).Who(servedAt(t, f))
		} else if version != "" && !slices.Contains(seen, version) {
			seen = append(seen, version)
		}
	}
	if len(seen) == 0 {
		return probe.Skip("no TLS connection was seen from here")
	}
	return probe.Pass("%s", list(seen)).On(on...).OnFact(certificates(t)...)
}

func outdated(version string) bool {
	return version == "TLS 1.1" || version == "TLS 1.0" || strings.HasPrefix(version, "SSL")
}

func notRedirected(t *probe.Trace) probe.Verdict {
	posts := slices.DeleteFunc(atEndpoint(t), func(x *probe.Exchange) bool { return x.Request.Method != "POST" })
	if len(posts) == 0 {
		return probe.Skip("no POST to the endpoint was answered")
	}
	for _, x := range finals(posts) {
		if x.Status() < 300 || x.Status() > 399 {
			continue
		}
		if loginInstead(x) {
			return probe.Unknown("%s: a login, not another place of the endpoint", answered(x)).On(x)
		}
		return laidTo(t, x, redirectRule, redirected(t, x))
	}
	return probe.Pass("%s answers by itself", t.URL().Path).On(posts...)
}

func redirected(t *probe.Trace, x *probe.Exchange) probe.Verdict {
	to, status := sentTo(x), x.Status()
	keeps := status == 307 || status == 308
	v := func(judged func(string, ...any) probe.Verdict, effect string) probe.Verdict {
		return judged("POST %s: %s", bare(x), answered(x)).On(x).Who(served(t, x)).So("%s", effect)
	}
	if to == nil || to.Host == "" {
		return v(probe.Fail, clientName(t)+" gets no answer that it can use").Mend("answer POST %s itself, with 401 for a request without a token", x.URL().Path)
	}
	to.RawQuery, to.Fragment = "", ""
	final := clipped(to.String(), 200)
	switch {
	case strings.EqualFold(final, bare(x)):
		return v(probe.Fail, "it leads back to itself: no client ever arrives").
			Mend("the server behind forces https while it is spoken to by http: let it trust X-Forwarded-Proto, or forward to its https port (Cloudflare: SSL/TLS mode Full instead of Flexible)")
	case to.Scheme == "https" && x.URL().Scheme == "http" && to.Hostname() == x.URL().Hostname():
		return v(probe.Fail, clientName(t)+" may not follow from http to https with a token").Because("network.https").Mend("type %s into the client", final)
	case to.Scheme == "http" && x.URL().Scheme == "https":
		return v(probe.Fail, clientName(t)+" does not follow to http").
			Mend("the server does not know that it is behind TLS: let it trust X-Forwarded-Proto (uvicorn: --proxy-headers --forwarded-allow-ips), and serve %s without a redirect", x.URL().Path)
	case host(to) != host(x.URL()):
		return v(probe.Fail, "the token is taken off on the way to another host").Mend("type %s into the client, and publish that as the resource", final)
	case keeps && followed(t, x, final):
		return v(probe.Warn, "every call takes one more round trip, and clients that follow no redirect stop here").
			Mend("type %s into the client, or serve both forms without a redirect", final)
	case keeps:
		return v(probe.Fail, clientName(t)+" was not seen to follow; not every client does").
			Mend("type %s into the client, or serve both forms without a redirect", final)
	}
	return v(probe.Fail, fmt.Sprintf("%d turns POST into GET: no call arrives", status)).
		Mend("type %s into the client, or serve both forms without a redirect", final)
}

// followed reports whether a later request went to where a redirect leads.
func followed(t *probe.Trace, x *probe.Exchange, to string) bool {
	return slices.ContainsFunc(attempts(t), func(y *probe.Exchange) bool { return y.N > x.N && bare(y) == to })
}
