package checks

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpwiz/mcpwiz/probe"
)

// interference names the check that judges each of the ways in which an edge answers by itself.
var interference = map[kind]string{
	down: "edge.reaches-origin", unrouted: "edge.reaches-origin", loginPage: "edge.no-login",
	challenged: "edge.not-blocked", blocked: "edge.not-blocked", limited: "edge.not-limited", walled: "edge.client-let-in",
}

// nobody is why there is nothing to say of an edge.
const nobody = "no request was answered"

// interfering returns the last answers that bear a sign of interference, and whether there is any answer at all.
func interfering(t *probe.Trace, sign func(*probe.Exchange) bool) (bad []*probe.Exchange, some bool) {
	all := finals(responses(t))
	return slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool { return !sign(x) }), len(all) > 0
}

// own is the pass of a check that no answer speaks against.
func own(t *probe.Trace) probe.Verdict {
	hosts, _ := answering(t)
	all := responses(t)
	return probe.Pass("answers of %s: %d", list(hosts), len(all)).On(all...)
}

func reachesOrigin(t *probe.Trace) probe.Verdict {
	bad, some := interfering(t, func(x *probe.Exchange) bool { _, ok := byEdge(x, down, unrouted); return ok })
	sure := slices.DeleteFunc(slices.Clone(bad), func(x *probe.Exchange) bool { return ambiguous(t, x) })
	switch {
	case !some:
		return probe.Skip(nobody)
	case len(bad) == 0:
		return own(t)
	case len(sure) == 0:
		return probe.Unknown("%s: an empty %d, of the tunnel's last rule or of the server itself", bare(bad[0]), bad[0].Status()).On(bad...)
	}
	x := sure[0]
	return byItself(x, probe.Fail("%s: %s%s", bare(x), answered(x), others(len(sure))).On(sure...).
		So("%s gets an error page instead of an answer of %s", clientName(t), party(t, x)).Mend(mendOrigin))
}

// ambiguous: some servers too answer an empty 404, so that only a host of which nothing else is heard has no route for
// certain, and one whose server marks its answers, as this one is not.
func ambiguous(t *probe.Trace, x *probe.Exchange) bool {
	if _, ok := byEdge(x, unrouted); !ok || unmarked(t, x) {
		return false
	}
	return slices.ContainsFunc(responses(t), func(y *probe.Exchange) bool {
		s, ok := edgeOf(y)
		return host(x.URL()) == host(y.URL()) && (!ok || !s.Self)
	})
}

func noLogin(t *probe.Trace) probe.Verdict {
	bad, some := interfering(t, func(x *probe.Exchange) bool { return loginInstead(x) && forPrograms(t, x) && !managed(t, x) })
	switch {
	case !some:
		return probe.Skip(nobody)
	case len(bad) == 0:
		return own(t)
	}
	x := bad[0]
	v := probe.Fail("%s: %s%s", bare(x), answered(x), others(len(bad))).On(bad...).
		So("%s cannot pass a login page there: it finds no way to sign its user in", clientName(t))
	if t.Is(x, probe.Authorization) || t.Is(x, probe.Login) {
		v = v.So("the user of %s must sign in at the edge before the authorization server shows its login", clientName(t))
	}
	if _, ok := byEdge(x, loginPage); ok {
		return traced(t, x, byItself(x, v))
	}
	to := sentTo(x)
	if host(to) == host(x.URL()) {
		v = v.Who(served(t, x))
	}
	return v.Mend("take the login at %s off %s and /.well-known/*; the endpoint answers 401 by itself", clipped(host(to)+to.Path, 100), t.URL().Path)
}

// forPrograms: a page of an edge stands in everybody's way; another redirect to a login where documents are read and
// messages are posted. At the authorization endpoint it is the login that was asked for.
func forPrograms(t *probe.Trace, x *probe.Exchange) bool {
	if _, page := byEdge(x, loginPage); page || t.Is(x, probe.ResourceMetadata) || t.Is(x, probe.ServerMetadata) {
		return true
	}
	return x.Request.Method == "POST" && (t.Is(x, probe.Unauthenticated) || t.Is(x, probe.Authenticated))
}

// managed reports whether a 401 is the challenge of Cloudflare Access as an authorization server of its own (Managed
// OAuth): one that leads to metadata is meant to be there.
func managed(t *probe.Trace, x *probe.Exchange) bool {
	c := x.Challenge()
	if x.Status() != 401 || c == nil || !t.Is(x, probe.Unauthenticated) && !t.Is(x, probe.Authenticated) {
		return false
	}
	return slices.ContainsFunc(t.Documents(probe.ResourceMetadata), func(d *probe.Document) bool {
		return d.Exchange.Request.URL == c.ResourceMetadata && len(d.Strings("authorization_servers")) > 0
	})
}

