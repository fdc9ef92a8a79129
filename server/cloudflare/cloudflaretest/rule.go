package cloudflaretest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// actions that a phase takes.
var actions = map[string][]string{
	PhaseCustom:      {"block", "challenge", "js_challenge", "managed_challenge", "skip", "log"},
	PhaseRateLimit:   {"block", "challenge", "js_challenge", "managed_challenge", "log"},
	PhaseManaged:     {"execute", "skip"},
	PhaseSuperBots:   {"block", "managed_challenge", "skip"},
	PhaseRedirect:    {"redirect"},
	PhaseConfig:      {"set_config"},
	PhaseCache:       {"set_cache_settings"},
	PhaseTransform:   {"rewrite"},
	PhaseLateHeaders: {"rewrite"},
}

// What a skip rule may skip. Bot Fight Mode is in neither: it is not in the Ruleset Engine.
var (
	skippedProducts = []string{"bic", "hot", "rateLimit", "securityLevel", "uaBlock", "waf", "zoneLockdown"}
	skippedPhases   = []string{PhaseRateLimit, PhaseSuperBots, PhaseManaged}
)

// makeRule makes a rule of a definition, or says what is wrong with it.
func (c *call) makeRule(phase, id string, fields map[string]any, at string) (*document, *answer) {
	old := (*document)(nil)
	if s := c.zone.entrypoint(phase); s != nil && id != "" {
		if old = find(s.rules, id); old == nil {
			return nil, ptr(invalid(at+"/id", 20217, "'%s' is not a valid value for id because there is no such rule", id))
		}
	}
	action, expression := text(fields, "action"), text(fields, "expression")
	if !slices.Contains(actions[phase], action) {
		return nil, ptr(invalid(at+"/action", 20217, "'%s' is not a valid value for action because is not available in the phase %s", action, phase))
	}
	if refusal := c.refuseExpression(expression, at); refusal != nil {
		return nil, refusal
	}
	if refusal := refuseParameters(phase, action, fields, at); refusal != nil {
		return nil, refusal
	}
	d := &document{id: c.id(), fields: copied(fields)}
	version := 1
	if old != nil {
		d.id = old.id
		n, _ := strconv.Atoi(old.text("version"))
		version = n + 1
	}
	delete(d.fields, "position")
	d.fields["id"], d.fields["version"], d.fields["last_updated"] = d.id, strconv.Itoa(version), at6(c.now)
	for name, v := range map[string]any{"ref": d.id, "enabled": true} {
		if _, ok := d.fields[name]; !ok {
			d.fields[name] = v
		}
	}
	return d, nil
}

func (c *call) refuseExpression(expression, at string) *answer {
	if _, err := parseExpression(expression); err != nil {
		return ptr(invalid(at+"/expression", 20127, "'%s' is not a valid value for expression because the expression is invalid: %v", expression, err))
	}
	all, _ := lex(expression) // it was parsed one line above
	paid := c.zone.Plan == "business" || c.zone.Plan == "enterprise"
	if !paid && slices.ContainsFunc(all, func(l lexeme) bool { return l.kind != "text" && (l.text == "matches" || l.text == "~") }) {
		return ptr(invalid(at+"/expression", 20127,
			"'%s' is not a valid value for expression because not entitled: the use of operator Matches is not allowed, a Business plan or a WAF Advanced plan is required", expression))
	}
	return nil
}

func refuseParameters(phase, action string, fields map[string]any, at string) *answer {
	p := inner(fields, "action_parameters")
	wrong := func(name, v string) *answer {
		return ptr(invalid(at+"/action_parameters/"+name, 20217, "'%s' is not a valid value for %s", v, name))
	}
	if action == "skip" {
		for _, v := range texts(p["products"]) {
			if !slices.Contains(skippedProducts, v) {
				return wrong("products", v)
			}
		}
		for _, v := range texts(p["phases"]) {
			if !slices.Contains(skippedPhases, v) {
				return wrong("phases", v)
			}
		}
		if v := text(p, "ruleset"); v != "" && v != "current" {
			return wrong("ruleset", v)
		}
		if len(p) == 0 {
			return ptr(invalid(at+"/action_parameters", 20217, "action_parameters is required for the action skip"))
		}
	}
	if phase == PhaseRateLimit {
		if r := inner(fields, "ratelimit"); number(r, "period") < 10 || number(r, "requests_per_period") < 1 {
			return ptr(invalid(at+"/ratelimit", 20217, "ratelimit is required, with a period and requests_per_period"))
		}
	}
	return nil
}

