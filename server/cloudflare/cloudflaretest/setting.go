package cloudflaretest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// defaultSettings are those of a new zone on the free plan.
func defaultSettings() map[string]any {
	return map[string]any{
		"always_use_https": "off", "automatic_https_rewrites": "on", "browser_check": "on", "security_level": "medium", "rocket_loader": "off",
		"email_obfuscation": "on", "websockets": "on", "min_tls_version": "1.0", "ssl": "full", "cache_level": "aggressive", "http2": "on",
		"http3": "on", "ipv6": "on", "tls_1_3": "on", "challenge_ttl": float64(1800), "browser_cache_ttl": float64(14400), "development_mode": "off",
		"server_side_exclude": "on", "hotlink_protection": "off", "opportunistic_encryption": "on", "brotli": "on", "waf": "off",
	}
}

// values are what settings take that are not only on or off.
var values = map[string][]string{
	"security_level":  {"off", "essentially_off", "low", "medium", "high", "under_attack"},
	"min_tls_version": {"1.0", "1.1", "1.2", "1.3"},
	"ssl":             {"off", "flexible", "full", "strict"},
	"cache_level":     {"aggressive", "basic", "simplified"},
	"rocket_loader":   {"on", "off"},
}

func (c *call) setting(id string) map[string]any {
	var on any
	if t, ok := c.zone.edited[id]; ok {
		on = at6(t)
	}
	return map[string]any{"id": id, "value": c.zone.settings[id], "editable": true, "modified_on": on}
}

func listSettings(c *call) answer {
	l := []map[string]any{}
	for id := range c.zone.settings {
		l = append(l, c.setting(id))
	}
	slices.SortFunc(l, func(a, b map[string]any) int { return strings.Compare(text(a, "id"), text(b, "id")) })
	return found(l)
}

func getSetting(c *call) answer {
	if _, ok := c.zone.settings[c.at["setting"]]; !ok {
		return refused(http.StatusBadRequest, 1006, "Unrecognized zone setting name")
	}
	return found(c.setting(c.at["setting"]))
}

func editSetting(c *call) answer {
	id, b := c.at["setting"], c.object()
	old, ok := c.zone.settings[id]
	value, given := b["value"]
	allowed := []string{"on", "off"}
	if v, ok := values[id]; ok {
		allowed = v
	}
	s, isText := value.(string)
	_, wasText := old.(string)
	switch {
	case !ok:
		return refused(http.StatusBadRequest, 1006, "Unrecognized zone setting name")
	case !given, isText != wasText, isText && !slices.Contains(allowed, s):
		return refused(http.StatusBadRequest, 1007, "Invalid value for zone setting %s", id)
	}
	c.zone.settings[id], c.zone.edited[id] = value, c.now.Truncate(time.Microsecond)
	return found(c.setting(id))
}