// signIns are what the paths of login pages have in them.
var signIns = []string{"/login", "/signin", "/sign-in", "/sign_in", "/sso", "/oauth2/start", "/oauth2/sign_in", "/outpost.goauthentik", "/authorize", "/cdn-cgi/access"}

// loginInstead reports whether a login was answered where something else was asked for.
func loginInstead(x *probe.Exchange) bool {
	if _, ok := byEdge(x, loginPage); ok {
		return true
	}
	to := sentTo(x)
	return to != nil && !strings.Contains(to.Path, "/.well-known/") && slices.ContainsFunc(signIns, func(part string) bool { return strings.Contains(strings.ToLower(to.Path), part) })
}

func notBlocked(t *probe.Trace) probe.Verdict {
	bad, some := interfering(t, func(x *probe.Exchange) bool { _, ok := byEdge(x, challenged, blocked); return ok })
	programs := slices.DeleteFunc(slices.Clone(bad), func(x *probe.Exchange) bool { return forBrowsers(t, x) })
	switch {
	case !some:
		return probe.Skip(nobody)
	case len(bad) == 0:
		return own(t)
	case len(programs) == 0:
		return probe.Unknown("%s: %s; a user's browser may pass it", bare(bad[0]), answered(bad[0])).On(bad...)
	}
	x := programs[0]
	v := probe.Fail("%s: %s%s", bare(x), answered(x), others(len(programs))).On(programs...)
	if before := letThrough(t, x); before != nil {
		v = v.On(before).So("the login of %s succeeds and then nothing comes: the edge stops User-Agent %s with a token, and passed %s without one",
			clientName(t), agent(x), agent(before))
	} else {
		v = v.So("%s takes the edge's page for the answer of %s", clientName(t), party(t, x))
	}
	return traced(t, x, byItself(x, v))
}

// clientLetIn is about rules on who may come at all: they hold for the client's own network, not for this machine's.
func clientLetIn(t *probe.Trace) probe.Verdict {
	bad, _ := interfering(t, func(x *probe.Exchange) bool { _, ok := byEdge(x, walled); return ok })
	if len(bad) > 0 {
		x := bad[0]
		return traced(t, x, byItself(x, probe.Fail("%s: %s%s, even from here", bare(x), answered(x), others(len(bad))).On(bad...).
			So("%s is kept out before the server is asked", clientName(t))))
	}
	switch {
	case t.Rehearsal():
		return probe.Skip(rehearsal)
	case !t.Profile.Hosted:
		return notHosted(t)
	}
	if told := rulesRead(t); len(told) > 0 {
		return probe.Pass("no rule of the zone is about where %s comes from (160.79.104.0/21)", clientName(t)).OnFact(told...)
	}
	for _, x := range atEndpoint(t) {
		if x.Request.Header.Get("Cf-Connecting-Ip") != "" || x.Request.Header.Get("X-Forwarded-For") != "" {
			return probe.Pass("%s was heard behind the edge", clientName(t)).On(x) // only there do requests bear who came
		}
	}
	return probe.Unknown("asked from this machine; whether a rule keeps %s out (160.79.104.0/21) shows in the edge's log, or in that of mcpwiz serve", clientName(t))
}

// forBrowsers: a challenge page is passed by a browser, and stops a login without one.
func forBrowsers(t *probe.Trace, x *probe.Exchange) bool {
	_, page := byEdge(x, challenged)
	return page && (t.Is(x, probe.Authorization) || t.Is(x, probe.Login))
}

// letThrough returns the server's own answer to a request without a token, where x is one with a token; else nil.
func letThrough(t *probe.Trace, x *probe.Exchange) *probe.Exchange {
	if !t.Is(x, probe.Authenticated) {
		return nil
	}
	for _, y := range t.Of(probe.Unauthenticated) {
		if s, ok := edgeOf(y); y.Response != nil && (!ok || !s.Self) {
			return y
		}
	}
	return nil
}

// agent tells a request's User-Agent.
func agent(x *probe.Exchange) string {
	if name := x.Request.Header.Get("User-Agent"); name != "" {
		return quoted(clipped(name, 60))
	}
	return nameless
}

const nameless = "(none)"