// createRule puts a rule at the end or at its position.
func createRule(c *call, s *ruleset) answer {
	b := c.object()
	d, refusal := c.makeRule(s.phase, "", b, "")
	if refusal != nil {
		return *refusal
	}
	grown := &ruleset{phase: s.phase, rules: append(slices.Clone(s.rules), d)}
	if refusal := c.tooMany(grown); refusal != nil {
		return *refusal
	}
	if refusal := placed(grown, d, inner(b, "position")); refusal != nil {
		return *refusal
	}
	s.rules = grown.rules
	return c.changedRuleset(s)
}

// placed moves a rule to where it is wanted: by number, or before or after another.
func placed(s *ruleset, d *document, position map[string]any) *answer {
	if position == nil {
		return nil
	}
	rest := without(s.rules, d.id)
	at := len(rest)
	before, isBefore := position["before"].(string)
	after, isAfter := position["after"].(string)
	number, isNumber := position["index"].(float64)
	switch {
	case isNumber:
		at = int(number) - 1
	case isBefore && before == "":
		at = 0
	case isBefore:
		at = slices.IndexFunc(rest, func(o *document) bool { return o.id == before })
	case isAfter && after != "":
		if at = slices.IndexFunc(rest, func(o *document) bool { return o.id == after }); at >= 0 {
			at++
		}
	}
	if at < 0 || at > len(rest) {
		return ptr(invalid("/position", 20217, "the position is not one in the ruleset"))
	}
	s.rules = slices.Insert(rest, at, d)
	return nil
}

// editRule replaces a rule by the whole definition that is sent; with nothing but a position it only moves.
func editRule(c *call, s *ruleset) answer {
	old := find(s.rules, c.at["rule"])
	if old == nil {
		return refused(http.StatusNotFound, 10002, "could not find rule %s in ruleset %s", c.at["rule"], s.id)
	}
	b := c.object()
	position := inner(b, "position")
	delete(b, "position")
	delete(b, "id")
	d := old
	if len(b) > 0 {
		made, refusal := c.makeRule(s.phase, old.id, b, "")
		if refusal != nil {
			return *refusal
		}
		if _, given := b["ref"]; !given {
			made.fields["ref"] = old.fields["ref"]
		}
		d = made
	}
	moved := &ruleset{phase: s.phase, rules: slices.Clone(s.rules)}
	moved.rules[slices.Index(moved.rules, old)] = d
	if refusal := placed(moved, d, position); refusal != nil {
		return *refusal
	}
	s.rules = moved.rules
	return c.changedRuleset(s)
}

func deleteRule(c *call, s *ruleset) answer {
	if find(s.rules, c.at["rule"]) == nil {
		return refused(http.StatusNotFound, 10002, "could not find rule %s in ruleset %s", c.at["rule"], s.id)
	}
	s.rules = without(s.rules, c.at["rule"])
	return c.changedRuleset(s)
}

// BlockAICrawlers switches AI Crawl Control on for crawlers in a zone: it keeps a custom rule of its own, as the real one does.
func (c *Cloudflare) BlockAICrawlers(zone string, crawlers ...string) error {
	var agents []string
	for _, name := range crawlers {
		agents = append(agents, `(http.user_agent contains "`+name+`")`)
	}
	rule := map[string]any{
		"ref": "[CF AI Audit]", "description": "AI Crawl Control - Block AI bots by User Agent", "action": "block", "enabled": true,
		"expression": `(http.request.uri.path ne "/robots.txt" and (` + strings.Join(agents, " or ") + `))`,
	}
	return c.AddRule(zone, PhaseCustom, rule)
}

// AddRule puts a rule at the end of a phase of a zone, as an operator does in the dashboard.
func (c *Cloudflare) AddRule(zone, phase string, rule map[string]any) error {
	base := "zones/" + c.ZoneID(zone) + "/rulesets"
	c.mu.Lock()
	id := ""
	for _, z := range c.zones {
		if s := z.entrypoint(phase); z.Name == zone && s != nil {
			id = s.id
		}
	}
	c.mu.Unlock()
	if id == "" {
		_, err := c.Do(http.MethodPut, base+"/phases/"+phase+"/entrypoint", map[string]any{"rules": []any{rule}})
		return err
	}
	_, err := c.Do(http.MethodPost, base+"/"+id+"/rules", rule)
	return err
}
