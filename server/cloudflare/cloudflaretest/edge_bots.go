package cloudflaretest

import (
	"net/http"
	"regexp"
	"strings"
)

// badAgents are what the Browser Integrity Check refuses, besides none at all.
var badAgents = []string{"Python-urllib/", "libwww-perl", "python-urllib3/", "Java/1."}

// legacyProducts are those that stand outside the Ruleset Engine and that skip rules name as products.
func (v *visit) legacyProducts() *page {
	if v.setting("security_level") == "under_attack" && !v.off.products["securityLevel"] && !v.cleared() {
		return v.stop(challenge(), "managed_challenge", "securitylevel", "iuam", "", "")
	}
	if p := v.agentRules(); p != nil {
		return p
	}
	if v.setting("browser_check") != "on" || v.off.products["bic"] {
		return nil
	}
	bad := v.r.UserAgent() == ""
	for _, name := range badAgents {
		bad = bad || strings.HasPrefix(v.r.UserAgent(), name)
	}
	if !bad {
		return nil
	}
	return v.stop(v.fault(1010), "block", "bic", "", "", "")
}

// cleared: the visitor has solved a challenge.
func (v *visit) cleared() bool {
	c, err := v.r.Cookie("cf_clearance")
	return err == nil && c.Value != ""
}

// botFight is Bot Fight Mode. It knows no rules, and only addresses that are let in by a rule of theirs pass.
func (v *visit) botFight() *page {
	if !truth(v.zone.bots, "fight_mode") || v.off.products["botFight"] || v.browser() || v.from.Verified || v.cleared() {
		return nil
	}
	return v.stop(challenge(), "managed_challenge", "botFight", "bot_fight_mode", "", "Bot Fight Mode")
}

// attacks are what the managed rules take for one, in a body or a query.
var attacks = regexp.MustCompile(`(?i)\bunion\s+(all\s+)?select\b|\bor\s+1\s*=\s*1\b|;\s*drop\s+table\b|<script\b|\.\./\.\./|/etc/passwd\b|;\s*(cat|rm|curl|wget)\s+[-/]|\$\(\s*(cat|rm|curl|wget)\b`)

func (v *visit) managedRules() *page {
	if v.off.products["waf"] {
		return nil
	}
	return v.matching(PhaseManaged, func(rule *document) (*page, bool) {
		switch rule.text("action") {
		case "skip":
			return nil, true
		case "execute":
			if attacks.Match(v.body) || attacks.MatchString(v.r.URL.RawQuery) {
				set := text(inner(rule.fields, "action_parameters"), "id")
				return v.stop(v.fault(1020), "block", "firewallManaged", wafRuleID, set, "SQLi, XSS and command injection in the body"), false
			}
		}
		return nil, false
	})
}

// superBots are Block AI bots, on every plan, and Super Bot Fight Mode.
func (v *visit) superBots() *page {
	skipped := v.off.phases[PhaseSuperBots]
	category := botCategory(v.r.UserAgent())
	if v.zone.bots["ai_bots_protection"] == "block" && category != "" && (!skipped || v.c.o.AIBotsUnskippable) {
		p := &page{status: http.StatusForbidden, media: "text/plain; charset=UTF-8", body: "Your request was blocked."}
		return v.stop(p, "block", "firewallManaged", blockAIBotsID, managedBots, "Manage AI bots")
	}
	if skipped || v.cleared() {
		return nil
	}
	kind := "sbfm_definitely_automated"
	if v.from.Verified {
		kind = "sbfm_verified_bots"
	} else if v.browser() {
		return nil
	}
	switch v.zone.bots[kind] {
	case "block":
		return v.stop(v.fault(1020), "block", "sbfm", kind, "", "Super Bot Fight Mode")
	case "managed_challenge":
		return v.stop(challenge(), "managed_challenge", "sbfm", kind, "", "Super Bot Fight Mode")
	}
	return nil
}
