package cloudflaretest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The phases of the Ruleset Engine that the edge knows, in the order in which it goes through them.
const (
	PhaseRedirect    = "http_request_dynamic_redirect"
	PhaseConfig      = "http_config_settings"
	PhaseCustom      = "http_request_firewall_custom"
	PhaseRateLimit   = "http_ratelimit"
	PhaseManaged     = "http_request_firewall_managed"
	PhaseSuperBots   = "http_request_sbfm"
	PhaseCache       = "http_request_cache_settings"
	PhaseTransform   = "http_request_transform"
	PhaseLateHeaders = "http_request_late_transform"
)

// permissions of the phases: who may read and edit their rulesets.
var permissions = map[string]string{
	PhaseRedirect: DynamicRedirect, PhaseConfig: ConfigRules, PhaseCustom: ZoneWAF, PhaseRateLimit: ZoneWAF, PhaseManaged: ZoneWAF,
	PhaseSuperBots: BotManagement, PhaseCache: CacheRules, PhaseTransform: ConfigRules, PhaseLateHeaders: ConfigRules,
}

// mostRules are how many a phase takes, by plan.
var mostRules = map[string]map[string]int{
	PhaseCustom:    {"free": 5, "pro": 20, "business": 100, "enterprise": 1000},
	PhaseRateLimit: {"free": 1, "pro": 2, "business": 5, "enterprise": 100},
	PhaseRedirect:  {"free": 10, "pro": 25, "business": 50, "enterprise": 300},
	PhaseConfig:    {"free": 10, "pro": 25, "business": 50, "enterprise": 300},
	PhaseCache:     {"free": 10, "pro": 25, "business": 50, "enterprise": 300},
}

type ruleset struct {
	id, name, description, kind, phase string
	version                            int
	updated                            time.Time
	rules                              []*document
}

// The rulesets that Cloudflare manages and the rule of the one that blocks AI bots, by ids of the real ones.
const (
	managedFree   = "77454fe2d30c4220b5701f6fdfb893ba"
	managedBots   = "3e677e63d4e9479382576f3fa66279e7"
	blockAIBotsID = "7bd01eeccb6b420fa0be30264603a5cb"
	wafRuleID     = "4a1dd4d5a2d74a42a4b9bf4e9b6a3f2c"
)

func managedRulesets() []*ruleset {
	return []*ruleset{
		{id: managedFree, name: "Cloudflare Managed Free Ruleset", kind: "managed", phase: PhaseManaged, version: 31, updated: accountsAndZonesSince},
		{id: managedBots, name: "Cloudflare Bot Management rules for all plans", kind: "managed", phase: PhaseSuperBots, version: 8, updated: accountsAndZonesSince},
	}
}

func (s *ruleset) shown(whole bool) map[string]any {
	m := map[string]any{
		"id": s.id, "name": s.name, "description": s.description, "kind": s.kind, "phase": s.phase, "version": strconv.Itoa(s.version),
		"last_updated": at6(s.updated),
	}
	if whole {
		m["rules"] = shown(s.rules)
	}
	return m
}

// entrypoint of a phase; nil where there never was a rule.
func (z *zone) entrypoint(phase string) *ruleset {
	for _, s := range z.rulesets {
		if s.phase == phase && s.kind == "zone" {
			return s
		}
	}
	return nil
}

func (c *call) ruleset() *ruleset {
	for _, s := range c.zone.rulesets {
		if s.id == c.at["ruleset"] {
			return s
		}
	}
	return nil
}

// mayPhase: each phase has a permission of its own.
func (c *call) mayPhase(phase string) bool {
	level := "Edit"
	if c.r.Method == http.MethodGet {
		level = "Read"
	}
	return permissions[phase] != "" && c.token.may(permissions[phase], level)
}

func noRuleset(c *call) answer {
	return refused(http.StatusNotFound, 10002, "could not find ruleset %s", c.at["ruleset"])
}

func listRulesets(c *call) answer {
	l := []map[string]any{}
	for _, s := range c.zone.rulesets {
		if c.mayPhase(s.phase) {
			l = append(l, s.shown(false))
		}
	}
	if !slices.ContainsFunc([]string{ZoneWAF, ConfigRules, CacheRules, DynamicRedirect, BotManagement}, func(p string) bool { return c.token.may(p, "Read") }) {
		return unauthorized(ZoneWAF)
	}
	return found(l)
}

