package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
)

// defaultBots are what a zone of the plan starts with: AI bots are blocked since July 2025 where the operator did not choose otherwise.
func defaultBots(plan string) map[string]any {
	m := map[string]any{
		"enable_js": false, "fight_mode": false, "using_latest_model": true, "ai_bots_protection": "disabled", "crawler_protection": "disabled",
		"content_bots_protection": "disabled", "is_robots_txt_managed": false, "cf_robots_variant": "off",
	}
	if plan != "free" {
		delete(m, "fight_mode")
		m["sbfm_definitely_automated"], m["sbfm_verified_bots"] = "allow", "allow"
		m["sbfm_static_resource_protection"], m["optimize_wordpress"] = false, false
	}
	if plan == "business" || plan == "enterprise" {
		m["sbfm_likely_automated"] = "allow"
	}
	return m
}

// botValues are what the fields take that are words.
var botValues = map[string][]string{
	"ai_bots_protection":        {"block", "disabled", "only_on_ad_pages"},
	"crawler_protection":        {"enabled", "disabled"},
	"content_bots_protection":   {"block", "disabled"},
	"cf_robots_variant":         {"off", "policy_only"},
	"sbfm_definitely_automated": {"allow", "block", "managed_challenge"},
	"sbfm_likely_automated":     {"allow", "block", "managed_challenge"},
	"sbfm_verified_bots":        {"allow", "block"},
}

func getBots(c *call) answer { return found(copied(c.zone.bots)) }

// putBots changes the fields that are sent and leaves the others; one that the plan does not have is refused.
func putBots(c *call) answer {
	for name, value := range c.object() {
		old, known := c.zone.bots[name]
		word, isWord := value.(string)
		_, wasWord := old.(string)
		switch {
		case !known && (strings.HasPrefix(name, "sbfm_") || name == "fight_mode" || name == "optimize_wordpress"):
			return refused(http.StatusForbidden, 10000, "your plan does not allow you to set %s", name)
		case !known:
			continue
		case isWord != wasWord, isWord && !slices.Contains(botValues[name], word):
			return refused(http.StatusBadRequest, 10001, "invalid value for %s", name)
		}
		c.zone.bots[name] = value
	}
	return found(copied(c.zone.bots))
}