func notLimited(t *probe.Trace) probe.Verdict {
	refused := func(x *probe.Exchange) bool { _, ok := byEdge(x, limited); return ok || x.Status() == 429 }
	all := slices.DeleteFunc(responses(t), func(x *probe.Exchange) bool { return !refused(x) })
	bad, some := interfering(t, refused)
	switch {
	case !some:
		return probe.Skip(nobody)
	case len(all) == 0:
		return own(t)
	}
	judged, told := probe.Fail, bad
	if len(bad) == 0 {
		judged, told = probe.Warn, all
	}
	x, wait := told[0], ""
	if after := x.Header("Retry-After"); after != "" {
		wait = ", try again after " + clipped(after, 40)
	}
	return traced(t, x, byItself(x, judged("%s: %s%s%s", bare(x), answered(x), wait, others(len(told))).On(told...).Who(served(t, x)).
		So("connecting fails now and then: %s calls more often than the limit allows", clientName(t)).
		Mend("raise the rate limit for %s, /.well-known/* and the authorization server's paths, or exempt the client's network (Claude: 160.79.104.0/21)", t.URL().Path)))
}

func notCached(t *probe.Trace) probe.Verdict {
	all := responses(t)
	if len(all) == 0 {
		return probe.Skip(nobody)
	}
	for _, x := range all {
		sign, age := cached(x)
		v := func(effect string) probe.Verdict {
			return laidTo(t, x, cacheRule, probe.Fail("%s: %d from a cache (%s)", bare(x), x.Status(), sign).On(x).So("%s", effect).
				Mend("take cache rules (\"Cache Everything\") off %s and /.well-known/*, purge the cache, and answer the endpoint with Cache-Control: no-store", t.URL().Path))
		}
		switch document := t.Is(x, probe.ResourceMetadata) || t.Is(x, probe.ServerMetadata); {
		case sign == "":
		case t.Is(x, probe.Unauthenticated) || t.Is(x, probe.Authenticated) || t.Is(x, probe.TokenRequest) || t.Is(x, probe.Refresh):
			return v("one client gets what was answered to another")
		case document && x.Status() >= 400:
			return v("clients go on reading this refusal after it was mended")
		case document && age > time.Hour:
			return v("clients go on reading metadata that were changed long ago")
		}
	}
	return own(t)
}

// cached tells by what sign an answer came from a cache, "" when there is none, and how old it is (RFC 9111 section 5.1).
func cached(x *probe.Exchange) (sign string, age time.Duration) {
	if seconds, err := strconv.Atoi(x.Header("Age")); err == nil && seconds > 0 {
		sign, age = "Age: "+x.Header("Age"), time.Duration(seconds)*time.Second
	}
	if status := strings.ToUpper(x.Header("Cf-Cache-Status")); slices.Contains([]string{"HIT", "STALE", "UPDATING", "REVALIDATED"}, status) {
		sign = "CF-Cache-Status: " + status
	}
	for _, name := range []string{"X-Cache", "X-Cache-Status", "Cache-Status"} {
		if status := strings.ToLower(x.Header(name)); strings.HasPrefix(status, "hit") || strings.Contains(status, "; hit") { // RFC 9211
			sign = name + ": " + clipped(x.Header(name), 40)
		}
	}
	return sign, age
}

// passing are hostnames that are handed out for one run.
var passing = []string{".trycloudflare.com", ".loca.lt", ".lhr.life", ".serveo.net", ".pinggy.link"}

func nameLasts(t *probe.Trace) probe.Verdict {
	name := strings.ToLower(t.URL().Hostname())
	for _, suffix := range passing {
		for _, f := range t.FactsOf("dns") {
			if alias := strings.ToLower(text(f.Data["cname"])); strings.HasSuffix(alias, suffix) && strings.EqualFold(text(f.Data["host"]), name) {
				return probe.Fail("%s is an alias of %s, a name for one run", name, alias).OnFact(f).
					So("after a restart of the tunnel nothing answers there").
					Mend("make a named tunnel and route the name to it: cloudflared tunnel route dns --overwrite-dns <tunnel> %s", name)
			}
		}
		if strings.HasSuffix(name, suffix) {
			return probe.Fail("%s is a name for one run", name).On(attempts(t)[:1]...).
				So("after a restart the connection in %s, the resource and the audience are those of a name that is gone", clientName(t)).
				Mend("make a named tunnel: cloudflared tunnel create <tunnel>, then cloudflared tunnel route dns <tunnel> <hostname>")
		}
	}
	return probe.Pass("%s", name).On(attempts(t)[:1]...)
}