// onRuleset answers a call about one ruleset that is there and that the token may see.
func onRuleset(serve func(*call, *ruleset) answer) func(*call) answer {
	return func(c *call) answer {
		s := c.ruleset()
		switch {
		case s == nil:
			return noRuleset(c)
		case !c.mayPhase(s.phase):
			return unauthorized(permissions[s.phase])
		case s.kind != "zone" && c.r.Method != http.MethodGet:
			return refused(http.StatusBadRequest, 20217, "managed rulesets cannot be changed")
		}
		return serve(c, s)
	}
}

func getRuleset(_ *call, s *ruleset) answer { return found(s.shown(true)) }

func getEntrypoint(c *call) answer {
	s := c.zone.entrypoint(c.at["phase"])
	switch {
	case !c.mayPhase(c.at["phase"]):
		return unauthorized(ZoneWAF)
	case s == nil:
		return refused(http.StatusNotFound, 10003, "could not find entrypoint ruleset in the %s phase", c.at["phase"])
	}
	return found(s.shown(true))
}

// putEntrypoint replaces all rules of a phase.
func putEntrypoint(c *call) answer {
	phase := c.at["phase"]
	if !c.mayPhase(phase) {
		return unauthorized(ZoneWAF)
	}
	s := c.zone.entrypoint(phase)
	if s == nil {
		s = &ruleset{id: c.id(), name: "default", kind: "zone", phase: phase}
	}
	return c.fillRuleset(s)
}

func createRuleset(c *call) answer {
	b := c.object()
	phase, kind := text(b, "phase"), text(b, "kind")
	switch {
	case !c.mayPhase(phase):
		return unauthorized(ZoneWAF)
	case kind != "zone":
		return invalid("/kind", 20217, "'%s' is not a valid value for kind", kind)
	case c.zone.entrypoint(phase) != nil:
		return invalid("/kind", 20217, "'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase %s", phase)
	}
	return c.fillRuleset(&ruleset{id: c.id(), name: cmp.Or(text(b, "name"), "default"), kind: kind, phase: phase})
}

// fillRuleset takes name, description and rules from the body. Rules that keep their id keep their place in history.
func (c *call) fillRuleset(s *ruleset) answer {
	b := c.object()
	filled := *s
	filled.name, filled.description = cmp.Or(text(b, "name"), s.name), cmp.Or(text(b, "description"), s.description)
	filled.rules = nil
	for i, fields := range list(b, "rules") {
		d, refusal := c.makeRule(s.phase, text(fields, "id"), fields, "/rules/"+strconv.Itoa(i))
		if refusal != nil {
			return *refusal
		}
		filled.rules = append(filled.rules, d)
	}
	if refusal := c.tooMany(&filled); refusal != nil {
		return *refusal
	}
	*s = filled
	if !slices.Contains(c.zone.rulesets, s) {
		c.zone.rulesets = append(c.zone.rulesets, s)
	}
	return c.changedRuleset(s)
}

func (c *call) changedRuleset(s *ruleset) answer {
	s.version++
	s.updated = c.now
	return found(s.shown(true))
}

func (c *call) tooMany(s *ruleset) *answer {
	if most := mostRules[s.phase][c.zone.Plan]; most > 0 && len(s.rules) > most {
		return ptr(refused(http.StatusBadRequest, 20217, "exceeded the maximum number of rules in the phase %s: %d out of %d", s.phase, len(s.rules), most))
	}
	return nil
}

func deleteRuleset(c *call, s *ruleset) answer {
	c.zone.rulesets = slices.DeleteFunc(c.zone.rulesets, func(o *ruleset) bool { return o == s })
	return answer{status: http.StatusNoContent}
}

func putRuleset(c *call, s *ruleset) answer { return c.fillRuleset(s) }

// invalid is a refusal that points at what is wrong.
func invalid(at string, code int, format string, args ...any) answer {
	a := refused(http.StatusBadRequest, code, format, args...)
	a.body.(envelope).Errors[0].Source = &pointer{at}
	return a
}
