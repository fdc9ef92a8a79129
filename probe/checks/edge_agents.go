package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpwiz/mcpwiz/probe"
)

// agentsAlike compares what one place answered to different User-Agents: those of the probes, without a token and with
// one, and those of the handshake itself that asked the same. What stops the handshake itself, or a call with a token, fails;
// that somebody would be stopped who was only asked as warns.
func agentsAlike(t *probe.Trace) probe.Verdict {
	var refused, passed []*probe.Exchange
	for _, x := range besideProbes(t) {
		switch {
		case !refusesAgent(x):
			passed = append(passed, x)
		case sends(t, x) || !slices.Contains(noClients, product(x.Request.Header.Get("User-Agent"))):
			refused = append(refused, x)
		}
	}
	refused = slices.DeleteFunc(refused, func(x *probe.Exchange) bool { // who gets through with other calls is not stopped for its name
		return x.Probe == "" && slices.ContainsFunc(passed, func(y *probe.Exchange) bool { return asksLike(x) == asksLike(y) && agent(x) == agent(y) })
	})
	slices.SortStableFunc(refused, func(a, b *probe.Exchange) int { return rank(t, a) - rank(t, b) })
	for _, x := range refused {
		i := slices.IndexFunc(passed, func(y *probe.Exchange) bool { return asksLike(x) == asksLike(y) && agent(x) != agent(y) })
		if i >= 0 {
			return agentRefused(t, x, passed[i], fellow(refused, x))
		}
	}
	if len(refused) > 0 {
		return probe.Unknown("all are refused alike: %s", outcome(refused[0])).On(refused...)
	}
	return probe.Pass("%s", list(agents(passed))).On(passed...)
}

// noClients are asked as for comparison: a rule against them stops no MCP client.
var noClients = []string{"mozilla", "curl"}

// besideProbes returns the probe's exchanges and those of the handshake that asked the same of the same place.
func besideProbes(t *probe.Trace) []*probe.Exchange {
	places := map[string]bool{}
	all := t.Of(probe.Connection)
	for _, x := range all {
		if x.Probe == "user-agent" || x.Probe == "user-agent-token" {
			places[asksLike(x)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(x *probe.Exchange) bool {
		return !places[asksLike(x)] || x.Probe != "" && x.Probe != "user-agent" && x.Probe != "user-agent-token" || x.Response == nil && !unanswered(x)
	})
}

func asksLike(x *probe.Exchange) string {
	return fmt.Sprint(x.Request.Method, " ", bare(x), " ", x.Bearer())
}

// refusesAgent: an edge's own page or a bare 403, or a connection that was cut; not what any client may get at any time.
func refusesAgent(x *probe.Exchange) bool {
	if x.Response == nil {
		return true
	}
	_, ok := byEdge(x, challenged, blocked)
	return ok || x.Status() == 403 || x.Status() == 406
}

// rank puts the User-Agents that the client at hand sends before those of others.
func rank(t *probe.Trace, x *probe.Exchange) int {
	switch {
	case sends(t, x) && (x.Probe == "" || x.Bearer()):
		return 0
	case sends(t, x):
		return 1
	}
	return 2
}

// sends reports whether the client at hand sends an exchange's User-Agent, whatever its version; of a stranger each may be.
func sends(t *probe.Trace, x *probe.Exchange) bool {
	if t.Profile.ID == "" || x.Probe == "" {
		return true
	}
	name := product(x.Request.Header.Get("User-Agent"))
	for _, known := range []*string{t.Profile.Headers.MCPUserAgent, t.Profile.Headers.OAuthUserAgent} {
		if known != nil && product(*known) == name || known == nil && name == "" {
			return true
		}
	}
	return false
}

// product is a User-Agent's first word without its version (RFC 9110 section 10.1.5).
func product(agent string) string {
	word, _, _ := strings.Cut(agent, " ")
	word, _, _ = strings.Cut(word, "/")
	return strings.ToLower(word)
}

// fellow returns the handshake's own exchanges that met with the same: what they led to rests on it too.
func fellow(refused []*probe.Exchange, x *probe.Exchange) []*probe.Exchange {
	return slices.DeleteFunc(slices.Clone(refused), func(y *probe.Exchange) bool {
		return y == x || y.Probe != "" || asksLike(y) != asksLike(x) || agent(y) != agent(x) || y.Status() != x.Status()
	})
}

func agentRefused(t *probe.Trace, x, y *probe.Exchange, fellow []*probe.Exchange) probe.Verdict {
	judged, effect := probe.Warn, "a client of that name is stopped there, though others get through"
	switch {
	case sends(t, x) && x.Bearer():
		judged, effect = probe.Fail, "the login of "+clientName(t)+" succeeds and then nothing comes: its calls are stopped, though others get through"
	case sends(t, x) && stopped(t, x):
		judged, effect = probe.Fail, clientName(t)+" is stopped there, though others get through"
	case sends(t, x):
		effect = clientName(t) + " is stopped there if it calls itself so, though others get through"
	case agent(x) == nameless:
		effect = "a client that sends no User-Agent is stopped there, as those made with the Python SDK are for documents and tokens"
	}
	with := ""
	if x.Bearer() {
		with = " with a token"
	}
	v := judged("%s %s%s: %s to User-Agent %s, %s to %s", x.Request.Method, bare(x), with, outcome(x), agent(x), outcome(y), agent(y)).On(x, y).On(fellow...).
		So("%s", effect).
		Mend("let User-Agent %s through at %s: in Cloudflare see Security > Events, Block AI bots, AI Crawl Control and Browser Integrity Check", agent(x), x.URL().Path)
	return traced(t, x, byItself(x, v))
}

// stopped reports whether the handshake itself met what a probe did: the same was asked under the same name.
func stopped(t *probe.Trace, x *probe.Exchange) bool {
	return slices.ContainsFunc(t.Of(probe.Connection), func(y *probe.Exchange) bool {
		return y.Probe == "" && asksLike(x) == asksLike(y) && agent(x) == agent(y) && (y.Response != nil || unanswered(y)) && refusesAgent(y)
	})
}

// outcome tells an answer, or why none came.
func outcome(x *probe.Exchange) string {
	if x.Response == nil {
		return x.Error.Kind
	}
	return answered(x)
}

func agents(xs []*probe.Exchange) []string {
	var all []string
	for _, x := range xs {
		if a := agent(x); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}
