package checks

import (
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// noZone is why there is nothing to say of a zone.
const noZone = "the server's host is in no zone that the token for Cloudflare's API sees"

// hiddenState is the state of what the token may not see.
const hiddenState = "unreadable"

func accessOpen(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.access-open", "nothing that "+clientName(t)+" asks reaches the server: a login page is answered in its place")
}

func managedOAuthOff(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.managed-oauth-off", clientName(t)+" is sent to Access for its tokens, which the server takes for somebody else's")
}

func aiBotsAllowed(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.ai-bots-allowed", "the login of the client succeeds and then nothing comes: its calls are stopped before the server")
}

func challengesOff(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.challenges-off", "a program that comes from a data centre gets a page instead of an answer, as hosted Claude does")
}

func rulesLetIn(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.rules-let-in", "the client is stopped before the server, and the server's log has no line of it")
}

func passedOnAsIs(t *probe.Trace) probe.Verdict {
	return settled(t, "edge.passed-on", "clients or users' browsers get something else than the server answered, now or after the next change")
}

// A reckoning is what the facts of one check come to.
type reckoning struct {
	facts []probe.Fact
	// wrong holds for certain or has been seen, doubtful stops whom it takes for something, others stops clients of other names or
	// networks than the one at hand, open depends on what nobody can know here.
	wrong, doubtful, others []fault
	seen                    []*probe.Exchange
	open, lacks             []string
}

// settled judges the settings that a check is about. Who holds the reason for an answer that came is wrong for certain.
func settled(t *probe.Trace, id, effect string) probe.Verdict {
	r := reckoned(t, id)
	lacks := "the token may not read it: it lacks " + list(r.lacks)
	switch {
	case productOf(t.FactsOf(edgeSetting)[0]) == "zone":
		return probe.Skip(noZone)
	case len(r.facts) == 0:
		return probe.Skip("the API tells nothing of that sort")
	case len(r.wrong) > 0:
		return faulty(r.wrong, effect).OnFact(r.facts...).On(r.seen...)
	case len(r.doubtful) > 0:
		v := faulty(r.doubtful, effect+"; none was stopped from here").OnFact(r.facts...)
		v.Outcome = probe.Warned
		return v
	case len(r.others) > 0:
		v := faulty(r.others, "who calls itself so, or comes from there, is stopped; "+clientName(t)+" is not").OnFact(r.facts...).On(r.seen...)
		v.Outcome = probe.Warned
		return v
	case len(r.open) > 0:
		return probe.Unknown("may apply: %s", strings.Join(few(r.open, 4), "; ")).OnFact(r.facts...)
	case len(r.lacks) > 0:
		return probe.Unknown("%s", lacks).OnFact(r.facts...)
	}
	return probe.Pass("%s", settingsTold(r.facts)).OnFact(r.facts...)
}

func reckoned(t *probe.Trace, id string) (r reckoning) {
	answered := answeredBy(t)
	for i, f := range t.FactsOf(edgeSetting) {
		if !concerns(id, f) {
			continue
		}
		r.facts = append(r.facts, f)
		all := answered[i]
		xs := slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool { return !sends(t, x) })
		one := fault{tellSetting(f), mendSetting(f), text(f.Data["resource"])}
		switch {
		case text(f.Data["state"]) == hiddenState:
			if lack := text(f.Data["permission"]); !slices.Contains(r.lacks, lack) {
				r.lacks = append(r.lacks, lack)
			}
		case len(xs) > 0:
			r.wrong, r.seen = append(r.wrong, one), append(r.seen, xs...)
		case len(all) > 0, on(f.Data["applies"]) && !ofThisClient(t, f):
			r.others, r.seen = append(r.others, one), append(r.seen, all...)
		case on(f.Data["applies"]) && slices.Contains(unlikely, productOf(f)):
			r.doubtful = append(r.doubtful, one)
		case on(f.Data["applies"]):
			r.wrong = append(r.wrong, one)
		case on(f.Data["may"]):
			r.open = append(r.open, one.what)
		}
	}
	return r
}

// ofThisClient: a setting stops the client at hand, as far as it is told whom it stops. A stranger may be anybody.
func ofThisClient(t *probe.Trace, f probe.Fact) bool {
	if t.Profile.ID == "" {
		return true
	}
	if text(f.Data["network"]) != "" && !t.Profile.Hosted {
		return false
	}
	names := listed(f.Data["user_agents"])
	return len(names) == 0 || slices.ContainsFunc([]*string{t.Profile.Headers.MCPUserAgent, t.Profile.Headers.OAuthUserAgent}, func(own *string) bool {
		return own == nil && slices.Contains(names, "") || own != nil && slices.Contains(names, *own)
	})
}

// concerns: two checks look at Access, each at applications of one sort; that there is none is told to both.
func concerns(id string, f probe.Fact) bool {
	if productOf(f) == access && id == "edge.managed-oauth-off" {
		return !on(f.Data["applies"]) || on(f.Data["managed_oauth"])
	}
	return judgeOf(f) == id
}

