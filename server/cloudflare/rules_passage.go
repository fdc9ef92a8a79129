package cloudflare

import (
	"net/netip"
	"slices"
	"strings"
)

// A passage is a visit's way through a zone's custom rules: what stops it, and what rules skip for it, by whom.
type passage struct {
	visit
	stops    []stop
	phases   map[string]rule
	products map[string]rule
}

// A stop is a rule that holds for a visit, or may.
type stop struct {
	rule
	judged
}

// stopping are the actions that a program does not get past.
var stopping = []string{"block", "challenge", "js_challenge", "managed_challenge"}

// pass takes a visit through custom rules in their order. An exception that may hold counts for nothing.
func (s ruleset) pass(v visit) passage {
	p := passage{visit: v, phases: map[string]rule{}, products: map[string]rule{}}
	for _, r := range s.Rules {
		if !r.enabled() {
			continue
		}
		j := holds(r.Expression, v)
		switch {
		case j.truth == no:
		case slices.Contains(stopping, r.Action):
			p.stops = append(p.stops, stop{r, j})
		case r.Action == "skip" && j.truth == yes:
			p.skip(r)
			if r.Parameters.Ruleset == "current" {
				return p
			}
		}
	}
	return p
}

func (p *passage) skip(r rule) {
	for _, name := range r.Parameters.Phases {
		p.phases[name] = r
	}
	for _, name := range r.Parameters.Products {
		p.products[name] = r
	}
}

// A tally is whom of the visits something stops.
type tally struct {
	paths, agents []string
	certain       bool
	// network is set where it stops only who comes from there.
	network string
	// open is what it depends on where it is not certain.
	open string
	// by is the rule that skips it for all whom it would stop, if that is one of them.
	by *rule
}

// add counts a visit.
func (t *tally) add(v visit, j judged) {
	if j.truth == yes && !t.certain {
		*t = tally{certain: true}
	}
	if j.truth == no || t.certain && j.truth != yes {
		return
	}
	if !slices.Contains(t.paths, v.path) {
		t.paths = append(t.paths, v.path)
	}
	if !slices.Contains(t.agents, v.agent) {
		t.agents = append(t.agents, v.agent)
	}
	if j.truth == maybe && t.open == "" {
		t.open = j.open
	}
}

func (t tally) none() bool { return len(t.paths) == 0 }

// count tallies visits. Whom something stops only for the network it comes from is told apart: nobody else can see that.
func count(visits []visit, stops func(visit) judged) tally {
	var t tally
	bound := true
	for _, v := range visits {
		j := stops(v)
		t.add(v, j)
		if j.truth == yes && (!v.from.IsValid() || stops(v.fromAnywhere()).truth == yes) {
			bound = false
		}
	}
	if t.certain && bound {
		t.network = hostedAt.String() + " (" + hostedCountry + ")"
	}
	return t
}

func (v visit) fromAnywhere() visit {
	v.from, v.country = netip.Prefix{}, ""
	return v
}

// dataOf writes a tally into a fact: whom it stops is told where that is not everybody.
func (t tally) dataOf(data map[string]any, of []visit) {
	data["applies"] = t.certain && t.by == nil
	if !t.none() {
		data["paths"] = t.paths
	}
	everybody := true
	for _, v := range of {
		everybody = everybody && (slices.Contains(t.agents, v.agent) || !slices.Contains(t.paths, v.path))
	}
	if !everybody {
		data["user_agents"] = t.agents
	}
	if t.network != "" {
		data["network"] = t.network
	}
	if !t.certain && !t.none() {
		data["may"] = true
		if t.open != "" {
			data["where"] = t.open
		}
	}
	if t.by != nil {
		data["skipped_by"] = t.by.name()
		delete(data, "may")
	}
}

// aiBots are parts of the User-Agents that Cloudflare lists as AI bots: https://developers.cloudflare.com/ai-crawl-control/reference/bots/.
var aiBots = []string{"claude-user", "claudebot", "claude-searchbot", "chatgpt-user", "gptbot", "oai-searchbot", "openai-mcp", "perplexity-user",
	"perplexitybot", "mistralai-user", "meta-externalagent", "bytespider", "amazonbot", "ccbot", "google-cloudvertexbot"}

func isAIBot(agent string) bool {
	return slices.ContainsFunc(aiBots, func(part string) bool { return strings.Contains(strings.ToLower(agent), part) })
}

// failsIntegrity: Browser Integrity Check refuses requests without a User-Agent, and under the names that scripts leave as they are.
func failsIntegrity(agent string) bool {
	return agent == "" || slices.ContainsFunc([]string{"python-urllib", "libwww-perl", "java/"}, func(part string) bool {
		return strings.HasPrefix(strings.ToLower(agent), part)
	})
}