// answeredBy are the answers that came because of each setting, by its place among the facts.
func answeredBy(t *probe.Trace) map[int][]*probe.Exchange {
	of := map[int][]*probe.Exchange{}
	for _, x := range t.Of(probe.Connection) {
		if i := placeBehind(t, x); i >= 0 {
			of[i] = append(of[i], x)
		}
	}
	return of
}

// settingBehind returns the setting that an edge's own answer comes from.
func settingBehind(t *probe.Trace, x *probe.Exchange) (probe.Fact, bool) {
	i := placeBehind(t, x)
	if i < 0 {
		return probe.Fact{}, false
	}
	return t.FactsOf(edgeSetting)[i], true
}

// placeBehind is the place of that setting among the facts, -1 for none: the one that the log names for the answer's ray id, else the
// first of those that answer so and apply to such a request.
func placeBehind(t *probe.Trace, x *probe.Exchange) int {
	e, logged := eventOf(t, x)
	s, ok := edgeOf(x)
	if !logged && (!ok || !s.Self) || refusesOnly(t, x) {
		return -1
	}
	products, rule := s.Product, text(e.Data["rule_id"])
	if logged {
		products = []string{productOf(e)}
	}
	possible := -1
	for _, p := range products {
		for i, f := range t.FactsOf(edgeSetting) {
			switch {
			case productOf(f) != p || !reaches(f, x):
			case rule != "" && text(f.Data["rule"]) != "" && text(f.Data["rule"]) != rule:
			case on(f.Data["applies"]) && !slices.Contains(unlikely, p), logged && mayStop(f):
				return i
			case mayStop(f) && possible < 0:
				possible = i
			}
		}
	}
	return possible
}

// mayStop: the setting is on, whether or not it is known to hold for a request, or whether a rule ought to skip it.
func mayStop(f probe.Fact) bool {
	return on(f.Data["applies"]) || on(f.Data["may"]) || text(f.Data["skipped_by"]) != ""
}

// refusesOnly: a probe under a name that no client of MCP has is refused, which stops nobody.
func refusesOnly(t *probe.Trace, x *probe.Exchange) bool {
	return x.Probe != "" && slices.Contains(noClients, product(x.Request.Header.Get("User-Agent"))) && !sends(t, x)
}

// reaches reports whether a setting can be about a request: its host, its User-Agent, its path.
func reaches(f probe.Fact, x *probe.Exchange) bool {
	if at := text(f.Data["host"]); at != "" && at != strings.ToLower(x.URL().Hostname()) {
		return false
	}
	if names := listed(f.Data["user_agents"]); len(names) > 0 && !slices.Contains(names, x.Request.Header.Get("User-Agent")) {
		return false
	}
	paths := listed(f.Data["paths"])
	return len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool { return alikePaths(p, x.URL().Path) })
}

// alikePaths: what is asked under /.well-known/, and of one realm, is many documents, of which facts name a few.
func alikePaths(a, b string) bool {
	if a == b {
		return true
	}
	for _, part := range []string{"/.well-known/", "/protocol/openid-connect/", "/login-actions/", "/clients-registrations/"} {
		if strings.Contains(a, part) && strings.Contains(b, part) {
			return true
		}
	}
	return false
}

// traced gives a verdict on an edge's answer the setting behind it: its check as the reason, and what mends it. Where only the log
// says it, the verdict stays and tells what the log says.
func traced(t *probe.Trace, x *probe.Exchange, v probe.Verdict) probe.Verdict {
	if f, ok := settingBehind(t, x); ok {
		v = v.OnFact(f).Because(judgeOf(f)).Mend("%s", mendSetting(f))
		if by := text(f.Data["resource"]); by != "" {
			v = v.By(by)
		}
		return v
	}
	e, ok := eventOf(t, x)
	if !ok {
		return v
	}
	v.Detail += "; Cloudflare's log: " + tellEvent(e)
	v = v.OnFact(e)
	if mend := mends[productOf(e)]; mend != "" {
		v = v.Mend("%s", mend)
	}
	if by := text(e.Data["resource"]); by != "" {
		v = v.By(by)
	}
	return v
}

// laidTo gives a verdict on an answer the setting of a product that applies there for its reason.
func laidTo(t *probe.Trace, x *probe.Exchange, by string, v probe.Verdict) probe.Verdict {
	for _, f := range t.FactsOf(edgeSetting) {
		if productOf(f) == by && on(f.Data["applies"]) && reaches(f, x) {
			return v.OnFact(f).Because(judgeOf(f)).Mend("%s", mendSetting(f))
		}
	}
	return v
}

// rulesRead are the facts that no rule on where requests come from can keep the client out; nil where not all could be read, or one may.
func rulesRead(t *probe.Trace) []probe.Fact {
	var all []probe.Fact
	read := map[string]bool{}
	for _, f := range t.FactsOf(edgeSetting) {
		p := productOf(f)
		if p != customRule && p != ipAccessRule || text(f.Data["host"]) != strings.ToLower(t.URL().Hostname()) {
			continue
		}
		if text(f.Data["state"]) == hiddenState || mayStop(f) {
			return nil
		}
		read[p], all = true, append(all, f)
	}
	if !read[customRule] || !read[ipAccessRule] {
		return nil
	}
	return all
}
